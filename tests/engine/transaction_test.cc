#include "engine/transaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/committer.h"
#include "engine/queue_locks.h"
#include "engine/retry.h"
#include "engine/right_of_way.h"
#include "tests/engine/fake_sink.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

/// Reads what a FakeSink holds at one version.
class SinkReader final : public Reader {
 public:
  explicit SinkReader(FakeSink& sink) : sink_(sink), version_(sink.version()) {}
  Result<bool> get(Family family, std::string_view key, Value& value) override {
    const auto found = sink_.get(family, key, version_);
    if (found) value.assign(*found);
    return found.has_value();
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (const auto found = sink_.get(family, keys[i], version_)) each(i, *found);
    }
    return {};
  }
  std::unique_ptr<Cursor> scan(Family, const Bounds&) override { return nullptr; }
  Version version() const override { return version_; }

 private:
  FakeSink& sink_;
  Version version_;
};

class RunTransaction : public ::testing::Test {
 protected:
  Result<Version> run(const RunOptions& options,
                      const std::function<Result<void>(Transaction&)>& function) {
    const RunContext context{[this]() -> Result<std::unique_ptr<Reader>> {
                               ++snapshots_;
                               return std::unique_ptr<Reader>(std::make_unique<SinkReader>(sink_));
                             },
                             committer_, queue_locks_, right_of_way_, environment_};
    return run_transaction(context, options, function);
  }
  void commit_elsewhere(std::string_view key, std::string_view value = "theirs") {
    WriteSet set;
    set.put(Family::users, key, value).value();
    committer_.commit({.writes = &set}).value();
  }
  std::string stored(std::string_view key) {
    return sink_.get(Family::users, key, sink_.version()).value_or("absent");
  }

  FakeSink sink_;
  testing::TestEnvironment environment_;
  Committer committer_{sink_, environment_};
  QueueLocks queue_locks_;
  RightOfWay right_of_way_;
  int snapshots_ = 0;
};

TEST_F(RunTransaction, CommitsWhatTheFunctionWrote) {
  const auto version = run({}, [](Transaction& tx) { return tx.put(Family::users, "k", "v"); });
  EXPECT_EQ(version.value(), sink_.version());
  EXPECT_EQ(stored("k"), "v");
  EXPECT_TRUE(environment_.sleeps().empty());
}

TEST_F(RunTransaction, AskedForDurabilityReachesTheSink) {
  run({.durability = Durability::synced}, [](Transaction& tx) {
    return tx.put(Family::users, "k", "v");
  }).value();
  EXPECT_EQ(sink_.writes().back().durability, Durability::synced);
}

TEST_F(RunTransaction, WithoutWritesNothingIsCheckedOrWritten) {
  const auto version = run({}, [&](Transaction& tx) -> Result<void> {
    tx.guard(Family::users, "k");
    EXPECT_FALSE(tx.has_writes());
    commit_elsewhere("k");
    return {};
  });
  EXPECT_EQ(version.value(), sink_.version() - 1) << "the version of its snapshot";
  EXPECT_EQ(sink_.writes().size(), 1u);
  EXPECT_EQ(snapshots_, 1);
}

