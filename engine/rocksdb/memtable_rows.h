#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rocksdb/table_entry.h"

namespace callisto::kv {

class Node;
class SkipList;

/// What memtables hold of what is asked for: copies, since memtables go when they have become
/// files. Of each key and memtable, the newest entry that a sequence number shows. Single-threaded.
class MemtableRows {
 public:
  using Memtables = std::span<const SkipList* const>;

  void clear() noexcept;
  bool empty() const noexcept { return rows_.empty(); }
  std::size_t size() const noexcept { return rows_.size(); }

  // False where there is more than somebody who waits would want to have copied, or an entry that
  // is neither a value nor a deletion: RocksDB is to say then. What was taken is of no use.

  /// The newest of all entries of `key`, if there is one. `asked` says which key it is to who asks
  /// for several, in rising order.
  bool take_key(Memtables memtables, std::string_view key, std::uint64_t max_sequence,
                std::size_t asked);
  /// Of all keys in [lower, upper), in the order of keys, of one key the newest first.
  bool take_range(Memtables memtables, std::string_view lower, std::string_view upper,
                  std::uint64_t max_sequence);

  /// Its views are valid until the next change.
  TableEntry entry(std::size_t i) const noexcept;
  std::size_t asked(std::size_t i) const noexcept { return rows_[i].asked; }
  /// Gives back what one large answer took.
  void trim() noexcept;

 private:
  struct Row {
    std::size_t key_at;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;
    std::uint64_t tag;
    std::size_t asked;
  };

  bool add(Node& node, std::size_t asked);
  std::string_view key_of(const Row& row) const noexcept {
    return std::string_view(bytes_).substr(row.key_at, row.key_bytes);
  }

  std::string bytes_;
  std::vector<Row> rows_;
};

}  // namespace callisto::kv
