// What the committer promises to many threads, with slot tables so small that keys collide.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/committer.h"
#include "tests/engine/fake_sink.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

constexpr int kThreads = 4;
constexpr int kKeys = 5;
constexpr int kRounds = 300;

class CommitterThreads : public ::testing::TestWithParam<std::size_t> {
 protected:
  static std::string key(std::uint64_t i) { return "k" + std::to_string(i); }
  long value_at(const std::string& key, Version version) const {
    return std::stol(sink_.get(Family::users, key, version).value_or("0"));
  }

  /// Adds one to a key by reading and writing it, again until nobody came between.
  void increment(const std::string& key) {
    while (true) {
      const Version snapshot = sink_.version();
      WriteSet set;
      set.put(Family::users, key, std::to_string(value_at(key, snapshot) + 1)).value();
      set.add({"group", 1, 1}).value();
      const auto committed = committer_.commit({.writes = &set, .snapshot = snapshot});
      if (committed) return;
      ASSERT_EQ(committed.error().code(), Code::conflict);
    }
  }

  template <class Body>
  static void in_threads(Body&& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&body, i] { body(i); });
    for (std::thread& thread : threads) thread.join();
  }

  FakeSink sink_;
  testing::TestEnvironment environment_;
  Committer committer_{sink_, environment_, GetParam()};
};

TEST_P(CommitterThreads, LoseNoUpdateAndCountExactly) {
  const std::uint64_t seed = testing::test_seed();
  in_threads([&](int thread) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(thread));
    for (int i = 0; i < kRounds; ++i) increment(key(random() % kKeys));
  });
  long sum = 0;
  for (int i = 0; i < kKeys; ++i)
    sum += value_at(key(static_cast<std::uint64_t>(i)), sink_.version());
  EXPECT_EQ(sum, kThreads * kRounds);
  EXPECT_EQ(sink_.counters("group")[1], kThreads * kRounds);
  EXPECT_EQ(committer_.commits(), static_cast<std::uint64_t>(kThreads * kRounds));
}

// The rule that a cache stands on: a snapshot first, then the version of the key's last commit;
// when that is not above the snapshot, what was there at that version is what the snapshot shows.
TEST_P(CommitterThreads, WhatIsCalledUnchangedIsWhatTheSnapshotShows) {
  std::atomic<int> writing{kThreads - 1};
  std::atomic<long> answered{0};
  in_threads([&](int thread) {
    std::mt19937_64 random(testing::test_seed() + static_cast<std::uint64_t>(thread));
    if (thread > 0) {
      for (int i = 0; i < kRounds; ++i) increment(key(random() % kKeys));
      writing.fetch_sub(1);
      return;
    }
    bool last = false;
    while (!last) {
      last = writing.load() == 0;
      const std::string asked = key(random() % kKeys);
      const Version snapshot = sink_.version();
      const auto committed = committer_.committed_version(Family::users, asked);
      if (!committed || *committed > snapshot) continue;
      answered.fetch_add(1);
      ASSERT_EQ(value_at(asked, *committed), value_at(asked, snapshot));
    }
  });
  EXPECT_GT(answered.load(), 0);
}

TEST_P(CommitterThreads, KeepAConstraintThatSpansTwoKeys) {
  // Each pair starts at 1 and 1; a thread may set its own side to 0 only while the other is 1.
  std::vector<std::thread> threads;
  for (const int side : {0, 1}) {
    threads.emplace_back([&, side] {
      for (int pair = 0; pair < kRounds; ++pair) {
        const std::string mine = std::to_string(pair) + (side == 0 ? "a" : "b");
        const std::string other = std::to_string(pair) + (side == 0 ? "b" : "a");
        const std::vector<std::uint64_t> guards{hash_key(Family::users, other)};
        while (true) {
          const Version snapshot = sink_.version();
          if (sink_.get(Family::users, other, snapshot) == "0") break;
          WriteSet set;
          set.put(Family::users, mine, "0").value();
          if (committer_.commit({.writes = &set, .guards = guards, .snapshot = snapshot})) break;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int pair = 0; pair < kRounds; ++pair) {
    const bool a =
        sink_.get(Family::users, std::to_string(pair) + "a", sink_.version()).has_value();
    const bool b =
        sink_.get(Family::users, std::to_string(pair) + "b", sink_.version()).has_value();
    EXPECT_NE(a, b) << pair;
  }
}

// Who gives up has written nothing, who was written hears so, whatever the moment.
TEST_P(CommitterThreads, WhoGivesUpInTheQueueIsNotCounted) {
  std::atomic<long> counted{0};
  std::atomic<int> writing{kThreads - 1};
  std::mutex mutex;
  std::array<std::stop_source, kThreads> sources;  // Guarded by mutex.
  in_threads([&](int thread) {
    if (thread == 0) {
      for (std::size_t i = 0; writing.load() > 0; i = (i + 1) % kThreads) {
        std::unique_lock lock(mutex);
        std::stop_source source = sources[i];
        lock.unlock();
        source.request_stop();
      }
      return;
    }
    for (int i = 0; i < kRounds; ++i) {
      std::stop_source source;
      const Limits limits(environment_, 0, source.get_token());
      std::unique_lock lock(mutex);
      sources[static_cast<std::size_t>(thread)] = source;
      lock.unlock();
      WriteSet set;
      set.add({"group", 1, 1}).value();
      const auto committed = committer_.commit({.writes = &set, .limits = &limits});
      if (committed) counted.fetch_add(1);
      EXPECT_EQ(committed ? Code::cancelled : committed.error().code(), Code::cancelled);
    }
    writing.fetch_sub(1);
  });
  EXPECT_EQ(sink_.counters("group")[1], counted.load());
  EXPECT_EQ(committer_.waiting(), 0u);
}

TEST_P(CommitterThreads, FailuresAndResetsLoseNoCount) {
  std::atomic<long> counted{0};
  in_threads([&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      if (thread == 0 && i % 50 == 25) sink_.fail({Code::io_error, "broken"});
      WriteSet set;
      set.add({"group", 1, 1}).value();
      set.put(Family::users, key(static_cast<std::uint64_t>(thread)), std::to_string(i)).value();
      const auto committed = committer_.commit({.writes = &set});
      if (committed) counted.fetch_add(1);
      if (!committed) committer_.reset(sink_.version());
    }
  });
  EXPECT_GT(counted.load(), 0);
  EXPECT_EQ(sink_.counters("group")[1], counted.load());
}

INSTANTIATE_TEST_SUITE_P(Slots, CommitterThreads,
                         ::testing::Values(1, 2, 16, SlotTable::kDefaultSlotCount),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace callisto::kv
