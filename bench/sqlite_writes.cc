// What changes in SQLite: the statements of the load and of the writing workloads.

#include "bench/sqlite_database.h"

namespace callisto::bench::sqlite {

namespace {

std::string joined(const std::vector<std::string>& tags) {
  std::string text;
  for (const std::string& tag : tags) text += (text.empty() ? "" : ",") + tag;
  return text;
}

std::int64_t micros(const std::optional<Time>& time) { return time ? time->micros() : 0; }

/// The row number of an id; 0 for nil.
std::int64_t user_row(SqliteDatabase& database, const UserId& user) {
  if (!user) return 0;
  auto run = database.run("SELECT n FROM users WHERE id=?");
  if (!run.id(user.view()).step()) fail("sqlite: no such user");
  return run.number_at(0);
}

void bind_user(SqliteRun& run, std::int64_t row) {
  if (row == 0) {
    run.none();
  } else {
    run.number(row);
  }
}

void insert_identity(SqliteDatabase& database, std::int64_t user, std::string_view platform,
                     std::string_view platform_id, std::string_view username, Time created) {
  database
      .run(
          "INSERT INTO platform_identifiers(platform,platform_id,username,user,created_at) "
          "VALUES(?,?,?,?,?)")
      .text(platform)
      .text(platform_id)
      .text(username)
      .number(user)
      .number(created.micros())
      .run();
}

void insert_message(SqliteDatabase& database, const NewMessage& message, std::int64_t conversation,
                    std::int64_t sender, std::int64_t sequence) {
  auto run = database.run(
      "INSERT INTO messages(id,conversation,sequence,timestamp,sender,role,content,token_usage,"
      "importance) VALUES(?,?,?,?,?,?,?,?,0.5)");
  run.id(message.id.view()).number(conversation).number(sequence).number(micros(message.timestamp));
  bind_user(run, sender);
  run.text(message.role).text(message.content).number(message.token_usage.value_or(0)).run();
}

void insert_tags(SqliteDatabase& database, std::int64_t memory, std::int64_t created,
                 const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    database.run("INSERT INTO memory_tags(tag,created_at,memory) VALUES(?,?,?)")
        .text(tag)
        .number(created)
        .number(memory)
        .run();
  }
}

/// A value that is there already takes the newer time.
void insert_datum(SqliteDatabase& database, std::int64_t user, const NewDatum& datum,
                  bool is_single) {
  database
      .run(
          "INSERT INTO user_data(user,category,value,created_at,is_single) VALUES(?,?,?,?,?) "
          "ON CONFLICT DO UPDATE SET created_at=max(created_at,excluded.created_at)")
      .number(user)
      .text(datum.category)
      .text(datum.value)
      .number(micros(datum.created_at))
      .number(is_single ? 1 : 0)
      .run();
}

}  // namespace

void insert_user(SqliteDatabase& database, const UserItem& item) {
  const NewUser& user = item.user;
  database.run("INSERT INTO users(id,preferences,is_active,created_at,last_seen) VALUES(?,?,1,?,?)")
      .id(user.id.view())
      .text(user.preferences)
      .number(micros(user.created_at))
      .number(micros(user.created_at))
      .run();
  const std::int64_t row = database.last_row();
  insert_identity(database, row, user.platform, user.platform_id, user.username, *user.created_at);
  for (const NewIdentity& identity : item.more_identities) {
    insert_identity(database, row, identity.platform, identity.platform_id, identity.username,
                    *identity.created_at);
  }
  for (const NewDatum& datum : item.data) insert_datum(database, row, datum, false);
  for (const NewDatum& datum : item.single_data) insert_datum(database, row, datum, true);
}

void insert_conversation(SqliteDatabase& database, const ConversationItem& item) {
  const NewConversation& header = item.header;
  std::vector<std::int64_t> users;
  for (const UserId& user : header.participants) users.push_back(user_row(database, user));
  std::int64_t tokens = 0;
  std::int64_t last = 0;
  for (const NewMessage& message : item.messages) {
    tokens += message.token_usage.value_or(0);
    last = std::max(last, micros(message.timestamp));
  }
  database
      .run(
          "INSERT INTO conversations(id,title,owner,model,is_processed,created_at,updated_at,"
          "message_count,token_count,last_message_at) VALUES(?,?,?,?,?,?,?,?,?,?)")
      .id(header.id.view())
      .text(header.title)
      .number(users.front())
      .text(header.model)
      .number(header.is_processed ? 1 : 0)
      .number(micros(header.created_at))
      .number(micros(header.created_at))
      .number(static_cast<std::int64_t>(item.messages.size()))
      .number(tokens)
      .number(last)
      .run();
  const std::int64_t row = database.last_row();
  for (const std::int64_t user : users) {
    database.run("INSERT INTO participants(user,created_at,conversation) VALUES(?,?,?)")
        .number(user)
        .number(micros(header.created_at))
        .number(row)
        .run();
  }
  std::int64_t sequence = 0;
  for (const NewMessage& message : item.messages) {
    insert_message(database, message, row, message.sender ? users.front() : 0, ++sequence);
  }
}

