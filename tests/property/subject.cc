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
  StoreSubject(std::string directory, const Options& options)
      : directory_(std::move(directory)), options_(options) {
    open();
  }

  const Repositories& space(int number) const override { return space_of(number); }
  Result<void> transact(int number, const std::function<Result<void>(Transaction&)>& function) override {
    return space_of(number).transact(function);
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
  Result<void> finish() override { return store_->finish_pending_work(); }
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
class MapSubject final : public Subject {
 public:
  explicit MapSubject(const Options& options)
      : core_(detail::StoreCore::over(make_map_engine(*options.environment), options).value()),
        default_(scope_of(schema::kDefaultSpace)) {
    other_.emplace(scope_of(core_->create_space(kOther).value()));
  }
  ~MapSubject() override { ignore_error(core_->close(), "the engine is in memory"); }

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
  Result<void> finish() override { return core_->finish_pending_work(); }
  detail::StoreCore* core() override { return core_.get(); }

 private:
  detail::Scope scope_of(schema::SpaceNumber number) {
    return {.core = core_.get(), .slot = &core_->slot(number)};
  }
  const Bound& bound(int number) const { return number == 0 ? default_ : *other_; }

  const std::shared_ptr<detail::StoreCore> core_;
  const Bound default_;
  std::optional<Bound> other_;
};

}  // namespace

std::unique_ptr<Subject> store_subject(const std::string& directory, const Options& options) {
  return std::make_unique<StoreSubject>(directory, options);
}
std::unique_ptr<Subject> map_subject(const Options& options) { return std::make_unique<MapSubject>(options); }

}  // namespace callisto::testing
