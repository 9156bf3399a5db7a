#include "engine/slots.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "engine/write_set.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

TEST(SlotTable, HoldsEightBytesASlotInAPowerOfTwo) {
  EXPECT_EQ(SlotTable().memory_bytes(), 8u << 20);
  EXPECT_EQ(SlotTable(1).memory_bytes(), 8u);
  EXPECT_EQ(SlotTable(9).memory_bytes(), 16u * 8);
  EXPECT_EQ(SlotTable(16).slot_of(0xabc), 0xcu);
}

// Nearly every commit marks the slots of the same counter rows.
TEST(SlotTable, NoKeySharesASlotWithASystemKey) {
  const SlotTable slots;
  std::set<std::size_t> of_system;
  std::set<std::size_t> of_others;
  for (int i = 0; i < 100'000; ++i) {
    const std::string key = std::to_string(i);
    of_system.insert(slots.slot_of(hash_key(Family::system, key)));
    of_others.insert(slots.slot_of(hash_key(Family::messages, key)));
  }
  EXPECT_LT(*of_system.rbegin(), *of_others.begin());
  EXPECT_EQ(of_system.size(), SlotTable::kDefaultSlotCount / SlotTable::kSlotsToSystemSlot);
  EXPECT_GT(of_others.size(), 90'000u);
  EXPECT_LT(*of_others.rbegin(), SlotTable::kDefaultSlotCount);
}

TEST(SlotTable, AnUnusedSlotWasNeverChanged) {
  const SlotTable slots(16);
  EXPECT_TRUE(slots.unchanged_since(3, 0));
  EXPECT_EQ(slots.committed_version(3), Version{0});
}

TEST(SlotTable, ACommitUnderWayHasNoVersion) {
  SlotTable slots(2);
  EXPECT_TRUE(slots.mark(1));
  EXPECT_FALSE(slots.mark(1)) << "it was marked before";
  EXPECT_FALSE(slots.unchanged_since(1, 100));
  EXPECT_EQ(slots.committed_version(1), std::nullopt);
  EXPECT_TRUE(slots.unchanged_since(0, 0)) << "the other slot is its own";

  slots.settle(1, 7);
  EXPECT_EQ(slots.committed_version(1), Version{7});
  EXPECT_FALSE(slots.unchanged_since(1, 6));
  EXPECT_TRUE(slots.unchanged_since(1, 7));
  EXPECT_TRUE(slots.mark(1));
}

TEST(SlotTable, AnUnknownOutcomeIsNeverOldEnough) {
  SlotTable slots(1);
  slots.mark(0);
  slots.settle(0, SlotTable::kNever);
  EXPECT_EQ(slots.committed_version(0), std::nullopt);
  EXPECT_FALSE(slots.unchanged_since(0, SlotTable::kNever - 1));
}

TEST(SlotTable, ResetForgetsAllButTheVersion) {
  SlotTable slots(16);
  slots.mark(2);
  slots.mark(3);
  slots.settle(3, SlotTable::kNever);
  slots.reset(9);
  for (std::size_t slot = 0; slot < 16; ++slot) {
    EXPECT_EQ(slots.committed_version(slot), Version{9});
    EXPECT_FALSE(slots.unchanged_since(slot, 8));
  }
}

// However few slots: what the table calls unchanged is unchanged, and no key looks older than it
// is.
TEST(SlotTable, NeverMissesAChange) {
  std::mt19937_64 random(testing::test_seed());
  for (const std::size_t count : {1u, 2u, 16u, 1u << 12}) {
    SlotTable slots(count);
    std::map<std::string, Version> committed;
    std::size_t needless = 0;
    for (Version version = 1; version <= 2000; ++version) {
      const std::string written = std::to_string(random() % 50);
      const std::size_t slot = slots.slot_of(hash_key(Family::users, written));
      slots.mark(slot);
      slots.settle(slot, version);
      committed[written] = version;

      const std::string asked = std::to_string(random() % 50);
      const Version snapshot = random() % (version + 1);
      const std::size_t asked_slot = slots.slot_of(hash_key(Family::users, asked));
      const bool unchanged = slots.unchanged_since(asked_slot, snapshot);
      if (unchanged) {
        ASSERT_LE(committed[asked], snapshot);
      }
      ASSERT_GE(*slots.committed_version(asked_slot), committed[asked]);
      if (!unchanged && committed[asked] <= snapshot) ++needless;
    }
    if (count == 1) {
      EXPECT_GT(needless, 0u);
    }
  }
}

TEST(SlotTable, AMarkThatIsTakenBackLeavesTheVersion) {
  SlotTable slots(4);
  slots.settle(1, 7);
  EXPECT_TRUE(slots.mark(1));
  slots.unmark(1);
  EXPECT_EQ(slots.committed_version(1), Version{7});
  EXPECT_TRUE(slots.unchanged_since(1, 7));
}

}  // namespace
}  // namespace callisto::kv
