#include "engine/cache/eviction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

constexpr std::size_t kItemBytes = 100;
constexpr std::size_t kItems = 100;

class Eviction : public ::testing::Test {
 protected:
  /// What ghosts are told by, and where they lie.
  static std::uint64_t item_hash(std::uint64_t number) { return number << 48 | number << 12; }
  Evictable& item(std::uint64_t hash, std::size_t bytes = kItemBytes) {
    Evictable& made = items_.emplace_back();
    made.hash = item_hash(hash);
    made.charge_bytes = bytes;
    return made;
  }
  Evictable& insert(std::uint64_t hash, std::size_t bytes = kItemBytes) {
    Evictable& made = item(hash, bytes);
    queues_.insert(made);
    return made;
  }
  std::size_t evict_all() {
    std::size_t count = 0;
    while (queues_.evict() != nullptr) ++count;
    return count;
  }
  static bool is_in(const Evictable& item) { return item.queue != Evictable::Queue::none; }

  std::deque<Evictable> items_;
  EvictionQueues queues_{kItems * kItemBytes};
};

TEST_F(Eviction, NothingLeavesWithinTheCapacity) {
  for (std::uint64_t i = 0; i < kItems; ++i) insert(i);
  EXPECT_EQ(queues_.evict(), nullptr);
  EXPECT_EQ(queues_.bytes(), kItems * kItemBytes);
  Evictable& one_more = insert(kItems);
  EXPECT_EQ(queues_.evict(), &items_.front()) << "the oldest";
  EXPECT_FALSE(is_in(items_.front()));
  EXPECT_TRUE(is_in(one_more));
  EXPECT_EQ(queues_.bytes(), kItems * kItemBytes);
}

TEST_F(Eviction, AScanDoesNotPushOutWhatIsHit) {
  std::vector<Evictable*> hot;
  for (std::uint64_t i = 0; i < kItems / 2; ++i) hot.push_back(&insert(i));
  for (Evictable* one : hot) one->note_hit();
  for (std::uint64_t i = 0; i < 50 * kItems; ++i) {
    insert(1000 + i);
    evict_all();
    if (i % kItems == 0) {
      for (Evictable* one : hot) one->note_hit();
    }
  }
  for (Evictable* one : hot) {
    EXPECT_EQ(one->queue, Evictable::Queue::main);
  }
}

TEST_F(Eviction, WhatIsNotHitAnyMoreGivesWay) {
  std::vector<Evictable*> old;
  for (std::uint64_t i = 0; i < kItems; ++i) old.push_back(&insert(i));
  for (Evictable* one : old) one->note_hit();
  for (std::uint64_t i = 0; i < 10 * kItems; ++i) {
    insert(1000 + i).note_hit();
    evict_all();
  }
  EXPECT_TRUE(std::none_of(old.begin(), old.end(), [](Evictable* one) { return is_in(*one); }));
}

TEST_F(Eviction, WhatComesBackSoonEntersTheMainQueue) {
  Evictable& first = insert(1);
  for (std::uint64_t i = 0; i < kItems; ++i) insert(1000 + i);
  ASSERT_EQ(queues_.evict(), &first);
  EXPECT_EQ(insert(1).queue, Evictable::Queue::main);
  EXPECT_EQ(insert(2).queue, Evictable::Queue::probation) << "never seen";
}

// Rooms share members out by the lowest bits of their hashes, so all of one room have those in
// common.
TEST(EvictionGhosts, AFullRoomLetsInWhatIsAskedForAgain) {
  constexpr std::uint64_t kRooms = 32;
  constexpr std::size_t kCapacity = 1u << 20;
  EvictionQueues queues(kCapacity);
  Evictable all;
  all.charge_bytes = kCapacity;
  queues.insert(all);
  std::mt19937_64 random(testing::test_seed());
  std::vector<std::uint64_t> asked;
  for (int i = 0; i < 500; ++i) asked.push_back(random() / kRooms * kRooms + 7);
  for (const std::uint64_t hash : asked) queues.admits(hash, kItemBytes);
  const auto admitted = std::count_if(asked.begin(), asked.end(), [&](std::uint64_t hash) {
    return queues.admits(hash, kItemBytes);
  });
  EXPECT_GT(admitted, 350) << "some share a place";
  queues.remove(all);
}

// What would have left before it is asked for again is not let in.
TEST_F(Eviction, AFullRoomForgetsWhatWasAskedForLongAgo) {
  for (std::uint64_t i = 0; i < kItems; ++i) insert(i);
  // Few of them, so that each keeps its place among what is remembered.
  const auto asks = [&](std::uint64_t n, std::size_t bytes) {
    return queues_.admits(item_hash(1000 + n), bytes);
  };
  EXPECT_FALSE(asks(0, kItemBytes));
  EXPECT_FALSE(asks(1, kItems * kItemBytes / 2));
  EXPECT_TRUE(asks(0, kItemBytes)) << "half a room's worth ago";
  EXPECT_FALSE(asks(2, kItems * kItemBytes));
  EXPECT_FALSE(asks(3, kItems * kItemBytes / 2));
  EXPECT_FALSE(asks(0, kItemBytes)) << "more than a room's worth ago";
  EXPECT_TRUE(asks(0, kItemBytes));
}

TEST_F(Eviction, ChargesFollowWhatChanges) {
  Evictable& one = insert(1);
  Evictable& other = insert(2);
  queues_.change_charge(one, 5 * kItemBytes);
  EXPECT_EQ(queues_.bytes(), 6 * kItemBytes);
  queues_.change_charge(one, 10);
  EXPECT_EQ(queues_.bytes(), kItemBytes + 10);
  queues_.remove(one);
  queues_.remove(one);
  EXPECT_EQ(queues_.bytes(), kItemBytes);
  queues_.change_charge(one, 1'000'000);
  EXPECT_EQ(queues_.bytes(), kItemBytes) << "no member";
  queues_.remove(other);
  EXPECT_EQ(queues_.bytes(), 0U);
}

TEST_F(Eviction, OneAboveTheCapacityLeavesAtOnceHoweverOftenItIsHit) {
  Evictable& large = insert(1, 2 * kItems * kItemBytes);
  for (int i = 0; i < 10; ++i) large.note_hit();
  EXPECT_EQ(queues_.evict(), &large);
  EXPECT_EQ(queues_.bytes(), 0U);
}

TEST_F(Eviction, MembersOfTheMiddleCanBeRemoved) {
  Evictable& first = insert(1);
  Evictable& middle = insert(2);
  Evictable& last = insert(3);
  queues_.remove(middle);
  EvictionQueues& queues = queues_;
  queues.change_charge(last, 2 * kItems * kItemBytes);
  EXPECT_EQ(queues.evict(), &first);
  EXPECT_EQ(queues.evict(), &last);
  EXPECT_EQ(queues.evict(), nullptr);
}

}  // namespace
}  // namespace callisto::kv
