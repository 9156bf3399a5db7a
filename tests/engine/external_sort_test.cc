#include "engine/external_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/load.h"
#include "tests/support/map_engine.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

class ExternalSortTest : public ::testing::Test {
 protected:
  /// A few bytes of few kinds, so that keys meet in all of their parts.
  std::string random_key() {
    std::string key = "HEAD";
    key.append(random_() % 3 * 16, '\0');  // As many bytes as are compared at once.
    const std::size_t length = random_() % 24;
    for (std::size_t i = 0; i < length; ++i) key += "\0\1\xfe\xff"[random_() % 4];
    return key;
  }
  Rows merged(const ExternalSort& sort, std::size_t lane, std::size_t memory_bytes = 1 << 16) {
    Rows rows;
    const auto merge = sort.merge(lane, memory_bytes);
    SortedSource::Row row;
    while (merge->next(row).value()) rows.emplace_back(row.key, row.value);
    return rows;
  }

  testing::TestEnvironment environment_;
  std::unique_ptr<Store> store_ = testing::make_map_engine(environment_);
  std::unique_ptr<Staging> staging_ = store_->stage().value();
  std::mt19937_64 random_{testing::test_seed()};
};

TEST_F(ExternalSortTest, EveryRowComesBackInTheOrderOfKeys) {
  const std::vector<SortLane> lanes{{4}, {0}};
  ExternalSort sort(*staging_, lanes);
  SortBuffer buffer(lanes, 4096);
  Rows expected[2];
  for (int i = 0; i < 5000; ++i) {
    const std::size_t lane = random_() % 2;
    const std::string key = random_key();
    const std::string value(random_() % 40, static_cast<char>('a' + i % 26));
    buffer.add(lane, key, value, std::to_string(i));
    expected[lane].emplace_back(key, value + std::to_string(i));
    if (buffer.is_full()) sort.add_run(buffer).value();
  }
  sort.add_run(buffer).value();
  EXPECT_GT(sort.runs(), 20U);
  for (std::size_t lane = 0; lane < 2; ++lane) {
    Rows rows = merged(sort, lane);
    EXPECT_EQ(sort.rows(lane), rows.size());
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(),
                               [](const auto& a, const auto& b) { return a.first < b.first; }));
    std::sort(rows.begin(), rows.end());
    std::sort(expected[lane].begin(), expected[lane].end());
    EXPECT_EQ(rows, expected[lane]);
  }
}

TEST_F(ExternalSortTest, RowsLargerThanEveryBufferPass) {
  const std::vector<SortLane> lanes{{0}};
  ExternalSort sort(*staging_, lanes);
  SortBuffer buffer(lanes, 1000);
  Rows expected;
  for (int i = 0; i < 6; ++i) {
    const std::string key(1, static_cast<char>('f' - i));
    const std::string value(i % 2 == 0 ? 3'000'000 : 10, 'v');
    buffer.add(0, key, value, "");
    expected.insert(expected.begin(), {key, value});
    if (buffer.is_full()) sort.add_run(buffer).value();
  }
  sort.add_run(buffer).value();
  EXPECT_EQ(merged(sort, 0, 1), expected);
}

TEST_F(ExternalSortTest, ALaneWithoutRowsIsEmpty) {
  const std::vector<SortLane> lanes{{0}, {0}};
  ExternalSort sort(*staging_, lanes);
  EXPECT_EQ(merged(sort, 0), Rows());
  SortBuffer buffer(lanes, 1000);
  buffer.add(1, "k", "", "");
  sort.add_run(buffer).value();
  EXPECT_TRUE(buffer.is_empty());
  EXPECT_EQ(merged(sort, 0), Rows());
  EXPECT_EQ(merged(sort, 1), (Rows{{"k", ""}}));
}

TEST_F(ExternalSortTest, RunsOfSeveralThreadsBecomeOneOrder) {
  const std::vector<SortLane> lanes{{0}};
  ExternalSort sort(*staging_, lanes);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      SortBuffer buffer(lanes, 2000);
      for (int i = t; i < 3000; i += 3) {
        buffer.add(0, std::to_string(100'000 + i), "", "");
        if (buffer.is_full()) sort.add_run(buffer).value();
      }
      sort.add_run(buffer).value();
    });
  }
  for (auto& thread : threads) thread.join();
  const Rows rows = merged(sort, 0);
  ASSERT_EQ(rows.size(), 3000U);
  for (int i = 0; i < 3000; ++i) {
    EXPECT_EQ(rows[static_cast<std::size_t>(i)].first, std::to_string(100'000 + i));
  }
}

}  // namespace
}  // namespace callisto::kv
