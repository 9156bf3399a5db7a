#pragma once

// A connection and its prepared statements, as little as the bench needs of them.

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bench/engine.h"
#include "bench/failure.h"

namespace callisto::bench {

/// One run of a prepared statement: bind in order, step, read; resets it at its end.
class SqliteRun {
 public:
  explicit SqliteRun(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  SqliteRun(const SqliteRun&) = delete;
  SqliteRun& operator=(const SqliteRun&) = delete;
  ~SqliteRun() { sqlite3_reset(statement_); }

  /// Texts and blobs must live until the run ends.
  SqliteRun& text(std::string_view value) {
    return check(sqlite3_bind_text(statement_, ++bound_, value.data(),
                                   static_cast<int>(value.size()), SQLITE_STATIC));
  }
  SqliteRun& id(std::string_view value) {
    return check(sqlite3_bind_blob(statement_, ++bound_, value.data(),
                                   static_cast<int>(value.size()), SQLITE_STATIC));
  }
  SqliteRun& number(std::int64_t value) {
    return check(sqlite3_bind_int64(statement_, ++bound_, value));
  }
  SqliteRun& none() { return check(sqlite3_bind_null(statement_, ++bound_)); }

  /// True while there is a row.
  bool step() {
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_ROW) return true;
    if (status != SQLITE_DONE) fail(std::string("sqlite: ") + sqlite3_errmsg(db_));
    return false;
  }
  void run() {
    while (step()) {
    }
  }

  std::string_view text_at(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {data == nullptr ? "" : data, size(column)};
  }
  std::string_view id_at(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return data == nullptr ? std::string_view() : std::string_view(data, size(column));
  }
  std::int64_t number_at(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  std::size_t size(int column) const {
    return static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  }
  SqliteRun& check(int status) {
    if (status != SQLITE_OK) fail(std::string("sqlite: ") + sqlite3_errmsg(db_));
    return *this;
  }

  sqlite3* db_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class SqliteDatabase {
 public:
  SqliteDatabase(const std::string& file, std::uint64_t memory_bytes);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// `sql` is a literal: its address is what the statement is cached by.
  SqliteRun run(const char* sql);
  /// Several statements without results.
  void execute(const char* sql);
  /// Rows that the last statement changed.
  int changes() const { return sqlite3_changes(db_); }
  std::int64_t last_row() const { return sqlite3_last_insert_rowid(db_); }

 private:
  sqlite3* db_ = nullptr;
  std::map<const char*, sqlite3_stmt*> statements_;
};

/// A transaction that is rolled back unless it was committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteDatabase& database, const char* begin = "BEGIN IMMEDIATE")
      : database_(database) {
    database_.run(begin).run();
  }
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction() {
    if (!done_) database_.execute("ROLLBACK");
  }
  void commit() {
    database_.run("COMMIT").run();
    done_ = true;
  }

 private:
  SqliteDatabase& database_;
  bool done_ = false;
};

// The writes that loading and the workloads share (sqlite_writes.cc). Each is a part of a
// transaction of the caller's.
namespace sqlite {
void insert_user(SqliteDatabase& database, const UserItem& item);
void insert_conversation(SqliteDatabase& database, const ConversationItem& item);
void append_message(SqliteDatabase& database, const NewMessage& message);
void mark_processed(SqliteDatabase& database, const ConversationId& conversation);
void insert_memory(SqliteDatabase& database, const NewMemory& memory);
void update_memory(SqliteDatabase& database, const UpdateMemory& update, Time now);
void append_datum(SqliteDatabase& database, const UserId& user, const NewDatum& datum);
void replace_datum(SqliteDatabase& database, const UserId& user, const NewDatum& datum);
void merge_users(SqliteDatabase& database, const UserId& primary, const UserId& secondary);
}  // namespace sqlite

}  // namespace callisto::bench
