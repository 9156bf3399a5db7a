#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rocksdb/entry_run.h"
#include "engine/rocksdb/open_table.h"

namespace callisto::kv {

/// The entries of table files that lie one behind the other; the files must outlive it.
class TableRun final : public EntryRun {
 public:
  /// Blocks from `lower` on are read `blocks_at_once` at first, more and more later, none behind
  /// those with keys below `upper`.
  TableRun(std::vector<OpenTable*> tables, std::string_view upper, std::size_t blocks_at_once);

  bool seek(std::string_view key) override;
  bool next() override;

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
  BlockScratch scratch_;
  std::optional<BlockEntries> entries_;
};

}  // namespace callisto::kv
