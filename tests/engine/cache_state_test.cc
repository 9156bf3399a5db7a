#include "engine/cache/state_cache.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "engine/cache/cached_reader.h"
#include "engine/committer.h"
#include "engine/ended_cursor.h"
#include "engine/open.h"
#include "engine/write_set.h"
#include "schema/keys.h"
#include "tests/engine/cache_world.h"
#include "tests/engine/fake_sink.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

// CacheShape --------------------------------------------------------------------------------------

TEST(CacheShape, TellsEveryKeyItsPlace) {
  const CacheShape shape = small_shape();
  const auto expect = [&](Family family, const std::string& key, CacheShape::Kind kind,
                          bool is_record, std::size_t prefix_bytes) {
    const CacheShape::Place place = shape.place_of(family, key);
    EXPECT_EQ(place.kind, kind) << key;
    EXPECT_EQ(place.is_record, is_record) << key;
    EXPECT_EQ(place.prefix_bytes, prefix_bytes) << key;
  };
  using Kind = CacheShape::Kind;
  const std::string list = list_prefix('a');
  expect(Family::indexes, list + "12", Kind::list, false, list.size());
  expect(Family::indexes, list + "longer12", Kind::list, false, list.size() + 6);
  expect(Family::indexes, key_head(kListIndex) + "1", Kind::none, false, 0);
  expect(Family::indexes, key_head(kRowIndex) + "x", Kind::row, false, 0);
  expect(Family::indexes, key_head(kOtherIndex) + "x", Kind::none, false, 0);
  expect(Family::indexes, "short", Kind::none, false, 0);
  expect(Family::indexes, std::string("\0\0\0\1\xff\xff", 6) + "x", Kind::none, false, 0);
  expect(Family::users, "x", Kind::row, true, 0);
  expect(Family::memories, "x", Kind::none, false, 0);
  expect(Family::messages, talk_prefix('a') + "1", Kind::list, true, kRecordListBytes);
  expect(Family::messages, talk_prefix('a', 0), Kind::none, false, 0);
  expect(Family::messages, talk_prefix('a').substr(0, 7), Kind::none, false, 0);
}

TEST(CacheShape, ARecordOfAListIsARowToo) {
  const CacheShape shape = small_shape();
  EXPECT_TRUE(shape.is_row(Family::messages, talk_prefix('a') + "1"));
  EXPECT_FALSE(shape.is_row(Family::messages, talk_prefix('a', 0) + "1"));
  EXPECT_FALSE(shape.is_row(Family::indexes, list_prefix('a') + "12"));
  EXPECT_TRUE(shape.is_row(Family::indexes, key_head(kRowIndex)));
  EXPECT_TRUE(shape.is_list(Family::indexes, list_prefix('a')));
  EXPECT_FALSE(shape.is_list(Family::indexes, key_head(kRowIndex)));
  EXPECT_TRUE(shape.is_list(Family::messages, talk_prefix('a')));
  EXPECT_FALSE(shape.is_list(Family::messages, talk_prefix('a', 0)));
}

// StateCache --------------------------------------------------------------------------------------

constexpr std::string_view kKey = "key";

class States : public ::testing::Test {
 protected:
  static WriteSet put(std::string_view value) {
    WriteSet set;
    set.put(Family::users, kKey, value).value();
    return set;
  }
  std::string cached(Version at) {
    RowCache::Hit hit;
    const std::uint64_t hash = hash_key(Family::users, kKey);
    if (!cache_.rows().find(Family::users, kKey, hash, at, hit)) return "unknown";
    return hit.value ? std::string(hit.value.view()) : "absent";
  }
  static std::string get(Reader& reader) {
    const auto row = reader.get_row(Family::users, kKey, nullptr);
    if (!row) return std::string(row.error().message());
    return *row ? std::string(row->view()) : "absent";
  }

  StateCache cache_{8 << 20, small_shape()};
};

