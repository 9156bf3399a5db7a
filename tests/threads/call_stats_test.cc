// Counts and times of calls that many threads make at once.

#include "api/call_stats.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/thread_index.h"
#include "tests/support/test_environment.h"
#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

using CallStatsThreads = ThreadsTest;

TEST_F(CallStatsThreads, CountsAreExactWhileOthersReadThem) {
  constexpr int kThreads = 6;
  constexpr std::uint64_t kCalls = 3'000;
  const UserId user = store_.users().create({.name = "Reece"}).value();
  std::atomic<int> working{kThreads};
  run_threads(kThreads + 1, [&](int thread) {
    if (thread < kThreads) {
      for (std::uint64_t i = 0; i < kCalls; ++i) ASSERT_TRUE(store_.users().get(user));
      --working;
      return;
    }
    std::uint64_t before = 0;
    while (working > 0) {
      const auto calls = store_.stats().value().calls;
      const auto get = calls.find("users.get");
      if (get == calls.end()) continue;
      EXPECT_GE(get->second.count, before);
      before = get->second.count;
    }
  });
  const CallStats get = store_.stats().value().calls.at("users.get");
  EXPECT_EQ(get.count, kThreads * kCalls);
  EXPECT_LE(get.covered, get.count);
  EXPECT_GT(get.covered + kThreads * 127, get.count);
}

TEST(ThreadIndex, LivingThreadsHaveOneEachUntilThereIsNone) {
  constexpr int kThreads = kv::kOwnThreads + 16;
  std::vector<std::atomic<int>> holders(kv::kThreadIndexes);
  std::barrier all(kThreads);
  run_threads(kThreads, [&](int) {
    const std::uint32_t index = kv::thread_index();
    ++holders[index];
    EXPECT_EQ(kv::thread_index(), index);
    all.arrive_and_wait();
  });
  for (std::uint32_t index = 0; index < kv::kOwnThreads; ++index) EXPECT_LE(holders[index], 1);
  EXPECT_GE(holders[kv::kSharedThread], 16);
  std::thread([] { EXPECT_LT(kv::thread_index(), kv::kSharedThread); }).join();
}

TEST(CallMeterThreads, MoreThreadsThanNumbersCountExactly) {
  constexpr int kThreads = kv::kOwnThreads + 16;
  constexpr std::uint64_t kCalls = 2'000;
  TestEnvironment environment;
  detail::CallMeter meter(environment);
  for (int round = 0; round < 2; ++round) {  // In the second others have the numbers.
    run_threads(kThreads, [&](int) {
      for (std::uint64_t i = 0; i < kCalls; ++i) {
        const detail::CallTimer timed(&meter, detail::CallId::users_get);
      }
    });
  }
  const CallStats get = meter.read().at("users.get");
  EXPECT_EQ(get.count, 2 * kThreads * kCalls);
  EXPECT_GT(get.covered + kv::kThreadIndexes * 127, get.count);
  EXPECT_LE(get.covered, get.count + 127);
}

}  // namespace
}  // namespace callisto::testing
