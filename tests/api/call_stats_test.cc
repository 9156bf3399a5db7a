#include "api/call_stats.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <string>

#include "callisto/store.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

/// A clock by which every call takes as long as the test says.
class CallClock final : public TestEnvironment {
 public:
  std::int64_t monotonic_nanos() override {
    ++asked;
    return now_ += step;
  }
  std::int64_t step = 1000;
  std::uint64_t asked = 0;

 private:
  std::int64_t now_ = 0;
};

class CallStatsTest : public ::testing::Test {
 protected:
  Store open(bool statistics = true) {
    Options options;
    options.environment = &clock_;
    options.background_work = false;
    options.statistics = statistics;
    return Store::open_in_memory(options).value();
  }
  CallClock clock_;
};

TEST(CallIds, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < detail::kCallIds; ++i) {
    names.insert(to_string(static_cast<detail::CallId>(i)));
  }
  EXPECT_EQ(names.size(), detail::kCallIds);
  EXPECT_EQ(to_string(detail::CallId::users_by_platform), "users.by_platform");
  EXPECT_EQ(to_string(detail::CallId::user_data_append), "user_data.append");
  EXPECT_EQ(to_string(detail::CallId::messages_latest), "messages.latest");
  EXPECT_EQ(to_string(detail::CallId::memories_explain), "memories.explain");
  EXPECT_EQ(to_string(detail::CallId::refresh), "refresh");
}

TEST_F(CallStatsTest, EachKindIsCountedUnderItsName) {
  const Store store = open();
  const UserId user = store.users().create({.name = "Reece"}).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store.users().get(user).value());
  EXPECT_FALSE(store.users().by_platform("gui", std::string(101, 'x')));
  ASSERT_TRUE(store.memories().find({}));
  const Stats stats = store.stats().value();
  EXPECT_EQ(stats.calls.size(), 4U);
  EXPECT_EQ(stats.calls.at("users.create").count, 1U);
  EXPECT_EQ(stats.calls.at("users.get").count, 3U);
  EXPECT_EQ(stats.calls.at("users.by_platform").count, 1U) << "a refused call is a call";
  EXPECT_EQ(stats.calls.at("memories.find").count, 1U);
}

TEST_F(CallStatsTest, ACallThatStandsOnAnotherCountsOnce) {
  const Store store = open();
  const auto talk = store.conversations().create({}).value();
  ASSERT_TRUE(store.messages().latest(talk, 5));
  ASSERT_TRUE(store.conversations().unprocessed(5));
  const auto calls = store.stats().value().calls;
  EXPECT_EQ(calls.at("messages.latest").count, 1U);
  EXPECT_FALSE(calls.contains("messages.page"));
  EXPECT_EQ(calls.at("conversations.unprocessed").count, 1U);
  EXPECT_FALSE(calls.contains("conversations.find"));
}

TEST_F(CallStatsTest, CallsOfATransactionArePartOfIt) {
  const Store store = open();
  const Store other = open();
  ASSERT_TRUE(store.transact([&](Transaction& transaction) -> Result<UserId> {
    EXPECT_TRUE(other.memories().count({}));
    return transaction.users().create({.name = "Reece"});
  }));
  EXPECT_EQ(store.stats().value().calls.size(), 1U);
  EXPECT_EQ(store.stats().value().calls.at("transact").count, 1U);
  EXPECT_EQ(other.stats().value().calls.at("memories.count").count, 1U) << "another store's";
  ASSERT_TRUE(store.memories().count({}));
  EXPECT_EQ(store.stats().value().calls.at("memories.count").count, 1U) << "after it, they count";
}

TEST_F(CallStatsTest, DurationsAreThoseOfTheClock) {
  const Store store = open();
  clock_.step = 20'000;
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(store.memories().count({}));
  clock_.step = 2'000'000;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.memories().count({}));
  const CallStats count = store.stats().value().calls.at("memories.count");
  EXPECT_EQ(count.count, 100U);
  EXPECT_EQ(count.timed, 100U) << "slow calls are all timed";
  EXPECT_EQ(count.covered, 100U);
  EXPECT_EQ(count.sum_ns, 90U * 20'000 + 10U * 2'000'000);
  EXPECT_NEAR(static_cast<double>(count.p50_ns), 20'000, 20'000.0 / 32);
  EXPECT_NEAR(static_cast<double>(count.p90_ns), 20'000, 20'000.0 / 32);
  EXPECT_NEAR(static_cast<double>(count.p99_ns), 2'000'000, 2'000'000.0 / 32);
  EXPECT_EQ(count.max_ns, 2'000'000U);
  for (const LatencyBucket& bucket : count.buckets) {
    EXPECT_EQ(bucket.calls, bucket.at_most_ns < 20'000      ? 0U
                            : bucket.at_most_ns < 2'000'000 ? 90U
                                                            : 100U);
  }
}

TEST_F(CallStatsTest, OfManyFastCallsFewAreTimedAndStandForAll) {
  const Store store = open();
  clock_.step = 300;
  constexpr std::uint64_t kCalls = 20'000;
  for (std::uint64_t i = 0; i < kCalls; ++i) ASSERT_TRUE(store.memories().get(MemoryId()));
  const CallStats get = store.stats().value().calls.at("memories.get");
  EXPECT_EQ(get.count, kCalls);
  EXPECT_EQ(clock_.asked, 2 * get.timed);
  EXPECT_GT(get.timed, detail::CallMeter::kTimedAtFirst + kCalls / 128);
  EXPECT_LT(get.timed, detail::CallMeter::kTimedAtFirst + kCalls / 32);
  EXPECT_LE(get.covered, kCalls);
  EXPECT_GT(get.covered + 127, kCalls);
  EXPECT_EQ(get.sum_ns, get.covered * 300);
}

TEST_F(CallStatsTest, SwitchedOffNothingIsCountedAndNoClockRead) {
  const Store store = open(false);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(store.memories().count({}));
  ASSERT_TRUE(store.users().create({.name = "Reece"}));
  const Stats stats = store.stats().value();
  EXPECT_TRUE(stats.calls.empty());
  EXPECT_EQ(clock_.asked, 0U);
  EXPECT_EQ(stats.block_cache.hits + stats.block_cache.misses, 0U);
  EXPECT_GT(stats.commits, 0U);
}

// Which calls are timed must not lean on how long they take: two kinds of calls in turn, one slow.
TEST_F(CallStatsTest, SharesOfSlowAndFastCallsAreToldAsTheyAre) {
  detail::CallMeter meter(clock_);
  std::mt19937_64 random(test_seed());
  constexpr int kCalls = 400'000;
  int slow_calls = 0;
  for (int i = 0; i < kCalls; ++i) {
    const bool is_slow = i % 2 == 0 && random() % 10 == 0;
    slow_calls += is_slow ? 1 : 0;
    const std::uint32_t weight = meter.count(detail::CallId::users_get);
    if (weight != 0) meter.record(detail::CallId::users_get, is_slow ? 50'000 : 200, weight);
  }
  const CallStats stats = meter.read().at("users.get");
  std::uint64_t fast = 0;
  for (const LatencyBucket& bucket : stats.buckets) {
    if (bucket.at_most_ns == 1024) fast = bucket.calls;
  }
  const double told =
      static_cast<double>(stats.covered - fast) / static_cast<double>(stats.covered);
  const double exact = static_cast<double>(slow_calls) / kCalls;
  EXPECT_NEAR(told, exact, exact / 4);
}

}  // namespace
}  // namespace callisto::testing
