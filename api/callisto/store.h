#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "callisto/conversation.h"
#include "callisto/load.h"
#include "callisto/memory.h"
#include "callisto/message.h"
#include "callisto/options.h"
#include "callisto/stats.h"
#include "callisto/user.h"
#include "callisto/work.h"

namespace callisto {

namespace detail {
class StoreCore;
class TransactionCore;
class SnapshotCore;
}  // namespace detail

/// The repositories of one space, as Space, Transaction and Snapshot offer them.
class CALLISTO_API Repositories {
 public:
  Users users() const noexcept { return Users(*scope_); }
  UserData user_data() const noexcept { return UserData(*scope_); }
  Conversations conversations() const noexcept { return Conversations(*scope_); }
  Messages messages() const noexcept { return Messages(*scope_); }
  Memories memories() const noexcept { return Memories(*scope_); }

 protected:
  Repositories() = default;
  void bind(const detail::Scope* scope) noexcept { scope_ = scope; }

 private:
  const detail::Scope* scope_ = nullptr;
};

/// A consistent view with a pending batch. Reads see one state and the transaction's own writes. What
/// it was told is checked at commit: the records that it was given, and that none has an id or a
/// platform identity that it asked for; that a list has no further row is not. Handed to the function
/// of transact() and valid only inside it. Not thread-safe: one thread at a time.
class CALLISTO_API Transaction : public Repositories {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  /// Bytes and keys that the commit would write; `too_large` comes above 8 MiB or 10,000 keys from
  /// the call that goes over, which writes nothing.
  std::uint64_t size_bytes() const noexcept;
  std::uint64_t key_count() const noexcept;
  ~Transaction();

  /// The same transaction, every call under `limits` too, which count from the call's start. One
  /// that passes them is an error that leaves nothing of that call; the transaction may go on.
  Transaction with(const CallLimits& limits) const;

 private:
  friend class detail::TransactionCore;
  explicit Transaction(detail::TransactionCore& core) noexcept;
  Transaction(detail::TransactionCore& core, const CallLimits& limits);
  detail::TransactionCore* core_;
  std::unique_ptr<detail::Scope> scope_;  // of with()
};

/// One state of the store, at which expiry is judged too: reads through it agree with each other.
/// Writes answer `read_only`. Movable; thread-safe. When the store closes, it answers `closed`.
class CALLISTO_API Snapshot : public Repositories {
 public:
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot();
  /// The same state, every read under `limits`, which count from the read's start.
  Snapshot with(const CallLimits& limits) const;
  /// The engine's version of the state: rises with every commit.
  std::uint64_t version() const noexcept;
  /// When it was taken, by the environment's clock.
  Time time() const noexcept;

 private:
  friend class Space;
  explicit Snapshot(std::shared_ptr<detail::SnapshotCore> core);
  std::shared_ptr<detail::SnapshotCore> core_;
  std::unique_ptr<detail::Scope> scope_;
};

/// A tenant: the same repositories over keys of its own. Nothing of another space can be read or
/// written through it. Movable; thread-safe. When the store closes, it answers `closed`.
class CALLISTO_API Space : public Repositories {
 public:
  Space(Space&&) noexcept;
  Space& operator=(Space&&) noexcept;
  ~Space();

  /// "default" for the default space.
  const std::string& name() const noexcept;

  /// The same space, every call of its repositories and transact() under `limits`, which count from
  /// each call's start: `space.with({.deadline_ms = 50}).memories().find(...)`. Keep what it returns
  /// as long as repositories of it are used. A Snapshot taken through it has no limits of its own.
  /// deadline_exceeded, cancelled.
  Space with(const CallLimits& limits) const;
  /// Those of with(); none for a space as it was opened.
  const CallLimits& limits() const noexcept;

  /// Runs `function` in a transaction and commits; on a conflict runs it again, with jittered
  /// backoff, at most options.max_attempts times. `function` takes Transaction& and returns a
  /// Result; it may run several times, so it must have no effect but through the transaction. When
  /// it returns an error nothing is written and the error is the answer; what it throws passes
  /// through, and nothing is written.
  /// invalid_argument (options); conflict, deadline_exceeded, cancelled, unknown_outcome beside
  /// what the function returns.
  template <class F>
  auto transact(F&& function, const TransactOptions& options = {}) const
      -> std::invoke_result_t<F, Transaction&>;

  /// The state now.
  Result<Snapshot> snapshot() const;

  /// Begins to fill the space at once; see BulkLoad. invalid_argument (space) when it holds records
  /// or has unfinished work; index_not_ready while an index of it is being built or removed;
  /// read_only; no_space, io_error.
  Result<BulkLoad> bulk_load() const;

 private:
  friend class Store;
  Space(std::shared_ptr<detail::StoreCore> core, std::uint32_t number, std::string name);
  Result<void> run(const std::function<Result<void>(Transaction&)>& function,
                   const TransactOptions& options) const;
  std::shared_ptr<detail::StoreCore> core_;
  std::unique_ptr<detail::Scope> scope_;
  std::string name_;
};

/// One directory on disk with one writing process. Thread-safe. Closing waits for calls that run,
/// later ones answer `closed`. Movable: what was moved from may only be assigned to or destroyed.
class CALLISTO_API Store {
 public:
  /// Opens or makes the store in `directory`.
  /// busy, with the holder's process id, when another process or object writes it; not_found;
  /// format_too_new, format_unsupported; corruption; data_loss; io_error; invalid_argument (options).
  static Result<Store> open(std::string_view directory, const Options& options = {});
  /// A store in memory, gone when it is closed. Same engine, same rules, same budget.
  static Result<Store> open_in_memory(const Options& options = {});

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// Waits for running calls, stops background work between two steps, and closes. The first
  /// failure on the way is reported; the store is closed all the same. A second call does nothing.
  Result<void> close();

