#include "bench/sqlite_engine.h"

#include "bench/sqlite_database.h"

namespace callisto::bench {

namespace {

constexpr const char* kTables = R"(
CREATE TABLE users(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, preferences TEXT,
  is_active INTEGER NOT NULL, created_at INTEGER NOT NULL, last_seen INTEGER NOT NULL);
CREATE TABLE platform_identifiers(platform TEXT NOT NULL, platform_id TEXT NOT NULL, username TEXT,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, created_at INTEGER NOT NULL,
  PRIMARY KEY(platform, platform_id)) WITHOUT ROWID;
CREATE TABLE user_data(user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  category TEXT NOT NULL, value TEXT NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY(user, category, value)) WITHOUT ROWID;
CREATE TABLE conversations(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, title TEXT,
  owner INTEGER REFERENCES users ON DELETE SET NULL, model TEXT, is_processed INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, message_count INTEGER NOT NULL,
  token_count INTEGER NOT NULL, last_message_at INTEGER NOT NULL);
CREATE TABLE participants(user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
  PRIMARY KEY(user, created_at, conversation)) WITHOUT ROWID;
CREATE TABLE messages(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,
  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
  sequence INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  sender INTEGER REFERENCES users ON DELETE SET NULL, role TEXT NOT NULL, content TEXT NOT NULL,
  token_usage INTEGER, importance REAL NOT NULL);
CREATE TABLE memories(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, category TEXT, key TEXT,
  type TEXT, value TEXT, tags TEXT, entity_type TEXT, entity_id TEXT,
  user INTEGER REFERENCES users ON DELETE CASCADE, source_agent TEXT, priority INTEGER NOT NULL,
  importance REAL NOT NULL, expires_at INTEGER, is_active INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE memory_tags(tag TEXT NOT NULL, created_at INTEGER NOT NULL,
  memory INTEGER NOT NULL REFERENCES memories ON DELETE CASCADE,
  PRIMARY KEY(tag, created_at, memory)) WITHOUT ROWID;
)";

/// Those that the workloads ask by, and those that foreign keys need for a removal.
constexpr const char* kIndexes = R"(
CREATE INDEX identities_of_user ON platform_identifiers(user);
CREATE INDEX conversations_of_owner ON conversations(owner);
CREATE INDEX conversations_due ON conversations(created_at) WHERE is_processed=0;
CREATE INDEX participants_of_conversation ON participants(conversation, user);
CREATE INDEX messages_in_order ON messages(conversation, timestamp, sequence);
CREATE INDEX messages_of_sender ON messages(sender) WHERE sender IS NOT NULL;
CREATE INDEX memories_by_name ON memories(category, key, user);
CREATE INDEX memories_by_entity ON memories(entity_type, entity_id, created_at);
CREATE INDEX memories_by_created ON memories(created_at);
CREATE INDEX memories_of_user ON memories(user) WHERE user IS NOT NULL;
CREATE INDEX tags_of_memory ON memory_tags(memory);
)";

#define MEMORY_COLUMNS "m.id,m.category,m.key,m.entity_id,m.created_at,m.priority,m.value,m.tags"
#define MEMORY_LIVES "m.is_active=1 AND (m.expires_at IS NULL OR m.expires_at>?)"
#define CONVERSATION_COLUMNS "c.id,c.title,c.message_count,c.last_message_at,c.is_processed"
#define MESSAGE_COLUMNS "m.id,u.id,m.role,m.content,m.timestamp"

Digest fold_memory(Digest sum, const SqliteRun& row) {
  return fold(sum, MemoryFace{.id = row.id_at(0),
                              .category = row.text_at(1),
                              .key = row.text_at(2),
                              .entity_id = row.text_at(3),
                              .created_at = row.number_at(4),
                              .priority = static_cast<std::uint64_t>(row.number_at(5))});
}

Digest fold_memories(SqliteRun& run) {
  Digest sum = 1;
  while (run.step()) sum = fold_memory(sum, run);
  return sum;
}

Digest fold_conversation(Digest sum, const SqliteRun& row) {
  return fold(sum, ConversationFace{.id = row.id_at(0),
                                    .title = row.text_at(1),
                                    .message_count = static_cast<std::uint64_t>(row.number_at(2)),
                                    .last_message_at = row.number_at(3),
                                    .is_processed = row.number_at(4) != 0});
}

Digest fold_messages(Digest sum, SqliteRun& run) {
  while (run.step()) {
    sum = fold(sum, MessageFace{.id = run.id_at(0),
                                .sender = run.id_at(1),
                                .role = run.text_at(2),
                                .content = run.text_at(3),
                                .timestamp = run.number_at(4)});
  }
  return sum;
}

/// One overload for each operation.
class Runner {
 public:
  explicit Runner(SqliteDatabase& database) : database_(database) {}

