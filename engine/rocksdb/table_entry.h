#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/rocksdb/table_format.h"

namespace callisto::kv {

/// An entry of RocksDB's, of a table file or a memtable: its internal key, taken apart, with its
/// value.
struct TableEntry {
  std::string_view key{};
  std::string_view value{};
  std::uint64_t sequence = 0;
  bool is_deletion = false;
};

/// By the tag behind the caller's key: the sequence number, and the kind of the entry. nullopt
/// where it is neither a value nor a deletion.
std::optional<TableEntry> make_entry(std::string_view key, std::uint64_t tag,
                                     std::string_view value) noexcept;
std::optional<TableEntry> take_entry(const BlockEntries& entries) noexcept;

}  // namespace callisto::kv
