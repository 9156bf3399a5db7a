// What a store is after it was opened again: versions, counters, what threads committed, what was
// erased; and the checks of its files.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "engine/limits.h"
#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

class RocksReopen : public RocksTest {
 protected:
  /// Writes 2000 memories, "10000" and so on, and damages the first block of their table file,
  /// whose name it answers.
  std::string damage_first_block() {
    {
      auto store = open();
      for (int i = 0; i < 2000; ++i)
        put(*store, std::to_string(10'000 + i), std::string(200, 'v'), Family::memories);
      EXPECT_TRUE(store->compact());
      EXPECT_TRUE(store->verify_checksums());
    }
    std::string damaged;
    for (const auto& entry : fs::directory_iterator(path("db"))) {
      if (entry.path().extension() != ".sst") continue;
      damaged = entry.path().filename();
      std::string bytes = read_file(entry.path());
      bytes[100] = static_cast<char>(bytes[100] ^ 1);
      write_file(entry.path(), bytes);
    }
    return damaged;
  }
  static std::int64_t counter(Reader& reader, std::string_view group, std::uint16_t counter) {
    Value value;
    if (!reader.get(Family::system, group, value).value()) return 0;
    const auto counters = decode_counters(value.view()).value();
    for (const auto& [number, sum] : counters) {
      if (number == counter) return sum;
    }
    return 0;
  }
  static Result<Version> add(Store& store, std::int64_t delta) {
    return store.run({}, [&](Transaction& transaction) {
      return transaction.add({.group_key = "group", .counter = 7, .delta = delta});
    });
  }
};

TEST_F(RocksReopen, VersionsRise) {
  Version last = 0;
  for (int i = 0; i < 10; ++i) {
    auto store = open();
    EXPECT_GE(store->version(), last);
    const Version committed = put(*store, "k", std::to_string(i));
    EXPECT_GT(committed, last);
    EXPECT_GE(store->committed_version(Family::users, "k").value(), committed);
    last = committed;
    EXPECT_GE(store->snapshot()->version(), last);
    if (i % 2 == 0) {
      const auto touched = store->run({}, [](Transaction& transaction) {
        transaction.touch(Family::users, "k");
        return Result<void>();
      });
      ASSERT_TRUE(touched);
      EXPECT_GT(*touched, last) << "a touch has a version of its own";
      last = *touched;
    }
  }
}

TEST_F(RocksReopen, WhatWasReadBeforeAReopeningCountsAsChanged) {
  put(*open(), "k", "1");
  auto store = open();
  const auto version = store->committed_version(Family::users, "k");
  ASSERT_TRUE(version);
  EXPECT_LE(*version, store->snapshot()->version());
}

TEST_F(RocksReopen, CountersGoOn) {
  for (int i = 1; i <= 5; ++i) {
    auto store = open();
    ASSERT_TRUE(add(*store, 10));
    ASSERT_TRUE(add(*store, -3));
    EXPECT_EQ(counter(*store, "group", 7), i * 7);
  }
  auto store = open();
  ASSERT_TRUE(store->erase_range(Family::system, "group", "group!"));
  EXPECT_EQ(counter(*store, "group", 7), 0);
  ASSERT_TRUE(add(*store, 1));
  EXPECT_EQ(counter(*store, "group", 7), 1) << "sums begin anew after their rows were erased";
}

TEST_F(RocksReopen, ThreadsCommitTogether) {
  constexpr int kThreads = 8;
  constexpr int kCommits = 100;
  std::vector<Version> versions;
  {
    auto store = open();
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kCommits; ++i) {
          const std::string key = std::to_string(t) + "-" + std::to_string(i);
          const auto committed = store->run(
              {.durability = i % 10 == 0 ? Durability::synced : Durability::buffered},
              [&](Transaction& transaction) {
                return transaction.put(Family::users, key, key).and_then([&] {
                  return transaction.add({.group_key = "group", .counter = 7, .delta = 1});
                });
              });
          ASSERT_TRUE(committed);
          EXPECT_EQ(get(*store, key), key) << "read your own writes";
          const std::lock_guard lock(mutex);
          versions.push_back(*committed);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(store->stats().commits, static_cast<std::uint64_t>(kThreads * kCommits));
    EXPECT_EQ(store->stats().conflicts, 0U);
    EXPECT_EQ(*std::max_element(versions.begin(), versions.end()), store->version());
  }
  auto store = open();
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kCommits; ++i) {
      const std::string key = std::to_string(t) + "-" + std::to_string(i);
      EXPECT_EQ(get(*store, key), key);
    }
  }
  EXPECT_EQ(counter(*store, "group", 7), kThreads * kCommits);
}

