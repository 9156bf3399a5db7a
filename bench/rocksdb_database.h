#pragma once

// RocksDB itself, opened on files that Callisto wrote, with the options that its engine uses.

#include <rocksdb/db.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "bench/failure.h"
#include "engine/kv.h"

namespace callisto::bench {

inline void require(const rocksdb::Status& status, const char* what) {
  if (!status.ok()) fail(std::string("rocksdb: ") + what + ": " + status.ToString());
}

class RocksDatabase {
 public:
  /// `read`: also beside a writer. `make`: a new one.
  enum class Mode : std::uint8_t { read, write, make };
  /// `path`: RocksDB's directory inside a store.
  RocksDatabase(const std::string& path, std::uint64_t memory_bytes, Mode mode);
  ~RocksDatabase();
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  rocksdb::DB& db() const noexcept { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(kv::Family family) const noexcept {
    return handles_[static_cast<std::size_t>(family)];
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kv::kFamilyCount> handles_{};
};

}  // namespace callisto::bench
