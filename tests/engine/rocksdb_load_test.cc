// Bulk loads on disk: reopening, followers, what a crash leaves, and a disk that fails.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "engine/load.h"
#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/live_copy.h"
#include "tests/support/sorted_rows.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;
using testing::SortedRows;

class RocksLoadTest : public RocksTest {
 protected:
  static SortedRows::Rows some_rows(int count, std::size_t value_bytes) {
    SortedRows::Rows rows;
    for (int i = 0; i < count; ++i) {
      rows.emplace_back("k" + std::to_string(1'000'000 + i), std::string(value_bytes, 'v'));
    }
    return rows;
  }
  /// `count` rows in each of two families, and a row of system.
  static Result<Version> load(Store& store, int count = 10, std::size_t value_bytes = 10) {
    SortedRows users(some_rows(count, value_bytes));
    SortedRows memories(some_rows(count, value_bytes));
    const LoadPart parts[] = {
        {.family = Family::users, .lower = "k", .upper = "l", .source = &users},
        {.family = Family::memories, .lower = "k", .upper = "l", .source = &memories}};
    return store.bulk_load(
        {.parts = parts, .more_threads = 1, .finish = [](Reader&, Batch& rows) -> Result<void> {
           rows.put(Family::system, "loaded", "yes");
           return {};
         }});
  }
  static int count(Reader& reader, Family family) {
    int count = 0;
    const auto cursor = reader.scan(family, {"k", "l"});
    for (; cursor->valid(); cursor->next()) ++count;
    EXPECT_TRUE(cursor->status());
    return count;
  }
  /// All or nothing.
  static bool is_loaded(Reader& reader, int rows = 10) {
    const int users = count(reader, Family::users);
    EXPECT_TRUE(users == 0 || users == rows) << users;
    EXPECT_EQ(count(reader, Family::memories), users);
    EXPECT_EQ(get(reader, "loaded", Family::system), users > 0 ? "yes" : "absent");
    return users > 0;
  }
};

TEST_F(RocksLoadTest, IsThereAfterReopeningInManyFilesWithChecksums) {
  auto store = open();
  load(*store, 3000, 5000).value();  // Files are 4 MiB at most.
  EXPECT_FALSE(fs::exists(path("staging")));
  store->close().value();
  store = open();
  EXPECT_TRUE(is_loaded(*store, 3000));
  EXPECT_TRUE(store->verify_checksums());
}

TEST_F(RocksLoadTest, IsDurableBeforeItReturnsAndWithItWhatCameBefore) {
  auto store = open();
  put(*store, "before", "buffered");
  load(*store).value();
  // As after a stop of the machine: what was not synced is gone. The files are copied as they are
  // while the store is open; its logs must hold what was synced.
  const std::string copy = temporary_.path("copy");
  testing::copy_live(directory_, copy);
  OpenOptions other = options();
  other.directory = copy;
  auto copied = open_rocksdb(other).value();
  EXPECT_TRUE(is_loaded(*copied));
  EXPECT_EQ(get(*copied, "before"), "buffered");
}

TEST_F(RocksLoadTest, WhatACrashLeftInTheFolderGoesAtOpening) {
  open()->close().value();
  fs::create_directory(path("staging"));
  write_file(path("staging/1.run"), "run");
  write_file(path("staging/2.sst"), "table");
  auto store = open();
  EXPECT_FALSE(fs::exists(path("staging")));
  EXPECT_FALSE(is_loaded(*store));
}

TEST_F(RocksLoadTest, AFollowerSeesItAfterARefreshWholly) {
  auto store = open();
  put(*store, "before", "");
  auto follower = follow();
  EXPECT_FALSE(is_loaded(*follower));
  load(*store).value();
  EXPECT_FALSE(is_loaded(*follower));
  follower->refresh().value();
  EXPECT_TRUE(is_loaded(*follower));
}

TEST_F(RocksLoadTest, SnapshotsTakenDuringItNeverChange) {
  auto store = open();
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> is_over{false};
    std::thread reader([&] {
      while (!is_over.load()) {
        const auto snapshot = store->snapshot();
        const bool first = is_loaded(*snapshot);
        EXPECT_EQ(is_loaded(*snapshot), first);
      }
    });
    load(*store).value();
    is_over.store(true);
    reader.join();
    EXPECT_TRUE(is_loaded(*store));
    for (const Family family : {Family::users, Family::memories, Family::system}) {
      store->erase_range(family, "k", "m").value();
    }
  }
}

TEST_F(RocksLoadTest, AStagedFileThatIsHeldKeepsTheStoreOpen) {
  auto store = open();
  auto staging = store->stage().value();
  EXPECT_TRUE(fs::exists(path("staging")));
  EXPECT_EQ(store->close().error().code(), Code::busy);
  staging.reset();
  EXPECT_FALSE(fs::exists(path("staging")));
  open();
}

/// A fault at one operation of a load, once or from then on.
struct LoadFault {
  int operation = 0;
  int error_number = EIO;
  bool is_once = true;
};

class RocksLoadFaultTest : public RocksLoadTest {
 protected:
  /// The load is there or not, nothing aborts, and the next opening has a store. False when the
  /// load has not so many operations.
  bool survives(const LoadFault& fault) {
    fs::remove_all(directory_);
    std::atomic<int> operations{0};
    std::atomic<bool> is_on{false};
    environment_.set_file_hook([&](FileOperation, std::string_view) {
      if (!is_on.load()) return 0;
      const int operation = operations.fetch_add(1);
      const bool fails =
          fault.is_once ? operation == fault.operation : operation >= fault.operation;
      return fails ? fault.error_number : 0;
    });
    auto store = open();
    put(*store, "loaded ", "", Family::system);  // The load overlaps a memtable.
    is_on.store(true);
    const auto loaded = load(*store);
    is_on.store(false);
    if (!loaded) check_failure(*store, loaded.error());
    ignore_error(store->close(), "may tell of the fault again");
    store.reset();
    environment_.set_file_hook({});
    store = open();
    const bool is_there = is_loaded(*store);
    const bool is_known = loaded || loaded.error().code() != Code::unknown_outcome;
    EXPECT_TRUE(!is_known || is_there == loaded.has_value());
    EXPECT_TRUE(store->verify_checksums());
    EXPECT_TRUE(is_there || load(*store));
    store->close().value();
    return operations.load() > fault.operation;
  }

  void check_failure(Store& store, const Error& error) {
    ++failures_;
    const Code code = error.code();
    EXPECT_TRUE(code == Code::io_error || code == Code::no_space || code == Code::unavailable ||
                code == Code::unknown_outcome)
        << error.to_string();
    EXPECT_TRUE(code == Code::no_space || !store.health().writable) << error.to_string();
  }

  int failures_ = 0;
};

TEST_F(RocksLoadFaultTest, AFailingDiskLeavesAllOrNothing) {
  // CALLISTO_FAULT_STRIDE=1 tries every operation: each costs the second that RocksDB waits.
  const char* const given = std::getenv("CALLISTO_FAULT_STRIDE");
  const int stride = given == nullptr ? 5 : std::max(1, std::atoi(given));
  int first = 0;
  for (const int error_number : {EIO, ENOSPC}) {
    for (const bool is_once : {true, false}) {
      for (int operation = first++ % stride;; operation += stride) {
        SCOPED_TRACE(std::to_string(operation) + (is_once ? " once" : " for good"));
        const LoadFault fault{operation, error_number, is_once};
        if (!survives(fault)) break;
      }
    }
  }
  EXPECT_GT(failures_, 16);
}

}  // namespace
}  // namespace callisto::kv
