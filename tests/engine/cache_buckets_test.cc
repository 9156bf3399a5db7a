#include "engine/cache/buckets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

struct Item {
  std::uint64_t hash = 0;
  Item* chain = nullptr;
  std::uint64_t number = 0;
};

class BucketsTest : public ::testing::Test {
 protected:
  Item& add(std::uint64_t hash, std::uint64_t number) {
    items_.push_back(std::make_unique<Item>(Item{.hash = hash, .number = number}));
    table_.add(*items_.back());
    return *items_.back();
  }
  Item* find(std::uint64_t hash, std::uint64_t number) {
    return table_.find(hash, [&](const Item& item) { return item.number == number; });
  }

  Buckets<Item> table_;
  std::vector<std::unique_ptr<Item>> items_;
};

TEST_F(BucketsTest, FindsWhatIsThere) {
  EXPECT_EQ(find(7, 1), nullptr);
  Item& one = add(7, 1);
  Item& other = add(7, 2);
  EXPECT_EQ(find(7, 1), &one);
  EXPECT_EQ(find(7, 2), &other);
  EXPECT_EQ(find(8, 1), nullptr) << "another hash";
  table_.remove(one);
  EXPECT_EQ(find(7, 1), nullptr);
  EXPECT_EQ(find(7, 2), &other);
  EXPECT_EQ(table_.count(), 1u);
}

TEST_F(BucketsTest, GrowsAndLosesNothing) {
  std::mt19937_64 random(testing::test_seed());
  std::set<std::uint64_t> numbers;
  // Hashes with the same bits where the buckets come from, too.
  for (std::uint64_t i = 0; i < 5000; ++i) {
    add(i % 3 == 0 ? 42 << 8 : random(), i);
    numbers.insert(i);
  }
  for (const auto& item : items_) EXPECT_EQ(find(item->hash, item->number), item.get());
  for (std::uint64_t i = 0; i < 5000; i += 2) {
    table_.remove(*items_[i]);
    numbers.erase(i);
  }
  std::set<std::uint64_t> seen;
  table_.for_each([&](Item& item) { EXPECT_TRUE(seen.insert(item.number).second); });
  EXPECT_EQ(seen, numbers);
  EXPECT_EQ(table_.count(), numbers.size());
}

TEST_F(BucketsTest, ForEachMayRemoveWhatItIsGiven) {
  for (std::uint64_t i = 0; i < 1000; ++i) add(i << 6, i);
  table_.for_each([&](Item& item) {
    if (item.number % 2 == 0) table_.remove(item);
  });
  EXPECT_EQ(table_.count(), 500u);
  for (const auto& item : items_) {
    EXPECT_EQ(find(item->hash, item->number) != nullptr, item->number % 2 == 1);
  }
}

TEST_F(BucketsTest, CountsOfAllStripesAreOne) {
  for (std::uint64_t hash = 0; hash < 64; ++hash) {
    auto& stripe = table_.stripe(hash << 8);
    const BriefLock lock(stripe.busy);
    ++stripe.hits;
    stripe.misses += 2;
  }
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t negative = 0;
  table_.add_counts(hits, misses, negative);
  EXPECT_EQ(hits, 64u);
  EXPECT_EQ(misses, 128u);
  EXPECT_EQ(negative, 0u);
}

// What stays is found by every reader at every moment, while others come and go and the buckets
// become more.
TEST_F(BucketsTest, ReadersFindWhatStaysWhileItGrows) {
  constexpr std::uint64_t kStay = 64;
  std::mt19937_64 random(testing::test_seed());
  for (std::uint64_t i = 0; i < kStay; ++i) add(random(), i);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> stay;
  for (const auto& item : items_) stay.emplace_back(item->hash, item->number);
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> lost{0};
  std::atomic<std::uint64_t> found{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      do {
        for (const auto& [hash, number] : stay) {
          const BriefLock lock(table_.stripe(hash).busy);
          ++(find(hash, number) != nullptr ? found : lost);
        }
      } while (!is_over);
    });
  }
  std::vector<Item*> guests;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    guests.push_back(&add(random(), kStay + i));
    if (i % 3 == 0) {
      std::swap(guests[random() % guests.size()], guests.back());
      table_.remove(*guests.back());
      guests.pop_back();
    }
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(lost, 0u);
  EXPECT_GE(found, 2 * kStay);
}

}  // namespace
}  // namespace callisto::kv
