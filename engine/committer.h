#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "callisto/environment.h"
#include "callisto/options.h"
#include "callisto/result.h"
#include "engine/counter_table.h"
#include "engine/group_pace.h"
#include "engine/kv.h"
#include "engine/limits.h"
#include "engine/slots.h"
#include "engine/write_set.h"

namespace callisto::kv {

/// Where commits go: what an engine implements below the committer. One call at a time.
class CommitSink {
 public:
  virtual ~CommitSink() = default;

  /// Writes, atomically and in this order, at(0 .. key_count()) of every set and then the rows (to
  /// Family::system). The version that it returns is above that of every snapshot that does not
  /// show the write and not above that of any that does: so it is above every snapshot taken before
  /// the call, even if there is nothing to write (sets that only touch). An error goes to every
  /// writer as it is; nothing is written after it until Committer::reset(). An exception says that
  /// nothing was written; others may be.
  virtual Result<Version> write(std::span<const WriteSet* const> sets,
                                std::span<const CounterRow> rows, Durability durability) = 0;

  /// The committed value of a key of Family::system; false when it is not there.
  virtual Result<bool> read(std::string_view key, Value& value) = 0;
};

/// What one writer asks for. What it refers to must live until commit() returns.
struct CommitRequest {
  const WriteSet* writes = nullptr;
  /// hash_key() of what was read for update or guarded; may repeat.
  std::span<const std::uint64_t> guards{};
  /// What the writer read at; nullopt for a blind write, which conflicts with nothing but makes
  /// others conflict.
  std::optional<Version> snapshot{};
  Durability durability = Durability::buffered;
  /// Of the call that commits; null: none.
  const Limits* limits = nullptr;
};

/// The commit path: lets writers through one group at a time. The first writer that waits leads: it
/// takes what is queued behind it, refuses who conflicts, writes the others in one batch, and wakes
/// them. Thread-safe. Why it is right: engine/README.md.
class Committer {
 public:
  /// A group takes no further member when its write sets reach this.
  static constexpr std::size_t kGroupBytes = std::size_t{1} << 20;
  /// Nor when it has so many members.
  static constexpr std::size_t kGroupMembers = 1024;

  /// `sink` and `environment`, of which it asks the monotonic clock how long syncs take, must
  /// outlive it.
  Committer(CommitSink& sink, Environment& environment,
            std::size_t slot_count = SlotTable::kDefaultSlotCount);

  /// From now on every commit is followed by `cache` before anybody is told of it. Before the first
  /// commit; it must outlive the committer.
  void attach(StateCache& cache) noexcept { cache_ = &cache; }

  /// Blocks until the writes are committed or refused, or until the limits are passed while others
  /// are before it: then nothing is written; what was begun ends. The version; `conflict`;
  /// `corruption` or a read error when a counter row cannot be read (then nothing is written); the
  /// sink's error; `unavailable` after a failed write until reset(); `no_space` when there was no
  /// memory for it (then nothing is written). Throws nothing.
  Result<Version> commit(const CommitRequest& request);

  /// As Store::committed_version.
  std::optional<Version> committed_version(Family family, std::string_view key) const noexcept;

  /// After the engine was opened anew at `version`, with no commit since: everything counts as
  /// committed then, counters are read again, commits go on. Waits for its turn, so not from inside
  /// the sink.
  void reset(Version version);
  /// A change that conflicts with every other commit, made while none runs. `prepare` decides on
  /// the state before it: its error leaves everything as it was. Then no key has a
  /// committed_version until `write` has answered, and all of them its version; an error of it is
  /// that of a commit. What `prepare` throws passes through, and leaves everything as it was; what
  /// `write` throws is an unknown_outcome. `limits`, which may be null, as in CommitRequest.
  Result<Version> change_all(const std::function<Result<void>()>& prepare,
                             const std::function<Result<Version>()>& write, const Limits* limits);
  /// After counter rows were changed other than by a commit (erase_range on Family::system). Waits
  /// for its turn.
  void forget_counters();

  /// Writers that wait or are being written.
  std::size_t waiting() const;
  std::size_t memory_bytes() const noexcept { return slots_.memory_bytes(); }
  std::uint64_t commits() const noexcept { return commits_.load(std::memory_order_relaxed); }
  std::uint64_t conflicts() const noexcept { return conflicts_.load(std::memory_order_relaxed); }

 private:
  struct Member;
  class Lead;

  /// Until the member leads, with the lock, or its group was written, without it. Where the limits
  /// end the wait, it is not in the queue any more.
  Result<void> wait_to_lead(Member& member, const Limits* limits,
                            std::unique_lock<std::mutex>& lock);
  Result<void> wait_within(Member& member, const Limits& limits,
                           std::unique_lock<std::mutex>& lock);
  /// Of a leader that syncs: waits for who is likely to come.
  void gather(std::unique_lock<std::mutex>& lock);
  void take_group() noexcept;
  void commit_group() noexcept;
  /// Whatever ends it early leaves nothing marked.
  Result<void> admit(const CommitRequest& request);
  Result<void> admit_or_nothing(const CommitRequest& request) noexcept;
  /// The slots lie anywhere in a table that no cache of the processor's holds: all are asked for
  /// before the first is waited for.
  void prefetch(const CommitRequest& request) const noexcept;
  bool conflicts(const CommitRequest& request) const noexcept;
  void mark(const WriteSet& writes);
  /// Takes the marks back that lie behind the first `count`.
  void unmark_behind(std::size_t count) noexcept;
  Result<Version> write_group() noexcept;
  /// The sink's answer; of an exception, an error, and nothing_written is true.
  Result<Version> write_to_sink(bool& nothing_written) noexcept;
  void follow_with_cache(Version version) noexcept;
  /// Of a synced group that was begun at `begun`.
  void note_pace(std::int64_t begun) noexcept;
  /// By the environment's clock; 0 where that throws.
  std::int64_t micros() noexcept;
  /// Ends the turn: releases the lock, and tells the members of the group and the next leader.
  void leave(std::unique_lock<std::mutex>& lock) noexcept;
  template <class Function>
  Result<void> lead_alone(const Limits* limits, Function&& function);

  CommitSink& sink_;
  Environment& environment_;
  StateCache* cache_ = nullptr;
  SlotTable slots_;

  mutable std::mutex mutex_;
  std::deque<Member*> queue_;  ///< Guarded by mutex_. The front leads.
  std::condition_variable gathered_;
  std::size_t wanted_ = 0;  ///< Guarded by mutex_: so many in the queue end the leader's wait.

  // Of the leader, handed on with mutex_.
  std::vector<Member*> group_;
  std::vector<const WriteSet*> admitted_;
  std::vector<std::size_t> marked_;
  std::vector<CounterRow> rows_;
  CounterTable counters_;
  Durability durability_ = Durability::buffered;
  GroupPace pace_;
  std::vector<std::uint32_t> writers_;
  bool failed_ = false;

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> conflicts_{0};
};

}  // namespace callisto::kv
