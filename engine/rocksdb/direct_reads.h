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
class ColumnFamilyHandle;
class DB;
class FileSystem;
}  // namespace rocksdb

namespace callisto::kv {

class SkipList;
struct MemoryPlan;

/// Reads of table files past RocksDB, at less than half of its price where the block is not in its
/// cache. It answers what it is sure of, and leaves everything else to RocksDB: files that it
/// cannot read, families with erased ranges, ranges of which memtables hold much. Why its answers
/// are RocksDB's: engine/README.md. Thread-safe.
class DirectReads final : public rocksdb::EventListener {
 public:
  explicit DirectReads(const MemoryPlan& plan);
  ~DirectReads() override;

  /// Of a database that was opened: what memtables hold already is found there.
  void begin(rocksdb::DB& db, const std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount>& handles,
             std::shared_ptr<rocksdb::FileSystem> files);
  /// Before the handles go. Nothing is answered from then on.
  void end();

  // Of readers.

  using Answer = OpenTable::Answer;
  using Pin = std::shared_ptr<const TableView>;
  /// What a reader is to see: entries up to a sequence number.
  struct State {
    std::uint64_t sequence;
    /// Whether a snapshot keeps RocksDB from giving up what it shows.
    bool is_kept = false;

    /// That of the moment in which tables are pinned, which says which one it is.
    static State latest() noexcept { return {kLatest}; }
    static State kept(std::uint64_t sequence) noexcept { return {sequence, true}; }
    /// One that was the latest.
    static State past(std::uint64_t sequence) noexcept { return {sequence}; }
    bool is_latest() const noexcept { return sequence == kLatest; }

   private:
    static constexpr std::uint64_t kLatest = ~std::uint64_t{0};
  };
  /// Tables that hold all that the state shows of these keys, or of [lower, upper), but for what
  /// memtables hold of it, which goes to `recent`; null where there are none, or not for sure.
  Pin pin(Family family, State& state, std::span<const std::string> keys, MemtableRows& recent);
  Pin pin(Family family, State& state, std::string_view key, MemtableRows& recent);
  Pin pin_range(Family family, State& state, std::string_view lower, std::string_view upper,
                MemtableRows& recent);

  /// Counts a row, or the beginning of a scan, that was read so.
  void note_read() noexcept;
  std::uint64_t reads() const noexcept;
  /// What indexes and filters of table files take.
  std::uint64_t index_bytes() const noexcept { return room_->index_bytes(); }
  /// Of blocks that are kept.
  CacheStats block_stats() const { return room_->blocks().stats(); }

  // Of memtables, which have the number of RocksDB's family.

  /// `newest_sequence`: of its entries so far; 0 where it has none.
  void add_memtable(std::uint32_t family_id, const SkipList& entries,
                    const std::atomic<std::uint64_t>& newest_sequence);
  /// Before its memory goes.
  void remove_memtable(std::uint32_t family_id, const SkipList& entries);

  // Of what changes a family other than by entries in memtables. Nothing is answered of it between
  // the two.

  void begin_change(Family family);
  /// `erased_sequence`: a newest one of entries that memtables may hold and nobody sees here,
  /// ranges that were erased; 0 where there are none.
  void end_change(Family family, std::uint64_t erased_sequence) noexcept;

  // Of RocksDB.

  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& info) override;

 private:
  static constexpr std::size_t kStripes = 16;
  /// RocksDB's numbers of families; there are eight, which never go.
  static constexpr std::size_t kFamilyIds = 16;

  struct Memtable {
    const std::atomic<std::uint64_t>* newest_sequence;
    std::uint64_t number;
  };
  /// Read under one stripe, changed under all.
  struct Known {
    std::vector<Memtable> memtables;
    std::vector<const SkipList*> entries;  ///< Of these, in their order.
    /// Until these memtables are gone, ranges that were erased may be in them.
    std::uint64_t last_refused = 0;
    /// What these hold may be older than what files hold that were linked in past them.
    std::uint64_t last_passed = 0;
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
    /// The newest of memtables that are gone.
    std::uint64_t gone_sequence = 0;
    /// Memtables whose entries all lie below it are in the tables that are pinned now, also where
    /// somebody holds them still: they were flushed, or a later one was gone.
    std::uint64_t settled_sequence = 0;
    /// Rises with every change that the pinned tables may lack.
    std::uint64_t changes = 0;
    /// Of ranges in memtables up to Known::last_refused.
    std::uint64_t erased_sequence = 0;
    unsigned changing = 0;
  };
  class AllStripes;

  template <class TakeRecent>
  Pin pin_with(Family family, State& state, MemtableRows& recent, const TakeRecent& take_recent);
  /// Copies what memtables hold that is not in the pinned tables. False where RocksDB is to say.
  template <class TakeRecent>
  bool take_recent_of(std::size_t id, MemtableRows& recent, const TakeRecent& take_recent) const;
  static std::uint64_t newest_of(const Memtable& memtable, const Known& known,
                                 const Upkeep& upkeep) noexcept;
  void refuse_memtables(Family family, std::uint64_t erased_sequence) noexcept;
  // These require refresh_mutex_.
  /// Out of memory, what is pinned stays: right, but for what has left a memtable since.
  Pin refresh(Family family) noexcept;
  bool try_refresh(Family family, Pin& pinned);
  std::shared_ptr<const TableView> read_view(Family family, const TableView* before);
  /// No entry of what has become files has a higher sequence number.
  std::uint64_t flushed_sequence(Family family);
  void load_ahead(const TableView& view, Family family);
  void refresh_after_work(std::uint32_t family_id) noexcept;
  std::size_t id_of(Family family) const noexcept { return ids_[static_cast<std::size_t>(family)]; }

  const std::shared_ptr<TableRoom> room_;

  std::array<Stripe, kStripes> stripes_{};
  // By RocksDB's numbers.
  std::array<Known, kFamilyIds> known_{};
  std::array<Upkeep, kFamilyIds> upkeep_{};
  std::uint64_t memtables_made_ = 0;  ///< Guarded by all stripes.
  /// Whether somebody has asked since the last refresh: files are loaded ahead then.
  std::array<std::atomic<bool>, kFamilyCount> is_asked_{};

  std::mutex refresh_mutex_;
  // Guarded by refresh_mutex_; db_ and ids_ do not change while tables are pinned.
  rocksdb::DB* db_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_{};
  std::array<std::uint32_t, kFamilyCount> ids_{};
  std::shared_ptr<rocksdb::FileSystem> files_;
};

}  // namespace callisto::kv
