#include "bench/sqlite_database.h"

namespace callisto::bench {

SqliteDatabase::SqliteDatabase(const std::string& file, std::uint64_t memory_bytes) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(file.c_str(), &db_, flags, nullptr) != SQLITE_OK)
    fail("sqlite: open " + file);
  sqlite3_busy_timeout(db_, 10'000);
  execute("PRAGMA journal_mode=WAL");
  execute("PRAGMA synchronous=NORMAL");
  execute("PRAGMA foreign_keys=ON");
  execute("PRAGMA secure_delete=OFF");
  execute("PRAGMA temp_store=MEMORY");
  execute("PRAGMA mmap_size=1073741824");
  execute(("PRAGMA cache_size=-" + std::to_string(memory_bytes / 1024)).c_str());
}

SqliteDatabase::~SqliteDatabase() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

SqliteRun SqliteDatabase::run(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr && sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                                 &statement, nullptr) != SQLITE_OK) {
    fail(std::string("sqlite: ") + sqlite3_errmsg(db_) + " in " + sql);
  }
  return SqliteRun(db_, statement);
}

void SqliteDatabase::execute(const char* sql) {
  char* message = nullptr;
  if (sqlite3_exec(db_, sql, nullptr, nullptr, &message) != SQLITE_OK) {
    const std::string text = message == nullptr ? "?" : message;
    sqlite3_free(message);
    fail("sqlite: " + text + " in " + sql);
  }
}

}  // namespace callisto::bench
