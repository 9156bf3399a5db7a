#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace callisto::kv {

/// What can be evicted: a member of at most one EvictionQueues.
struct Evictable {
  enum class Queue : std::uint8_t { none, probation, main };
  enum class Kind : std::uint8_t { row, list_part };
  static constexpr std::size_t kKinds = 2;

  std::uint64_t hash = 0;  ///< Of its key.
  Evictable* newer = nullptr;
  Evictable* older = nullptr;
  std::size_t charge_bytes = 0;
  Queue queue = Queue::none;
  Kind kind = Kind::row;
  /// Hits since it was last looked at, at most kMaxHits.
  std::atomic<std::uint8_t> hits{0};

  static constexpr std::uint8_t kMaxHits = 3;
  /// Thread-safe, and without a lock: a lost count costs nothing.
  void note_hit() noexcept {
    const std::uint8_t seen = hits.load(std::memory_order_relaxed);
    if (seen < kMaxHits) hits.store(static_cast<std::uint8_t>(seen + 1), std::memory_order_relaxed);
  }
};

/// Which of its members a cache lets go: S3-FIFO (Yang et al., SOSP 2023). What is new is on
/// probation in a tenth of the room and leaves unless it is hit there, so that a scan pushes out
/// next to nothing; what was asked for or has left within about a cache's worth of time enters the
/// main queue at once when it comes back. While there is no room, what is asked for the first time
/// is only remembered: to make room for it costs more than it is likely to save. A hit takes no
/// lock and moves nothing. Not thread-safe but for note_hit().
class EvictionQueues {
 public:
  explicit EvictionQueues(std::size_t capacity_bytes);

  /// Whether what has this hash, and is not here, is worth the room that others have: while there
  /// is room, or when it was asked for lately. Asking is remembered, until as much was asked for as
  /// there is room: what is asked for less often would leave before it is asked for again.
  /// `charge_bytes` is about what it would take.
  bool admits(std::uint64_t hash, std::size_t charge_bytes) noexcept;
  /// Has the processor fetch what admits() looks at. Thread-safe.
  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&ghosts_[ghost_place(hash)]);
  }
  /// Not a member yet; its charge is set.
  void insert(Evictable& item);
  /// A member.
  void remove(Evictable& item) noexcept;
  void change_charge(Evictable& item, std::size_t charge_bytes) noexcept;
  /// The next one to let go, no member any more; null while the members are within the capacity.
  Evictable* evict();

  std::size_t bytes() const noexcept { return probation_.bytes + main_.bytes; }

 private:
  struct List {
    Evictable* newest = nullptr;
    Evictable* oldest = nullptr;
    std::size_t bytes = 0;
    void push(Evictable& item) noexcept;
    void unlink(Evictable& item) noexcept;
  };
  List& list_of(const Evictable& item) noexcept {
    return item.queue == Evictable::Queue::main ? main_ : probation_;
  }
  void enter(Evictable& item, Evictable::Queue queue) noexcept;
  /// What was asked for or has left probation: a tag of its hash, and when that was. 0: nothing.
  struct Ghost {
    std::uint16_t tag = 0;
    std::uint16_t time = 0;
  };
  /// In parts of the capacity that were asked for.
  std::uint16_t time() const noexcept {
    return static_cast<std::uint16_t>(asked_bytes_ * kTimesPerCapacity / (capacity_bytes_ + 1));
  }
  static constexpr std::size_t kTimesPerCapacity = 64;
  bool is_known(std::uint64_t hash) noexcept;
  void remember(std::uint64_t hash) noexcept;
  /// By bits that neither the choice of a room (the lowest) nor a tag (the highest) uses: members
  /// of one room have those in common.
  std::size_t ghost_place(std::uint64_t hash) const noexcept {
    return (hash >> 12) & (ghosts_.size() - 1);
  }
  Ghost& ghost_of(std::uint64_t hash) noexcept { return ghosts_[ghost_place(hash)]; }

  const std::size_t capacity_bytes_;
  List probation_;
  List main_;
  std::uint64_t asked_bytes_ = 0;  ///< While there was no room.
  std::vector<Ghost> ghosts_;      ///< Each at a place that its hash gives.
};

}  // namespace callisto::kv
