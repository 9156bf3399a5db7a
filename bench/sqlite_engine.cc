#include "bench/sqlite_engine.h"

#include <mutex>

#include "bench/sqlite_database.h"
#include "bench/sqlite_schema.h"

namespace callisto::bench {

namespace {

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
  Digest operator()(const ValuesOfUser& ask) const;

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
  Digest operator()(const AppendDatum& append) const {
    return write([&] { sqlite::append_datum(database_, append.user, append.datum); });
  }
  Digest operator()(const ReplaceDatum& replace) const {
    return write([&] { sqlite::replace_datum(database_, replace.user, replace.datum); });
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

Digest Runner::operator()(const ValuesOfUser& ask) const {
  auto run = database_.run(
      "SELECT value,created_at FROM user_data "
      "WHERE user=(SELECT n FROM users WHERE id=?) AND category=?");
  run.id(ask.user.view()).text(ask.category);
  Digest sum = 1;
  while (run.step()) sum += digest_of(DatumFace{run.text_at(0), run.number_at(1)});
  return sum;
}

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

void settle(SqliteDatabase& database) {
  database.execute("ANALYZE");
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace

/// Connections of one database: every thread reads by its own, and all write by one, in turn: with
/// one each they would wait for each other's locks by sleeping, and lose their caches.
struct SqliteEngine::Writer {
  Writer(const std::string& file, std::uint64_t memory_bytes) : database(file, memory_bytes) {}
  SqliteDatabase database;
  std::mutex mutex;
};

SqliteEngine::SqliteEngine(const std::string& file, std::uint64_t memory_bytes)
    : file_(file),
      memory_bytes_(memory_bytes),
      writer_(std::make_shared<Writer>(file, memory_bytes)) {}

SqliteEngine::SqliteEngine(const SqliteEngine& first)
    : file_(first.file_),
      memory_bytes_(first.memory_bytes_),
      writer_(first.writer_),
      reader_(std::make_unique<SqliteDatabase>(file_, memory_bytes_ / 2)) {}

SqliteEngine::~SqliteEngine() = default;

std::unique_ptr<Engine> SqliteEngine::another() {
  return std::unique_ptr<Engine>(new SqliteEngine(*this));
}

Digest SqliteEngine::run(const Operation& operation) {
  if (reader_ != nullptr && !is_write(operation)) return std::visit(Runner(*reader_), operation);
  const std::lock_guard lock(writer_->mutex);
  return std::visit(Runner(writer_->database), operation);
}

void SqliteEngine::set_durable(bool durable) {
  writer_->database.execute(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

std::string SqliteEngine::version() { return sqlite3_libversion(); }

LoadTimes SqliteEngine::load(const std::string& file, const Data& data,
                             std::uint64_t memory_bytes) {
  LoadWatch watch(data);
  SqliteDatabase database(file, memory_bytes);
  database.execute("PRAGMA synchronous=OFF");
  database.execute(sqlite::kTables);
  const Counts& counts = data.counts();
  SqliteTransaction transaction(database);
  for (std::size_t n = 0; n < counts.users; ++n) sqlite::insert_user(database, watch.user(n));
  for (std::size_t n = 0; n < counts.conversations; ++n) {
    sqlite::insert_conversation(database, watch.conversation(n));
  }
  for (std::size_t n = 0; n < counts.memories; ++n) {
    sqlite::insert_memory(database, watch.memory(n));
  }
  transaction.commit();
  database.execute(sqlite::kIndexesOfRows);
  watch.loaded();
  settle(database);
  return watch.settled();
}

LoadTimes SqliteEngine::add_other_indexes(const std::string& file, const Data& data,
                                          std::uint64_t memory_bytes) {
  LoadWatch watch(data);
  SqliteDatabase database(file, memory_bytes);
  database.execute("PRAGMA synchronous=OFF");
  database.execute(sqlite::kOtherIndexes);
  watch.loaded();
  settle(database);
  return watch.settled();
}

}  // namespace callisto::bench
