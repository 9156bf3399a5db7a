#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/core.h"
#include "callisto/store.h"
#include "indexes/catalogue.h"
#include "indexes/scrub.h"
#include "schema/keys.h"
#include "tests/support/map_engine.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {

/// What outlives a store that "crashes": the engine below, and how many more commits it lets
/// through.
struct EngineBelow {
  std::unique_ptr<kv::Store> engine;
  std::optional<int> commits_left;
  /// Called inside of every transaction whose function is done, before it commits.
  std::function<void()> before_commit{};
  /// Called after every commit, outside of it.
  std::function<void()> after_commit;
};

/// An engine that can be opened again, and that fails when its commits are used up.
class FailingEngine final : public kv::Store {
 public:
  explicit FailingEngine(EngineBelow& below) : below_(below) {}

  Result<bool> get(kv::Family family, std::string_view key, kv::Value& value) override {
    return below_.engine->get(family, key, value);
  }
  Result<void> multi_get(kv::Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return below_.engine->multi_get(family, keys, each);
  }
  std::unique_ptr<kv::Cursor> scan(kv::Family family, const kv::Bounds& bounds) override {
    return below_.engine->scan(family, bounds);
  }
  kv::Version version() const override { return below_.engine->version(); }
  std::unique_ptr<kv::Snapshot> snapshot() override { return below_.engine->snapshot(); }
  Result<kv::Version> apply(const kv::Batch& batch, Durability durability) override {
    return below_.engine->apply(batch, durability);
  }
  Result<kv::Version> run(const kv::RunOptions& options,
                          const std::function<Result<void>(kv::Transaction&)>& function) override {
    if (below_.commits_left && *below_.commits_left == 0) {
      return Error(Code::unavailable, "no commits are left");
    }
    auto done = below_.engine->run(options, [&](kv::Transaction& transaction) {
      auto ran = function(transaction);
      if (ran && below_.before_commit) below_.before_commit();
      return ran;
    });
    if (done && below_.commits_left) --*below_.commits_left;
    if (done && below_.after_commit) below_.after_commit();
    return done;
  }
  Result<void> erase_range(kv::Family family, std::string_view lower,
                           std::string_view upper) override {
    return below_.engine->erase_range(family, lower, upper);
  }
  bool sole_writer() const override { return below_.engine->sole_writer(); }
  std::optional<kv::Version> committed_version(kv::Family family,
                                               std::string_view key) const override {
    return below_.engine->committed_version(family, key);
  }
  kv::EngineHealth health() const override { return below_.engine->health(); }
  kv::EngineStats stats() const override { return below_.engine->stats(); }
  std::uint64_t approximate_bytes(kv::Family family, std::string_view lower,
                                  std::string_view upper) override {
    return below_.engine->approximate_bytes(family, lower, upper);
  }
  Result<void> sync() override { return below_.engine->sync(); }
  Result<void> compact(const kv::Limits* limits) override {
    return below_.engine->compact(limits);
  }
  Result<void> verify_checksums(const kv::Limits* limits) override {
    return below_.engine->verify_checksums(limits);
  }
  Result<void> refresh() override { return below_.engine->refresh(); }
  /// What is below stays open.
  Result<void> close() override { return {}; }

 private:
  EngineBelow& below_;
};

/// A store over an engine that survives it, without a background thread.
class LargeWorkTest : public ::testing::Test {
 protected:
  using Rows = std::map<std::pair<kv::Family, std::string>, std::string>;

  LargeWorkTest() {
    below_.engine = make_map_engine(environment_);
    open();
  }

  /// Opens, or opens again after a crash.
  void open() {
    core_.reset();
    below_.commits_left.reset();
    Options options;
    options.environment = &environment_;
    options.background_work = false;
    core_ = detail::StoreCore::over(std::make_unique<FailingEngine>(below_), options).value();
    scope_ = {core_.get(), &core_->slot(schema::kDefaultSpace), nullptr, nullptr};
  }
  void crash_after(int commits) { below_.commits_left = commits; }

  Users users() const { return Users(scope_); }
  Conversations conversations() const { return Conversations(scope_); }
  Messages messages() const { return Messages(scope_); }
  Memories memories() const { return Memories(scope_); }
  Result<void> transact(const std::function<Result<void>(Transaction&)>& function) const {
    return detail::transact_in(scope_, {}, function);
  }

  /// Every row of the default space, counters that are zero left out.
  Rows rows() {
    Rows rows;
    const std::string lower = schema::KeyWriter(std::string()).u32(schema::kDefaultSpace).str();
    const std::string upper = schema::prefix_end(lower);
    const std::string counters = schema::counters_key(schema::kDefaultSpace);
    for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
      const auto family = static_cast<kv::Family>(i);
      for (auto cursor = below_.engine->scan(family, {lower, upper}); cursor->valid();
           cursor->next()) {
        const bool is_zero =
            cursor->key() == counters && kv::decode_counters(cursor->value())->empty();
        if (!is_zero) rows[{family, std::string(cursor->key())}] = cursor->value();
      }
    }
    return rows;
  }

  VerifyReport verify() {
    VerifyReport report;
    auto snapshot = below_.engine->snapshot();
    auto done =
        indexes::scrub(*snapshot, indexes::standard_catalogue(), schema::kDefaultSpace, report);
    EXPECT_TRUE(done) << done.error().to_string();
    return report;
  }

  TestEnvironment environment_;
  EngineBelow below_;
  std::shared_ptr<detail::StoreCore> core_;
  detail::Scope scope_;
};

}  // namespace callisto::testing
