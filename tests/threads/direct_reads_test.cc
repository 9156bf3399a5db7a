// Readers of table files beside a writer whose memtables become files and whose files are merged:
// nobody reads what is older than what was committed before he asked, and a snapshot never changes.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "callisto/environment.h"
#include "engine/kv.h"
#include "engine/open.h"
#include "tests/support/temp_directory.h"

namespace callisto::kv {
namespace {

/// Written again in every third round, all of one third at once: memtables nearly always hold them.
constexpr std::size_t kQuick = 24;
/// Written again so rarely that they are in files for some time.
constexpr std::size_t kKeys = 72;
constexpr std::uint64_t kRarely = 60;
constexpr std::size_t kReaders = 3;
constexpr std::uint64_t kRounds = 4000;
constexpr std::uint64_t kMostRounds = 40 * kRounds;
/// Reads of files, or the test tests nothing.
constexpr std::uint64_t kWanted = 1001;
constexpr Family kFamily = Family::memories;

std::string key_of(std::size_t i) { return "key" + std::to_string(100 + i); }
std::uint64_t number_in(std::string_view value) {
  return std::strtoull(std::string(value.substr(0, value.find(' '))).c_str(), nullptr, 10);
}

class DirectReadsThreads : public ::testing::Test {
 protected:
  DirectReadsThreads() {
    store_ = open_rocksdb({.directory = temporary_.path("store"),
                           .memory_budget_bytes = 32ULL << 20,
                           .environment = &Environment::system()})
                 .value();
  }

  void write() {
    // A flush about every thirtieth round.
    const std::string filler(1000, '.');
    // Longer where readers of files hardly got their turn.
    for (std::uint64_t n = 1; n <= kRounds || (n < kMostRounds && direct_reads() < kWanted); ++n) {
      Batch batch;
      std::vector<std::size_t> written;
      for (std::size_t i = n % 3; i < kQuick; i += 3) written.push_back(i);
      if (n % kRarely < kKeys - kQuick) written.push_back(kQuick + n % kRarely);
      for (const std::size_t i : written) {
        if (n % 7 == 0 && i % 5 == 0) batch.erase(kFamily, key_of(i));
        batch.put(kFamily, key_of(i), std::to_string(n) + ' ' + filler);
      }
      ASSERT_TRUE(store_->apply(batch, Durability::buffered));
      for (const std::size_t i : written) written_[i] = n;
      if (n % 1000 == 0) {
        ASSERT_TRUE(store_->erase_range(kFamily, "nobody", "nobody's"));
      }
    }
    is_done_ = true;
  }
  std::uint64_t direct_reads() const { return store_->stats().disk.direct_reads; }
  void merge() {
    while (!is_done_) ASSERT_TRUE(store_->compact(nullptr));
  }
  void check_row(std::size_t i) {
    const std::uint64_t floor = written_[i];
    const auto row = store_->get_row(kFamily, key_of(i), nullptr);
    ASSERT_TRUE(row);
    if (floor == 0) return;
    ASSERT_TRUE(*row) << key_of(i);
    ASSERT_GE(number_in(row->view()), floor);
  }
  /// Of keys [from, to).
  void check_rows(std::size_t from, std::size_t to) {
    std::vector<std::string> keys;
    std::array<std::uint64_t, kKeys> floors{};
    std::array<std::uint64_t, kKeys> found{};
    for (std::size_t i = from; i < to; ++i) {
      keys.push_back(key_of(i));
      floors[i] = written_[i];
    }
    ASSERT_TRUE(store_->multi_get(kFamily, keys, [&](std::size_t i, std::string_view value) {
      found[from + i] = number_in(value);
    }));
    for (std::size_t i = from; i < to; ++i) ASSERT_GE(found[i], floors[i]) << key_of(i);
    check_state(found, from, to);
  }
  /// All are of one state: those of one round are written at once, rare ones in turn.
  static void check_state(const std::array<std::uint64_t, kKeys>& found, std::size_t from,
                          std::size_t to) {
    for (std::size_t i = from + 3; i < std::min(to, kQuick); ++i) {
      ASSERT_EQ(found[i], found[i - 3]) << key_of(i);
    }
    for (std::size_t i = std::max(from, kQuick); i < to; ++i) {
      if (found[i] == 0) continue;
      ASSERT_EQ(found[i] % kRarely, i - kQuick);
      const auto newest = *std::max_element(found.begin() + kQuick, found.begin() + kKeys);
      ASSERT_LT(newest - found[i], kRarely + kKeys - kQuick) << key_of(i);
    }
  }
  std::array<std::uint64_t, kKeys> scan(Reader& reader) {
    std::array<std::uint64_t, kKeys> found{};
    const auto cursor = reader.scan(kFamily, {.lower = "key", .upper = "kez"});
    for (; cursor->valid(); cursor->next()) {
      const auto i = static_cast<std::size_t>(std::atoi(std::string(cursor->key()).c_str() + 3));
      found.at(i - 100) = number_in(cursor->value());
    }
    EXPECT_TRUE(cursor->status());
    return found;
  }
  void check_scan() {
    std::array<std::uint64_t, kKeys> floors{};
    for (std::size_t i = 0; i < kKeys; ++i) floors[i] = written_[i];
    const auto found = scan(*store_);
    for (std::size_t i = 0; i < kKeys; ++i) ASSERT_GE(found[i], floors[i]) << key_of(i);
    check_state(found, 0, kKeys);
  }
  void check_snapshot() {
    const auto snapshot = store_->snapshot();
    const auto first = scan(*snapshot);
    std::this_thread::yield();
    for (std::size_t i = 0; i < kKeys; i += 5) {
      const auto row = snapshot->get_row(kFamily, key_of(i), nullptr);
      ASSERT_TRUE(row);
      ASSERT_EQ(*row ? number_in(row->view()) : 0, first[i]);
    }
    ASSERT_EQ(scan(*snapshot), first);
  }
  void read() {
    // Backwards is RocksDB's: it holds memtables long after they have become files.
    std::unique_ptr<Cursor> holder;
    for (std::size_t i = 0; !is_done_ && !HasFatalFailure(); ++i) {
      if (i % 200 == 0) {
        holder = store_->scan(kFamily, {.lower = "key", .upper = "kez", .reverse = true});
      }
      check_row(i % kKeys);
      if (i % 7 == 0) check_rows(0, kKeys);
      if (i % 5 == 0) check_rows(i % kKeys, std::min(i % kKeys + 6, kKeys));
      if (i % 11 == 0) check_scan();
      if (i % 13 == 0) check_snapshot();
    }
  }

  testing::TempDirectory temporary_{testing::TempDirectory::On::memory};
  std::unique_ptr<Store> store_;
  std::array<std::atomic<std::uint64_t>, kKeys> written_{};
  std::atomic<bool> is_done_{false};
};

TEST_F(DirectReadsThreads, NothingIsStale) {
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([this] { write(); });
    threads.emplace_back([this] { merge(); });
    for (std::size_t i = 0; i < kReaders; ++i) threads.emplace_back([this] { read(); });
    threads.front().join();
    is_done_ = true;  // also where the writer failed
  }
  const DiskStats disk = store_->stats().disk;
  EXPECT_GT(disk.flushes, 5U);
  EXPECT_GE(disk.direct_reads, kWanted);
  RecordProperty("direct_reads", static_cast<int>(disk.direct_reads));
}

}  // namespace
}  // namespace callisto::kv
