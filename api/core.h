#pragma once

// The inside of a store: what the repositories stand on. Not installed.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/call_stats.h"
#include "api/uuid7.h"
#include "callisto/store.h"
#include "engine/cache/state_cache.h"
#include "engine/kv.h"
#include "engine/limits.h"
#include "indexes/cardinality_sketch.h"
#include "indexes/maintainer.h"
#include "indexes/space_state.h"
#include "schema/ids.h"
#include "schema/keys.h"

namespace callisto::detail {

using indexes::SpaceState;
using schema::SpaceNumber;
using schema::TableId;

/// What a read sees: one state, its ledger, and the time at which expiry is judged.
class ReadContext {
 public:
  /// `now` not given: the time of the first question for it.
  ReadContext(StoreCore& core, kv::Reader& reader, std::shared_ptr<const SpaceState> state,
              std::optional<Time> now = std::nullopt)
      : core_(core), reader_(reader), state_(std::move(state)), now_(now) {}

  StoreCore& core() const noexcept { return core_; }
  kv::Reader& reader() const noexcept { return reader_; }
  const SpaceState& state() const noexcept { return *state_; }
  SpaceNumber space() const noexcept { return state_->space(); }
  Time now() const;
  const std::shared_ptr<const SpaceState>& shared_state() const noexcept { return state_; }

 protected:
  StoreCore& core_;
  kv::Reader& reader_;
  std::shared_ptr<const SpaceState> state_;
  mutable std::optional<Time> now_;
};

/// What a write sees and does: a transaction, and the maintainer as the only way to write rows.
class WriteContext : public ReadContext {
 public:
  WriteContext(StoreCore& core, kv::Transaction& transaction,
               std::shared_ptr<const SpaceState> state, Time now, const CallOptions& options,
               indexes::CardinalityChanges& changes, MadeIds& made_ids)
      : ReadContext(core, transaction, std::move(state), now),
        transaction_(transaction),
        options_(options),
        changes_(&changes),
        made_ids_(made_ids) {}
  /// Of a bulk load, which counts entries when they are sorted.
  WriteContext(StoreCore& core, kv::Transaction& transaction,
               std::shared_ptr<const SpaceState> state, Time now, const CallOptions& options,
               MadeIds& made_ids)
      : ReadContext(core, transaction, std::move(state), now),
        transaction_(transaction),
        options_(options),
        made_ids_(made_ids) {}

  kv::Transaction& transaction() const noexcept { return transaction_; }
  const CallOptions& options() const noexcept { return options_; }
  MadeIds& made_ids() const noexcept { return made_ids_; }

  /// Through the maintainer: the row, its entries, its counts.
  Result<void> write_row(TableId table, std::string_view key,
                         std::optional<std::string_view> before,
                         std::optional<std::string_view> after);
  /// After this transaction has changed work or aliases: reads them again, with its own changes.
  Result<void> reload_state();

 private:
  kv::Transaction& transaction_;
  const CallOptions& options_;
  indexes::CardinalityChanges* changes_ = nullptr;
  MadeIds& made_ids_;
};

/// A state that a thread remembers from its last call, of the slot with this number.
struct HeldState {
  std::uint64_t slot = 0;
  kv::Version version = 0;
  std::shared_ptr<const SpaceState> state{};
};

/// The thread's HeldState, for the length of one call that reads. A call inside that call (from a
/// host's clock, say) finds none and has its own, so that each keeps what it reads through.
class BorrowedState {
 public:
  BorrowedState() noexcept;
  BorrowedState(const BorrowedState&) = delete;
  BorrowedState& operator=(const BorrowedState&) = delete;
  ~BorrowedState();
  HeldState& held() noexcept { return held_; }

