#include "engine/cache/row_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/cache/recent_changes.h"
#include "engine/write_set.h"

namespace callisto::kv {
namespace {

constexpr std::size_t kLarge = 8 << 20;

// RecentChanges -----------------------------------------------------------------------------------

TEST(RecentChanges, KnowWhatChangedAndWhatDidNot) {
  RecentChanges recent;
  recent.add(std::vector<std::uint64_t>{1, 2}, 10);
  recent.add(std::vector<std::uint64_t>{2, 3}, 20);
  EXPECT_TRUE(recent.is_unchanged_since(1, 10));
  EXPECT_FALSE(recent.is_unchanged_since(1, 9));
  EXPECT_FALSE(recent.is_unchanged_since(2, 10));
  EXPECT_TRUE(recent.is_unchanged_since(2, 20));
  EXPECT_FALSE(recent.is_unchanged_since(3, 15));
  EXPECT_TRUE(recent.is_unchanged_since(4, 0));
}

TEST(RecentChanges, NothingIsKnownOfWhatTheRingForgot) {
  RecentChanges recent(4);
  for (std::uint64_t i = 1; i <= 4; ++i) recent.add(std::vector<std::uint64_t>{i}, 10 * i);
  EXPECT_TRUE(recent.is_unchanged_since(9, 0)) << "the ring has them all";
  recent.add(std::vector<std::uint64_t>{5}, 50);
  EXPECT_FALSE(recent.is_unchanged_since(9, 0));
  EXPECT_FALSE(recent.is_unchanged_since(9, 9));
  EXPECT_TRUE(recent.is_unchanged_since(9, 10)) << "every change above it is known";
  EXPECT_TRUE(recent.is_unchanged_since(1, 10));
  EXPECT_FALSE(recent.is_unchanged_since(2, 10));
  EXPECT_TRUE(recent.is_unchanged_since(2, 20));
}

TEST(RecentChanges, OneCommitMayBeLargerThanTheRing) {
  RecentChanges recent(4);
  recent.add(std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}, 10);
  EXPECT_FALSE(recent.is_unchanged_since(1, 9));
  EXPECT_FALSE(recent.is_unchanged_since(9, 9));
  EXPECT_TRUE(recent.is_unchanged_since(1, 10));
}

TEST(RecentChanges, ForbidWhatWasReadBefore) {
  RecentChanges recent;
  recent.forbid_below(7);
  recent.forbid_below(5);
  EXPECT_FALSE(recent.is_unchanged_since(1, 6));
  EXPECT_TRUE(recent.is_unchanged_since(1, 7));
}

// RowCache ----------------------------------------------------------------------------------------

class Rows : public ::testing::Test {
 protected:
  static std::uint64_t hash(std::string_view key) { return hash_key(Family::users, key); }
  static Bytes bytes(std::string_view text) { return Bytes::copy_of(text); }

  Ref<CachedRow> fill(std::string_view key, const Bytes& value, Version at,
                      Ref<CachedRow> known = {}) {
    return rows_.fill(Family::users, key, hash(key), value, true, at, std::move(known));
  }
  /// As a StateCache does it.
  void commit(std::string_view key, const Bytes& value, Version version, bool installs = false) {
    recent_.add(std::vector<std::uint64_t>{hash(key)}, version);
    FollowedValue left = value ? FollowedValue(value.view()) : FollowedValue();
    rows_.apply(Family::users, key, hash(key), left, version, installs);
  }
  std::string find(std::string_view key, Version at) {
    RowCache::Hit hit;
    if (!rows_.find(Family::users, key, hash(key), at, hit)) return "unknown";
    return hit.value ? std::string(hit.value.view()) : "absent";
  }
  std::string read(CachedRow& row, Version at) {
    RowCache::Hit hit;
    if (!rows_.read(row, at, hit)) return "unknown";
    return hit.value ? std::string(hit.value.view()) : "absent";
  }

