#include "api/core.h"

#include <algorithm>
#include <utility>

#include "api/bulk_load.h"
#include "api/check.h"
#include "api/work_steps.h"
#include "engine/cache/cached_reader.h"
#include "engine/limited.h"
#include "engine/open.h"
#include "engine/thread_index.h"
#include "indexes/cache_shape.h"
#include "indexes/catalogue.h"

namespace callisto::detail {

kv::Limits Scope::begin(const CallOptions& options) const {
  const std::uint32_t shorter = std::min(limits.deadline_ms, options.deadline_ms);
  const std::uint32_t deadline_ms =
      shorter != 0 ? shorter : std::max(limits.deadline_ms, options.deadline_ms);
  return kv::Limits(core->environment(), deadline_ms, limits.cancel, options.cancel);
}

Scope Scope::within(const kv::Limits& call) const {
  Scope scope = *this;
  scope.running = &call;
  return scope;
}

Error closed_error() { return Error(Code::closed, "the store is closed"); }

namespace {

Error space_gone() { return Error(Code::not_found, "space", "the space was dropped"); }

Result<std::shared_ptr<const SpaceState>> live_state(StoreCore& core, SpaceSlot& slot,
                                                     kv::Reader& reader) {
  auto state = slot.state(core.engine(), reader);
  if (!state) return std::move(state).error();
  if (!(*state)->exists()) return space_gone();
  return state;
}

}  // namespace

// WriteContext ---------------------------------------------------------------------------------

Result<void> WriteContext::write_row(TableId table, std::string_view key,
                                     std::optional<std::string_view> before,
                                     std::optional<std::string_view> after) {
  return core_.maintainer().write(transaction_, *state_, table, key, before, after, changes_);
}

Result<void> WriteContext::reload_state() {
  auto state = SpaceState::load(transaction_, space());
  if (!state) return std::move(state).error();
  state_ = std::move(*state);
  return {};
}

// ReadContext ----------------------------------------------------------------------------------

Time ReadContext::now() const {
  if (!now_) now_ = core_.environment().now();
  return *now_;
}

// SpaceSlot ------------------------------------------------------------------------------------

namespace {

std::uint64_t next_slot_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

SpaceSlot::SpaceSlot(SpaceNumber space)
    : number_(next_slot_number()),
      space_(space),
      guard_key_(schema::work_guard_key(space)),
      name_key_(schema::space_name_key(space)) {}

Result<std::shared_ptr<const SpaceState>> SpaceSlot::state(kv::Store& engine, kv::Reader& reader) {
  // The reader's version is fixed already, so an answer at or below it cannot be outdated by a
  // commit that the reader sees: such a commit would be pending or above (DESIGN.md 4, "Hit").
  std::optional<kv::Version> committed = engine.committed_version(kv::Family::system, guard_key_);
  const bool is_current = committed && *committed <= reader.version();
  if (is_current) {
    std::lock_guard lock(mutex_);
    if (state_ != nullptr && version_ == *committed) return state_;
  }
  auto loaded = SpaceState::load(reader, space_);
  if (!loaded || !is_current) return loaded;
  std::lock_guard lock(mutex_);
  if (state_ == nullptr || version_ <= *committed) {
    version_ = *committed;
    state_ = *loaded;
  }
  return loaded;
}

namespace {

/// False once the thread's variables are gone: a call from a destructor at its end keeps nothing.
thread_local bool keeps_state = true;

struct KeptState {
  HeldState held{};
  ~KeptState() { keeps_state = false; }
};
thread_local KeptState kept_state;

}  // namespace

BorrowedState::BorrowedState() noexcept {
  if (keeps_state) held_ = std::exchange(kept_state.held, {});
}

BorrowedState::~BorrowedState() {
  if (keeps_state) kept_state.held = std::move(held_);
}

Result<std::shared_ptr<const SpaceState>> SpaceSlot::state_for_call(kv::Store& engine,
                                                                    kv::Reader& reader,
                                                                    HeldState& held) {
  const auto committed = engine.committed_version(kv::Family::system, guard_key_);
  if (!committed || *committed > reader.version()) return state(engine, reader);
  if (held.slot != number_ || held.version != *committed) {
    auto current = state(engine, reader);
    if (!current) return current;
    held = {number_, *committed, std::move(*current)};
  }
  return std::shared_ptr<const SpaceState>(std::shared_ptr<void>(), held.state.get());
}

// TransactionCore, SnapshotCore, CallGuard --------------------------------------------------------

TransactionCore::TransactionCore(StoreCore& core, SpaceSlot& slot, kv::Transaction& kv_transaction,
                                 std::shared_ptr<const SpaceState> space_state, Time start,
                                 indexes::CardinalityChanges& cardinality_changes, MadeIds& ids)
    : scope{&core, &slot, this, nullptr},
      transaction(kv_transaction),
      state(std::move(space_state)),
      now(start),
      changes(cardinality_changes),
      made_ids(ids),
      face_(*this) {}

SnapshotCore::SnapshotCore(std::shared_ptr<StoreCore> store, SpaceSlot& slot,
                           std::unique_ptr<kv::Snapshot> kv_snapshot,
                           std::shared_ptr<const SpaceState> space_state, Time taken)
    : core(std::move(store)),
      scope{core.get(), &slot, nullptr, this},
      snapshot(std::move(kv_snapshot)),
      version(snapshot->version()),
      state(std::move(space_state)),
      now(taken) {
  std::lock_guard lock(core->close_mutex_);
  core->snapshots_.insert(this);
}

SnapshotCore::~SnapshotCore() {
  std::lock_guard lock(core->close_mutex_);
  core->snapshots_.erase(this);
}

CallGuard::CallGuard(StoreCore& core) noexcept
    : core_(core), place_(kv::thread_index() % core.running_calls_.size()) {
  core_.running_calls_[place_].count.fetch_add(1, std::memory_order_seq_cst);
  is_open_ = !core_.closing_.load(std::memory_order_seq_cst);
}

CallGuard::~CallGuard() {
  core_.running_calls_[place_].count.fetch_sub(1, std::memory_order_seq_cst);
  if (core_.closing_.load(std::memory_order_seq_cst)) {
    std::lock_guard lock(core_.close_mutex_);
    core_.calls_done_.notify_all();
  }
}

// StoreCore: opening and closing ------------------------------------------------------------------

namespace {

/// What the cache of committed state takes of the budget (api/README.md).
std::uint64_t cache_bytes(const Options& options) {
  if (options.mode == OpenMode::read_only) return 0;
  constexpr std::uint64_t kLeft = 4ULL << 20;
  const std::uint64_t most = std::max(options.memory_budget_bytes / 2, kLeft) - kLeft;
  return std::min(options.record_cache_bytes.value_or(most), most);
}

}  // namespace

StoreCore::StoreCore(std::unique_ptr<kv::Store> engine, const Options& options,
                     const indexes::Catalogue& catalogue)
    : options_(options),
      environment_(options.environment != nullptr ? options.environment : &Environment::system()),
      engine_(std::move(engine)),
      maintainer_(catalogue),
      calls_(options.statistics ? std::make_unique<CallMeter>(*environment_) : nullptr) {}

StoreCore::~StoreCore() { ignore_error(close(), "nobody is left to tell"); }

Result<std::shared_ptr<StoreCore>> StoreCore::open(std::string directory, const Options& options,
                                                   const indexes::Catalogue& catalogue) {
  kv::OpenOptions engine_options;
  engine_options.directory = std::move(directory);
  engine_options.create = options.mode == OpenMode::create;
  engine_options.read_only = options.mode == OpenMode::read_only;
  engine_options.accept_data_loss = options.accept_data_loss;
  engine_options.memory_budget_bytes = options.memory_budget_bytes;
  engine_options.reserved_bytes = indexes::CardinalitySketch::kBytes + cache_bytes(options);
  engine_options.environment =
      options.environment != nullptr ? options.environment : &Environment::system();
  engine_options.disk_threads = options.disk_threads;
  engine_options.disk_threads_nice = options.disk_threads_nice;
  engine_options.statistics = options.statistics;
  engine_options.thread_name = options.thread_name;
  auto engine = kv::open_rocksdb(engine_options);
  if (!engine) return std::move(engine).error();
  return over(std::move(*engine), options, catalogue);
}

void StoreCore::attach_cache() {
  const std::uint64_t bytes = cache_bytes(options_);
  if (bytes == 0) return;
  auto cache =
      std::make_unique<kv::StateCache>(bytes, indexes::cache_shape(maintainer_.catalogue()));
  if (engine_->attach(*cache)) cache_ = std::move(cache);
}

Result<std::shared_ptr<StoreCore>> StoreCore::over(std::unique_ptr<kv::Store> engine,
                                                   const Options& options,
                                                   const indexes::Catalogue& catalogue) {
  std::shared_ptr<StoreCore> core(new StoreCore(std::move(engine), options, catalogue));
  const bool is_writer = options.mode != OpenMode::read_only;
  if (is_writer) core->attach_cache();
  if (auto done = core->prepare_format(); !done) return std::move(done).error();
  ignore_error(core->cardinality_.load(core->engine()), "estimates only: a repair counts anew");
  if (!is_writer) return core;
  if (auto done = core->recover_work(); !done) return std::move(done).error();
  if (auto done = core->change_indexes(); !done) return std::move(done).error();
  if (options.background_work) core->start_background();
  return core;
}

Result<void> StoreCore::close() {
  {
    std::unique_lock lock(close_mutex_);
    if (is_closed_) return {};
    is_closed_ = true;
    closing_.store(true, std::memory_order_seq_cst);
  }
  stop_background();
  {
    std::unique_lock lock(close_mutex_);
    calls_done_.wait(lock, [&] { return !has_running_calls(); });
    for (SnapshotCore* snapshot : snapshots_) snapshot->snapshot.reset();
    for (LoadCore* load : loads_) load->give_up();
  }
  ignore_error(cardinality_.save(*engine_), "estimates only, and close() says what else is wrong");
  return engine_->close();
}

bool StoreCore::has_running_calls() const noexcept {
  // A call moves from no place to another, and none begins any more: each place is looked at once.
  return std::any_of(running_calls_.begin(), running_calls_.end(), [](const RunningCalls& calls) {
    return calls.count.load(std::memory_order_seq_cst) != 0;
  });
}

void StoreCore::count_changes(const indexes::CardinalityChanges& changes) {
  cardinality_.apply(changes);
  if (!cardinality_.is_save_due()) return;
  ignore_error(cardinality_.save(*engine_), "estimates only: the commit stands");
}

Result<void> StoreCore::refresh() {
  CALLISTO_TRY(engine_->refresh());
  ignore_error(cardinality_.load(*engine_), "estimates only: the view has moved");
  return {};
}

SpaceSlot& StoreCore::slot(SpaceNumber space) {
  std::lock_guard lock(slots_mutex_);
  auto& slot = slots_[space];
  if (slot == nullptr) slot = std::make_unique<SpaceSlot>(space);
  return *slot;
}

// Running calls -----------------------------------------------------------------------------------

namespace {

/// Runs the function in what `reader` sees.
Result<void> read_with(const Scope& scope, const kv::Limits& limits, kv::Reader& reader,
                       const std::function<Result<void>(ReadContext&)>& function) {
  StoreCore& core = *scope.core;
  kv::LimitedReader limited(reader, limits);
  kv::Reader& within = limits.any() ? static_cast<kv::Reader&>(limited) : reader;
  BorrowedState borrowed;
  auto state = scope.slot->state_for_call(core.engine(), within, borrowed.held());
  if (!state) return std::move(state).error();
  if (!(*state)->exists()) return space_gone();
  ReadContext context(core, within, std::move(*state));
  return function(context);
}

Result<void> read_latest(const Scope& scope, const kv::Limits& limits,
                         const std::function<Result<void>(ReadContext&)>& function) {
  StoreCore& core = *scope.core;
  if (core.cache() == nullptr) {
    return read_with(scope, limits, *core.engine().snapshot(), function);
  }
  {
    kv::CachedReader reader(core.engine(), *core.cache());
    Result<void> done = read_with(scope, limits, reader, function);
    if (!reader.moved()) return done;
  }
  kv::CachedReader reader(core.engine().snapshot(), *core.cache());
  return read_with(scope, limits, reader, function);
}

/// A call inside the user's transaction: what it wrote is taken back when it fails.
Result<void> write_nested(const Scope& scope, const CallOptions& options,
                          const std::function<Result<void>(WriteContext&)>& function) {
  TransactionCore& outer = *scope.transaction;
  const kv::Limits own = scope.begin(options);
  const kv::Limits& limits = scope.running != nullptr ? *scope.running : own;
  CALLISTO_TRY(limits.check());
  const std::size_t savepoint = outer.transaction.savepoint();
  const std::size_t changes = outer.changes.savepoint();
  kv::LimitedTransaction limited(outer.transaction, limits);
  kv::Transaction& transaction =
      limits.any() ? static_cast<kv::Transaction&>(limited) : outer.transaction;
  WriteContext context(*scope.core, transaction, outer.state, outer.now, options, outer.changes,
                       outer.made_ids);
  Result<void> done = function(context);
  // What a call has written when its time is over is not kept.
  if (done) done = limits.check();
  if (done) {
    outer.state = context.shared_state();
  } else {
    outer.transaction.rollback_to(savepoint);
    outer.changes.rollback_to(changes);
  }
  return done;
}

/// One transaction of a space. Guarding the space's name makes a commit after drop_space()
/// conflict, and the next attempt find the space gone.
template <class F>
Result<void> run_in_space(const Scope& scope, const kv::RunOptions& options, F&& function) {
  StoreCore& core = *scope.core;
  indexes::CardinalityChanges changes;
  auto done = core.engine().run(options, [&](kv::Transaction& transaction) -> Result<void> {
    changes.clear();  // Those of an attempt that met a conflict.
    auto state = live_state(core, *scope.slot, transaction);
    if (!state) return std::move(state).error();
    transaction.guard(kv::Family::system, scope.slot->name_key());
    return function(transaction, std::move(*state), changes);
  });
  if (!done) return std::move(done).error();
  core.count_changes(changes);
  return {};
}

/// What the function of transact() reads: a row that it was given, or told to be absent, decides
/// what it does, so that the commit checks it.
class CheckedReader final : public kv::Reader {
 public:
  explicit CheckedReader(kv::Transaction& transaction) : transaction_(transaction) {}