TEST_F(States, AFailedWriteLeavesNothing) {
  FakeSink sink;
  testing::TestEnvironment environment;
  Committer committer(sink, environment);
  cache_.reset(sink.version());
  committer.attach(cache_);
  const WriteSet first = put("first");
  const Version version = committer.commit({.writes = &first}).value();
  EXPECT_EQ(cached(version), "first");
  EXPECT_FALSE(cache_.clock().is_pending());
  sink.fail(Error(Code::unknown_outcome, "nobody knows"));
  const WriteSet second = put("second");
  ASSERT_FALSE(committer.commit({.writes = &second}));
  EXPECT_EQ(cached(version + 9), "unknown");
  EXPECT_TRUE(cache_.clock().is_pending()) << "nobody may trust what was followed";
  committer.reset(version);
  EXPECT_EQ(cached(version + 9), "unknown");
  EXPECT_EQ(cache_.clock(), StateCache::Clock(2 * version));
  const WriteSet third = put("third");
  EXPECT_EQ(cached(committer.commit({.writes = &third}).value()), "third");
}

TEST_F(States, ARefusedCommitChangesNothing) {
  FakeSink sink;
  testing::TestEnvironment environment;
  Committer committer(sink, environment);
  cache_.reset(sink.version());
  committer.attach(cache_);
  const WriteSet first = put("first");
  const Version version = committer.commit({.writes = &first}).value();
  const WriteSet second = put("second");
  ASSERT_FALSE(committer.commit({.writes = &second, .snapshot = version - 1}));
  EXPECT_EQ(cached(version), "first");
  EXPECT_FALSE(cache_.clock().is_pending());
}

/// A store whose commits the test itself follows, step by step.
class CommitSteps : public States {
 protected:
  CommitSteps() {
    commit("old");
    CachedReader reader(*store_, cache_);
    EXPECT_EQ(get(reader), "old");
  }
  Version write(const WriteSet& set) {
    Batch batch;
    batch.put(Family::users, kKey, set.at(0).value);
    return store_->apply(batch, Durability::buffered).value();
  }
  void follow(const WriteSet& set, Version version) {
    const WriteSet* const group[] = {&set};
    cache_.follow(group, version);
  }
  void commit(std::string_view value) {
    const WriteSet set = put(value);
    cache_.begin_commit();
    follow(set, write(set));
  }

  testing::TestEnvironment environment_;
  std::unique_ptr<Store> store_ = open_rocksdb({.environment = &environment_}).value();
};

TEST_F(CommitSteps, WhoHasSeenACommitNeverSeesTheStateBefore) {
  const WriteSet set = put("new");
  cache_.begin_commit();
  const Version version = write(set);
  {
    CachedReader lazy(*store_, cache_);
    EXPECT_EQ(get(lazy), "old") << "nobody was told of the commit yet";
    CachedReader before(store_->snapshot(), cache_);
    EXPECT_EQ(get(before), "new");
  }
  CachedReader lazy(*store_, cache_);
  EXPECT_EQ(get(lazy), "new");
  EXPECT_GE(lazy.version(), version);
  follow(set, version);
  CachedReader after(*store_, cache_);
  EXPECT_EQ(get(after), "new");
  const std::uint64_t misses = cache_.row_stats().misses;
  EXPECT_EQ(get(after), "new");
  EXPECT_EQ(cache_.row_stats().misses, misses) << "of the cache again";
}

TEST_F(CommitSteps, ALazyReaderStaysWhereItBeganOrSaysThatItMoved) {
  CachedReader lazy(*store_, cache_);
  commit("new");
  EXPECT_EQ(get(lazy), "old") << "a memtable has it still";
  EXPECT_FALSE(lazy.moved());
  ASSERT_TRUE(store_->compact());
  EXPECT_FALSE(lazy.get_row(Family::users, kKey, nullptr));
  EXPECT_TRUE(lazy.moved());
  CachedReader quiet(*store_, cache_);
  EXPECT_EQ(get(quiet), "new");
  const WriteSet set = put("newer");
  cache_.begin_commit();
  EXPECT_EQ(get(quiet), "new") << "what it began with is known still";
  Value value;
  EXPECT_FALSE(quiet.get(Family::memories, "unknown", value));
  EXPECT_TRUE(quiet.moved());
  follow(set, write(set));
}

