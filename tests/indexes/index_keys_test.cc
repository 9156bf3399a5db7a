#include "indexes/index_keys.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/indexes/records.h"

namespace callisto::indexes::testing {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
const std::string kPrefix = memory_by_created_prefix(kSpace);

std::string newest_key(std::int64_t time) {
  return schema::KeyWriter(kPrefix).time_down(time).id_at(time, memory_id(1)).str();
}

std::string oldest_key(std::int64_t time) {
  return schema::KeyWriter(kPrefix).time(time).id_at(time, memory_id(1)).str();
}

bool holds(const KeyRange& range, const std::string& key) {
  return range.lower <= key && key < range.upper;
}

/// Every end is tried against every time, both orders alike.
TEST(IndexKeys, TimeRangesHoldFromAndNotTo) {
  const std::vector<std::int64_t> times = {kMin, kMin + 1, -1, 0, 1, kNoon, kMax - 1, kMax};
  std::vector<std::optional<std::int64_t>> ends(times.begin(), times.end());
  ends.emplace_back();
  for (const auto& from : ends) {
    for (const auto& to : ends) {
      const KeyRange newest = newest_first_range(kPrefix, from, to);
      const KeyRange oldest = oldest_first_range(kPrefix, from, to);
      EXPECT_LE(newest.lower, newest.upper);
      EXPECT_LE(oldest.lower, oldest.upper);
      for (const std::int64_t time : times) {
        const bool is_in = (!from || time >= *from) && (!to || time < *to);
        EXPECT_EQ(holds(newest, newest_key(time)), is_in);
        EXPECT_EQ(holds(oldest, oldest_key(time)), is_in);
      }
    }
  }
}

TEST(IndexKeys, RangesStayBehindTheirPrefix) {
  const std::string before = memory_by_task_prefix(kSpace, "x");
  const std::string behind = memory_by_updated_prefix(kSpace);
  for (const KeyRange& range : {range_of(kPrefix), newest_first_range(kPrefix, kMin, {}),
                                oldest_first_range(kPrefix, {}, kMax)}) {
    EXPECT_FALSE(holds(range, before + newest_key(0)));
    EXPECT_FALSE(holds(range, behind + newest_key(0)));
    EXPECT_FALSE(range.upper.empty());
  }
}

TEST(IndexKeys, NewestComesFirst) {
  EXPECT_LT(newest_key(kNoon + 1), newest_key(kNoon));
  EXPECT_LT(oldest_key(kNoon), oldest_key(kNoon + 1));
}

TEST(IndexKeys, TailsOfEntries) {
  const auto created = parse_created_tail(newest_key(kNoon));
  ASSERT_TRUE(created);
  EXPECT_EQ(created->time, kNoon);
  EXPECT_EQ(created->as<MemoryId>(), memory_id(1));
  const auto expiry = parse_time_tail(oldest_key(-5));
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->time, -5);
  EXPECT_EQ(expiry->as<MemoryId>(), memory_id(1));
  for (std::size_t size = 0; size < newest_key(0).size(); ++size) {
    EXPECT_FALSE(parse_created_tail(newest_key(0).substr(0, size)));
    EXPECT_FALSE(parse_time_tail(newest_key(0).substr(0, size)));
  }
}

TEST(IndexKeys, CutEntriesLeadToNothing) {
  const std::string identity = schema::KeyWriter(identity_by_user_prefix(kSpace, user_id(1)))
                                   .text("discord")
                                   .text("1")
                                   .str();
  EXPECT_EQ(identity_row_key(identity), schema::identity_key(kSpace, "discord", "1"));
  EXPECT_FALSE(identity_row_key(identity + "x"));
  const std::string datum = schema::KeyWriter(datum_newest_prefix(kSpace, user_id(1), "foods"))
                                .time_down(kNoon)
                                .hash(schema::hash128("pies"))
                                .u8(2)
                                .str();
  EXPECT_EQ(datum_row_key(datum),
            schema::datum_key(kSpace, user_id(1), "foods", schema::hash128("pies"), 2));
  const std::string sent = schema::KeyWriter(message_by_time_prefix(kSpace))
                               .time(kNoon)
                               .id(conversation_id(1))
                               .u64(3)
                               .str();
  ASSERT_TRUE(parse_message_by_time(sent));
  EXPECT_EQ(parse_message_by_time(sent)->order, (schema::MessageOrder{kNoon, 3}));
  EXPECT_EQ(parse_message_by_time(sent)->conversation, conversation_id(1));
  EXPECT_FALSE(preferred_name_user("short"));
  for (std::size_t cut = 1; cut < 20; ++cut) {
    EXPECT_FALSE(identity_row_key(identity.substr(0, identity.size() - cut)));
    EXPECT_FALSE(datum_row_key(datum.substr(0, datum.size() - cut)));
    EXPECT_FALSE(parse_message_by_time(sent.substr(0, sent.size() - cut)));
  }
}

TEST(IndexKeys, PrioritiesLieHighestFirst) {
  EXPECT_LT(memory_by_priority_prefix(kSpace, 10), memory_by_priority_prefix(kSpace, 9));
  EXPECT_EQ(memory_by_priority_prefix(kSpace, 1).rfind(memory_by_priority_prefix(kSpace), 0), 0u);
}

TEST(IndexKeys, NamesOfOneCategoryAndKeyDoNotMeet) {
  EXPECT_NE(memory_by_name_prefix(kSpace, user_id(1), "ab", "c"),
            memory_by_name_prefix(kSpace, user_id(1), "a", "bc"));
  EXPECT_NE(memory_by_name_prefix(kSpace, user_id(1), "a", "b"),
            memory_by_name_prefix(kSpace, UserId(), "a", "b"));
  EXPECT_NE(memory_by_tag_prefix(1, "a"), memory_by_tag_prefix(2, "a"));
}

}  // namespace
}  // namespace callisto::indexes::testing
