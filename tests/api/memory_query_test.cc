#include <algorithm>

#include "tests/api/memory_fixture.h"

namespace callisto::testing {
namespace {

using Ids = std::vector<MemoryId>;

class MemoryQueryTest : public MemoryTest {
 protected:
  /// Three memories, one second apart; the newest last.
  void SetUp() override {
    for (std::size_t i = 0; i < 3; ++i) {
      environment_.advance_seconds(1);
      ids_.push_back(create({.category = "c", .key = "k" + std::to_string(i), .tags = {"all"}}));
    }
  }
  Ids newest_first() const { return {ids_.rbegin(), ids_.rend()}; }

  Ids ids_;
};

TEST_F(MemoryQueryTest, ListsNewestFirstOrOldestFirstUpToTheLimit) {
  EXPECT_EQ(found({}), newest_first());
  EXPECT_EQ(found({.oldest_first = true}), ids_);
  EXPECT_EQ(found({.limit = 2}), (Ids{ids_[2], ids_[1]}));
  EXPECT_EQ(found({.oldest_first = true, .limit = 2}), (Ids{ids_[0], ids_[1]}));
  EXPECT_EQ(found({.category = "c", .limit = 1}), Ids{ids_[2]});
}

TEST_F(MemoryQueryTest, FindsByEachIndex) {
  const UserId user = make_user("Reece");
  const ConversationId conversation = make_conversation(user);
  const MemoryId id = create({.category = "tasks",
                              .key = "summary",
                              .type = "fact",
                              .tags = {"Executed"},
                              .entity_type = "task",
                              .entity_id = "123",
                              .user = user,
                              .conversation = conversation,
                              .source_agent = "planner",
                              .task = "task_123",
                              .sources = {{"message", "m-1"}}});
  const Ids only{id};
  EXPECT_EQ(found({.category = "tasks"}), only);
  EXPECT_EQ(found({.key = "summary"}), only);
  EXPECT_EQ(found({.category = "tasks", .key = "summary", .user = user}), only);
  EXPECT_EQ(found({.entity_type = "task"}), only);
  EXPECT_EQ(found({.entity_type = "task", .entity_id = "123"}), only);
  EXPECT_EQ(found({.entity_id = "123"}), only);
  EXPECT_EQ(found({.tags_all = {"executed"}}), only);
  EXPECT_EQ(found({.tags_any = {"absent", "EXECUTED"}}), only);
  EXPECT_EQ(found({.tags_none = {"all"}}), only);
  EXPECT_EQ(found({.type = "fact"}), only);
  EXPECT_EQ(found({.source_agent = "planner"}), only);
  EXPECT_EQ(found({.task = "task_123"}), only);
  EXPECT_EQ(found({.source = Source{"message", "m-1"}}), only);
  EXPECT_EQ(found({.user = user}), only);
  EXPECT_EQ(found({.conversation = conversation}), only);
  EXPECT_EQ(found({.without_user = true}), newest_first());
  EXPECT_EQ(found({.category = "tasks", .key = "summary", .without_user = true}), Ids{});
  EXPECT_EQ(found({.entity_type = "task", .entity_id = "124"}), Ids{});
  EXPECT_EQ(found({.source = Source{"message", "m-2"}}), Ids{});
}

TEST_F(MemoryQueryTest, AMemoryWithSeveralOfTheTagsIsListedOnce) {
  const MemoryId both = create({.tags = {"a", "b"}});
  environment_.advance_seconds(1);
  const MemoryId one = create({.tags = {"b"}});
  EXPECT_EQ(found({.tags_any = {"a", "b"}}), (Ids{one, both}));
  EXPECT_EQ(found({.tags_any = {"a", "A", "b"}, .oldest_first = true}), (Ids{both, one}));
  EXPECT_EQ(found({.tags_all = {"a", "b"}}), Ids{both});
  EXPECT_EQ(found({.tags_all = {"b"}, .tags_none = {"a"}}), Ids{one});
}

TEST_F(MemoryQueryTest, EmptyTextAsksForMemoriesWithout) {
  const MemoryId bare = create({});
  EXPECT_EQ(found({.category = ""}), Ids{bare});
  EXPECT_EQ(found({.key = ""}), Ids{bare});
}

TEST_F(MemoryQueryTest, ExpiryIsJudgedAtTheMicrosecond) {
  const MemoryId id = create({.key = "e", .expires_at = seconds_ahead(1)});
  environment_.advance_micros(999'999);
  EXPECT_EQ(found({.key = "e"}), Ids{id});
  EXPECT_EQ(found({.order = MemoryOrder::expiry}), Ids{id});
  environment_.advance_micros(1);
  EXPECT_EQ(found({.key = "e"}), Ids{});
  EXPECT_EQ(found({.order = MemoryOrder::expiry}), Ids{});
  EXPECT_FALSE(memories().by_key("e").value());
  EXPECT_EQ(found({.key = "e", .include_expired = true}), Ids{id});
  EXPECT_EQ(found({.include_expired = true, .order = MemoryOrder::expiry}), Ids{id});
  EXPECT_EQ(get(id).id(), id);
}

TEST_F(MemoryQueryTest, WhatIsNotLiveIsLeftOutUnlessAskedFor) {
  memories().update(ids_[0], {.is_active = false}).value();
  memories().update(ids_[1], {.superseded_by = ids_[2]}).value();
  EXPECT_EQ(found({}), Ids{ids_[2]});
  EXPECT_EQ(found({.include_inactive = true}), (Ids{ids_[2], ids_[0]}));
  EXPECT_EQ(found({.include_superseded = true}), (Ids{ids_[2], ids_[1]}));
  // A time of validity is for the reader to judge.
  const MemoryId future = create({.key = "f", .valid_from = seconds_ahead(60)});
  EXPECT_EQ(memories().by_key("f").value().value().id(), future);
}

TEST_F(MemoryQueryTest, ByKeyIsTheNewestOfAnyCategoryAndUser) {
  create({.category = "a", .key = "theme", .created_at = seconds_ago(10)});
  const MemoryId newest = create({.category = "b", .key = "theme", .user = make_user("Reece")});
  EXPECT_EQ(memories().by_key("theme").value().value().id(), newest);
  EXPECT_FALSE(memories().by_key("Theme").value());
  EXPECT_EQ(memories().by_key("").error().field(), "key");
  EXPECT_EQ(memories().by_name("", "k").error().field(), "category");
}

TEST_F(MemoryQueryTest, EqualTimesAreOrderedAlikeByEveryIndex) {
  Ids ids;
  for (std::size_t i = 0; i < 9; ++i) {
    ids.push_back(create({.category = "ties",
                          .tags = {"t" + std::to_string(i % 2)},
                          .expires_at = seconds_ahead(5),
                          .created_at = seconds_ago(100)}));
  }
  std::sort(ids.begin(), ids.end());
  const Ids reversed(ids.rbegin(), ids.rend());
  EXPECT_EQ(found({.category = "ties"}), ids);
  EXPECT_EQ(found({.tags_any = {"t0", "t1"}, .oldest_first = true}), reversed);
  EXPECT_EQ(found({.category = "ties", .order = MemoryOrder::updated, .limit = 3}),
            Ids(ids.begin(), ids.begin() + 3));
  EXPECT_EQ(found({.order = MemoryOrder::expiry, .oldest_first = true}), ids);
  EXPECT_EQ(found({.category = "ties", .order = MemoryOrder::expiry}), reversed);
}

TEST_F(MemoryQueryTest, BadQueriesNameFieldAndLimit) {
  const UserId user = make_user("Reece");
  const auto refused = [&](const MemoryQuery& query) { return failure_of(memories().find(query)); };
  EXPECT_EQ(refused({.category = std::string(51, 'x')}),
            "invalid_argument category: at most 50 code points");
  EXPECT_EQ(refused({.tags_any = {"a", ""}}),
            "invalid_argument tags_any[1]: at least 1 code point");
  EXPECT_EQ(refused({.source = Source{"", "x"}}),
            "invalid_argument source.kind: at least 1 code point");
  EXPECT_EQ(refused({.user = user, .without_user = true}),
            "invalid_argument without_user: not together with user");
  EXPECT_EQ(memories().find({.user = UserId()}).error().field(), "user");
  EXPECT_EQ(refused({.min_priority = 11}), "invalid_argument min_priority: 1 to 10");
  EXPECT_EQ(refused({.min_priority = 4, .max_priority = 3}),
            "invalid_argument min_priority: not above max_priority");
  EXPECT_EQ(refused({.min_importance = 0.5F, .max_importance = 0.4F}),
            "invalid_argument min_importance: not above max_importance");
  EXPECT_TRUE(memories().find({.min_priority = 3, .max_priority = 3}));
  EXPECT_EQ(refused({.min_importance = -1.0F}), "invalid_argument min_importance: 0 to 1");
  EXPECT_EQ(refused({.created = {.from = Time(2), .to = Time(1)}}),
            "invalid_argument created: from is not after to");
  EXPECT_EQ(refused({.order = static_cast<MemoryOrder>(4)}),
            "invalid_argument order: created, updated, priority or expiry");
  EXPECT_EQ(refused({.limit = 10'001}), "invalid_argument limit: at most 10000");
  EXPECT_EQ(memories().count({.limit = 10'001}).value(), 3U);  // has no limit
  EXPECT_EQ(found({.limit = 0}).size(), 3U);
}

TEST_F(MemoryQueryTest, AScanThatReadsTooManyEntriesEnds) {
  const auto scan = [&](std::uint64_t max_scanned) {
    return memories().find(
        {.category = "c", .min_importance = 0.9F, .limit = 10, .max_scanned = max_scanned});
  };
  EXPECT_TRUE(scan(3));
  EXPECT_EQ(failure_of(scan(2)), "scan_limit_exceeded max_scanned: at most 2 index entries read");
}

}  // namespace
}  // namespace callisto::testing