TEST_F(RunTransaction, AnErrorOfTheFunctionEndsItWithNothingWritten) {
  const auto failed = run({}, [](Transaction& tx) -> Result<void> {
    tx.put(Family::users, "k", "v").value();
    return Error{Code::conflict, "even a conflict, when it is the function's own"};
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "even a conflict, when it is the function's own");
  EXPECT_EQ(snapshots_, 1);
  EXPECT_TRUE(sink_.writes().empty());
}

TEST_F(RunTransaction, RunsAgainOnANewSnapshotAfterAConflict) {
  int attempts = 0;
  const auto version = run({}, [&](Transaction& tx) -> Result<void> {
    EXPECT_FALSE(tx.has_writes()) << "each attempt begins anew";
    EXPECT_EQ(tx.size_bytes(), 0u);
    Value value;
    const bool there = tx.get_for_update(Family::users, "k", value).value();
    if (++attempts == 1) commit_elsewhere("k");
    return tx.put(Family::users, "k", there ? "after " + std::string(value.view()) : "first");
  });
  ASSERT_TRUE(version);
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(stored("k"), "after theirs");
  EXPECT_EQ(environment_.sleeps().size(), 1u);
}

TEST_F(RunTransaction, WhatIsReadForUpdateMustNotHaveChanged) {
  int attempts = 0;
  run({}, [&](Transaction& tx) -> Result<void> {
    Value value;
    tx.get_for_update(Family::users, "read", value).value();
    if (++attempts == 1) commit_elsewhere("read");
    return tx.put(Family::users, "k", "v");
  }).value();
  EXPECT_EQ(attempts, 2);
}

TEST_F(RunTransaction, AnAttemptKeepsNoGuardOfTheOneBefore) {
  int attempts = 0;
  run({}, [&](Transaction& tx) -> Result<void> {
    if (++attempts == 1) tx.guard(Family::users, "guarded");
    if (attempts <= 2) commit_elsewhere("guarded");
    return tx.put(Family::users, "k", "v");
  }).value();
  EXPECT_EQ(attempts, 2) << "only the first one stood on that key";
}

TEST_F(RunTransaction, GivesUpAfterItsAttempts) {
  int attempts = 0;
  const auto failed = run({.max_attempts = 5}, [&](Transaction& tx) {
    ++attempts;
    commit_elsewhere("k");
    return tx.put(Family::users, "k", "mine");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::conflict);
  EXPECT_EQ(attempts, 5);
  EXPECT_EQ(stored("k"), "theirs");
}

// The steps do nothing but commit what the run stands on, as a rebuild beside a call may.
TEST_F(RunTransaction, PassesStepsThatNeverPause) {
  std::atomic<int> steps{0};
  std::jthread stepper([&](const std::stop_token& stop) {
    const RunContext context{[this]() -> Result<std::unique_ptr<Reader>> {
                               return std::unique_ptr<Reader>(std::make_unique<SinkReader>(sink_));
                             },
                             committer_, queue_locks_, right_of_way_, environment_};
    while (!stop.stop_requested()) {
      run_transaction(context, step_options(), [](Transaction& tx) {
        return tx.put(Family::users, "k", "a step");
      }).value();
      ++steps;
    }
  });
  int attempts = 0;
  const auto done = run({}, [&](Transaction& tx) {
    ++attempts;
    // Longer than any step takes, shorter than a step waits.
    const int before = steps;
    for (int i = 0; i < 40 && steps < before + 2; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return tx.put(Family::users, "k", "mine");
  });
  EXPECT_TRUE(done) << done.error().to_string();
  EXPECT_GT(attempts, 1);
}

TEST_F(RunTransaction, AStepThatItsCallerWaitsForGoesOn) {
  int attempts = 0;
  run({}, [&](Transaction& tx) -> Result<void> {
    if (++attempts <= 3) {
      commit_elsewhere("k");
    } else if (attempts == 4) {
      run(step_options(), [](Transaction& step) {
        return step.put(Family::users, "other", "a step");
      }).value();
    }
    return tx.put(Family::users, "k", "mine");
  }).value();
  EXPECT_EQ(attempts, 4);
  EXPECT_EQ(stored("other"), "a step");
}

TEST_F(RunTransaction, AStepThatWaitsEndsWhenAskedTo) {
  RightOfWay::Claim claim(right_of_way_);
  claim.ask();
  std::stop_source source;
  const Limits limits(environment_, 0, source.get_token());
  std::jthread caller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    source.request_stop();
  });
  const auto cancelled = run({.limits = &limits, .gives_way = true},
                             [](Transaction& tx) { return tx.put(Family::users, "k", "v"); });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), Code::cancelled);
  EXPECT_EQ(stored("k"), "absent");
}

