#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rocksdb/open_table.h"

namespace callisto::kv {

/// The entries of table files that lie one behind the other, in their order: by rising keys, of one
/// key the newest first, deletions too. Single-threaded; the files must outlive it.
class TableRun {
 public:
  /// Blocks from `lower` on are read `blocks_at_once` at first, more and more later, none behind
  /// those with keys below `upper`.
  TableRun(std::vector<OpenTable*> tables, std::string_view upper, std::size_t blocks_at_once);
  TableRun(TableRun&&) noexcept = default;

  /// To the first entry at or behind `key`, forward only. As next().
  bool seek(std::string_view key);
  /// False where a file cannot be read, or is damaged. valid() says whether there is an entry.
  bool next();
  bool valid() const noexcept { return is_valid_; }
  /// Its key is valid until next(), its value too.
  const TableEntry& entry() const noexcept { return entry_; }

 private:
  static constexpr std::size_t kMostBlocks = 16;
  /// Read at once; a block with a large value is read alone.
  static constexpr std::uint64_t kMostBytes = 64u << 10;

  bool open_block(std::size_t block);
  bool take();
  bool next_block();

  std::vector<OpenTable*> tables_;
  std::string upper_;
  std::size_t blocks_at_once_;
  std::size_t table_ = 0;
  std::size_t block_ = 0;
  std::size_t last_block_ = 0;  ///< Of this table that may hold keys below upper_.
  bool is_open_ = false;        ///< Whether block_ is unpacked.
  // What was read: blocks [first_read_, end_read_) of the table.
  std::size_t first_read_ = 0;
  std::size_t end_read_ = 0;
  std::string_view read_{};
  // Behind pointers, since views of them stay when the run moves.
  std::unique_ptr<BlockScratch> scratch_;
  std::unique_ptr<std::optional<BlockEntries>> entries_;
  TableEntry entry_{};
  bool is_valid_ = false;
};

}  // namespace callisto::kv
