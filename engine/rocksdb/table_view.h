#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/rocksdb/open_table.h"

namespace callisto::kv {

/// The table files of one family as they were at one moment. What they hold stays readable, and
/// right for that moment, whatever RocksDB does with the files afterwards.
class TableView {
 public:
  using Tables = std::vector<std::shared_ptr<OpenTable>>;

  /// Level 0, whose files may overlap; then levels of which each holds what is newer than all below
  /// it. False from is_sound() where files of a level are not in order.
  TableView(Tables level_0, std::vector<Tables> levels, std::size_t filter_prefix_bytes,
            std::uint64_t flushed_sequence);

  bool is_sound() const noexcept { return is_sound_; }
  const Tables& level_0() const noexcept { return level_0_; }
  const std::vector<Tables>& levels() const noexcept { return levels_; }
  std::size_t filter_prefix_bytes() const noexcept { return filter_prefix_bytes_; }
  /// No entry that was flushed since the store was opened has a higher one.
  std::uint64_t flushed_sequence() const noexcept { return flushed_sequence_; }

  /// Whether every file that may hold `key` is loaded, which it tries.
  bool can_find(std::string_view key) const;
  /// As OpenTable::find, in all files. What is deleted is absent. unknown also where a file that it
  /// comes to is not loaded.
  OpenTable::Answer find(std::string_view key, std::uint64_t max_sequence, BlockScratch& scratch,
                         std::string_view& value) const;
  /// The file of a level that may hold `key`, or the first behind it.
  static std::size_t place_in(const Tables& level, std::string_view key);
  static bool covers(const OpenTable& table, std::string_view key) {
    return table.facts().smallest_key <= key && key <= table.facts().largest_key;
  }

 private:
  OpenTable* table_of(const Tables& level, std::string_view key) const;

  const Tables level_0_;
  const std::vector<Tables> levels_;
  const std::size_t filter_prefix_bytes_;
  const std::uint64_t flushed_sequence_;
  bool is_sound_ = true;
};

}  // namespace callisto::kv
