// After close(), and around it.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

using RocksClose = RocksTest;

/// Every call of a closed store answers `closed` or a harmless value.
void expect_closed(Store& store) {
  Value value;
  EXPECT_EQ(store.get(Family::users, "k", value).error().code(), Code::closed);
  const std::vector<std::string> keys = {"k"};
  const auto nothing = [](std::size_t, std::string_view) { ADD_FAILURE(); };
  EXPECT_EQ(store.multi_get(Family::users, keys, nothing).error().code(), Code::closed);
  const auto cursor = store.scan(Family::users, {.lower = "a", .upper = "z"});
  EXPECT_FALSE(cursor->valid());
  EXPECT_EQ(cursor->status().error().code(), Code::closed);
  EXPECT_EQ(store.snapshot()->get(Family::users, "k", value).error().code(), Code::closed);
  EXPECT_FALSE(store.health().writable);
  EXPECT_EQ(store.stats().disk_bytes, 0U);
  EXPECT_EQ(store.approximate_bytes(Family::users, "a", "z"), 0U);
  EXPECT_EQ(store.verify_checksums().error().code(), Code::closed);
  static_cast<void>(store.version());
  static_cast<void>(store.committed_version(Family::users, "k"));
  EXPECT_TRUE(store.close()) << "closing is idempotent";
}

TEST_F(RocksClose, AClosedWriterAnswersClosed) {
  auto store = open();
  put(*store, "k", "v");
  ASSERT_TRUE(store->close());
  expect_closed(*store);
  EXPECT_EQ(try_put(*store, "k", "v").error().code(), Code::closed);
  const auto run = store->run({}, [](Transaction&) -> Result<void> {
    ADD_FAILURE();
    return {};
  });
  EXPECT_EQ(run.error().code(), Code::closed);
  EXPECT_EQ(store->erase_range(Family::users, "a", "z").error().code(), Code::closed);
  EXPECT_EQ(store->sync().error().code(), Code::closed);
  EXPECT_EQ(store->compact().error().code(), Code::closed);
  EXPECT_EQ(store->refresh().error().code(), Code::unsupported);
}

TEST_F(RocksClose, AClosedFollowerAnswersClosed) {
  put(*open(), "k", "v");
  auto follower = follow();
  ASSERT_TRUE(follower->close());
  expect_closed(*follower);
  EXPECT_EQ(follower->refresh().error().code(), Code::closed);
}

TEST_F(RocksClose, WhatIsInUseKeepsTheFilesOpen) {
  auto store = open();
  put(*store, "k", "v");
  auto snapshot = store->snapshot();
  auto cursor = snapshot->scan(Family::users, {.lower = "a", .upper = "z"});
  const auto closed = store->close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code(), Code::busy);
  expect_closed(*store);
  Value value;
  EXPECT_EQ(snapshot->get(Family::users, "k", value).error().code(), Code::closed);
  ASSERT_TRUE(cursor->valid()) << "a cursor has its state";
  EXPECT_EQ(cursor->key(), "k");
  EXPECT_EQ(code_of(options()), Code::busy) << "the directory is held by what is in use";
  store.reset();
  cursor.reset();
  snapshot.reset();
  EXPECT_EQ(get(*open(), "k"), "v");
}

TEST_F(RocksClose, AValueOutlivesTheStore) {
  const std::string large(10'000, 'x');
  Value value;
  {
    auto store = open();
    put(*store, "k", large);
    ASSERT_TRUE(store->compact());
    ASSERT_TRUE(store->get(Family::users, "k", value).value());
    ASSERT_TRUE(store->close());
  }
  EXPECT_EQ(value.view(), large);
  auto store = open();
  EXPECT_FALSE(store->get(Family::users, "absent", value).value());
  EXPECT_EQ(value.view(), large) << "a read that finds nothing leaves it";
  put(*store, "k", "small");
  ASSERT_TRUE(store->get(Family::users, "k", value).value());
  EXPECT_EQ(value.view(), "small") << "and it serves another store";
}

TEST_F(RocksClose, DestroyingClosesWithoutLoss) {
  for (int i = 0; i < 20; ++i) {
    auto store = open();
    EXPECT_EQ(get(*store, "count"), i == 0 ? "absent" : std::to_string(i));
    put(*store, "count", std::to_string(i + 1));
  }
}

}  // namespace
}  // namespace callisto::kv