 private:
  HeldState held_;
};

/// The remembered state of one space, valid exactly for the commit that it was loaded at.
class SpaceSlot {
 public:
  explicit SpaceSlot(SpaceNumber space);
  SpaceNumber space() const noexcept { return space_; }
  /// Every write guards it; dropping the space erases it.
  const std::string& name_key() const noexcept { return name_key_; }
  /// The state in `reader`'s view; remembered when the engine is the sole writer.
  Result<std::shared_ptr<const SpaceState>> state(kv::Store& engine, kv::Reader& reader);
  /// The same for a call that reads: `held` holds the state, and the answer counts no hold, so that
  /// readers share no count. Valid until `held` is used again, or is gone.
  Result<std::shared_ptr<const SpaceState>> state_for_call(kv::Store& engine, kv::Reader& reader,
                                                           HeldState& held);

 private:
  const std::uint64_t number_;  ///< No other slot of the process has it.
  const SpaceNumber space_;
  const std::string guard_key_;
  const std::string name_key_;
  std::mutex mutex_;
  kv::Version version_ = 0;
  std::shared_ptr<const SpaceState> state_;
};

/// What a repository object leads to: a space, and the transaction or snapshot that it belongs to.
struct Scope {
  StoreCore* core = nullptr;
  SpaceSlot* slot = nullptr;
  TransactionCore* transaction = nullptr;
  SnapshotCore* snapshot = nullptr;
  CallLimits limits{};                  ///< Of with(): those of every call.
  const kv::Limits* running = nullptr;  ///< Of a call that runs several transactions.
  MadeIds* made_ids = nullptr;          ///< Of a call that makes its transaction again.
  bool is_step = false;                 ///< Of the store's own work: kv::step_options().

  /// What begins to count now for a call with `options`.
  kv::Limits begin(const CallOptions& options = {}) const;
  /// This scope inside a call that has begun.
  Scope within(const kv::Limits& call) const;
};

/// One transaction that a user sees.
class TransactionCore {
 public:
  TransactionCore(StoreCore& core, SpaceSlot& slot, kv::Transaction& transaction,
                  std::shared_ptr<const SpaceState> state, Time now,
                  indexes::CardinalityChanges& changes, MadeIds& made_ids);
  Scope scope;
  kv::Transaction& transaction;
  std::shared_ptr<const SpaceState> state;
  const Time now;
  indexes::CardinalityChanges& changes;
  MadeIds& made_ids;
  Transaction& face() noexcept { return face_; }

 private:
  Transaction face_;
};

/// One snapshot that a user sees. The store knows it, and lets its engine snapshot go when it
/// closes.
class SnapshotCore {
 public:
  SnapshotCore(std::shared_ptr<StoreCore> core, SpaceSlot& slot,
               std::unique_ptr<kv::Snapshot> snapshot, std::shared_ptr<const SpaceState> state,
               Time now);
  ~SnapshotCore();
  const std::shared_ptr<StoreCore> core;
  Scope scope;
  std::unique_ptr<kv::Snapshot> snapshot;  // null once the store is closed
  const kv::Version version;
  std::shared_ptr<const SpaceState> state;
  const Time now;
};

/// Counts a running call, so that close() can wait for it.
class CallGuard {
 public:
  explicit CallGuard(StoreCore& core) noexcept;
  ~CallGuard();
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;
  /// False: the store is closed.
  bool is_open() const noexcept { return is_open_; }

 private:
  StoreCore& core_;
  const std::size_t place_;
  bool is_open_;
};

/// The store behind Store, Space, Transaction and Snapshot.
class StoreCore {
 public:
  /// `catalogue` is another than that of this version in tests of changed definitions. It outlives
  /// the store.
  static Result<std::shared_ptr<StoreCore>> open(
      std::string directory, const Options& options,
      const indexes::Catalogue& catalogue = indexes::standard_catalogue());
  /// Over an engine that is open already: for the in-memory store and for tests' engines.
  static Result<std::shared_ptr<StoreCore>> over(
      std::unique_ptr<kv::Store> engine, const Options& options,
      const indexes::Catalogue& catalogue = indexes::standard_catalogue());
  ~StoreCore();