  Digest operator()(const FindUser& find) const {
    auto run = database_.run(
        "SELECT u.id,u.last_seen,u.is_active,u.preferences FROM platform_identifiers p "
        "JOIN users u ON u.n=p.user WHERE p.platform=? AND p.platform_id=?");
    if (!run.text(find.platform).text(find.platform_id).step()) return 1;
    return fold(1, UserFace{.id = run.id_at(0),
                            .last_seen = run.number_at(1),
                            .is_active = run.number_at(2) != 0});
  }
  Digest operator()(const GetMemory& get) const {
    auto run = database_.run("SELECT " MEMORY_COLUMNS " FROM memories m WHERE m.id=?");
    return fold_memories(run.id(get.id.view()));
  }
  Digest operator()(const GetMemoryByName& get) const {
    const auto now = Environment::system().now().micros();
    if (!get.user) {
      auto run = database_.run("SELECT " MEMORY_COLUMNS
                               " FROM memories m WHERE m.category=? AND m.key=? "
                               "AND m.user IS NULL AND " MEMORY_LIVES
                               " ORDER BY m.created_at DESC LIMIT 1");
      return fold_memories(run.text(get.category).text(get.key).number(now));
    }
    auto run = database_.run("SELECT " MEMORY_COLUMNS
                             " FROM memories m WHERE m.category=? AND m.key=? "
                             "AND m.user=(SELECT n FROM users WHERE id=?) AND " MEMORY_LIVES
                             " ORDER BY m.created_at DESC LIMIT 1");
    return fold_memories(run.text(get.category).text(get.key).id(get.user.view()).number(now));
  }
  Digest operator()(const LatestMessages& latest) const {
    auto run = database_.run("SELECT " MESSAGE_COLUMNS
                             " FROM messages m LEFT JOIN users u ON u.n=m.sender "
                             "WHERE m.conversation=(SELECT n FROM conversations WHERE id=?) "
                             "ORDER BY m.timestamp DESC, m.sequence DESC LIMIT ?");
    return fold_messages(1, run.id(latest.conversation.view()).number(latest.limit));
  }
  Digest operator()(const GetWhole& get) const;
  Digest operator()(const ConversationsOfUser& of) const {
    auto run = database_.run(of.only_unprocessed ? kUnprocessedOfUser : kOfUser);
    return fold_list(run.id(of.user.view()).number(of.limit));
  }
  Digest operator()(const UnprocessedConversations& ask) const {
    auto run = database_.run("SELECT " CONVERSATION_COLUMNS
                             " FROM conversations c WHERE c.is_processed=0 "
                             "ORDER BY c.created_at LIMIT ?");
    return fold_list(run.number(ask.limit));
  }
  Digest operator()(const FindMemories& find) const;

  Digest operator()(const MarkProcessed& mark) const {
    return write([&] { sqlite::mark_processed(database_, mark.conversation); });
  }
  Digest operator()(const AppendMessage& append) const {
    return write([&] { sqlite::append_message(database_, append.message); });
  }
  Digest operator()(const StoreConversation& store) const {
    return write([&] { sqlite::insert_conversation(database_, store.item); });
  }
  Digest operator()(const CreateMemory& create) const {
    return write([&] { sqlite::insert_memory(database_, create.memory); });
  }
  Digest operator()(const UpdateMemory& update) const {
    return write([&] { sqlite::update_memory(database_, update, Environment::system().now()); });
  }
  Digest operator()(const MergeUsers& merge) const {
    return write([&] { sqlite::merge_users(database_, merge.primary, merge.secondary); });
  }

 private:
  static constexpr const char* kOfUser =
      "SELECT " CONVERSATION_COLUMNS
      " FROM participants p JOIN conversations c ON c.n=p.conversation "
      "WHERE p.user=(SELECT n FROM users WHERE id=?) ORDER BY p.created_at DESC LIMIT ?";
  static constexpr const char* kUnprocessedOfUser =
      "SELECT " CONVERSATION_COLUMNS
      " FROM participants p JOIN conversations c ON c.n=p.conversation "
      "WHERE p.user=(SELECT n FROM users WHERE id=?) AND c.is_processed=0 "
      "ORDER BY p.created_at DESC LIMIT ?";

  static Digest fold_list(SqliteRun& run) {
    Digest sum = 1;
    while (run.step()) sum = fold_conversation(sum, run);
    return sum;
  }

  template <class F>
  Digest write(F&& function) const {
    SqliteTransaction transaction(database_);
    function();
    transaction.commit();
    return 1;
  }

