#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/cache/cache_room.h"
#include "engine/cache/list_cache.h"
#include "engine/cache/recent_changes.h"
#include "engine/cache/row_cache.h"
#include "engine/kv.h"
#include "engine/write_set.h"

namespace callisto::kv {

/// What of a store's keys is remembered, and as what. Made once, from the catalogue.
class CacheShape {
 public:
  enum class Kind : std::uint8_t {
    none,  ///< Never remembered.
    row,   ///< By its key.
    list,  ///< Among the keys behind its prefix.
  };
  struct Place {
    Kind kind = Kind::none;
    bool is_record = false;           ///< What readers keep; a list's entries hold it whole.
    std::size_t prefix_bytes = 0;     ///< Of a list.
    SignatureOf signature = nullptr;  ///< Of the values of a list; may be null.
  };

  /// Keys of Family::indexes with this number: a list, whose positions are the last `order_bytes`,
  /// at least 1. Where `signature` is given, scans can pass over entries by it.
  void add_list(std::uint16_t index, std::uint8_t order_bytes, SignatureOf signature = nullptr);
  /// Keys of Family::indexes with this number: rows.
  void add_rows(std::uint16_t index);
  /// Keys of this family: rows that are records.
  void add_records(Family family);
  /// In this family: keys with so many bytes in front of their position are a list of records, and
  /// rows too. Where a `part` is given, those of which the last one of these bytes is that; others
  /// are not remembered.
  void add_record_list(Family family, std::size_t prefix_bytes,
                       std::optional<std::uint8_t> part = std::nullopt);

  Place place_of(Family family, std::string_view key) const noexcept;
  bool is_row(Family family, std::string_view key) const noexcept {
    const Place place = place_of(family, key);
    return place.kind == Kind::row || (place.kind == Kind::list && place.is_record);
  }
  /// Of a key that may end behind its prefix.
  bool is_list(Family family, std::string_view key) const noexcept;
  /// Of the values of the list that a key belongs to; may be null.
  SignatureOf signature_of(Family family, std::string_view key) const noexcept;
  bool is_record_list(Family family) const noexcept {
    return families_[static_cast<std::size_t>(family)].kind == Kind::list;
  }

 private:
  static constexpr std::size_t kNumbers = 2048;
  struct Of {
    Kind kind = Kind::none;  ///< Family::indexes has none: its numbers say.
    std::size_t prefix_bytes = 0;
    std::optional<std::uint8_t> part{};
  };
  struct Index {
    Kind kind = Kind::none;
    std::uint8_t order_bytes = 0;
    SignatureOf signature = nullptr;
  };
  const Index* index_of(std::string_view key) const noexcept;

  std::array<Of, kFamilyCount> families_{};
  std::array<Index, kNumbers> indexes_{};
};

/// The cache of committed state above an engine: rows and lists, kept right by following every
/// commit. One writer at a time tells it of commits; any number of threads read. Why a hit is what
/// the reader's snapshot holds: engine/README.md.
class StateCache {
 public:
  StateCache(std::size_t capacity_bytes, const CacheShape& shape);

  // For the committer's leader, in this order.

  /// Before the write.
  void begin_commit() noexcept;
  /// The same of a bulk load, which ends with reset() or lose().
  void begin_load() noexcept;
  /// After it, before anybody is told that it stands.
  void follow(std::span<const WriteSet* const> sets, Version version);
  /// Instead of follow(): nothing was written.
  void abandon_commit() noexcept;
  /// Instead of follow(): nobody knows what became of the write. All is forgotten, and what is
  /// remembered until reset() is of the state before it.
  void lose() noexcept;

  /// Every commit is at or below `version`, and none is under way: all is forgotten.
  void reset(Version version);
  /// After keys of [lower, upper) went other than by a commit. `latest` tells the engine's version.
  void forget_range(Family family, std::string_view lower, std::string_view upper,
                    const std::function<Version()>& latest);

  /// Rises when a bulk load begins, and once it is through; odd in between.
  std::uint64_t loads() const noexcept { return loads_.load(std::memory_order_acquire); }

  /// How far commits were followed.
  class Clock {
   public:
    explicit Clock(std::uint64_t word) noexcept : word_(word) {}
    bool is_pending() const noexcept { return (word_ & 1) != 0; }
    Version followed() const noexcept { return word_ >> 1; }
    bool operator==(const Clock&) const = default;

   private:
    std::uint64_t word_;
  };
  Clock clock() const noexcept { return Clock(word_.load(std::memory_order_acquire)); }
  /// Whether no commit has begun since the clock stood so, before all that the thread has read
  /// since.
  bool has_stood_at(Clock then) const noexcept {
    std::atomic_thread_fence(std::memory_order_acquire);
    return !then.is_pending() && Clock(word_.load(std::memory_order_relaxed)) == then;
  }

  /// A reader's answer of the engine's latest state was lost to a commit.
  void note_lost_read() noexcept { lost_reads_.store(kBusyReaders, std::memory_order_relaxed); }
  /// Whether that happened to one of the last readers that missed something: so it may again. Asked
  /// once by each.
  bool is_busy() noexcept {
    const unsigned left = lost_reads_.load(std::memory_order_relaxed);
    if (left > 0) lost_reads_.store(left - 1, std::memory_order_relaxed);
    return left > 0;
  }

  /// Somebody reads at an engine's `version`, which shows a commit that is not followed yet: nobody
  /// may read at an earlier one from now on.
  void note_shown(Version version) noexcept;
  /// The latest such version.
  Version shown() const noexcept { return shown_.load(std::memory_order_acquire); }

  const CacheShape& shape() const noexcept { return shape_; }
  RowCache& rows() noexcept { return rows_; }
  ListCache& lists() noexcept { return lists_; }

  /// Hits that a reader had beside the tables of the caches.
  void count_hits(std::uint64_t row_hits) noexcept;
  CacheStats row_stats() const;
  CacheStats list_stats() const { return lists_.stats(); }

 private:
  struct Touched {
    const WriteSet::Operation* operation;
    CacheShape::Place place;
    ListCache::Name list;
  };
  void follow(const Touched& touched, Version version);

  static constexpr unsigned kBusyReaders = 16;

  const CacheShape shape_;
  std::atomic<unsigned> lost_reads_{0};
  RecentChanges recent_;
  CacheRooms rooms_;
  RowCache rows_;
  ListCache lists_;
  /// Twice the version that was followed last, plus one while a commit is under way.
  std::atomic<std::uint64_t> word_{0};
  std::atomic<Version> shown_{0};
  std::atomic<std::uint64_t> loads_{0};
  struct alignas(64) Counter {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Counter, 8> hint_hits_{};

  // The leader's; kept for their memory.
  std::vector<Touched> touched_;
  std::vector<std::uint64_t> hashes_;
};

}  // namespace callisto::kv