TEST_F(CommitSteps, ASnapshotReadsItsStateForLong) {
  CachedReader held(store_->snapshot(), cache_);
  for (const char* value : {"new", "newer"}) {
    commit(value);
    EXPECT_EQ(get(held), "old");
    CachedReader latest(*store_, cache_);
    EXPECT_EQ(get(latest), value);
  }
}

TEST_F(CommitSteps, AnErasedRangeIsForgotten) {
  store_->erase_range(Family::users, "k", "l").value();
  cache_.forget_range(Family::users, "k", "l", [&] { return store_->version(); });
  CachedReader lazy(*store_, cache_);
  EXPECT_EQ(get(lazy), "absent");
  EXPECT_FALSE(lazy.moved());
  CachedReader again(*store_, cache_);
  EXPECT_EQ(get(again), "absent");
  EXPECT_EQ(cached(store_->version()), "absent");
}

/// A state of which nothing can be read.
class Unreadable final : public Reader {
 public:
  Result<bool> get(Family, std::string_view, Value&) override { return error(); }
  Result<void> multi_get(Family, std::span<const std::string>,
                         const std::function<void(std::size_t, std::string_view)>&) override {
    return error();
  }
  std::unique_ptr<Cursor> scan(Family, const Bounds&) override { return ended_cursor(error()); }
  Version version() const override { return 1; }

 private:
  static Error error() { return Error(Code::io_error, "the engine was asked"); }
};

constexpr int kParts = 1000;
/// Two parts of so many entries are not joined.
constexpr int kEntriesOfPart = ListCache::kMaxJoinedEntries / 2 + 1;

std::string place(int i) {
  return {static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i)};
}

/// A list of many parts, of which one entry after the last of them is left.
void fill_with_empty_parts(ListCache& lists, const ListCache::Name& name) {
  for (int part = 0; part < kParts; ++part) {
    Ref<ListSegment> segment(new ListSegment);
    segment->from = part == 0 ? std::string() : place(part * kEntriesOfPart);
    segment->to = place((part + 1) * kEntriesOfPart);
    segment->is_to_end = part + 1 == kParts;
    for (int i = kEntriesOfPart; i-- > 0;) {
      segment->entries.push_back(ListEntry::make(place(part * kEntriesOfPart + i), ""));
    }
    lists.fill(name, std::move(segment), 1);
  }
  for (int i = 1; i + 1 < kParts * kEntriesOfPart; ++i) {
    FollowedValue nothing;
    lists.apply(name, place(i), nothing, false, nullptr, 1);
  }
}

// On a small stack: what it takes must not grow with the number of parts.
TEST(CachedCursors, PassManyEmptyParts) {
  StateCache cache(std::size_t{1} << 30, small_shape());
  cache.reset(1);
  const std::string prefix = list_prefix('a');
  fill_with_empty_parts(cache.lists(), ListCache::Name::of(Family::indexes, prefix));
  std::function<void()> scan = [&] {
    for (const bool reverse : {false, true}) {
      Unreadable below;
      CachedReader reader(below, cache);
      const std::string upper = schema::prefix_end(prefix);
      const auto cursor = reader.scan(
          Family::indexes,
          {.lower = prefix, .upper = upper, .reverse = reverse, .prefix_bytes = prefix.size()});
      int rows = 0;
      for (; cursor->valid(); cursor->next()) ++rows;
      EXPECT_TRUE(cursor->status()) << cursor->status().error().to_string();
      EXPECT_EQ(rows, 2);
    }
  };
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{128} << 10), 0);
  const auto run = [](void* function) -> void* {
    (*static_cast<std::function<void()>*>(function))();
    return nullptr;
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &scan), 0);
  EXPECT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

}  // namespace
}  // namespace callisto::kv