  SqliteDatabase& database_;
};

Digest Runner::operator()(const GetWhole& get) const {
  SqliteTransaction transaction(database_, "BEGIN");
  Digest sum = 1;
  {
    auto header =
        database_.run("SELECT " CONVERSATION_COLUMNS ",c.n FROM conversations c WHERE c.id=?");
    if (!header.id(get.conversation.view()).step()) return 1;
    sum = fold_conversation(sum, header);
    const std::int64_t row = header.number_at(5);
    auto participants = database_.run(
        "SELECT u.id FROM participants p JOIN users u ON u.n=p.user WHERE p.conversation=?");
    participants.number(row);
    // Who takes part has no order here.
    Digest users = 0;
    while (participants.step()) users += fold_id(1, participants.id_at(0));
    auto messages = database_.run("SELECT " MESSAGE_COLUMNS
                                  " FROM messages m LEFT JOIN users u ON u.n=m.sender "
                                  "WHERE m.conversation=? ORDER BY m.timestamp, m.sequence");
    sum = fold_messages(fold(sum, users), messages.number(row));
  }
  transaction.commit();
  return sum;
}

Digest Runner::operator()(const FindMemories& find) const {
  const MemoryQuery& query = find.query;
  const auto now = Environment::system().now().micros();
  if (query.entity_id) {
    auto run =
        database_.run("SELECT " MEMORY_COLUMNS
                      " FROM memories m WHERE m.entity_type=? AND m.entity_id=? AND " MEMORY_LIVES
                      " ORDER BY m.created_at DESC LIMIT ?");
    return fold_memories(
        run.text(*query.entity_type).text(*query.entity_id).number(now).number(query.limit));
  }
  if (query.created.from) {
    auto run =
        database_.run("SELECT " MEMORY_COLUMNS
                      " FROM memories m WHERE m.created_at>=? AND m.created_at<? AND " MEMORY_LIVES
                      " ORDER BY m.created_at DESC LIMIT ?");
    run.number(query.created.from->micros()).number(query.created.to->micros());
    return fold_memories(run.number(now).number(query.limit));
  }
  if (query.tags_any.size() == 2) {
    auto run = database_.run(
        "SELECT " MEMORY_COLUMNS
        " FROM (SELECT * FROM (SELECT t.created_at,t.memory FROM memory_tags t CROSS JOIN memories "
        "m "
        "ON m.n=t.memory WHERE t.tag=?1 AND m.is_active=1 AND "
        "(m.expires_at IS NULL OR m.expires_at>?3) ORDER BY t.created_at DESC LIMIT ?4) "
        "UNION SELECT * FROM (SELECT t.created_at,t.memory FROM memory_tags t CROSS JOIN memories "
        "m "
        "ON m.n=t.memory WHERE t.tag=?2 AND m.is_active=1 AND "
        "(m.expires_at IS NULL OR m.expires_at>?3) ORDER BY t.created_at DESC LIMIT ?4)) t "
        "CROSS JOIN memories m ON m.n=t.memory ORDER BY t.created_at DESC LIMIT ?4");
    run.text(query.tags_any[0]).text(query.tags_any[1]).number(now).number(query.limit);
    return fold_memories(run);
  }
  if (query.tags_all.size() == 2) {
    auto run = database_.run(
        "SELECT " MEMORY_COLUMNS
        " FROM memory_tags t CROSS JOIN memory_tags s ON s.tag=?2 AND s.created_at=t.created_at "
        "AND s.memory=t.memory CROSS JOIN memories m ON m.n=t.memory WHERE t.tag=?1 "
        "AND m.is_active=1 AND (m.expires_at IS NULL OR m.expires_at>?3) "
        "ORDER BY t.created_at DESC LIMIT ?4");
    run.text(query.tags_all[0]).text(query.tags_all[1]).number(now).number(query.limit);
    return fold_memories(run);
  }
  auto run = database_.run("SELECT " MEMORY_COLUMNS
                           " FROM memory_tags t JOIN memories m ON m.n=t.memory WHERE t.tag=? "
                           "AND " MEMORY_LIVES " ORDER BY t.created_at DESC LIMIT ?");
  return fold_memories(run.text(query.tags_all.front()).number(now).number(query.limit));
}

}  // namespace

SqliteEngine::SqliteEngine(const std::string& file, std::uint64_t memory_bytes)
    : database_(std::make_unique<SqliteDatabase>(file, memory_bytes)) {}
SqliteEngine::~SqliteEngine() = default;

Digest SqliteEngine::run(const Operation& operation) {
  return std::visit(Runner(*database_), operation);
}

std::string SqliteEngine::version() { return sqlite3_libversion(); }

void SqliteEngine::load(const std::string& file, const Data& data, std::uint64_t memory_bytes) {
  SqliteDatabase database(file, memory_bytes);
  database.execute("PRAGMA synchronous=OFF");
  database.execute(kTables);
  const Counts& counts = data.counts();
  SqliteTransaction transaction(database);
  for (std::size_t n = 0; n < counts.users; ++n) sqlite::insert_user(database, data.user(n));
  for (std::size_t n = 0; n < counts.conversations; ++n) {
    sqlite::insert_conversation(database, data.conversation(n));
  }
  for (std::size_t n = 0; n < counts.memories; ++n) sqlite::insert_memory(database, data.memory(n));
  transaction.commit();
  database.execute(kIndexes);
  database.execute("ANALYZE");
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace callisto::bench
