#pragma once

// LMDB, as little as the bench needs of it: one database for each of Callisto's families.

#include <lmdb.h>

#include <array>
#include <string>
#include <string_view>

#include "bench/failure.h"
#include "engine/kv.h"

namespace callisto::bench {

inline void require_lmdb(int status, const char* what) {
  if (status != MDB_SUCCESS) fail(std::string("lmdb: ") + what + ": " + mdb_strerror(status));
}
inline MDB_val lmdb_value(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline std::string_view view_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

class LmdbDatabase {
 public:
  /// The file is made when it is absent. Commits don't wait for the disk until set_durable().
  explicit LmdbDatabase(const std::string& file);
  ~LmdbDatabase();
  LmdbDatabase(const LmdbDatabase&) = delete;
  LmdbDatabase& operator=(const LmdbDatabase&) = delete;

  MDB_env* env() const noexcept { return env_; }
  MDB_dbi handle(kv::Family family) const noexcept {
    return handles_[static_cast<std::size_t>(family)];
  }
  void set_durable(bool durable);
  /// Writes everything to the disk.
  void sync();

 private:
  MDB_env* env_ = nullptr;
  std::array<MDB_dbi, kv::kFamilyCount> handles_{};
};

/// A writing transaction, undone unless it is committed.
class LmdbTransaction {
 public:
  explicit LmdbTransaction(const LmdbDatabase& database) {
    require_lmdb(mdb_txn_begin(database.env(), nullptr, 0, &txn_), "begin");
  }
  LmdbTransaction(const LmdbTransaction&) = delete;
  LmdbTransaction& operator=(const LmdbTransaction&) = delete;
  ~LmdbTransaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  MDB_txn* get() const noexcept { return txn_; }
  void commit() { require_lmdb(mdb_txn_commit(std::exchange(txn_, nullptr)), "commit"); }

 private:
  MDB_txn* txn_ = nullptr;
};

}  // namespace callisto::bench