  Result<void> close();

  kv::Store& engine() noexcept { return *engine_; }
  /// The cache of committed state, or null.
  kv::StateCache* cache() noexcept { return cache_.get(); }
  Environment& environment() noexcept { return *environment_; }
  const indexes::Maintainer& maintainer() const noexcept { return maintainer_; }
  const Options& options() const noexcept { return options_; }
  /// Null where Options::statistics is off.
  CallMeter* calls() const noexcept { return calls_.get(); }
  Durability durability(const CallOptions& options) const noexcept {
    return options.durability.value_or(options_.durability);
  }
  SpaceSlot& slot(SpaceNumber space);

  // Estimates of what lies behind index prefixes, over all spaces.
  indexes::CardinalitySketch& cardinality() noexcept { return cardinality_; }
  /// After a commit: counts what it changed, and now and then saves the sketch.
  void count_changes(const indexes::CardinalityChanges& changes);
  /// Of a follower: moves its view, and takes over what the writer saved.
  Result<void> refresh();

  // Spaces (spaces.cc).
  Result<std::optional<SpaceNumber>> find_space(std::string_view name);
  Result<SpaceNumber> create_space(std::string_view name, const CallLimits& limits = {});
  Result<bool> drop_space(std::string_view name, const CallLimits& limits = {});
  Result<std::vector<std::pair<std::string, SpaceNumber>>> spaces(kv::Reader& reader);

  // Unfinished work (work.cc). Steps of all kinds run under one mutex, one at a time.
  /// Wakes the background thread, or does nothing when there is none.
  void notify_work();
  /// Runs steps until no work is left in any space. Limits are looked at between two steps.
  Result<void> finish_pending_work(const WorkProgress& progress = {},
                                   const CallLimits& limits = {});
  /// Runs the steps of one item to its end; nothing when it is not there (any more).
  Result<void> finish_work(SpaceNumber space, indexes::WorkOp op, std::string_view target,
                           const kv::Limits& limits);
  kv::Limits begin(const CallLimits& limits) const {
    return kv::Limits(*environment_, limits.deadline_ms, limits.cancel);
  }
  /// Everything in the ledgers, stages too.
  Result<std::vector<PendingWork>> pending_work();

  // Indexes that are built or removed (work_indexes.cc).
  /// What is not ready, or is there and should not be, by space and name.
  Result<std::vector<IndexWork>> index_work();
  /// Starts rebuilds in every space. Empty: of all indexes.
  Result<void> reindex(const std::vector<std::string>& names, const CallLimits& limits = {});

  /// A message came in with a clock more than a minute behind the newest one.
  void note_clock_suspect() noexcept { clock_suspect_.store(true, std::memory_order_relaxed); }
  bool clock_suspect() const noexcept { return clock_suspect_.load(std::memory_order_relaxed); }

 private:
  friend class CallGuard;
  friend class SnapshotCore;
  friend class LoadCore;
  StoreCore(std::unique_ptr<kv::Store> engine, const Options& options,
            const indexes::Catalogue& catalogue);
  void attach_cache();
  Result<void> prepare_format();
  /// Work that a crash left: staged conversations are turned into purges.
  Result<void> recover_work();
  /// Rewrites stage items of one space as purges.
  Result<void> recover_space(SpaceNumber space);
  /// Starts the builds and removals that definitions of another version than the store's ask for.
  Result<void> change_indexes();
  /// One step of the first item that is not a stage; false when there is none.
  struct StepReport {
    std::optional<PendingWork> work{};
    bool is_done = false;
  };
  /// Waits for the turn of a step, within the limits.
  Result<std::unique_lock<std::timed_mutex>> take_turn(const kv::Limits& limits);
  Result<bool> run_one_step(const kv::Limits& limits, StepReport* report = nullptr);
  /// One step of the first item of a space that can go on; false when there is none.
  Result<bool> run_work_step(const SpaceState& state, const kv::Limits& limits, StepReport* report);
  Result<bool> run_step(SpaceNumber space, indexes::WorkItem& item, const kv::Limits& limits);
  /// One step of the first index that is building or dropping; false when there is none.
  Result<bool> run_index_step(const SpaceState& state, const kv::Limits& limits);
  /// Once no index of the space is under way: counts anew what the planner's estimates go by.
  void count_entries_after_change(SpaceNumber space);
  void start_background();
  void background_loop();
  void stop_background();

