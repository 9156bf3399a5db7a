// When memtables are read past RocksDB, and when it is asked: with memtables of the test's own
// beside RocksDB's, which come and go at moments that no store can be brought to.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/rocksdb/database.h"
#include "engine/rocksdb/direct_reads.h"
#include "engine/rocksdb/options.h"
#include "engine/rocksdb/store.h"
#include "engine/rocksdb/store_env.h"
#include "tests/engine/tested_list.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

constexpr Family kFamily = Family::memories;
constexpr std::uint64_t kValue = 1;
using State = DirectReads::State;

class DirectReadsGuards : public ::testing::Test {
 protected:
  struct Memtable {
    TestedList list;
    std::atomic<std::uint64_t> newest{0};
  };

  void SetUp() override {
    const MemoryPlan plan = plan_memory(32ULL << 20).value();
    database_ = Database::open_in_memory(plan, ThreadPlan{}, environment_, {}, true).value();
    store_ = std::make_unique<RocksStore>(database_);
    for (const char c : {'1', '2', '3'}) put(kFamily, key(c), "file");
    ASSERT_TRUE(store_->compact(nullptr));
    await_files();
    // Sequence numbers above those of the files, for memtables of the test's.
    for (int i = 0; i < 20; ++i) put(Family::users, "user", "of another family");
    first_ = sequence() - 19;
  }
  void TearDown() override {
    for (const auto& memtable : memtables_) remove(*memtable);
    database_.reset();
    EXPECT_TRUE(store_->close());
  }

  static std::string key(char c) { return std::string("key") + c; }
  std::uint64_t sequence() const { return database_->db().GetLatestSequenceNumber(); }
  DirectReads& direct() const { return *database_->direct(); }
  std::uint32_t family_id() const { return database_->handle(kFamily)->GetID(); }

  void put(Family family, const std::string& key, const std::string& value) {
    Batch batch;
    batch.put(family, key, value);
    ASSERT_TRUE(store_->apply(batch, Durability::buffered));
  }
  /// One whose only entry has a sequence number of another family's.
  Memtable& add(const std::string& key, std::uint64_t sequence) {
    Memtable& memtable = *memtables_.emplace_back(std::make_unique<Memtable>());
    if (!key.empty()) {
      memtable.list.insert({key, sequence << 8 | kValue}, "memtable");
      memtable.newest = sequence;
    }
    direct().add_memtable(family_id(), memtable.list.list(), memtable.newest);
    return memtable;
  }
  void remove(Memtable& memtable) { direct().remove_memtable(family_id(), memtable.list.list()); }
  void remove_last() {
    remove(*memtables_.back());
    memtables_.pop_back();
  }
  /// Lists the files anew, as after a load.
  void list_anew() {
    direct().begin_change(kFamily);
    direct().end_change(kFamily, 0);
  }

