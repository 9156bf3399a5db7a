// What the engine says of its files and caches.

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

class RocksStats : public RocksTest {
 protected:
  /// Keys "k0000" on, with values that cannot be compressed.
  void fill(Store& store, int count, int bytes = 1000) {
    for (int i = 0; i < count; ++i) put(store, key(i), value(bytes));
  }
  /// The last key with its neighbours, as RocksDB reads them: backwards.
  static int count_backwards(Store& store) {
    int count = 0;
    const auto cursor = store.scan(Family::users, {.lower = "k", .upper = "l", .reverse = true});
    for (; cursor->valid(); cursor->next()) ++count;
    EXPECT_TRUE(cursor->status());
    return count;
  }
  static std::string key(int i) {
    const std::string digits = std::to_string(i);
    return "k" + std::string(4 - digits.size(), '0') + digits;
  }
  std::string value(int bytes) {
    std::string value(static_cast<std::size_t>(bytes), '\0');
    for (char& c : value) c = static_cast<char>(random_());
    return value;
  }
  static std::uint64_t files(const DiskStats& disk) {
    std::uint64_t files = 0;
    for (const LevelStats& level : disk.levels) files += level.files;
    return files;
  }
  static std::uint64_t read_bytes(const DiskStats& disk) {
    std::uint64_t bytes = 0;
    for (const LevelStats& level : disk.levels) bytes += level.read_bytes;
    return bytes;
  }
  static std::uint64_t written_bytes(const DiskStats& disk) {
    std::uint64_t bytes = 0;
    for (const LevelStats& level : disk.levels) bytes += level.written_bytes;
    return bytes;
  }

  std::mt19937_64 random_{testing::test_seed()};
};

TEST_F(RocksStats, CommitsAreCountedInTheLogAndNotYetInFiles) {
  const auto store = open();
  const DiskStats before = store->stats().disk;
  fill(*store, 100);
  const DiskStats after = store->stats().disk;
  EXPECT_GE(after.committed_bytes - before.committed_bytes, 100U * 1000);
  EXPECT_LE(after.committed_bytes - before.committed_bytes, 100U * 1200);
  EXPECT_GE(after.log_bytes - before.log_bytes, 100U * 1000);
  EXPECT_EQ(after.flushes, before.flushes);
  EXPECT_EQ(after.log_syncs, before.log_syncs);
}

TEST_F(RocksStats, SyncsOfTheLogAreCounted) {
  const auto store = open();
  const std::uint64_t before = store->stats().disk.log_syncs;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(try_put(*store, key(i), "value", Durability::synced));
  }
  EXPECT_EQ(store->stats().disk.log_syncs, before + 5);
  put(*store, "buffered", "value");
  ASSERT_TRUE(store->sync());
  EXPECT_EQ(store->stats().disk.log_syncs, before + 6);
}

TEST_F(RocksStats, CompactingWritesEachByteTwice) {
  const auto store = open();
  const DiskStats before = store->stats().disk;
  fill(*store, 1000);
  ASSERT_TRUE(store->compact());
  const EngineStats stats = store->stats();
  const DiskStats& disk = stats.disk;
  EXPECT_GT(disk.flushes, before.flushes);
  EXPECT_GE(disk.flushed_bytes - before.flushed_bytes, 1000U * 1000);
  EXPECT_GT(disk.compactions, before.compactions);
  EXPECT_GE(disk.compaction_read_bytes, 1000U * 1000);
  EXPECT_GE(disk.compaction_written_bytes, 1000U * 1000);
  EXPECT_EQ(written_bytes(disk), disk.flushed_bytes + disk.compaction_written_bytes);
  ASSERT_GT(disk.levels.size(), 1U);
  EXPECT_EQ(disk.levels.front().written_bytes, disk.flushed_bytes);
  EXPECT_EQ(disk.levels.back().written_bytes, disk.compaction_written_bytes);
  EXPECT_GE(disk.levels.back().bytes, 1000U * 1000);
  EXPECT_GE(disk.levels.front().read_bytes, 1000U * 1000) << "the compaction read them";
  EXPECT_GT(disk.write_amplification(), 1.8);
  EXPECT_LT(disk.write_amplification(), 2.5);
}

