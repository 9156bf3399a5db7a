#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "callisto/result.h"
#include "engine/rocksdb/file_patch.h"
#include "engine/rocksdb/options.h"

namespace callisto {
class Environment;
}

namespace callisto::kv {

/// A table file that the manifest names.
struct TableFile {
  std::string name{};  ///< "000012.sst".
  std::string family{};
  std::uint32_t family_id = 0;  ///< RocksDB's.
  std::uint64_t number = 0;
  int level = 0;
  std::uint64_t largest_sequence = 0;
  std::string smallest_key{};
  std::string largest_key{};
  /// Why it cannot be used ("is missing"); nullopt where it opens. Its blocks are not looked at.
  std::optional<std::string> damage{};
  /// So many bytes are its own.
  std::uint64_t bytes = 0;
  /// Behind them. It opens without them, which RocksDB does not try.
  std::uint64_t surplus_bytes = 0;
};

/// Whether the database in `path` opens with every table file that its manifest names: RocksDB's
/// own error where not. Nothing is changed; the logs are not looked at. Costs reading index and
/// filter of every table file.
Result<void> check_tables(const std::string& path, const FilePatch& patch, const MemoryPlan& plan,
                          Environment& environment);

/// The numbers of the table files that the manifest names, sorted; nothing is tried. Costs reading
/// the manifest.
Result<std::vector<std::uint64_t>> table_numbers(const std::string& path, const MemoryPlan& plan,
                                                 Environment& environment);
/// Of those that an open database has.
std::vector<std::uint64_t> table_numbers(rocksdb::DB& db);

/// The table files, each tried. An error where the manifest cannot be read, or where a file cannot
/// be opened for a reason that is not the file's (too many open files, permissions).
Result<std::vector<TableFile>> list_tables(const std::string& path, const FilePatch& patch,
                                           const MemoryPlan& plan, Environment& environment);

}  // namespace callisto::kv