  /// The default space under limits: Space::with().
  Space with(const CallLimits& limits) const { return default_space().with(limits); }

  // The default space.
  const Space& default_space() const noexcept { return *default_; }
  Users users() const noexcept { return default_space().users(); }
  UserData user_data() const noexcept { return default_space().user_data(); }
  Conversations conversations() const noexcept { return default_space().conversations(); }
  Messages messages() const noexcept { return default_space().messages(); }
  Memories memories() const noexcept { return default_space().memories(); }
  template <class F>
  auto transact(F&& function, const TransactOptions& options = {}) const
      -> std::invoke_result_t<F, Transaction&> {
    return default_space().transact(std::forward<F>(function), options);
  }
  Result<Snapshot> snapshot() const { return default_space().snapshot(); }
  Result<BulkLoad> bulk_load() const { return default_space().bulk_load(); }

  // Limits of the calls below: looked at before the call begins and between its parts.

  /// An existing space; never creates one. not_found.
  Result<Space> space(std::string_view name, const CallLimits& limits = {}) const;
  /// already_exists; invalid_argument (name: 1 to 64 code points). Ids are never used again.
  Result<Space> create_space(std::string_view name, const CallLimits& limits = {}) const;
  /// Takes the name away in one commit, then the data in steps; open Space objects answer
  /// `not_found`. False when there was none; invalid_argument for the default space.
  Result<bool> drop_space(std::string_view name, const CallLimits& limits = {}) const;
  /// Names in the order of creation, "default" first.
  Result<std::vector<std::string>> spaces(const CallLimits& limits = {}) const;

  /// Read-only stores: moves the view to what the writer has committed. `unsupported` for a writer.
  Result<void> refresh(const CallLimits& limits = {}) const;
  /// Runs what is left of large deletes and merges, and of builds and removals of indexes, until
  /// nothing is left. `progress` hears of every step of a delete or a merge that this call runs, not
  /// of those of the store's own thread. With limits it ends between two steps; what is done stays.
  /// unavailable and other errors of writes, corruption: what is left stays pending.
  Result<void> finish_pending_work(const WorkProgress& progress = {},
                                   const CallLimits& limits = {}) const;
  /// The large work that is not done, in every space: also of calls of store() that run just now;
  /// index_work() has that of indexes. Costs the reading of the ledgers, which are short. Read-only
  /// stores answer as of their view.
  Result<std::vector<PendingWork>> pending_work(const CallLimits& limits = {}) const;

  /// Indexes that are not as this program's definitions ask for: being built, being removed, or, in
  /// a read-only store, not held. Empty nearly always. corruption; io_error; closed.
  Result<std::vector<IndexWork>> index_work(const CallLimits& limits = {}) const;
  /// Starts to build indexes anew, in every space: by name, or all when none is given; in each
  /// space one after the other. Until its turn comes an index is `stale` and used as it is. Then it
  /// is emptied and built: queries take other indexes or decide on records, lists that have no
  /// other way answer `index_not_ready`, writers go on. While message_by_id is built, a call that
  /// names a message by its id (of append() and store(): one that the caller gave) may read all
  /// messages that the build has not come to, about 0.2 us each; while identity_by_user is built,
  /// merge() and identities() all identities; what a removed conversation or user leaves is removed
  /// after the build. For an index that is suspect or that damage keeps from being read; where it
  /// can be read, verify() with `repair` mends it while it is in use. Returns when the work is
  /// stored; the background thread or finish_pending_work() does it, also after a crash.
  /// invalid_argument (index: not a name of stats()); read_only; conflict; closed.
  Result<void> reindex(const std::vector<std::string>& names = {},
                       const CallLimits& limits = {}) const;
  /// Brings a store that another version of Callisto wrote to this one's definitions, and comes
  /// back when it is done; on a current store there is nothing to do. Opening for writing starts the
  /// same work. With `dry_run` it only says what there is to do, and may be asked of a read-only
  /// store. A store of another draft of the format is refused by open().
  /// read_only (without dry_run); what finish_pending_work() answers.
  Result<UpgradeReport> upgrade(bool dry_run = false, const CallLimits& limits = {}) const;

  Health health() const;
  Result<Stats> stats(const CallLimits& limits = {}) const;
  /// Compares every index with a full scan of its records, in one snapshot; see VerifyReport.
  Result<VerifyReport> verify(const VerifyOptions& options = {}) const;
  /// Makes everything that was committed so far durable: one sync of the disk, not cut short.
  Result<void> sync(const CallLimits& limits = {}) const;
  /// Merges all levels of every table on disk: space of deleted records comes back. Long.
  /// A request to stop ends it soon, a deadline between two tables; what was written or merged
  /// stays.
  Result<void> compact(const CallLimits& limits = {}) const;

  /// Internal: for the tools beside the library.
  detail::StoreCore& core() const noexcept { return *core_; }

 private:
  explicit Store(std::shared_ptr<detail::StoreCore> core);
  std::shared_ptr<detail::StoreCore> core_;
  std::unique_ptr<Space> default_;
};

template <class F>
auto Space::transact(F&& function, const TransactOptions& options) const
    -> std::invoke_result_t<F, Transaction&> {
  using Answer = std::invoke_result_t<F, Transaction&>;
  std::optional<Answer> answer;
  Result<void> done = run(
      [&](Transaction& transaction) -> Result<void> {
        answer.emplace(function(transaction));
        if (!*answer) return answer->error();
        return {};
      },
      options);
  if (!done) return std::move(done).error();
  return std::move(*answer);
}

}  // namespace callisto
