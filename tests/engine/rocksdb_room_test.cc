// Room on the disk: what is deleted gives it back, without a call and without further writes.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/temp_directory.h"

namespace callisto::kv {
namespace {

using RocksRoom = RocksTest;

constexpr int kKeys = 120'000;
constexpr int kTogether = 100;

std::string key_of(int i) {
  const std::uint64_t spread = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15ULL;
  return "0000AA" + std::to_string(spread);
}

/// Calls each(batch, i) for the given numbers, many in one commit.
template <class Each>
void in_batches(Store& store, const std::vector<int>& numbers, Each&& each) {
  for (std::size_t at = 0; at < numbers.size(); at += kTogether) {
    Batch batch;
    const std::size_t end = std::min(numbers.size(), at + kTogether);
    for (std::size_t i = at; i < end; ++i) each(batch, numbers[i]);
    ASSERT_TRUE(store.apply(batch, Durability::buffered));
  }
}

void put_all(Store& store, const std::vector<int>& numbers) {
  std::mt19937_64 random(1);
  in_batches(store, numbers, [&](Batch& batch, int i) {
    std::string value(100, ' ');
    for (char& byte : value) byte = static_cast<char>(random());
    batch.put(Family::memories, key_of(i), value);
  });
}

TEST_F(RocksRoom, DeletedHalvesGiveTheirRoomBack) {
  std::vector<int> numbers(kKeys);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(2));
  const auto half = numbers.begin() + kKeys / 2;
  const std::vector<int> deleted(numbers.begin(), half);
  const std::vector<int> kept(half, numbers.end());

  std::uint64_t fresh_bytes = 0;
  {
    testing::TempDirectory other;
    OpenOptions fresh = options();
    fresh.directory = other.path("store");
    const auto store = open_rocksdb(fresh).value();
    put_all(*store, kept);
    ASSERT_TRUE(store->compact());
    fresh_bytes = store->stats().disk_bytes;
  }
  const auto store = open();
  put_all(*store, numbers);
  ASSERT_TRUE(store->compact());
  ASSERT_GT(store->stats().disk_bytes, fresh_bytes * 3 / 2);
  in_batches(*store, deleted,
             [](Batch& batch, int i) { batch.erase(Family::memories, key_of(i)); });

  // The threads of the store do it when they come to it.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (store->stats().disk_bytes > fresh_bytes * 6 / 5 &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_LE(store->stats().disk_bytes, fresh_bytes * 6 / 5);
}

}  // namespace
}  // namespace callisto::kv
