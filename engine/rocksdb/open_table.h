#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/rocksdb/kept_blocks.h"
#include "engine/rocksdb/key_filter.h"
#include "engine/rocksdb/memtable_rows.h"
#include "engine/rocksdb/table_entry.h"
#include "engine/rocksdb/table_format.h"
#include "engine/rocksdb/table_index.h"

namespace callisto::kv {

/// What the manifest says of a table file.
struct TableFacts {
  std::string path{};
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  std::string smallest_key{};
  std::string largest_key{};
  std::uint64_t entries = 0;
  /// What was taken in as a whole has one sequence number, which its entries do not have.
  std::uint64_t smallest_sequence = 0;
};

/// Memory for what one call reads: rows of memtables; blocks, and which one was unpacked last.
struct BlockScratch {
  MemtableRows recent;
  BlockRoom packed;
  BlockRoom unpacked;
  KeptBlocks::Ref kept;
  std::uint64_t table = 0;
  std::size_t block = 0;
  std::string_view bytes{};
};

/// The memory of this thread for one call: its own again afterwards, also where calls are nested.
class ScratchLease {
 public:
  ScratchLease();
  ~ScratchLease();
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;
  BlockScratch& operator*() const noexcept { return *scratch_; }

 private:
  std::unique_ptr<BlockScratch> scratch_;
};

/// Room that all tables of a store share for what they keep in memory. Thread-safe.
class TableRoom {
 public:
  /// Indexes and filters of `index_bytes` at most, `files` open at once, blocks of `block_bytes`.
  TableRoom(std::uint64_t index_bytes, int files, std::uint64_t block_bytes);
  /// False where there is no room, or will be none.
  bool has(std::uint64_t bytes, int files) const noexcept {
    return index_bytes() + bytes <= most_bytes_ &&
           files_.load(std::memory_order_relaxed) + files <= most_files_;
  }
  bool take(std::uint64_t bytes, int files) noexcept;
  void give(std::uint64_t bytes, int files) noexcept;
  std::uint64_t index_bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  KeptBlocks& blocks() noexcept { return blocks_; }
  const KeptBlocks& blocks() const noexcept { return blocks_; }

 private:
  const std::uint64_t most_bytes_;
  const int most_files_;
  std::mutex mutex_;
  // Changed under mutex_.
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<int> files_{0};
  KeptBlocks blocks_;
};

/// A table file that is read here, without RocksDB. It holds the file open, also when RocksDB has
/// removed it. Thread-safe.
class OpenTable {
 public:
  OpenTable(TableFacts facts, std::shared_ptr<rocksdb::FileSystem> files,
            std::shared_ptr<TableRoom> room);
  ~OpenTable();
  OpenTable(const OpenTable&) = delete;
  OpenTable& operator=(const OpenTable&) = delete;

  const TableFacts& facts() const noexcept { return facts_; }
  /// True once the index is in memory. Else reads it, once, unless there is no room, or another
  /// thread is about it: what is asked now is RocksDB's to answer then.
  bool load();
  bool is_loaded() const noexcept { return index_.load(std::memory_order_acquire) != nullptr; }
  /// Reads the whole file for a filter, once. `prefix_bytes` of each key count, 0:
  /// all.
  void make_filter(std::size_t prefix_bytes);
  /// False where a filter knows that no key is here which hashes so (KeyFilter::hash).
  bool may_hold(std::uint64_t hash) const noexcept;

  enum class Answer : std::uint8_t { absent, found, unknown };
  /// The newest entry of `key` up to a sequence number. Its views are valid until the scratch is
  /// used again. unknown where the file cannot tell. Only once loaded.
  Answer find(std::string_view key, std::uint64_t max_sequence, BlockScratch& scratch,
              TableEntry& entry) const;

  const TableIndex& index() const noexcept { return *index_.load(std::memory_order_acquire); }
  /// A block that was read more than once lately, or nothing.
  KeptBlocks::Ref kept_block(std::size_t i) const noexcept {
    return room_->blocks().find(index().mark(i));
  }
  /// Of a block that was read and unpacked.
  void note_read(std::size_t i, std::string_view bytes) const {
    room_->blocks().note_read(index().mark(i), bytes);
  }
  /// Blocks [first, last) with their trailers, as they lie one behind the other; nullopt where they
  /// cannot be read.
  std::optional<std::string_view> read_blocks(std::size_t first, std::size_t last,
                                              BlockRoom& room) const;

 private:
  std::optional<std::string_view> block(std::size_t i, BlockScratch& scratch) const;
  std::optional<std::string_view> read_block(std::size_t i, BlockScratch& scratch) const;

  const TableFacts facts_;
  const std::uint64_t serial_;  ///< Of all tables of the process.
  const std::shared_ptr<rocksdb::FileSystem> files_;
  const std::shared_ptr<TableRoom> room_;

  std::mutex mutex_;
  // Guarded by mutex_ until they are published below.
  std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
  std::unique_ptr<TableIndex> own_index_;
  std::unique_ptr<KeyFilter> own_filter_;
  bool is_given_up_ = false;
  bool is_filter_tried_ = false;
  std::uint64_t index_bytes_ = 0;  ///< Once known; 0 before.
  std::uint64_t taken_bytes_ = 0;

  std::atomic<const TableIndex*> index_{nullptr};
  std::atomic<const KeyFilter*> filter_{nullptr};
};

}  // namespace callisto::kv