  Options options_;
  Environment* environment_;
  std::unique_ptr<kv::StateCache> cache_;  ///< Null where nothing is remembered.
  std::unique_ptr<kv::Store> engine_;
  indexes::Maintainer maintainer_;
  indexes::CardinalitySketch cardinality_;
  const std::unique_ptr<CallMeter> calls_;

  std::mutex slots_mutex_;
  std::unordered_map<SpaceNumber, std::unique_ptr<SpaceSlot>> slots_;

  /// Calls that run, counted in places apart, so that threads do not wait for each other's.
  struct alignas(64) RunningCalls {
    std::atomic<std::int64_t> count{0};
  };
  bool has_running_calls() const noexcept;

  std::atomic<bool> closing_{false};
  std::array<RunningCalls, 16> running_calls_{};
  std::mutex close_mutex_;
  std::condition_variable calls_done_;
  bool is_closed_ = false;
  std::unordered_set<SnapshotCore*> snapshots_;  // guarded by close_mutex_
  std::unordered_set<LoadCore*> loads_;          // guarded by close_mutex_

  std::timed_mutex work_mutex_;      // one step at a time
  bool is_turn_of_indexes_ = false;  // guarded by work_mutex_
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool wake_requested_ = false;
  bool stop_requested_ = false;
  std::stop_source background_stop_;  ///< Of the step that the background thread runs.
  std::thread background_;
  std::atomic<bool> clock_suspect_{false};
};

/// Counts and times a public call; the first thing in it.
class TimedCall : public CallTimer {
 public:
  TimedCall(const Scope& scope, CallId id) noexcept : CallTimer(scope.core->calls(), id) {}
};

Error closed_error();

/// Runs `function(ReadContext&)` in the scope's view: the transaction's, the snapshot's, or a new
/// snapshot that lasts for this call.
Result<void> read_in(const Scope& scope, const std::function<Result<void>(ReadContext&)>& function);

/// Runs `function(WriteContext&)` as a transaction of its own, or as part of the scope's; then an
/// error takes back what the call wrote. `queue`: see kv::RunOptions::queue_key.
struct QueueKey {
  kv::Family family = kv::Family::system;
  std::string key{};
};
Result<void> write_in(const Scope& scope, const CallOptions& options, const QueueKey& queue,
                      const std::function<Result<void>(WriteContext&)>& function);

/// Space::transact: the user's function as one transaction, run again on conflict.
Result<void> transact_in(const Scope& scope, const TransactOptions& options,
                         const std::function<Result<void>(Transaction&)>& function);

/// The typed forms: `read<T>(scope, [&](ReadContext& context) -> Result<T> {...})`.
template <class T, class F>
Result<T> read(const Scope& scope, F&& function) {
  std::optional<Result<T>> answer;
  Result<void> done = read_in(scope, [&](ReadContext& context) -> Result<void> {
    answer.emplace(function(context));
    if (!*answer) return answer->error();
    return {};
  });
  if (!done) return std::move(done).error();
  return std::move(*answer);
}

template <class T, class F>
Result<T> write(const Scope& scope, const CallOptions& options, F&& function,
                const QueueKey& queue = {}) {
  std::optional<Result<T>> answer;
  Result<void> done = write_in(scope, options, queue, [&](WriteContext& context) -> Result<void> {
    answer.emplace(function(context));
    if (!*answer) return answer->error();
    return {};
  });
  if (!done) return std::move(done).error();
  return std::move(*answer);
}

}  // namespace callisto::detail
