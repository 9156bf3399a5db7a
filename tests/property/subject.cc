#include "tests/property/subject.h"

#include <optional>
#include <utility>

#include "api/core.h"
#include "indexes/scrub.h"
#include "tests/support/map_engine.h"

namespace callisto::testing {
namespace {

constexpr const char* kOther = "other";

struct HeldSnapshot final : Held {
  explicit HeldSnapshot(Snapshot taken) : snapshot(std::move(taken)) {}
  const Repositories& repositories() const override { return snapshot; }
  Snapshot snapshot;
};

class StoreSubject final : public Subject {
 public:
  StoreSubject(std::string directory, const Options& options, Indexes indexes)
      : directory_(std::move(directory)), options_(options), indexes_(indexes) {
    open();
  }

  const Repositories& space(int number) const override { return space_of(number); }
  Result<void> transact(int number, const std::function<Result<void>(Transaction&)>& function) override {
    return space_of(number).transact(function, {.max_attempts = 1000});
  }
  std::unique_ptr<Held> snapshot(int number) override {
    return std::make_unique<HeldSnapshot>(space_of(number).snapshot().value());
  }
  void renew_space() override {
    store_->drop_space(kOther).value();
    other_.emplace(store_->create_space(kOther).value());
  }
  Result<VerifyReport> verify(bool repair) override {
    return store_->verify({.repair = repair, .checksums = false});
  }
  Result<void> finish_within(const CallLimits& limits) override {
    return store_->finish_pending_work({}, limits);
  }
  Result<bool> reindex() override {
    if (indexes_ == Indexes::stay) return false;
    if (auto begun = store_->reindex(); !begun) return std::move(begun).error();
    return true;
  }
  bool reopen() override {
    if (directory_.empty()) return false;
    other_.reset();
    store_->close().value();
    store_.reset();
    open();
    return true;
  }
  detail::StoreCore* core() override { return &store_->core(); }

 private:
  const Space& space_of(int number) const { return number == 0 ? store_->default_space() : *other_; }
  void open() {
    store_.emplace(directory_.empty() ? Store::open_in_memory(options_).value()
                                      : Store::open(directory_, options_).value());
    auto there = store_->space(kOther);
    other_.emplace(there ? std::move(*there) : store_->create_space(kOther).value());
  }

  const std::string directory_;
  const Options options_;
  const Indexes indexes_;
  std::optional<Store> store_;
  std::optional<Space> other_;
};

/// Repositories of any scope.
struct Bound : Repositories {
  explicit Bound(const detail::Scope& given) : scope(given) { bind(&scope); }
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;
  const detail::Scope scope;
};

struct HeldCore final : Held {
  explicit HeldCore(std::unique_ptr<detail::SnapshotCore> taken)
      : core(std::move(taken)), bound(core->scope) {}
  const Repositories& repositories() const override { return bound; }
  const std::unique_ptr<detail::SnapshotCore> core;
  const Bound bound;
};

/// The same steps as Store takes, over an engine that only tests have.
class EngineSubject final : public Subject {
 public:
  EngineSubject(std::function<std::unique_ptr<kv::Store>()> make, bool can_reopen,
                const Options& options, Indexes indexes)
      : make_(std::move(make)), can_reopen_(can_reopen), options_(options), indexes_(indexes) {
    open();
  }
  ~EngineSubject() override { ignore_error(core_->close(), "nobody is left to tell"); }

  const Repositories& space(int number) const override { return bound(number); }
  Result<void> transact(int number, const std::function<Result<void>(Transaction&)>& function) override {
    return detail::transact_in(bound(number).scope, {}, function);
  }
  std::unique_ptr<Held> snapshot(int number) override {
    detail::SpaceSlot& slot = *bound(number).scope.slot;
    auto view = core_->engine().snapshot();
    auto state = slot.state(core_->engine(), *view).value();
    return std::make_unique<HeldCore>(std::make_unique<detail::SnapshotCore>(
        core_, slot, std::move(view), std::move(state), core_->environment().now()));
  }
  void renew_space() override {
    core_->drop_space(kOther).value();
    other_.emplace(scope_of(core_->create_space(kOther).value()));
  }
  Result<VerifyReport> verify(bool repair) override {
    VerifyReport report;
    const auto& catalogue = core_->maintainer().catalogue();
    auto snapshot = core_->engine().snapshot();
    for (const auto& [name, number] : core_->spaces(*snapshot).value()) {
      auto done = repair ? indexes::repair(core_->engine(), catalogue, number, report)
                         : indexes::scrub(*snapshot, catalogue, number, report);
      if (!done) return done.error();
    }
    report.ok = report.dangling + report.missing + report.wrong + report.undecodable + report.orphans == 0;
    return report;
  }
  Result<void> finish_within(const CallLimits& limits) override {
    return core_->finish_pending_work({}, limits);
  }
  Result<bool> reindex() override {
    if (indexes_ == Indexes::stay) return false;
    if (auto begun = core_->reindex({}); !begun) return std::move(begun).error();
    return true;
  }
  bool reopen() override {
    if (!can_reopen_) return false;
    default_.reset();
    other_.reset();
    core_->close().value();
    core_.reset();
    open();
    return true;
  }
  detail::StoreCore* core() override { return core_.get(); }

 private:
  void open() {
    core_ = detail::StoreCore::over(make_(), options_).value();
    default_.emplace(scope_of(schema::kDefaultSpace));
    const auto there = core_->find_space(kOther).value();
    other_.emplace(scope_of(there ? *there : core_->create_space(kOther).value()));
  }
  detail::Scope scope_of(schema::SpaceNumber number) {
    return {.core = core_.get(), .slot = &core_->slot(number)};
  }
  const Bound& bound(int number) const { return number == 0 ? *default_ : *other_; }

  const std::function<std::unique_ptr<kv::Store>()> make_;
  const bool can_reopen_;
  const Options options_;
  const Indexes indexes_;
  std::shared_ptr<detail::StoreCore> core_;
  std::optional<Bound> default_;
  std::optional<Bound> other_;
};

}  // namespace

std::unique_ptr<Subject> store_subject(const std::string& directory, const Options& options,
                                       Indexes indexes) {
  return std::make_unique<StoreSubject>(directory, options, indexes);
}
std::unique_ptr<Subject> map_subject(const Options& options) {
  return engine_subject([environment = options.environment] { return make_map_engine(*environment); },
                        false, options);
}
std::unique_ptr<Subject> engine_subject(std::function<std::unique_ptr<kv::Store>()> make,
                                        bool can_reopen, const Options& options,
                                        Indexes indexes) {
  return std::make_unique<EngineSubject>(std::move(make), can_reopen, options, indexes);
}

}  // namespace callisto::testing
