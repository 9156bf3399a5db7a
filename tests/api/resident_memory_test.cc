// The memory budget, seen from the outside: a large load through the API, and what is resident then.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "callisto/store.h"
#include "tests/support/child_process.h"
#include "tests/support/resident_bytes.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kBudget = 64 * kMiB;

/// CALLISTO_LOAD_RECORDS: a million is what the promise is measured with; the normal run takes fewer.
std::uint64_t records() {
  const char* given = std::getenv("CALLISTO_LOAD_RECORDS");
  return given == nullptr ? 60'000 : std::strtoull(given, nullptr, 10);
}

/// Half memories, half messages, fifty in a transaction; then reads over all of them.
class Load {
 public:
  /// `growth` began before the store was opened.
  Load(const Store& store, ResidentGrowth& growth) : store_(store), growth_(growth) {}

  void run() {
    user_ = store_.users().create({}).value();
    for (std::uint64_t done = 0; done < records(); done += kBatch) write_batch(done);
    for (std::uint64_t at = 0; at < records(); at += 997) read(at);
    const Stats stats = store_.stats().value();
    EXPECT_EQ(stats.tables.at("memories").records + stats.tables.at("messages").records, records());
    EXPECT_LE(stats.block_cache_bytes + stats.memtable_bytes, kBudget);
    watch();
  }

 private:
  static constexpr std::uint64_t kBatch = 50;

  static std::string text(std::uint64_t number) {
    return std::to_string(number * 0x9e3779b97f4a7c15ULL) + std::string(120, 'x');
  }
  static MemoryId memory_id(std::uint64_t number) {
    return MemoryId::from_external("load", std::to_string(number));
  }
  void write_batch(std::uint64_t first) {
    if (first % 2000 == 0) talk_ = store_.conversations().create({.participants = {user_}}).value();
    const auto done = store_.transact([&](Transaction& transaction) -> Result<void> {
      for (std::uint64_t number = first; number < first + kBatch; ++number) {
        if (auto written = write(transaction, number); !written) return written;
      }
      return {};
    });
    ASSERT_TRUE(done) << done.error().to_string();
    watch();
  }
  Result<void> write(Transaction& transaction, std::uint64_t number) {
    if (number % 2 == 0) {
      auto id = transaction.messages().append(
          {.conversation = talk_, .sender = user_, .content = text(number)});
      if (!id) return id.error();
      return {};
    }
    auto id = transaction.memories().create({.id = memory_id(number),
                                             .category = "load",
                                             .key = std::to_string(number % 1000),
                                             .text = text(number),
                                             .tags = {"load", std::to_string(number % 100)}});
    if (!id) return id.error();
    return {};
  }
  void read(std::uint64_t number) {
    if (number % 2 != 0) {
      EXPECT_EQ(store_.memories().get(memory_id(number)).value()->text(), text(number));
    }
    EXPECT_FALSE(store_.memories()
                     .find({.key = std::to_string((number / 2 * 2 + 1) % 1000), .limit = 20})
                     .value()
                     .empty());
    watch();
  }
  void watch() { growth_.look(); }

  const Store& store_;
  ResidentGrowth& growth_;
  UserId user_;
  ConversationId talk_;
};

TEST(ResidentMemoryChild, DISABLED_Loads) {
  const TempDirectory directory(TempDirectory::On::disk);
  ResidentGrowth growth;
  Store store = Store::open(directory.path("store"), {.memory_budget_bytes = kBudget}).value();
  Load(store, growth).run();
  ASSERT_TRUE(store.close());
  tell_parent(std::to_string(growth.bytes()));
}

// In a process of its own: what other tests have left behind would hide or add to the growth.
TEST(ResidentMemory, OfALoadStaysWithinTheBudget) {
  ChildProcess child("ResidentMemoryChild.DISABLED_Loads", {});
  const std::string told = child.hear();
  EXPECT_TRUE(child.finish());
  ASSERT_NE(told, "");
  const std::string what = std::to_string(records()) + " records";
  expect_within_budget(what.c_str(), std::stoull(told), kBudget);
}

}  // namespace
}  // namespace callisto::testing
