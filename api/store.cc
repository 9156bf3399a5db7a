// The faces of a store: Store, Space, Transaction, Snapshot.

#include "callisto/store.h"

#include <algorithm>

#include "api/check.h"
#include "api/core.h"

namespace callisto {

using detail::CallGuard;
using detail::closed_error;
using detail::Scope;
using detail::SnapshotCore;
using detail::StoreCore;
using detail::TransactionCore;

// Transaction --------------------------------------------------------------------------------------

Transaction::Transaction(TransactionCore& core) noexcept : core_(&core) { bind(&core.scope); }

Transaction::Transaction(TransactionCore& core, const CallLimits& limits)
    : core_(&core), scope_(std::make_unique<Scope>(core.scope)) {
  scope_->limits = limits;
  bind(scope_.get());
}

Transaction::~Transaction() = default;

Transaction Transaction::with(const CallLimits& limits) const {
  return Transaction(*core_, limits);
}

std::uint64_t Transaction::size_bytes() const noexcept { return core_->transaction.size_bytes(); }

std::uint64_t Transaction::key_count() const noexcept { return core_->transaction.key_count(); }

// Snapshot -----------------------------------------------------------------------------------------

Snapshot::Snapshot(std::shared_ptr<SnapshotCore> core)
    : core_(std::move(core)), scope_(std::make_unique<Scope>(core_->scope)) {
  bind(scope_.get());
}

Snapshot Snapshot::with(const CallLimits& limits) const {
  Snapshot limited(core_);
  limited.scope_->limits = limits;
  return limited;
}

Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

std::uint64_t Snapshot::version() const noexcept { return core_->version; }

Time Snapshot::time() const noexcept { return core_->now; }

// Space --------------------------------------------------------------------------------------------

Space::Space(std::shared_ptr<StoreCore> core, std::uint32_t number, std::string name)
    : core_(std::move(core)),
      scope_(std::make_unique<Scope>(Scope{core_.get(), &core_->slot(number)})),
      name_(std::move(name)) {
  bind(scope_.get());
}
Space::Space(Space&&) noexcept = default;
Space& Space::operator=(Space&&) noexcept = default;
Space::~Space() = default;

Space Space::with(const CallLimits& limits) const {
  Space limited(core_, scope_->slot->space(), name_);
  limited.scope_->limits = limits;
  return limited;
}

const CallLimits& Space::limits() const noexcept { return scope_->limits; }

const std::string& Space::name() const noexcept { return name_; }

Result<void> Space::run(const std::function<Result<void>(Transaction&)>& function,
                        const TransactOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::transact);
  return detail::transact_in(*scope_, options, function);
}

Result<Snapshot> Space::snapshot() const {
  const detail::TimedCall timed(*scope_, detail::CallId::snapshot);
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(scope_->begin().check());
  std::unique_ptr<kv::Snapshot> view = core_->engine().snapshot();
  auto state = scope_->slot->state(core_->engine(), *view);
  if (!state) return std::move(state).error();
  if (!(*state)->exists()) return Error(Code::not_found, "space", "the space was dropped");
  return Snapshot(std::make_shared<SnapshotCore>(core_, *scope_->slot, std::move(view), std::move(*state),
                                                 core_->environment().now()));
}

// Store --------------------------------------------------------------------------------------------

namespace {

constexpr std::uint64_t kMinBudget = 32ULL << 20;
constexpr std::uint64_t kMaxBudget = 1ULL << 40;

Result<void> check_options(const Options& options) {
  if (options.memory_budget_bytes < kMinBudget || options.memory_budget_bytes > kMaxBudget) {
    return Error(Code::invalid_argument, "memory_budget_bytes", "32 MiB to 1 TiB");
  }
  if (options.mode > OpenMode::read_only) return Error(Code::invalid_argument, "mode", "an OpenMode");
  CALLISTO_TRY(detail::check_durability(options.durability));
  if (options.disk_threads < 2 || options.disk_threads > 32) {
    return Error(Code::invalid_argument, "disk_threads", "2 to 32");
  }
  if (options.disk_threads_nice > 19) {
    return Error(Code::invalid_argument, "disk_threads_nice", "0 to 19");
  }
  const std::string& name = options.thread_name;
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (name.empty() || name.size() > 8 || !std::all_of(name.begin(), name.end(), is_printable)) {
    return Error(Code::invalid_argument, "thread_name", "1 to 8 printable ASCII characters");
  }
  return {};
}

}  // namespace

Store::Store(std::shared_ptr<StoreCore> core)
    : core_(std::move(core)),
      default_(new Space(core_, schema::kDefaultSpace, "default")) {}
Store::Store(Store&&) noexcept = default;

Store& Store::operator=(Store&& other) noexcept {
  if (this != &other) {
    if (core_ != nullptr) ignore_error(core_->close(), "the store is being replaced");
    core_ = std::move(other.core_);
    default_ = std::move(other.default_);
  }
  return *this;
}

Store::~Store() {
  if (core_ != nullptr) ignore_error(core_->close(), "close() tells who wants to know");
}

Result<Store> Store::open(std::string_view directory, const Options& options) {
  if (directory.empty()) return Error(Code::invalid_argument, "directory", "not empty");
  if (auto checked = check_options(options); !checked) return std::move(checked).error();
  auto core = StoreCore::open(std::string(directory), options);
  if (!core) return std::move(core).error();
  return Store(std::move(*core));
}

Result<Store> Store::open_in_memory(const Options& options) {
  if (auto checked = check_options(options); !checked) return std::move(checked).error();
  if (options.mode != OpenMode::create) {
    return Error(Code::invalid_argument, "mode", "create, for a store in memory");
  }
  auto core = StoreCore::open({}, options);
  if (!core) return std::move(core).error();
  return Store(std::move(*core));
}

Result<void> Store::close() { return core_->close(); }

Result<Space> Store::space(std::string_view name, const CallLimits& limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(core_->begin(limits).check());
  auto number = core_->find_space(name);
  if (!number) return std::move(number).error();
  if (!*number) return Error(Code::not_found, "name", "an existing space");
  return Space(core_, **number, std::string(name));
}

Result<Space> Store::create_space(std::string_view name, const CallLimits& limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  auto number = core_->create_space(name, limits);
  if (!number) return std::move(number).error();
  return Space(core_, *number, std::string(name));
}

Result<bool> Store::drop_space(std::string_view name, const CallLimits& limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  return core_->drop_space(name, limits);
}

Result<std::vector<std::string>> Store::spaces(const CallLimits& limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(core_->begin(limits).check());
  auto snapshot = core_->engine().snapshot();
  auto spaces = core_->spaces(*snapshot);
  if (!spaces) return std::move(spaces).error();
  std::vector<std::string> names;
  for (auto& [name, number] : *spaces) names.push_back(std::move(name));
  return names;
}

Result<void> Store::refresh(const CallLimits& limits) const {
  const detail::CallTimer timed(core_->calls(), detail::CallId::refresh);
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(core_->begin(limits).check());
  return core_->refresh();
}

Result<void> Store::finish_pending_work(const WorkProgress& progress,
                                        const CallLimits& limits) const {
  return core_->finish_pending_work(progress, limits);
}

Result<void> Store::sync(const CallLimits& limits) const {
  const detail::CallTimer timed(core_->calls(), detail::CallId::sync);
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(core_->begin(limits).check());
  return core_->engine().sync();
}

Result<void> Store::compact(const CallLimits& call_limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  const kv::Limits limits = core_->begin(call_limits);
  CALLISTO_TRY(limits.check());
  return core_->engine().compact(&limits);
}

}  // namespace callisto