  /// Who is to say what is at a key.
  std::string teller(const std::string& key, State state = State::latest()) {
    MemtableRows recent;
    const auto tables = direct().pin(kFamily, state, key, recent);
    if (tables == nullptr) return "rocksdb";
    return recent.empty() ? "files" : std::string(recent.entry(0).value);
  }
  /// Threads of RocksDB's tell of flushes, after the call.
  void await_files() {
    for (int i = 0; i < 10'000 && teller("other") != "files"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(teller("other"), "files");
  }

  testing::TestEnvironment environment_;
  std::shared_ptr<Database> database_;
  std::unique_ptr<RocksStore> store_;
  std::vector<std::unique_ptr<Memtable>> memtables_;
  std::uint64_t first_ = 0;
};

TEST_F(DirectReadsGuards, AMemtableTellsWhatItHolds) {
  add(key('1'), first_);
  EXPECT_EQ(teller(key('1')), "memtable");
  EXPECT_EQ(teller(key('1'), State::past(first_)), "memtable");
  EXPECT_EQ(teller(key('1'), State::past(first_ - 1)), "files");
  EXPECT_EQ(teller(key('2')), "files");
}

TEST_F(DirectReadsGuards, TheLatestStateIsThatOfThePin) {
  State state = State::latest();
  put(kFamily, key('1'), "newer");
  MemtableRows recent;
  ASSERT_NE(direct().pin(kFamily, state, key('1'), recent), nullptr);
  ASSERT_FALSE(recent.empty());
  EXPECT_EQ(recent.entry(0).value, "newer");
  EXPECT_EQ(state.sequence, sequence());
}

TEST_F(DirectReadsGuards, AMemtableThatGoesUntoldMakesAllRocksDbs) {
  add(key('1'), first_);
  remove_last();
  EXPECT_EQ(teller(key('1')), "rocksdb");
  EXPECT_EQ(teller(key('2')), "rocksdb");
  EXPECT_EQ(teller(key('2'), State::kept(first_)), "rocksdb");
  list_anew();
  EXPECT_EQ(teller(key('2')), "files");
}

TEST_F(DirectReadsGuards, AnEmptyMemtableThatGoesIsNoMatter) {
  add("", 0);
  remove_last();
  EXPECT_EQ(teller(key('2')), "files");
}

TEST_F(DirectReadsGuards, WhileAChangeGoesOnAllIsRocksDbs) {
  direct().begin_change(kFamily);
  EXPECT_EQ(teller(key('2')), "rocksdb");
  direct().begin_change(kFamily);
  direct().end_change(kFamily, 0);
  EXPECT_EQ(teller(key('2')), "rocksdb") << "the other one";
  direct().end_change(kFamily, 0);
  EXPECT_EQ(teller(key('2')), "files");
}

// What was linked in may be newer than what a memtable of before holds.
TEST_F(DirectReadsGuards, WhatAMemtableOfBeforeALoadHoldsIsRocksDbs) {
  add(key('1'), first_);
  list_anew();
  EXPECT_EQ(teller(key('1')), "rocksdb");
  EXPECT_EQ(teller(key('2')), "files");
  add(key('2'), first_ + 1);
  EXPECT_EQ(teller(key('2')), "memtable");
  EXPECT_EQ(teller(key('1')), "rocksdb");
}

// It is a file, since one of after it has become one.
TEST_F(DirectReadsGuards, AMemtableFromBeforeOneThatWentMeansNothing) {
  add(key('1'), first_);
  add(key('2'), first_ + 1);
  remove_last();
  list_anew();
  EXPECT_EQ(teller(key('1')), "files");
  add(key('3'), first_ + 2);
  EXPECT_EQ(teller(key('3')), "memtable");
}

// It is a file, as RocksDB has told, though somebody holds it.
TEST_F(DirectReadsGuards, AMemtableThatWasFlushedMeansNothing) {
  put(kFamily, key('1'), "flushed");
  ASSERT_EQ(teller(key('1')), "flushed");
  auto holder = store_->scan(kFamily, {.lower = "key", .upper = "kez", .reverse = true});
  ASSERT_TRUE(holder->valid());
  ASSERT_TRUE(store_->compact(nullptr));
  for (int i = 0; i < 10'000 && teller(key('1')) != "files"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(teller(key('1')), "files");
}

// It may have become one meanwhile, and what it replaced be gone.
TEST_F(DirectReadsGuards, ASealedMemtableCountsAsAFileToPastStates) {
  add(key('1'), first_ + 5);
  add("", 0);
  EXPECT_EQ(teller(key('2'), State::past(first_)), "files");
  list_anew();
  EXPECT_EQ(teller(key('2'), State::past(first_ + 4)), "rocksdb");
  EXPECT_EQ(teller(key('2'), State::past(first_ + 5)), "files");
  EXPECT_EQ(teller(key('2'), State::kept(first_)), "files");
}

TEST_F(DirectReadsGuards, AnErasedRangeCountsAsTheNewestOfItsMemtables) {
  add(key('1'), first_);
  direct().begin_change(kFamily);
  direct().end_change(kFamily, first_ + 5);
  EXPECT_EQ(teller(key('2')), "rocksdb") << "a memtable may hold the range";
  add("", 0);
  list_anew();
  EXPECT_EQ(teller(key('2')), "rocksdb");
}

}  // namespace
}  // namespace callisto::kv