  RecentChanges recent_;
  CacheRooms rooms_{kLarge};
  RowCache rows_{rooms_, recent_};
};

TEST_F(Rows, AreFoundFromTheVersionOnThatTheyWereReadAt) {
  EXPECT_EQ(find("k", 10), "unknown");
  EXPECT_TRUE(fill("k", bytes("v"), 10));
  EXPECT_EQ(find("k", 9), "unknown");
  EXPECT_EQ(find("k", 10), "v");
  EXPECT_EQ(find("k", 99), "v");
  RowCache::Hit hit;
  EXPECT_FALSE(rows_.find(Family::memories, "k", hash("k"), 10, hit)) << "another family";
  EXPECT_FALSE(rows_.find(Family::users, "K", hash("k"), 10, hit)) << "another key of that hash";
  fill("k", bytes("v"), 5);
  EXPECT_EQ(find("k", 5), "v") << "it was so before already";
  fill("k", bytes("v"), 8);
  EXPECT_EQ(find("k", 5), "v");
}

TEST_F(Rows, AbsentOnesAreRememberedToo) {
  fill("k", Bytes(), 10);
  EXPECT_EQ(find("k", 10), "absent");
  EXPECT_EQ(rows_.stats().negative_hits, 1U);
  commit("k", bytes("v"), 20);
  EXPECT_EQ(find("k", 10), "unknown");
  EXPECT_EQ(find("k", 20), "v");
  commit("k", Bytes(), 30);
  EXPECT_EQ(find("k", 30), "absent");
}

TEST_F(Rows, FollowCommits) {
  fill("k", bytes("v"), 10);
  commit("k", bytes("w"), 20);
  EXPECT_EQ(find("k", 19), "unknown");
  EXPECT_EQ(find("k", 20), "w");
  commit("new", bytes("n"), 30);
  EXPECT_EQ(find("new", 30), "unknown") << "only where installed";
  commit("new", bytes("n"), 31, true);
  EXPECT_EQ(find("new", 31), "n");
  commit("erased", Bytes(), 32, true);
  EXPECT_EQ(find("erased", 32), "unknown") << "never";
}

TEST_F(Rows, WhatWasReadBeforeACommitDoesNotEnterAfterIt) {
  commit("k", bytes("w"), 20);
  EXPECT_FALSE(fill("k", bytes("v"), 19));
  EXPECT_EQ(find("k", 99), "unknown");
  EXPECT_TRUE(fill("k", bytes("w"), 20));
  EXPECT_TRUE(fill("other", bytes("o"), 1)) << "it did not change";
  rows_.clear();
  recent_.forbid_below(30);
  EXPECT_FALSE(fill("other", bytes("o"), 29));
}

TEST_F(Rows, ARangeIsErased) {
  for (const char* key : {"a", "b", "bb", "c"}) fill(key, bytes(key), 10);
  rows_.fill(Family::memories, "b", hash_key(Family::memories, "b"), bytes("m"), true, 10);
  rows_.erase_range(Family::users, "b", "c");
  EXPECT_EQ(find("a", 10), "a");
  EXPECT_EQ(find("b", 10), "unknown");
  EXPECT_EQ(find("bb", 10), "unknown");
  EXPECT_EQ(find("c", 10), "c");
  RowCache::Hit hit;
  EXPECT_TRUE(rows_.find(Family::memories, "b", hash_key(Family::memories, "b"), 10, hit));
}

TEST_F(Rows, OneThatIsHeldTellsWhatItsKeyHolds) {
  const Ref<CachedRow> row = fill("k", bytes("v"), 10);
  EXPECT_EQ(read(*row, 10), "v");
  EXPECT_EQ(read(*row, 9), "unknown");
  commit("k", bytes("w"), 20);
  EXPECT_EQ(read(*row, 10), "unknown");
  EXPECT_EQ(read(*row, 20), "w");
  commit("k", Bytes(), 30);
  EXPECT_EQ(read(*row, 30), "absent");
}

TEST_F(Rows, ADeadOneTellsNothingUntilItIsRevived) {
  Ref<CachedRow> row = fill("k", bytes("v"), 10);
  rows_.clear();
  EXPECT_EQ(read(*row, 99), "unknown");
  commit("k", bytes("w"), 20);
  EXPECT_EQ(read(*row, 99), "unknown");
  EXPECT_FALSE(fill("k", bytes("v"), 10, row)) << "too late";
  EXPECT_EQ(read(*row, 99), "unknown");
  EXPECT_EQ(fill("k", bytes("w"), 20, row).get(), row.get());
  EXPECT_EQ(read(*row, 20), "w");
  EXPECT_EQ(find("k", 20), "w");
  commit("k", bytes("x"), 30);
  EXPECT_EQ(read(*row, 30), "x");
}

TEST_F(Rows, OfTwoForOneKeyTheLiveOneStays) {
  const Ref<CachedRow> dead = fill("k", bytes("v"), 10);
  rows_.clear();
  const Ref<CachedRow> live = fill("k", bytes("v"), 10);
  EXPECT_NE(live.get(), dead.get());
  EXPECT_EQ(fill("k", bytes("v"), 10, dead).get(), live.get());
  EXPECT_EQ(read(*dead, 99), "unknown");
  EXPECT_EQ(rows_.stats().entries, 1U);
}

TEST_F(Rows, AreCheckedOnceWhileTheBytesAreTheSame) {
  const Bytes value = bytes("v");
  rows_.fill(Family::users, "k", hash("k"), value, false, 10);
  RowCache::Hit hit;
  ASSERT_TRUE(rows_.find(Family::users, "k", hash("k"), 10, hit));
  EXPECT_FALSE(hit.is_checked);
  rows_.note_checked(*hit.row, bytes("v"));
  ASSERT_TRUE(rows_.find(Family::users, "k", hash("k"), 10, hit));
  EXPECT_FALSE(hit.is_checked) << "other bytes were checked";
  rows_.note_checked(*hit.row, value);
  ASSERT_TRUE(rows_.find(Family::users, "k", hash("k"), 10, hit));
  EXPECT_TRUE(hit.is_checked);
  commit("k", bytes("w"), 20);
  ASSERT_TRUE(rows_.find(Family::users, "k", hash("k"), 20, hit));
  EXPECT_FALSE(hit.is_checked);
}

TEST_F(Rows, AreHandedOutWhereTheyAreAskedForOrNotKnownToBeIntact) {
  const Bytes value = bytes("v");
  rows_.fill(Family::users, "k", hash("k"), value, false, 10);
  RowCache::Hit unchecked;
  ASSERT_TRUE(rows_.find(Family::users, "k", hash("k"), 10, unchecked, false));
  ASSERT_TRUE(unchecked.row) << "to be told that they are intact";
  rows_.note_checked(*unchecked.row, value);
  RowCache::Hit hit;
  ASSERT_TRUE(rows_.find(Family::users, "k", hash("k"), 10, hit, false));
  EXPECT_FALSE(hit.row);
  ASSERT_TRUE(rows_.find(Family::users, "k", hash("k"), 10, hit, true));
  EXPECT_TRUE(hit.row);
}

TEST_F(Rows, StayWithinTheCapacity) {
  constexpr std::size_t kCapacity = 64 << 10;
  CacheRooms rooms(kCapacity);
  RowCache small(rooms, recent_);
  std::vector<Ref<CachedRow>> held;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = std::to_string(i);
    held.push_back(
        small.fill(Family::users, key, hash(key), bytes(std::string(50, 'v')), true, 10));
    ASSERT_LE(small.stats().bytes, kCapacity);
  }
  const CacheStats stats = small.stats();
  EXPECT_GT(stats.entries, 50U);
  EXPECT_EQ(stats.evictions + stats.entries, stats.fills);
  EXPECT_LT(stats.fills, 5000U) << "without room, what is asked for once does not enter";
  // A row grows by a commit, and makes room.
  const std::string large(1000, 'w');
  for (int i = 0; i < 5000; ++i) {
    const std::string key = std::to_string(i);
    FollowedValue left(large);
    small.apply(Family::users, key, hash(key), left, 20, false);
    ASSERT_LE(small.stats().bytes, kCapacity);
  }
  RowCache::Hit hit;
  std::size_t alive = 0;
  for (const Ref<CachedRow>& row : held) alive += row && small.read(*row, 99, hit) ? 1 : 0;
  EXPECT_EQ(alive, small.stats().entries);
}

TEST_F(Rows, NothingStaysWithoutCapacity) {
  CacheRooms rooms(0);
  RowCache none(rooms, recent_);
  const Ref<CachedRow> row = none.fill(Family::users, "k", hash("k"), bytes("v"), true, 10);
  RowCache::Hit hit;
  EXPECT_FALSE(none.find(Family::users, "k", hash("k"), 10, hit));
  EXPECT_FALSE(row);
  FollowedValue left("w");
  none.apply(Family::users, "k", hash("k"), left, 20, true);
  EXPECT_EQ(none.stats().entries, 0U);
  EXPECT_EQ(none.stats().bytes, 0U);
}

}  // namespace
}  // namespace callisto::kv