TEST_F(RocksReopen, ErasedRangesStayErasedAndGiveTheirSpaceBack) {
  const std::string value(1000, 'v');
  std::string random_value = value;
  {
    auto store = open();
    std::mt19937_64 random(testing::test_seed());
    for (int i = 0; i < 12'000; ++i) {
      for (char& c : random_value) c = static_cast<char>(random());
      put(*store, std::to_string(100'000 + i), random_value);
    }
    ASSERT_TRUE(store->compact());
    const std::uint64_t before = store->stats().disk_bytes;
    const auto snapshot = store->snapshot();
    ASSERT_TRUE(store->erase_range(Family::users, "100500", "112000"));
    ASSERT_TRUE(store->erase_range(Family::users, "100500", "112000")) << "idempotent";
    EXPECT_EQ(get(*store, "100499").size(), 1000U);
    EXPECT_EQ(get(*store, "100500"), "absent");
    EXPECT_EQ(get(*snapshot, "100500").size(), 1000U) << "a snapshot stays";
    EXPECT_GT(before, 10U << 20);
  }
  auto store = open();
  EXPECT_EQ(get(*store, "111999"), "absent");
  ASSERT_TRUE(store->compact());
  EXPECT_LT(store->stats().disk_bytes, 3U << 20);
  EXPECT_LT(store->approximate_bytes(Family::users, "1", "2"), 2U << 20);
  EXPECT_EQ(store->erase_range(Family::users, "", "z").error().code(), Code::invalid_argument);
  EXPECT_TRUE(store->erase_range(Family::users, "z", "a")) << "nothing to do";
}

/// Every look at the clock takes a millisecond.
class TickingEnvironment final : public testing::TestEnvironment {
 public:
  std::int64_t monotonic_micros() override { return micros_ += 1000; }

 private:
  std::int64_t micros_ = 0;
};

TEST_F(RocksReopen, ChecksAndFlushesEndInTheMiddle) {
  auto store = open();
  TickingEnvironment clock;
  /// How often a call that may take a look more each time is ended before it comes to its end.
  const auto times_ended = [&](auto&& call) {
    std::uint32_t looks = 1;
    for (; looks < 1000; ++looks) {
      const Limits limits(clock, looks);
      const Result<void> done = call(&limits);
      if (done) break;
      EXPECT_EQ(done.error().code(), Code::deadline_exceeded);
    }
    return looks - 1;
  };
  const auto fill = [&] {
    std::mt19937_64 random(testing::test_seed());
    for (const Family family : {Family::users, Family::messages, Family::memories}) {
      for (int i = 0; i < 3; ++i) {
        std::string value(1 << 20, 'v');
        for (char& c : value) c = static_cast<char>(random());
        put(*store, std::to_string(i), value, family);
      }
    }
  };
  fill();
  EXPECT_GE(times_ended([&](const Limits* limits) { return store->compact(limits); }),
            kFamilyCount);
  EXPECT_GE(times_ended([&](const Limits* limits) { return store->verify_checksums(limits); }), 9U);
  const Limits none(clock);
  EXPECT_TRUE(store->verify_checksums(&none));
  fill();
  EXPECT_TRUE(store->compact()) << "files may be removed again";
}

TEST_F(RocksReopen, AScanGoesOnBehindDamageAtOneStateOrNotAtAll) {
  damage_first_block();
  auto store = open();
  const Bounds bounds{.lower = "1", .upper = "2"};
  // Of a snapshot always, with what it shows.
  const auto snapshot = store->snapshot();
  const auto of_snapshot = snapshot->scan(Family::memories, bounds);
  const auto of_store = store->scan(Family::memories, bounds);
  const auto outdated = store->scan(Family::memories, bounds);
  ASSERT_TRUE(of_store->skip_damage("")) << "nothing was committed since";
  put(*store, "11999", "new", Family::memories);
  put(*store, "11999a", "new", Family::memories);
  ASSERT_TRUE(of_snapshot->skip_damage(""));
  for (Cursor* cursor : {of_snapshot.get(), of_store.get()}) {
    std::string last;
    for (; cursor->valid(); cursor->next()) {
      last = cursor->key();
      EXPECT_NE(cursor->value(), "new");
    }
    EXPECT_TRUE(cursor->status());
    EXPECT_EQ(last, "11999");
  }
  EXPECT_FALSE(outdated->skip_damage("")) << "its state is gone";
  EXPECT_FALSE(outdated->valid());
  EXPECT_EQ(outdated->status().error().code(), Code::corruption);
}

TEST_F(RocksReopen, DamagedFilesAreNamed) {
  const std::string damaged = damage_first_block();
  ASSERT_NE(damaged, "");
  auto store = open();
  const auto checked = store->verify_checksums();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), Code::corruption);
  EXPECT_NE(checked.error().message().find(damaged), std::string::npos)
      << checked.error().message();
  EXPECT_NE(checked.error().message().find("memories"), std::string::npos);
  Value value;
  const auto read = store->get(Family::memories, "10000", value);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::corruption);
  EXPECT_NE(read.error().message().find("memories"), std::string::npos);
  const auto cursor = store->scan(Family::memories, {.lower = "1", .upper = "2"});
  EXPECT_FALSE(cursor->valid());
  EXPECT_EQ(cursor->status().error().code(), Code::corruption);
  const auto damage = cursor->skip_damage("");
  ASSERT_TRUE(damage) << "what is behind the damaged block is readable";
  EXPECT_EQ(damage->from, "1");
  int rows = 0;
  for (; cursor->valid(); cursor->next()) ++rows;
  EXPECT_TRUE(cursor->status());
  EXPECT_GT(rows, 1900);
  EXPECT_EQ(damage->to, std::to_string(12'000 - rows)) << "all but one block";
  EXPECT_EQ(get(*store, "10000", Family::users), "absent") << "other families are readable";
  EXPECT_TRUE(store->health().writable) << "reading damage stops no writes";
}

}  // namespace
}  // namespace callisto::kv