  Result<bool> get(kv::Family family, std::string_view key, kv::Value& value) override {
    return transaction_.get_for_update(family, key, value);
  }
  Result<void> multi_get(kv::Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    for (const std::string& key : keys) transaction_.guard(family, key);
    return transaction_.multi_get(family, keys, each);
  }
  std::unique_ptr<kv::Cursor> scan(kv::Family family, const kv::Bounds& bounds) override {
    return transaction_.scan(family, bounds);
  }
  kv::Version version() const override { return transaction_.version(); }
  Result<Bytes> get_row(kv::Family family, std::string_view key, kv::RowCheck check) override {
    transaction_.guard(family, key);
    return transaction_.get_row(family, key, check);
  }
  Result<void> get_rows(kv::Family family, std::span<const std::string> keys, kv::RowCheck check,
                        std::span<Bytes> rows, std::span<const kv::HintRef> hints,
                        std::size_t place) override {
    for (const std::string& key : keys) transaction_.guard(family, key);
    return transaction_.get_rows(family, keys, check, rows, hints, place);
  }

 private:
  kv::Transaction& transaction_;
};

}  // namespace

Result<void> read_in(const Scope& scope,
                     const std::function<Result<void>(ReadContext&)>& function) {
  if (scope.transaction != nullptr) {
    TransactionCore& outer = *scope.transaction;
    const kv::Limits limits = scope.begin();
    CALLISTO_TRY(limits.check());
    CheckedReader reader(outer.transaction);
    kv::LimitedReader limited(reader, limits);
    kv::Reader& seen = limits.any() ? static_cast<kv::Reader&>(limited) : reader;
    ReadContext context(*scope.core, seen, outer.state, outer.now);
    return function(context);
  }
  CallGuard guard(*scope.core);
  if (!guard.is_open()) return closed_error();
  const kv::Limits own = scope.begin();
  const kv::Limits& limits = scope.running != nullptr ? *scope.running : own;
  CALLISTO_TRY(limits.check());
  if (scope.snapshot == nullptr) return read_latest(scope, limits, function);
  SnapshotCore& view = *scope.snapshot;
  std::optional<kv::CachedReader> cached;
  if (kv::StateCache* const cache = scope.core->cache()) cached.emplace(*view.snapshot, *cache);
  kv::Reader& state = cached ? static_cast<kv::Reader&>(*cached) : *view.snapshot;
  kv::LimitedReader limited(state, limits);
  kv::Reader& reader = limits.any() ? static_cast<kv::Reader&>(limited) : state;
  ReadContext context(*scope.core, reader, view.state, view.now);
  return function(context);
}

Result<void> write_in(const Scope& scope, const CallOptions& options, const QueueKey& queue,
                      const std::function<Result<void>(WriteContext&)>& function) {
  CALLISTO_TRY(check_durability(options.durability));
  if (scope.transaction != nullptr) return write_nested(scope, options, function);
  if (scope.snapshot != nullptr) return Error(Code::read_only, "a snapshot cannot be written");
  CallGuard guard(*scope.core);
  if (!guard.is_open()) return closed_error();
  StoreCore& core = *scope.core;
  const kv::Limits own = scope.begin(options);
  kv::RunOptions run = scope.is_step ? kv::step_options() : kv::RunOptions{};
  run.durability = core.durability(options);
  run.limits = scope.running != nullptr ? scope.running : &own;
  run.queue_family = queue.family;
  run.queue_key = queue.key;
  MadeIds own_ids(core.environment());
  MadeIds& ids = scope.made_ids != nullptr ? *scope.made_ids : own_ids;
  return run_in_space(scope, run,
                      [&](kv::Transaction& transaction, std::shared_ptr<const SpaceState> state,
                          indexes::CardinalityChanges& changes) {
                        ids.restart();
                        WriteContext context(core, transaction, std::move(state),
                                             core.environment().now(), options, changes, ids);
                        return function(context);
                      });
}

Result<void> transact_in(const Scope& scope, const TransactOptions& options,
                         const std::function<Result<void>(Transaction&)>& function) {
  CallGuard guard(*scope.core);
  if (!guard.is_open()) return closed_error();
  if (options.max_attempts < 1 || options.max_attempts > 1000) {
    return Error(Code::invalid_argument, "max_attempts", "1 to 1000");
  }
  CALLISTO_TRY(check_durability(options.durability));
  StoreCore& core = *scope.core;
  kv::RunOptions run;
  run.durability = options.durability.value_or(core.options().durability);
  run.max_attempts = options.max_attempts;
  CallOptions call;
  call.deadline_ms = options.deadline_ms;
  call.cancel = options.cancel;
  const kv::Limits limits = scope.begin(call);
  run.limits = &limits;
  MadeIds ids(core.environment());
  Result<void> done =
      run_in_space(scope, run,
                   [&](kv::Transaction& transaction, std::shared_ptr<const SpaceState> state,
                       indexes::CardinalityChanges& changes) {
                     ids.restart();
                     TransactionCore inner(core, *scope.slot, transaction, std::move(state),
                                           core.environment().now(), changes, ids);
                     return function(inner.face());
                   });
  if (done) core.notify_work();
  return done;
}

}  // namespace callisto::detail
