#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/kv.h"
#include "engine/write_set.h"

namespace callisto::kv {

/// When was a key last committed? A table of fixed size with one 64-bit word per slot: the version
/// of the last commit to any key whose hash falls there, and whether a commit is under way. A
/// shared slot makes a key look newer than it is: a needless retry, never a missed conflict.
///
/// One thread at a time (the committer's leader) marks and settles; any thread may ask. Versions
/// are below kNever.
class SlotTable {
 public:
  static constexpr std::size_t kDefaultSlotCount = std::size_t{1} << 20;
  /// One in so many is for keys of Family::system.
  static constexpr std::size_t kSlotsToSystemSlot = 256;
  /// Stands for "not known": above every snapshot.
  static constexpr Version kNever = ~Version{0} >> 1;

  /// A power of two. The memory, 8 bytes a slot, is taken from the system as slots are first used.
  explicit SlotTable(std::size_t slot_count = kDefaultSlotCount);
  ~SlotTable();
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  std::size_t memory_bytes() const noexcept { return (mask_ + 1) * sizeof(std::uint64_t); }
  /// The slot of a hash_key(). In all but the smallest tables keys of Family::system have slots of
  /// their own: nearly every commit adds to the same counter rows, and another key that shared a
  /// slot with one of them would meet a conflict at nearly every attempt.
  std::size_t slot_of(std::uint64_t hash) const noexcept {
    const std::size_t slot = hash & mask_;
    if (system_slots_ == 0) return slot;
    if ((hash & kSystemHash) != 0) return slot & (system_slots_ - 1);
    return slot < system_slots_ ? slot + system_slots_ : slot;
  }

  /// Has the processor fetch the slot, without waiting for it.
  void prefetch(std::size_t slot) const noexcept { __builtin_prefetch(words_ + slot, 1); }

  /// True when nothing was committed to the slot after `snapshot`, nor is being committed.
  bool unchanged_since(std::size_t slot, Version snapshot) const noexcept;
  /// Says that a commit to the slot is under way. False when that was said before.
  bool mark(std::size_t slot) noexcept;
  /// Ends what mark() began: the commit has this version; kNever when its outcome is not known.
  void settle(std::size_t slot, Version version) noexcept;
  /// Takes back what mark() began: there was no commit.
  void unmark(std::size_t slot) noexcept;
  /// nullopt while a commit is under way and after one whose outcome is not known.
  std::optional<Version> committed_version(std::size_t slot) const noexcept;
  /// Everything was committed at `version`, nothing is under way.
  void reset(Version version) noexcept;

 private:
  std::uint64_t* words_;  ///< version * 2 + (1 while a commit is under way)
  std::size_t mask_;
  std::size_t system_slots_;  ///< The first ones; a power of two, or 0.
  void* mapped_ = nullptr;    ///< What words_ lies in.
  std::size_t mapped_bytes_ = 0;
};

}  // namespace callisto::kv
