#pragma once

#include <rocksdb/file_system.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rocksdb/kept_blocks.h"
#include "engine/rocksdb/table_format.h"

namespace callisto::kv {

/// Which block of a table file a key is in: the whole index of a file, in memory, where RocksDB
/// keeps pieces of it in its block cache. Some 30 bytes for each block of 4 KiB.
class TableIndex {
 public:
  /// Null where the file cannot be read, is damaged, or is a table of another kind than ours:
  /// RocksDB says which. Costs reading the index, 1 % of the file.
  static std::unique_ptr<TableIndex> read(const rocksdb::FSRandomAccessFile& file,
                                          std::uint64_t file_bytes);

  std::size_t blocks() const noexcept { return blocks_; }
  /// The first block that may hold `key`; an existing block always.
  std::size_t block_of(std::string_view key) const noexcept;
  BlockPlace place(std::size_t block) const noexcept;
  KeptBlocks::Mark& mark(std::size_t block) const noexcept { return spots_[block].mark; }
  /// Whether entries of `key` may go on behind this block.
  bool goes_on_behind(std::size_t block, std::string_view key) const noexcept;
  std::size_t memory_bytes() const noexcept;

 private:
  class Reader;
  /// Where a block begins, and what is noted of it: together, as who asks for one asks for both.
  struct Spot {
    std::uint32_t offset = 0;
    KeptBlocks::Mark mark;
  };

  std::string_view rest_of(std::size_t block) const noexcept;

  // Between each block and the next stands a separator, not below any key of the one, below all of
  // the other. All begin with prefix_.
  std::string prefix_;
  std::vector<std::uint64_t> heads_;  ///< The next eight bytes of each, so that they compare.
  std::vector<std::uint64_t> tops_;   ///< Of those, every kStride-th.
  std::vector<std::uint32_t> rest_at_;
  std::string rests_;  ///< What follows prefix_ in each.
  std::unique_ptr<Spot[]> spots_;
  std::size_t blocks_ = 0;
  std::uint32_t end_ = 0;  ///< Of the last block, without its trailer.
};

}  // namespace callisto::kv