void append_message(SqliteDatabase& database, const NewMessage& message) {
  std::int64_t conversation = 0;
  std::int64_t sequence = 0;
  {
    auto run = database.run("SELECT n,message_count FROM conversations WHERE id=?");
    if (!run.id(message.conversation.view()).step()) fail("sqlite: no such conversation");
    conversation = run.number_at(0);
    sequence = run.number_at(1) + 1;
  }
  insert_message(database, message, conversation, user_row(database, message.sender), sequence);
  // A later message makes the conversation due again.
  database
      .run(
          "UPDATE conversations SET message_count=message_count+1,token_count=token_count+?,"
          "last_message_at=max(last_message_at,?),is_processed=0 WHERE n=?")
      .number(message.token_usage.value_or(0))
      .number(micros(message.timestamp))
      .number(conversation)
      .run();
}

void mark_processed(SqliteDatabase& database, const ConversationId& conversation) {
  database.run("UPDATE conversations SET is_processed=1 WHERE id=?").id(conversation.view()).run();
}

void insert_memory(SqliteDatabase& database, const NewMemory& memory) {
  const std::int64_t user = user_row(database, memory.user);
  const std::string tags = joined(memory.tags);
  auto run = database.run(
      "INSERT INTO memories(id,category,key,type,value,tags,entity_type,entity_id,user,"
      "source_agent,priority,importance,expires_at,is_active,created_at,updated_at) "
      "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,1,?,?)");
  run.id(memory.id.view()).text(memory.category).text(memory.key).text(memory.type);
  run.text(memory.value).text(tags).text(memory.entity_type).text(memory.entity_id);
  bind_user(run, user);
  run.text(memory.source_agent).number(memory.priority).number(5);
  if (memory.expires_at) {
    run.number(memory.expires_at->micros());
  } else {
    run.none();
  }
  run.number(micros(memory.created_at)).number(micros(memory.created_at)).run();
  insert_tags(database, database.last_row(), micros(memory.created_at), memory.tags);
}

void update_memory(SqliteDatabase& database, const UpdateMemory& update, Time now) {
  std::int64_t row = 0;
  std::int64_t created = 0;
  std::string before;
  {
    auto run = database.run("SELECT n,created_at,tags FROM memories WHERE id=?");
    if (!run.id(update.id.view()).step()) fail("sqlite: no such memory");
    row = run.number_at(0);
    created = run.number_at(1);
    before = run.text_at(2);
  }
  const std::string after = joined(*update.patch.tags);
  database.run("UPDATE memories SET value=?,tags=?,updated_at=? WHERE n=?")
      .text(update.patch.value.value())
      .text(after)
      .number(now.micros())
      .number(row)
      .run();
  for (std::size_t at = 0; at < before.size();) {
    const std::size_t end = std::min(before.find(',', at), before.size());
    database.run("DELETE FROM memory_tags WHERE tag=? AND created_at=? AND memory=?")
        .text(std::string_view(before).substr(at, end - at))
        .number(created)
        .number(row)
        .run();
    at = end + 1;
  }
  insert_tags(database, row, created, *update.patch.tags);
}

void append_datum(SqliteDatabase& database, const UserId& user, const NewDatum& datum) {
  insert_datum(database, user_row(database, user), datum, false);
}

void replace_datum(SqliteDatabase& database, const UserId& user, const NewDatum& datum) {
  const std::int64_t row = user_row(database, user);
  // A late arrival changes nothing.
  database
      .run(
          "UPDATE user_data SET value=?3,created_at=?4 WHERE user=?1 AND category=?2 "
          "AND created_at<=?4")
      .number(row)
      .text(datum.category)
      .text(datum.value)
      .number(micros(datum.created_at))
      .run();
  if (database.changes() != 1) fail("sqlite: no single value to replace");
}

void merge_users(SqliteDatabase& database, const UserId& primary, const UserId& secondary) {
  const std::int64_t to = user_row(database, primary);
  const std::int64_t from = user_row(database, secondary);
  const auto move = [&](const char* sql) { database.run(sql).number(to).number(from).run(); };
  move("UPDATE platform_identifiers SET user=? WHERE user=?");
  // Of a single category the newer value stays.
  const char* const drop_older =
      "DELETE FROM user_data WHERE user=?1 AND is_single=1 AND created_at<(SELECT d.created_at "
      "FROM user_data d WHERE d.user=?2 AND d.category=user_data.category AND d.is_single=1)";
  database.run(drop_older).number(to).number(from).run();
  database.run(drop_older).number(from).number(to).run();
  move("UPDATE OR IGNORE user_data SET user=? WHERE user=?");
  move("UPDATE OR IGNORE participants SET user=? WHERE user=?");
  move("UPDATE conversations SET owner=? WHERE owner=?");
  move("UPDATE messages SET sender=? WHERE sender=?");
  move("UPDATE memories SET user=? WHERE user=?");
  move(
      "UPDATE users SET last_seen=max(last_seen,(SELECT last_seen FROM users WHERE n=?2)) "
      "WHERE n=?1");
  // What both had goes with the user (ON DELETE CASCADE).
  database.run("DELETE FROM users WHERE n=?").number(from).run();
}

}  // namespace callisto::bench::sqlite
