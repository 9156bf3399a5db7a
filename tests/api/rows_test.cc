#include "api/rows.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/failure.h"
#include "tests/support/map_engine.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

using detail::KeyRange;
using detail::RangeEntry;
using Seen = std::vector<std::string>;

class RowsTest : public ::testing::Test {
 protected:
  RowsTest() : engine_(make_map_engine(environment_)) {}

  void put(kv::Family family, std::string_view key, std::string_view value) {
    kv::Batch batch;
    batch.put(family, key, value);
    engine_->apply(batch, Durability::buffered).value();
  }
  std::string put_memory(const MemoryId& id, const std::string& text) {
    schema::fb::MemoryT fields;
    fields.stamp =
        std::make_unique<schema::fb::Stamp>(schema::to_fb(id), std::uint64_t{1}, 0, 0, 0);
    fields.text = text;
    std::string key = schema::memory_key(schema::kDefaultSpace, id);
    put(kv::Family::memories, key, schema::encode<schema::fb::Memory>(fields).value());
    return key;
  }

  /// "range:key" of what a merge of one-byte prefixes gives, ended after `limit` entries.
  Seen merged(const std::vector<std::string>& prefixes, bool reverse, std::size_t limit = 100) {
    std::vector<KeyRange> ranges;
    for (const std::string& prefix : prefixes) ranges.push_back(indexes::range_of(prefix));
    const std::vector<std::size_t> skip(prefixes.size(), 1);
    Seen seen;
    const auto note = [&](const RangeEntry& entry) -> Result<bool> {
      seen.push_back(std::to_string(entry.range) + ":" + std::string(entry.key));
      return seen.size() < limit;
    };
    detail::for_each_merged(*engine_, kv::Family::indexes, ranges, skip, reverse, note).value();
    return seen;
  }

  TestEnvironment environment_;
  std::unique_ptr<kv::Store> engine_;
};

std::string text_of(const std::optional<Bytes>& row) {
  return std::string(schema::text(schema::root<schema::fb::Memory>(row.value())->text()));
}

const auto kFirst = MemoryId::from_external("test", "first");
const auto kSecond = MemoryId::from_external("test", "second");

TEST_F(RowsTest, FetchesCheckedRecords) {
  const std::string key = put_memory(kFirst, "one");
  const auto found = detail::fetch<schema::fb::Memory>(*engine_, key).value();
  EXPECT_EQ(text_of(found), "one");
  EXPECT_FALSE(detail::fetch<schema::fb::Memory>(*engine_, "absent").value());
}

TEST_F(RowsTest, FetchesManyInTheOrderOfTheirKeys) {
  const std::string first = put_memory(kFirst, "one");
  const std::string second = put_memory(kSecond, "two");
  const std::vector<std::string> keys{second, "absent", first, second};
  const auto rows = detail::fetch_many<schema::fb::Memory>(*engine_, keys).value();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(text_of(rows[0]), "two");
  EXPECT_FALSE(rows[1]);
  EXPECT_EQ(text_of(rows[2]), "one");
  EXPECT_EQ(text_of(rows[3]), "two");
  EXPECT_TRUE(detail::fetch_many<schema::fb::Memory>(*engine_, {}).value().empty());
}

TEST_F(RowsTest, DamageIsNamedAndNotServed) {
  const std::string fine = put_memory(kFirst, "one");
  put(kv::Family::memories, "\x01\x02", "not a record");
  const auto alone = detail::fetch<schema::fb::Memory>(*engine_, "\x01\x02");
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code(), Code::corruption);
  EXPECT_EQ(alone.error().message(), "damaged record in memories at 0102");
  const std::vector<std::string> keys{fine, "\x01\x02"};
  EXPECT_EQ(detail::fetch_many<schema::fb::Memory>(*engine_, keys).error().code(),
            Code::corruption);
}

TEST_F(RowsTest, TailsAreDecodedOrDamaged) {
  const UserId user = UserId::from_external("test", "user");
  const auto conversation = ConversationId::from_external("test", "conversation");
  constexpr schema::SpaceNumber kSpace = schema::kDefaultSpace;
  EXPECT_FALSE(detail::fetch_user_tail(*engine_, kSpace, user).value());
  put(kv::Family::users, schema::user_tail_key(kSpace, user),
      schema::encode(schema::UserTail{.last_seen = 7}));
  EXPECT_EQ(detail::fetch_user_tail(*engine_, kSpace, user).value().value().last_seen, 7);
  put(kv::Family::conversations, schema::conversation_tail_key(kSpace, conversation), "short");
  const auto damaged = detail::fetch_conversation_tail(*engine_, kSpace, conversation);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), Code::corruption);
}

TEST_F(RowsTest, AMergeJoinsRangesByWhatFollowsTheirPrefixes) {
  for (const char* key : {"a1", "a3", "a5", "b2", "b3", "c4"}) put(kv::Family::indexes, key, "v");
  EXPECT_EQ(merged({"a", "b", "c"}, false), (Seen{"0:a1", "1:b2", "0:a3", "1:b3", "2:c4", "0:a5"}));
  EXPECT_EQ(merged({"a", "b", "c"}, true), (Seen{"0:a5", "2:c4", "0:a3", "1:b3", "1:b2", "0:a1"}));
  EXPECT_EQ(merged({"a", "x", "b"}, false, 3), (Seen{"0:a1", "2:b2", "0:a3"}));
  EXPECT_EQ(merged({"b"}, true), (Seen{"0:b3", "0:b2"}));
  EXPECT_EQ(merged({}, false), Seen{});
}

TEST_F(RowsTest, AnErrorOfTheCallerEndsAScan) {
  for (const char* key : {"a1", "a2"}) put(kv::Family::indexes, key, "v");
  int calls = 0;
  const auto fail = [&](std::string_view, std::string_view) -> Result<bool> {
    ++calls;
    return Error(Code::limit_exceeded, "query", "one");
  };
  EXPECT_EQ(failure_of(detail::for_each_prefix(*engine_, kv::Family::indexes, "a", false, fail)),
            "limit_exceeded query: one");
  EXPECT_EQ(calls, 1);
  // Nothing lies between bounds that are equal or the wrong way round.
  EXPECT_TRUE(detail::for_each(*engine_, kv::Family::indexes, "a2", "a1", false, fail));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace callisto::testing
