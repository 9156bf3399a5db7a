#pragma once

#include <rocksdb/listener.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/kv.h"
#include "engine/rocksdb/table_view.h"

namespace rocksdb {
class Cache;
class ColumnFamilyHandle;
class DB;
class FileSystem;
}  // namespace rocksdb

namespace callisto::kv {

class SkipList;

/// Reads of table files past RocksDB, at less than half of its price where the block is not in its
/// cache. It answers what it is sure of, and leaves everything else to RocksDB: what a memtable
/// may hold, files that it cannot read, families with erased ranges. Why its answers are RocksDB's:
/// engine/README.md. Thread-safe.
class DirectReads final : public rocksdb::EventListener {
 public:
  /// `cache` gives up the room that indexes of table files take, `most_bytes` of `cache_bytes`.
  DirectReads(std::shared_ptr<rocksdb::Cache> cache, std::uint64_t cache_bytes,
              std::uint64_t most_bytes);
  ~DirectReads() override;

  /// Of a database that was opened: what memtables hold already is found there.
  void begin(rocksdb::DB& db, const std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount>& handles,
             std::shared_ptr<rocksdb::FileSystem> files);
  /// Before the handles go. Nothing is answered from then on.
  void end();

  // Of readers.

  using Answer = OpenTable::Answer;
  using Pin = std::shared_ptr<const TableView>;
  /// Tables that hold all that is committed of these sorted keys, or of [lower, upper); null where
  /// there are none, or not for sure.
  Pin pin(Family family, std::span<const std::string> keys);
  Pin pin(Family family, std::string_view key);
  Pin pin_range(Family family, std::string_view lower, std::string_view upper);

  /// Counts a row, or the beginning of a scan, that was read so.
  void note_read() noexcept;
  std::uint64_t reads() const noexcept;
  /// What indexes and filters of table files take.
  std::uint64_t memory_bytes() const noexcept { return room_->used_bytes(); }

  // Of memtables, which have the number of RocksDB's family.

  void add_memtable(std::uint32_t family_id, const SkipList& entries);
  /// Before its memory goes. `newest_sequence`: of its entries; 0 where it has none.
  void remove_memtable(std::uint32_t family_id, const SkipList& entries,
                       std::uint64_t newest_sequence);

  // Of what changes a family other than by entries in memtables. Nothing is answered of it between
  // the two.

  void begin_change(Family family);
  /// `is_in_memtables`: the change is one that memtables hold and nobody sees here.
  void end_change(Family family, bool is_in_memtables);

  // Of RocksDB.

  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& info) override;

 private:
  static constexpr std::size_t kStripes = 16;
  /// RocksDB's numbers of families; there are eight, which never go.
  static constexpr std::size_t kFamilyIds = 16;

  struct Memtable {
    const SkipList* entries;
    std::uint64_t number;
  };
  /// Read under one stripe, changed under all.
  struct State {
    std::vector<Memtable> memtables;
    /// Whether what no memtable holds is in the tables that are pinned.
    bool is_current = false;
  };
  struct alignas(64) Stripe {
    std::atomic_flag busy;
    std::atomic<std::uint64_t> reads{0};
    /// Each stripe has pointers of its own, so that pins of two threads count in two places.
    std::array<Pin, kFamilyCount> tables;
  };
  /// What is known of a family to who refreshes it. Guarded by all stripes.
  struct Upkeep {
    /// Entries up to it are in table files, as RocksDB has said.
    std::uint64_t flushed_sequence = 0;
    /// The same of the tables that are pinned now.
    std::uint64_t pinned_sequence = 0;
    /// Rises with every change that the pinned tables may lack.
    std::uint64_t changes = 0;
    /// Until these memtables are gone, entries of another kind may be in them.
    std::uint64_t last_refused_memtable = 0;
    unsigned changing = 0;
  };
  class AllStripes;

  template <class IsInMemtable>
  Pin pin_if(Family family, const IsInMemtable& is_in_memtable);
  // These require refresh_mutex_.
  void refresh(Family family);
  std::shared_ptr<const TableView> read_view(Family family, const TableView* before);
  void load_ahead(const TableView& view, Family family);

  void refresh_id(std::uint32_t family_id);
  std::size_t id_of(Family family) const noexcept { return ids_[static_cast<std::size_t>(family)]; }

  const std::shared_ptr<TableRoom> room_;

  std::array<Stripe, kStripes> stripes_{};
  // By RocksDB's numbers.
  std::array<State, kFamilyIds> states_{};
  std::array<Upkeep, kFamilyIds> upkeep_{};
  std::uint64_t memtables_made_ = 0;  ///< Guarded by all stripes.
  /// Whether somebody has asked since the last refresh: files are loaded ahead then.
  std::array<std::atomic<bool>, kFamilyCount> is_asked_{};

  std::mutex refresh_mutex_;
  // Guarded by refresh_mutex_; ids_ does not change between begin() and end().
  rocksdb::DB* db_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_{};
  std::array<std::uint32_t, kFamilyCount> ids_{};
  std::shared_ptr<rocksdb::FileSystem> files_;
};

}  // namespace callisto::kv
