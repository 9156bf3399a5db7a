// Blocks that come, are read and leave in several threads at once: who holds one reads what was
// kept.

#include "engine/rocksdb/kept_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

TEST(KeptBlocksThreads, WhoHoldsABlockReadsWhatWasKept) {
  constexpr std::size_t kBlocks = 60;
  constexpr std::size_t kRoom = 20;
  constexpr std::size_t kBytes = 2500;
  constexpr int kReads = 20'000;
  std::vector<KeptBlocks::Mark> marks(kBlocks);
  KeptBlocks blocks(kRoom * kBytes);
  const auto read = [&](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    KeptBlocks::Ref held;
    // Of a table that goes while others make room.
    auto own = std::make_unique<std::vector<KeptBlocks::Mark>>(8);
    for (int i = 0; i < kReads; ++i) {
      if (i % 3 == 0)
        blocks.note_read((*own)[static_cast<std::size_t>(i) % own->size()],
                         std::string(kBytes, 'o'));
      if (i % 100 == 0) {
        for (KeptBlocks::Mark& mark : *own) blocks.forget(mark);
        own = std::make_unique<std::vector<KeptBlocks::Mark>>(8);
      }
      // Some much more often than others.
      const std::size_t which = random() % 2 == 0 ? random() % kBlocks : random() % 10;
      const char content = static_cast<char>('0' + which);
      auto kept = blocks.find(marks[which]);
      if (!kept) {
        blocks.note_read(marks[which], std::string(kBytes, content));
        continue;
      }
      held = std::move(kept);
      const std::string_view bytes = held.bytes();
      ASSERT_EQ(bytes.size(), kBytes);
      ASSERT_EQ(std::count(bytes.begin(), bytes.end(), content),
                static_cast<std::ptrdiff_t>(kBytes));
      ASSERT_LE(blocks.stats().bytes, kRoom * kBytes);
    }
    for (KeptBlocks::Mark& mark : *own) blocks.forget(mark);
  };
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) threads.emplace_back(read, testing::test_seed() + i);
  }
  EXPECT_FALSE(::testing::Test::HasFatalFailure()) << "CALLISTO_SEED=" << testing::test_seed();
  EXPECT_GT(blocks.stats().hits, 1000U);
  EXPECT_GT(blocks.stats().evictions, 100U);
  for (KeptBlocks::Mark& mark : marks) blocks.forget(mark);
  EXPECT_EQ(blocks.stats().bytes, 0U);
}

}  // namespace
}  // namespace callisto::kv
