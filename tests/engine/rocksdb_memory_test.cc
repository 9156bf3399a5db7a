// The memory budget: how it is shared out, and what a million records do to the process.

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

#include "engine/rocksdb/options.h"
#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/child_process.h"
#include "tests/support/resident_bytes.h"

namespace callisto::kv {
namespace {

using testing::ResidentGrowth;

constexpr std::uint64_t kMiB = 1ULL << 20;

const int kRecords = testing::is_sanitized() ? 20'000 : 1'000'000;

TEST(RocksMemoryPlan, StaysWithinTheBudget) {
  for (std::uint64_t budget = 32 * kMiB; budget <= kMaxBudgetBytes; budget *= 2) {
    const MemoryPlan plan = plan_memory(budget).value();
    EXPECT_LE(plan.cache_bytes + plan.memtable_bytes + kSlotBytes, budget);
    EXPECT_LE(plan.memtable_bytes, plan.cache_bytes / 2);
    // Two memtables in each of two families.
    EXPECT_LE(2 * 2 * plan.write_buffer_bytes, plan.memtable_bytes);
    EXPECT_GE(plan.write_buffer_bytes, kMiB);
    EXPECT_LE(plan.write_buffer_bytes, 64 * kMiB);
    EXPECT_GE(plan.open_files, 64);
    EXPECT_LE(static_cast<std::uint64_t>(plan.open_files) * (64u << 10),
              std::max(plan.cache_bytes, 64 * (64 * kMiB >> 10)));
  }
}

/// Loads records, updates and reads some of them, scans them all, and watches the process.
class Load {
 public:
  /// `growth` began before the store was opened.
  Load(Store& store, ResidentGrowth& growth) : store_(store), growth_(growth) {}

  void run() {
    for (int first = 0; first < kRecords; first += 10) write(first);
    ASSERT_TRUE(store_.sync());
    scan();
    for (int i = 0; i < kRecords / 10; ++i) read(any());
    for (int i = 0; i < kRecords / 100; ++i) write(any());
    watch();
  }

 private:
  int any() { return static_cast<int>(random_() % static_cast<std::uint64_t>(kRecords)); }
  static Family family(int i) { return static_cast<Family>(i % static_cast<int>(kFamilyCount)); }
  /// Spread over the key space, as ids are.
  static std::string key(int i) {
    const std::uint64_t spread = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15ULL;
    std::string key = "0000AA";
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(spread >> shift));
    return key + std::string(8, 'k') + std::to_string(i);
  }
  void write(int first) {
    Batch batch;
    for (int i = first; i < first + 10; ++i) {
      std::string value(100, '\0');
      for (std::size_t at = 0; at < value.size() / 2; ++at)
        value[at] = static_cast<char>(random_());
      batch.put(family(i), key(i), value);
    }
    ASSERT_TRUE(store_.apply(batch, Durability::buffered));
    if (first % 10'000 == 0) watch();
  }
  void read(int i) {
    Value value;
    EXPECT_TRUE(store_.get(family(i), key(i), value).value());
    if (i % 1000 == 0) watch();
  }
  void scan() {
    int found = 0;
    for (int f = 0; f < static_cast<int>(kFamilyCount); ++f) {
      const auto cursor =
          store_.scan(family(f), {.lower = std::string_view("\0", 1), .upper = "\xff"});
      for (; cursor->valid(); cursor->next()) {
        if (++found % 10'000 == 0) watch();
      }
      EXPECT_TRUE(cursor->status());
    }
    EXPECT_EQ(found, kRecords);
  }
  void watch() { growth_.look(); }

  Store& store_;
  ResidentGrowth& growth_;
  std::mt19937_64 random_{1};
};

TEST(RocksMemoryChild, DISABLED_Loads) {
  testing::TestEnvironment environment;
  const testing::TempDirectory directory(testing::TempDirectory::On::disk);
  OpenOptions options;
  options.directory = directory.path("store");
  options.memory_budget_bytes = std::stoull(testing::child_setting("BUDGET"));
  options.environment = &environment;
  ResidentGrowth growth;
  auto store = open_rocksdb(options).value();
  Load(*store, growth).run();
  const EngineStats stats = store->stats();
  EXPECT_LE(stats.block_cache_bytes + stats.memtable_bytes, options.memory_budget_bytes);
  ASSERT_TRUE(store->close());
  testing::tell_parent(std::to_string(growth.bytes()));
}

// In a process of its own: what other tests have left behind would hide or add to the growth.
TEST(RocksMemory, AMillionRecordsStayWithinTheSmallestBudget) {
  testing::ChildProcess child("RocksMemoryChild.DISABLED_Loads",
                              {{"BUDGET", std::to_string(kSmallestBudget)}});
  const std::string told = child.hear();
  EXPECT_TRUE(child.finish());
  ASSERT_NE(told, "");
  const std::string what = std::to_string(kRecords) + " records";
  testing::expect_within_budget(what.c_str(), std::stoull(told), kSmallestBudget);
}

}  // namespace
}  // namespace callisto::kv
