#include "engine/slabs.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/resident_bytes.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

struct Block {
  char* at = nullptr;
  std::size_t bytes = 0;
  char filled = 0;
};

/// Takes and gives blocks of all sizes at random, each filled with a letter of its own.
class Holder {
 public:
  explicit Holder(std::uint64_t seed) : random_(seed) {}
  ~Holder() {
    while (!blocks_.empty()) give(blocks_.size() - 1);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  void step(std::size_t most) {
    if (blocks_.size() < most && random_() % 5 < 3) {
      take();
    } else if (!blocks_.empty()) {
      give(random_() % blocks_.size());
    }
  }
  std::vector<Block>& blocks() { return blocks_; }
  int torn() const { return torn_; }

 private:
  void take() {
    const std::size_t most = random_() % 8 == 0 ? 2 * slabs::kMaxBytes : 600;
    Block block{nullptr, random_() % most, static_cast<char>('a' + random_() % 26)};
    block.at = static_cast<char*>(slabs::take(block.bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.at) % 16, 0U);
    EXPECT_GE(slabs::room_of(block.bytes), block.bytes);
    std::fill_n(block.at, block.bytes, block.filled);
    blocks_.push_back(block);
  }
  void give(std::size_t i) {
    const Block block = blocks_[i];
    const char* const end = block.at + block.bytes;
    if (std::any_of<const char*>(block.at, end, [&](char c) { return c != block.filled; })) ++torn_;
    slabs::give(block.at, block.bytes);
    blocks_[i] = blocks_.back();
    blocks_.pop_back();
  }

  std::mt19937_64 random_;
  std::vector<Block> blocks_;
  int torn_ = 0;
};

TEST(Slabs, BlocksNeverOverlap) {
  Holder holder(testing::test_seed());
  for (int i = 0; i < 200'000; ++i) holder.step(5'000);
  std::vector<Block>& blocks = holder.blocks();
  std::sort(blocks.begin(), blocks.end(),
            [](const Block& a, const Block& b) { return a.at < b.at; });
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    ASSERT_LE(blocks[i - 1].at + blocks[i - 1].bytes, blocks[i].at);
  }
  EXPECT_EQ(holder.torn(), 0);
}

TEST(Slabs, RoomRisesWithTheSizeAndWastesLittle) {
  for (std::size_t bytes = 1; bytes <= 2 * slabs::kMaxBytes; ++bytes) {
    ASSERT_LE(slabs::room_of(bytes - 1), slabs::room_of(bytes));
    ASSERT_LE(slabs::room_of(bytes), bytes + std::max<std::size_t>(16, bytes / 3));
  }
}

TEST(Slabs, WhatIsFreeServesOtherSizesAndGoesBackToTheSystem) {
  if (testing::is_sanitized()) GTEST_SKIP() << "blocks come from the sanitizer's allocator";
  constexpr std::size_t kBytes = 64u << 20;
  const std::size_t before = slabs::held_bytes();
  for (const std::size_t size : {100U, 4'000U, 700U, 8'176U}) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < kBytes / size; ++i) blocks.push_back(slabs::take(size));
    EXPECT_GE(slabs::held_bytes() + (3u << 20), before + kBytes);
    EXPECT_LE(slabs::held_bytes(), before + kBytes + kBytes / 8 + (1u << 20));
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937_64(size));
    for (void* block : blocks) slabs::give(block, size);
    EXPECT_LE(slabs::held_bytes(), before + (3u << 20));
  }
}

TEST(Slabs, OneThreadGivesWhatAnotherTook) {
  const std::uint64_t seed = testing::test_seed();
  constexpr int kThreads = 4;
  std::vector<std::unique_ptr<Holder>> holders;
  for (int i = 0; i < kThreads; ++i)
    holders.push_back(std::make_unique<Holder>(seed + static_cast<std::uint64_t>(i)));
  for (int round = 0; round < 10; ++round) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      Holder& holder = *holders[static_cast<std::size_t>((i + round) % kThreads)];
      threads.emplace_back([&holder] {
        for (int step = 0; step < 5'000; ++step) holder.step(500);
      });
    }
  }
  for (const auto& holder : holders) EXPECT_EQ(holder->torn(), 0);
}

/// Runs on one processor; false where that cannot be had.
bool run_on(unsigned processor, const std::function<void()>& work) {
  bool was_there = false;
  std::thread([&] {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(processor, &only);
    was_there = ::pthread_setaffinity_np(::pthread_self(), sizeof only, &only) == 0;
    if (was_there) work();
  }).join();
  return was_there;
}

// A process moves from processor to processor: what one left half used the other must fill.
TEST(Slabs, WhatOneProcessorGaveBackIsUsedByAnother) {
  if (testing::is_sanitized()) GTEST_SKIP() << "blocks come from the sanitizer's allocator";
  constexpr std::size_t kBytes = 4000;
  constexpr std::size_t kBlocks = 8000;
  std::mt19937_64 random(testing::test_seed());
  std::vector<void*> blocks;
  const auto take = [&](std::size_t count) {
    while (count-- > 0) blocks.push_back(slabs::take(kBytes));
  };
  const auto give = [&](std::size_t count) {
    std::shuffle(blocks.begin(), blocks.end(), random);
    for (; count > 0; --count, blocks.pop_back()) slabs::give(blocks.back(), kBytes);
  };
  const bool has_two = run_on(0, [&] { take(kBlocks); }) && run_on(1, [&] { give(kBlocks / 2); });
  const std::size_t before = slabs::held_bytes();
  if (has_two) {
    run_on(1, [&] { take(kBlocks / 2); });
    EXPECT_LE(slabs::held_bytes(), before + before / 16);
    for (unsigned round = 0; round < 20; ++round) {
      run_on(round % 2, [&] {
        give(kBlocks / 4);
        take(kBlocks / 4);
      });
    }
    EXPECT_LE(slabs::held_bytes(), before + before / 16);
  }
  give(blocks.size());
  if (!has_two) GTEST_SKIP() << "one processor";
}

}  // namespace
}  // namespace callisto::kv