TEST_F(RocksStats, ReadsAreCountedByLevelAndOnceOnly) {
  {
    const auto store = open();
    fill(*store, 500);
    ASSERT_TRUE(store->compact());
  }
  const auto store = open();
  const EngineStats before = store->stats();
  ASSERT_EQ(count_backwards(*store), 500);
  const EngineStats cold = store->stats();
  ASSERT_FALSE(cold.disk.levels.empty());
  EXPECT_GE(cold.disk.levels.back().read_bytes - before.disk.levels.back().read_bytes, 500U * 1000);
  EXPECT_GT(cold.block_cache.misses, before.block_cache.misses);
  EXPECT_EQ(cold.disk.direct_reads, before.disk.direct_reads);
  ASSERT_EQ(count_backwards(*store), 500);
  const EngineStats warm = store->stats();
  EXPECT_EQ(read_bytes(warm.disk), read_bytes(cold.disk));
  EXPECT_EQ(warm.block_cache.misses, cold.block_cache.misses);
  EXPECT_GT(warm.block_cache.hits, cold.block_cache.hits + 100);
  EXPECT_GT(warm.block_cache.bytes, 0U);
}

TEST_F(RocksStats, ReadsPastRocksDbAreCountedByLevelToo) {
  {
    const auto store = open();
    fill(*store, 500);
    ASSERT_TRUE(store->compact());
  }
  const auto store = open();
  const EngineStats before = store->stats();
  for (int i = 0; i < 500; ++i) ASSERT_NE(get(*store, key(i)), "absent");
  const EngineStats after = store->stats();
  EXPECT_GE(after.disk.levels.back().read_bytes - before.disk.levels.back().read_bytes,
            500U * 1000);
  EXPECT_EQ(after.disk.direct_reads, before.disk.direct_reads + 500);
  EXPECT_GT(after.disk.direct_index_bytes, 500U) << "some bytes for each block";
  EXPECT_EQ(after.block_cache.hits + after.block_cache.misses,
            before.block_cache.hits + before.block_cache.misses);
  EXPECT_GE(after.direct_blocks.misses, before.direct_blocks.misses + 100);
}

TEST_F(RocksStats, BlocksThatAreReadAgainAreKept) {
  {
    const auto store = open();
    fill(*store, 500);
    ASSERT_TRUE(store->compact());
  }
  const auto store = open();
  const auto read_all = [&] {
    for (int i = 0; i < 500; ++i) ASSERT_NE(get(*store, key(i)), "absent");
  };
  EXPECT_EQ(store->stats().direct_blocks.bytes, 0U);
  read_all();
  read_all();
  const EngineStats twice = store->stats();
  EXPECT_GT(twice.direct_blocks.bytes, 500U * 1000);
  EXPECT_EQ(twice.direct_blocks.fills, twice.direct_blocks.entries);
  read_all();
  const EngineStats after = store->stats();
  EXPECT_EQ(read_bytes(after.disk), read_bytes(twice.disk));
  EXPECT_EQ(after.direct_blocks.misses, twice.direct_blocks.misses);
  EXPECT_GE(after.direct_blocks.hits, twice.direct_blocks.hits + twice.direct_blocks.entries);
}

TEST_F(RocksStats, SwitchedOffNoReadIsCounted) {
  OpenOptions off = options();
  off.statistics = false;
  const auto store = open_rocksdb(off).value();
  fill(*store, 200);
  ASSERT_TRUE(store->compact());
  for (int i = 0; i < 200; ++i) ASSERT_NE(get(*store, key(i)), "absent");
  ASSERT_EQ(count_backwards(*store), 200);
  const EngineStats stats = store->stats();
  EXPECT_EQ(read_bytes(stats.disk), 0U);
  EXPECT_EQ(stats.block_cache.hits + stats.block_cache.misses, 0U);
  EXPECT_EQ(stats.disk.log_bytes, 0U);
  EXPECT_GT(stats.disk.flushes, 0U) << "told by RocksDB, at no cost";
}

TEST_F(RocksStats, AFollowerTellsTheFiles) {
  const auto store = open();
  fill(*store, 200);
  ASSERT_TRUE(store->compact());
  const auto follower = follow();
  const DiskStats disk = follower->stats().disk;
  EXPECT_EQ(files(disk), files(store->stats().disk));
  EXPECT_EQ(disk.levels.back().bytes, store->stats().disk.levels.back().bytes);
  EXPECT_EQ(disk.committed_bytes, 0U);
}

TEST_F(RocksStats, InMemoryTheyAreCountedToo) {
  OpenOptions in_memory = options();
  in_memory.directory.clear();
  const auto store = open_rocksdb(in_memory).value();
  fill(*store, 200);
  ASSERT_TRUE(store->compact());
  const DiskStats disk = store->stats().disk;
  EXPECT_GT(disk.flushes, 0U);
  EXPECT_GE(disk.log_bytes, 200U * 1000);
}

}  // namespace
}  // namespace callisto::kv
