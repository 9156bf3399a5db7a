#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace callisto::kv {

/// What RocksDB is to read of a damaged store in place of some of its files; with nothing in it,
/// the files as they are.
struct FilePatch {
  std::string current{};   ///< The manifest that CURRENT names; empty: as it stands there.
  std::string manifest{};  ///< The file that is read for it.
  std::uint64_t manifest_bytes = 0;  ///< So much of it,
  std::string manifest_tail{};       ///< and this behind it.
  bool mends_logs = false;           ///< Logs: without their damaged records.
  /// Table files, by name, that have bytes behind their end: so many belong to each.
  std::map<std::string, std::uint64_t> table_bytes{};
};

/// Up to `most` bytes of the file, which may be null, and the tail behind them.
std::unique_ptr<rocksdb::FSSequentialFile> joined_file(
    std::unique_ptr<rocksdb::FSSequentialFile> file, std::uint64_t most, std::string tail);

/// The records of a log that are whole.
std::unique_ptr<rocksdb::FSSequentialFile> mended_log(
    std::unique_ptr<rocksdb::FSSequentialFile> file);

}  // namespace callisto::kv