TEST_F(RunTransaction, GivesUpAtItsDeadline) {
  const auto failed = run({.max_attempts = 1000, .deadline_ms = 30}, [&](Transaction& tx) {
    commit_elsewhere("k");
    return tx.put(Family::users, "k", "mine");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::deadline_exceeded);
  EXPECT_EQ(stored("k"), "theirs");
  EXPECT_LE(environment_.monotonic_micros(), 30'000);
  EXPECT_GT(environment_.sleeps().size(), 3u);
}

TEST_F(RunTransaction, ASinkErrorIsNotTriedAgain) {
  sink_.fail({Code::unknown_outcome, "the sync failed"});
  const auto failed = run({}, [](Transaction& tx) { return tx.put(Family::users, "k", "v"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::unknown_outcome);
  EXPECT_EQ(snapshots_, 1);
}

TEST_F(RunTransaction, ASnapshotThatCannotBeTakenEndsIt) {
  const RunContext context{
      []() -> Result<std::unique_ptr<Reader>> { return Error{Code::closed, "closed"}; }, committer_,
      queue_locks_, right_of_way_, environment_};
  const auto failed = run_transaction(context, {}, [](Transaction&) -> Result<void> { return {}; });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::closed);
}

TEST_F(RunTransaction, WritersOfAQueuedKeyDoNotConflict) {
  const auto append = [&](Transaction& tx) -> Result<void> {
    Value value;
    const bool there = tx.get_for_update(Family::users, "tail", value).value();
    const int sequence = there ? std::stoi(std::string(value.view())) : 0;
    std::this_thread::yield();
    return tx.put(Family::users, "tail", std::to_string(sequence + 1));
  };
  const RunOptions options{.max_attempts = 1, .queue_family = Family::users, .queue_key = "tail"};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        // Not through run(), whose count of snapshots is for one thread.
        const RunContext context{
            [this]() -> Result<std::unique_ptr<Reader>> {
              return std::unique_ptr<Reader>(std::make_unique<SinkReader>(sink_));
            },
            committer_, queue_locks_, right_of_way_, environment_};
        EXPECT_TRUE(run_transaction(context, options, append));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored("tail"), "400");
  EXPECT_EQ(committer_.conflicts(), 0u);
}

TEST_F(RunTransaction, TheDeadlineHoldsForTheQueueToo) {
  // Two milliseconds pass between one look at the clock and the next.
  class Ticking final : public testing::TestEnvironment {
    std::int64_t monotonic_micros() override {
      advance_micros(2000);
      return testing::TestEnvironment::monotonic_micros();
    }
  } ticking;
  const RunContext context{[this]() -> Result<std::unique_ptr<Reader>> {
                             return std::unique_ptr<Reader>(std::make_unique<SinkReader>(sink_));
                           },
                           committer_, queue_locks_, right_of_way_, ticking};
  const auto late = run_transaction(
      context, {.deadline_ms = 1, .queue_family = Family::users, .queue_key = "tail"},
      [](Transaction& tx) { return tx.put(Family::users, "tail", "v"); });
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
  EXPECT_EQ(stored("tail"), "absent");
}

TEST_F(RunTransaction, AWaitInTheQueueEndsAtTheDeadlineOrWhenAskedTo) {
  std::stop_source source;
  const Limits stoppable(environment_, 0, source.get_token());
  const Limits brief(environment_, 50);
  for (const auto& [limits, code] :
       {std::pair(&stoppable, Code::cancelled), std::pair(&brief, Code::deadline_exceeded)}) {
    const RunOptions options{.limits = limits, .queue_family = Family::users, .queue_key = "tail"};
    std::atomic<bool> is_over{false};
    auto held = queue_locks_.lock(Family::users, "tail", Limits(environment_));
    std::jthread writer([&] {
      const auto late =
          run(options, [](Transaction& tx) { return tx.put(Family::users, "tail", "v"); });
      EXPECT_FALSE(late);
      if (!late) {
        EXPECT_EQ(late.error().code(), code);
      }
      is_over = true;
    });
    if (code == Code::cancelled) source.request_stop();
    while (!is_over) environment_.advance_micros(10'000);
  }
  EXPECT_EQ(stored("tail"), "absent");
  EXPECT_EQ(snapshots_, 0);
}

TEST_F(RunTransaction, OwnReadsGoThroughTheWrites) {
  commit_elsewhere("a", "1");
  commit_elsewhere("b", "2");
  commit_elsewhere("c", "3");
  run({}, [](Transaction& tx) -> Result<void> {
    tx.put(Family::users, "b", "own").value();
    tx.erase(Family::users, "c").value();
    tx.put(Family::users, "d", "new").value();
    const std::vector<std::string> keys{"d", "a", "b", "c", "e", "a"};
    std::vector<std::string> got(keys.size(), "absent");
    tx.multi_get(Family::users, keys, [&](std::size_t i, std::string_view value) {
        got[i] = value;
      }).value();
    EXPECT_EQ(got, (std::vector<std::string>{"new", "1", "own", "absent", "absent", "1"}));
    Value value;
    EXPECT_TRUE(tx.get(Family::users, "b", value).value());
    EXPECT_EQ(value.view(), "own");
    EXPECT_FALSE(tx.get(Family::users, "c", value).value());
    EXPECT_EQ(value.view(), "own") << "untouched where nothing is found";
    return {};
  }).value();
}

TEST(Retry, PausesDoubleUpToABoundAndAreRandom) {
  testing::TestEnvironment environment;
  const Limits none(environment);
  const auto failed =
      retry_on_conflict(environment, 200, none, [] { return std::optional<Result<Version>>(); });
  ASSERT_FALSE(failed);
  const auto sleeps = environment.sleeps();
  ASSERT_EQ(sleeps.size(), 199u);
  std::int64_t longest = 50;
  for (const std::int64_t pause : sleeps) {
    EXPECT_GE(pause, 1);
    EXPECT_LE(pause, longest);
    longest = std::min<std::int64_t>(longest * 2, 20'000);
  }
  EXPECT_GT(*std::max_element(sleeps.begin(), sleeps.end()), 10'000);
  EXPECT_LT(*std::min_element(sleeps.begin() + 20, sleeps.end()), 10'000);
}

TEST(Retry, MakesAtLeastOneAttempt) {
  testing::TestEnvironment environment;
  const auto done = retry_on_conflict(environment, 0, Limits(environment),
                                      [] { return std::optional<Result<Version>>(Version{3}); });
  EXPECT_EQ(done.value(), Version{3});
}

}  // namespace
}  // namespace callisto::kv
