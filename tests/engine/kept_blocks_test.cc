// Blocks of table files that are kept unpacked: which are, for how long, and that each is what was
// read.

#include "engine/rocksdb/kept_blocks.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

using Mark = KeptBlocks::Mark;

constexpr std::size_t kBlockBytes = 4096;

std::string block(std::size_t i, std::size_t bytes = kBlockBytes) {
  std::string content(bytes, static_cast<char>('a' + i % 26));
  return content.replace(0, 8, std::to_string(10'000'000 + i).substr(0, 8));
}

class KeptBlocksTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kMost = 20;  ///< Blocks that have room, or a few less.

  /// As who reads a block does. True where it was kept.
  bool read(std::size_t i) {
    if (const auto kept = blocks_.find(marks_[i])) {
      EXPECT_EQ(kept.bytes(), block(i));
      return true;
    }
    blocks_.note_read(marks_[i], block(i));
    return false;
  }
  bool is_kept(std::size_t i) { return static_cast<bool>(blocks_.find(marks_[i])); }

  std::vector<Mark> marks_ = std::vector<Mark>(1000);
  KeptBlocks blocks_{kMost * (kBlockBytes + 600)};
};

TEST_F(KeptBlocksTest, ABlockIsKeptOnceItIsReadAgain) {
  EXPECT_FALSE(read(1));
  EXPECT_FALSE(read(1));
  EXPECT_TRUE(read(1));
  const CacheStats stats = blocks_.stats();
  EXPECT_EQ(stats.hits, 1U);
  EXPECT_EQ(stats.misses, 2U);
  EXPECT_EQ(stats.fills, 1U);
  EXPECT_EQ(stats.entries, 1U);
  EXPECT_GE(stats.bytes, kBlockBytes);
}

TEST_F(KeptBlocksTest, WhatComesBackLaterThanTheRoomLastsIsNotKept) {
  EXPECT_FALSE(read(1));
  for (std::size_t i = 100; i < 100 + 2 * kMost; ++i) EXPECT_FALSE(read(i));
  EXPECT_FALSE(read(1));
  EXPECT_FALSE(read(1)) << "the second within what there is room for";
  EXPECT_TRUE(read(1));
}

TEST_F(KeptBlocksTest, AScanOfMoreThanThereIsRoomForKeepsNothing) {
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 3 * kMost; ++i) EXPECT_FALSE(read(i));
  }
  EXPECT_EQ(blocks_.stats().fills, 0U);
}

TEST_F(KeptBlocksTest, WhatIsAskedForStays) {
  EXPECT_FALSE(read(1));
  EXPECT_FALSE(read(1));
  for (std::size_t i = 100; i < 100 + 4 * kMost; ++i) {
    EXPECT_FALSE(read(i));
    EXPECT_FALSE(read(i));
    EXPECT_TRUE(read(1));
  }
  EXPECT_GT(blocks_.stats().evictions, 2 * kMost);
  EXPECT_FALSE(is_kept(100));
  EXPECT_TRUE(is_kept(100 + 4 * kMost - 1));
}

TEST_F(KeptBlocksTest, LargeBlocksAreNotKept) {
  const std::string large(40'000, 'l');
  for (int i = 0; i < 5; ++i) blocks_.note_read(marks_[1], large);
  EXPECT_FALSE(is_kept(1));
}

TEST_F(KeptBlocksTest, WithoutRoomNothingIsKept) {
  KeptBlocks none(0);
  for (int i = 0; i < 5; ++i) none.note_read(marks_[1], block(1));
  EXPECT_FALSE(none.find(marks_[1]));
  KeptBlocks little(2 * kBlockBytes / 3);
  for (int i = 0; i < 5; ++i) little.note_read(marks_[2], block(2));
  EXPECT_FALSE(little.find(marks_[2]));
}

TEST_F(KeptBlocksTest, WhoHoldsABlockKeepsItsBytes) {
  KeptBlocks::Ref held;
  {
    auto others = std::make_unique<KeptBlocks>(1 << 20);
    for (int i = 0; i < 2; ++i) others->note_read(marks_[1], block(1));
    held = others->find(marks_[1]);
    others->forget(marks_[1]);
    EXPECT_FALSE(others->find(marks_[1]));
    EXPECT_EQ(others->stats().bytes, 0U);
  }
  EXPECT_EQ(held.bytes(), block(1));
}

TEST_F(KeptBlocksTest, AnyOrderGivesWhatWasRead) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 30'000; ++i) {
    // Most of few, so that they are kept; some of many.
    const std::size_t which = random() % 4 == 0 ? random() % marks_.size() : random() % kMost;
    if (random() % 50 == 0) {
      blocks_.forget(marks_[which]);
      ASSERT_FALSE(is_kept(which));
    } else {
      read(which);
    }
    const CacheStats stats = blocks_.stats();
    ASSERT_LE(stats.bytes, kMost * (kBlockBytes + 600));
    ASSERT_GE(stats.bytes, stats.entries * kBlockBytes);
    ASSERT_FALSE(HasFailure()) << "CALLISTO_SEED=" << testing::test_seed();
  }
  const CacheStats stats = blocks_.stats();
  EXPECT_GT(stats.hits, 5000U);
  EXPECT_GT(stats.evictions, 100U);
  for (Mark& mark : marks_) blocks_.forget(mark);
  EXPECT_EQ(blocks_.stats().bytes, 0U);
  EXPECT_EQ(blocks_.stats().entries, 0U);
}

}  // namespace
}  // namespace callisto::kv
