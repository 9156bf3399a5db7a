// What a query reads, told by explain: counts, not times. And cursors: what they survive, what they
// refuse.

#include <algorithm>
#include <random>

#include "api/core.h"
#include "schema/keys.h"
#include "tests/api/memory_fixture.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

using Ids = std::vector<MemoryId>;
using schema::IndexId;

class MemoryPlanTest : public MemoryTest {
 protected:
  /// `count` memories with the tag `often`, one second apart; of them every `step`th with `seldom`.
  void make_memories(std::size_t count, std::size_t step) {
    store_
        .transact([&](Transaction& transaction) -> Result<void> {
          for (std::size_t i = 0; i < count; ++i) {
            NewMemory memory{.category = "c", .tags = {"often"}};
            memory.type = i % 2 == 0 ? "even" : "odd";
            memory.priority = static_cast<std::uint8_t>(1 + i % 10);
            memory.created_at = seconds_ago(static_cast<std::int64_t>(count - i));
            if (i % step == 0) memory.tags.emplace_back("seldom");
            auto id = transaction.memories().create(memory);
            if (!id) return id.error();
          }
          return {};
        })
        .value();
  }
  /// `count` memories whose places in every order rise with i, each with tags_of(i). Oldest first.
  template <class TagsOf>
  Ids make_rising(std::size_t count, TagsOf&& tags_of) {
    constexpr std::size_t kAtOnce = 250;
    Ids ids;
    const auto make_some = [&](Transaction& transaction) -> Result<Ids> {
      Ids made;
      for (std::size_t i = ids.size(); i < std::min(count, ids.size() + kAtOnce); ++i) {
        NewMemory memory{.category = "c", .tags = tags_of(i)};
        memory.priority = static_cast<std::uint8_t>(1 + 10 * i / count);
        memory.created_at = seconds_ago(static_cast<std::int64_t>(count - i));
        memory.expires_at = seconds_ahead(static_cast<std::int64_t>(i + 1));
        auto id = transaction.memories().create(memory);
        if (!id) return id.error();
        made.push_back(*id);
      }
      return made;
    };
    while (ids.size() < count) {
      const Ids made = store_.transact(make_some).value();
      ids.insert(ids.end(), made.begin(), made.end());
    }
    return ids;
  }
  QueryPlan explain(const MemoryQuery& query) { return memories().explain(query).value(); }
  void set_index_state(IndexId index, IndexState state) {
    store_.core()
        .engine()
        .run({},
             [&](kv::Transaction& transaction) -> Result<void> {
               const auto space =
                   indexes::SpaceState::load(transaction, schema::kDefaultSpace).value();
               indexes::IndexSet set = space->indexes();
               set.set_state(index, state);
               return indexes::put_index_set(transaction, *space, set);
             })
        .value();
  }
  /// Ids of all pages, from a cursor on.
  Ids pages(const MemoryQuery& query, std::string cursor = {}) {
    Ids ids;
    do {
      const auto page = memories().find_page(query, cursor).value();
      for (const Memory& memory : page.items) ids.push_back(memory.id());
      cursor = page.cursor;
    } while (!cursor.empty());
    return ids;
  }
};

/// A query's rows or error, and what it read for them.
std::string told(const Store& store, const MemoryQuery& query) {
  const auto page = store.memories().find_page(query);
  if (!page) return page.error().to_string();
  std::string text;
  for (const Memory& memory : page->items) text += memory.key();
  const auto plan = store.memories().explain(query);
  if (!plan) return text + plan.error().to_string();
  return text + " " + std::to_string(plan->keys_read) + " " + std::to_string(plan->records_fetched);
}

// Entries without the tags are passed over in a list that a cache has, and count all the same.
TEST(MemoryPlan, ReadsAsMuchOfListsThatAreRemembered) {
  std::mt19937_64 random(test_seed());
  const TempDirectory directory(TempDirectory::On::memory);
  const auto open = [&](std::uint64_t cache_bytes) {
    return Store::open(directory.path(),
                       {.record_cache_bytes = cache_bytes, .background_work = false})
        .value();
  };
  constexpr const char* kTags[] = {"a", "b", "c", "d", "e", "f"};
  {
    const Store store = open(0);
    for (int i = 0; i < 3000; ++i) {
      NewMemory memory{.category = "c", .key = std::to_string(i)};
      // Rare ones, and some that lie in other times than others.
      for (std::size_t tag = 0; tag < std::size(kTags); ++tag) {
        const bool is_in_time = tag % 2 == 0 || (i / 300) % 2 == static_cast<int>(tag / 2) % 2;
        if (is_in_time && random() % (tag * tag + 2) == 0) memory.tags.emplace_back(kTags[tag]);
      }
      store.memories().create(memory).value();
    }
  }
  std::vector<MemoryQuery> queries;
  for (int i = 0; i < 150; ++i) {
    MemoryQuery query{.oldest_first = random() % 2 == 0};
    for (std::size_t count = 1 + random() % 3; count > 0; --count) {
      query.tags_all.emplace_back(kTags[random() % std::size(kTags)]);
    }
    if (random() % 3 == 0) query.category = "c";
    query.limit = 1 + static_cast<std::uint32_t>(random() % 60);
    if (random() % 2 == 0) query.max_scanned = 1 + random() % 1500;
    queries.push_back(query);
  }
  std::vector<std::string> expected;
  {
    const Store store = open(0);
    for (const MemoryQuery& query : queries) expected.push_back(told(store, query));
  }
  const Store store = open(32U << 20);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < queries.size(); ++i) {
      ASSERT_EQ(told(store, queries[i]), expected[i]) << "query " << i << " round " << round;
    }
  }
}

TEST_F(MemoryPlanTest, ARareAndAFrequentTagReadWhatTheRareOneHas) {
  make_memories(900, 300);
  for (const bool oldest_first : {false, true}) {
    const MemoryQuery query{.tags_all = {"often", "seldom"}, .oldest_first = oldest_first};
    const QueryPlan plan = explain(query);
    EXPECT_EQ(plan.rows_returned, 3U);
    EXPECT_EQ(plan.records_fetched, 3U);
    EXPECT_LE(plan.keys_read, 20U);
    EXPECT_EQ(memories().count(query).value(), 3U);
  }
}

TEST_F(MemoryPlanTest, ThreeListsMeetWithoutRecords) {
  make_memories(900, 50);  // 18, all even
  // A few keys per row of the shortest list, whichever is taken for the shortest: not the 900.
  const QueryPlan plan = explain({.category = "c", .tags_all = {"seldom"}, .type = "even"});
  EXPECT_EQ(plan.rows_returned, 18U);
  EXPECT_EQ(plan.records_fetched, 18U);
  EXPECT_LE(plan.keys_read, 18U * 12);
  const QueryPlan none = explain({.tags_all = {"seldom"}, .type = "odd"});
  EXPECT_EQ(none.rows_returned, 0U);
  EXPECT_EQ(none.records_fetched, 0U);
  EXPECT_LE(none.keys_read, 18U * 8);
}

TEST_F(MemoryPlanTest, OneConditionIsOneScanThatStopsEarly) {
  make_memories(300, 3);
  const QueryPlan plan = explain({.tags_all = {"often"}, .limit = 20});
  EXPECT_TRUE(plan.is_ordered);
  EXPECT_EQ(plan.keys_read, 20U);
  EXPECT_EQ(plan.records_fetched, 20U);
  EXPECT_EQ(plan.rows_returned, 20U);
  ASSERT_FALSE(plan.steps.empty());
  EXPECT_EQ(plan.steps.front().index, "memory_by_tag");
  EXPECT_EQ(plan.steps.front().condition, "tags_all");
  const QueryPlan excluded = explain({.tags_all = {"often"}, .tags_none = {"absent"}, .limit = 20});
  EXPECT_EQ(excluded.keys_read, 20U);
}

TEST_F(MemoryPlanTest, AnOrderOfItsOwnIsWalkedOrCollected) {
  make_memories(300, 100);
  const QueryPlan walked = explain({.order = MemoryOrder::priority, .limit = 10});
  EXPECT_TRUE(walked.is_ordered);
  EXPECT_EQ(walked.keys_read, 10U);
  EXPECT_EQ(walked.steps.front().index, "memory_by_priority");
  // Which of the two it is hangs on the estimate; what is fetched does not.
  const QueryPlan collected =
      explain({.tags_all = {"seldom"}, .order = MemoryOrder::priority, .limit = 10});
  EXPECT_EQ(collected.records_fetched, 3U);
}

constexpr MemoryOrder kOtherOrders[] = {MemoryOrder::updated, MemoryOrder::priority,
                                        MemoryOrder::expiry};

// Two tags that are frequent each, and of which no memory has both: taken as independent, the first
// few of the order would be enough.
TEST_F(MemoryPlanTest, AWalkIsGivenUpWhereConditionsExcludeEachOther) {
  constexpr std::size_t kCount = 3'000;
  make_rising(kCount, [](std::size_t i) {
    return std::vector<std::string>{i < kCount / 2 ? "early" : "late"};
  });
  for (const MemoryOrder order : kOtherOrders) {
    for (const bool oldest_first : {false, true}) {
      const MemoryQuery query{.tags_all = {"early", "late"},
                              .order = order,
                              .oldest_first = oldest_first,
                              .limit = 20,
                              .max_scanned = kCount / 2};
      const QueryPlan plan = explain(query);
      EXPECT_EQ(plan.rows_returned, 0U);
      EXPECT_EQ(plan.records_fetched, 0U);
      EXPECT_LT(plan.keys_read, kCount / 6);
      EXPECT_FALSE(plan.is_ordered);
      EXPECT_FALSE(plan.given_up.empty());
      EXPECT_EQ(plan.steps.front().index, "memory_by_tag");
      EXPECT_EQ(memories().find_page(query).value().cursor, "");
    }
  }
}

// What matches lies at both ends of the order, so that a walk finds some, and then no more.
TEST_F(MemoryPlanTest, WhatAGivenUpWalkFoundComesFirst) {
  constexpr std::size_t kCount = 4'000;
  constexpr std::size_t kOld = 20;
  constexpr std::size_t kNew = 10;
  const auto has_both = [](std::size_t i) { return i < kOld || i >= kCount - kNew; };
  const Ids all = make_rising(kCount, [&](std::size_t i) {
    if (has_both(i)) return std::vector<std::string>{"a", "b"};
    return i % 8 < 2 ? std::vector<std::string>{i % 8 == 0 ? "a" : "b"}
                     : std::vector<std::string>();
  });
  Ids rising;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (has_both(i)) rising.push_back(all[i]);
  }
  for (const MemoryOrder order : kOtherOrders) {
    MemoryQuery query{.tags_all = {"a", "b"}, .order = order};
    for (const bool oldest_first : {false, true}) {
      query.oldest_first = oldest_first;
      Ids expected = rising;
      if (!oldest_first) std::reverse(expected.begin(), expected.end());
      for (const std::uint32_t limit : {1U, 5U, 10U, 15U, 20U, 25U}) {
        query.limit = limit;
        EXPECT_EQ(pages(query), expected) << limit;
      }
    }
    // Ten newest, and five from the other end: neither the walk alone nor more than both ways.
    query.oldest_first = false;
    query.limit = 15;
    query.max_scanned = kCount - 1;
    const QueryPlan plan = explain(query);
    EXPECT_FALSE(plan.given_up.empty());
    EXPECT_EQ(plan.rows_returned, 15U);
    EXPECT_EQ(plan.records_fetched, 15U);
    // Where not both ways can be gone to the end, the walk leaves enough for the other.
    query.max_scanned = kCount / 2;
    EXPECT_EQ(memories().find(query).value().size(), 15U);
  }
}

// A walk that would come to its end is not given up for a way that then is not allowed to its own.
TEST_F(MemoryPlanTest, WhereFewKeysAreEnoughMoreAreToo) {
  constexpr std::size_t kCount = 6'000;
  std::mt19937_64 random(7);
  make_rising(kCount, [&](std::size_t) {
    std::vector<std::string> tags;
    for (const auto& [tag, one_in] : {std::pair("half", 2), {"rare", 60}, {"tenth", 10}}) {
      if (random() % static_cast<std::uint64_t>(one_in) == 0) tags.emplace_back(tag);
    }
    return tags;
  });
  MemoryQuery rare{.tags_all = {"half", "rare"}, .tags_none = {"tenth"}};
  MemoryQuery tenth{.tags_all = {"tenth"}, .tags_none = {"half"}};
  for (MemoryQuery query : {rare, tenth}) {
    for (query.order = MemoryOrder::priority; const std::uint32_t limit : {1U, 2U, 10U, 40U}) {
      query.limit = limit;
      query.max_scanned = 1'000'000;
      const QueryPlan plan = explain(query);
      query.max_scanned = plan.keys_read;
      for (; query.max_scanned < 5 * plan.keys_read; query.max_scanned += 11) {
        ASSERT_TRUE(memories().find(query)) << limit << ", " << query.max_scanned;
      }
    }
  }
}

// Tags that come in runs of the order, so that walks meet many, none, or some and then no more.
TEST_F(MemoryPlanTest, WalksThatAreGivenUpAgreeWithAScan) {
  constexpr std::size_t kCount = 1'500;
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(test_seed()));
  std::mt19937_64 random(test_seed());
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  std::vector<std::size_t> runs;
  for (std::size_t t = 0; t < names.size(); ++t) runs.push_back(1 + random() % (kCount / 3));
  std::vector<std::vector<std::string>> tags(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    for (std::size_t t = 0; t < names.size(); ++t) {
      if ((i / runs[t]) % 3 == t % 3 || random() % 200 == 0) tags[i].push_back(names[t]);
    }
  }
  const Ids all = make_rising(kCount, [&](std::size_t i) { return tags[i]; });
  const auto has = [&](std::size_t i, const std::string& tag) {
    return std::find(tags[i].begin(), tags[i].end(), tag) != tags[i].end();
  };
  std::size_t given_up = 0;
  for (int round = 0; round < 60; ++round) {
    const auto& one = names[random() % names.size()];
    const auto& other = names[random() % names.size()];
    MemoryQuery query{.tags_all = {one, other}, .order = kOtherOrders[random() % 3]};
    if (random() % 3 == 0) query.tags_none = {names[random() % names.size()]};
    query.oldest_first = random() % 2 == 0;
    query.limit = static_cast<std::uint32_t>(1 + random() % 30);
    Ids expected;
    for (std::size_t i = 0; i < kCount; ++i) {
      const bool is_out = !query.tags_none.empty() && has(i, query.tags_none.front());
      if (has(i, one) && has(i, other) && !is_out) expected.push_back(all[i]);
    }
    if (!query.oldest_first) std::reverse(expected.begin(), expected.end());
    given_up += explain(query).given_up.empty() ? 0 : 1;
    ASSERT_EQ(pages(query), expected) << "round " << round;
    query.max_scanned = 2 * kCount;
    ASSERT_EQ(memories().count(query).value(), expected.size());
  }
  EXPECT_GT(given_up, 0U);
}

TEST_F(MemoryPlanTest, AnEntityIsFoundByItsIdAlone) {
  constexpr std::size_t kTypes = 40;
  Ids ids;
  for (std::size_t i = 0; i < 4 * kTypes; ++i) {
    NewMemory memory{.category = "c", .entity_type = "type " + std::to_string(i % kTypes)};
    memory.entity_id = std::to_string(i % 7 == 3 ? 3 : i);
    if (i % 20 == 0) memory.tags = {"rare"};
    memory.created_at = seconds_ago(static_cast<std::int64_t>(i));
    const MemoryId id = memories().create(memory).value();
    if (memory.entity_id == "3") ids.push_back(id);
  }
  // Nothing else narrows it: every type is looked at.
  const QueryPlan plan = explain({.entity_id = "3"});
  EXPECT_EQ(plan.steps.front().index, "memory_by_entity");
  EXPECT_EQ(plan.records_fetched, plan.rows_returned);
  EXPECT_EQ(pages({.entity_id = "3", .limit = 5}), ids);
  EXPECT_EQ(memories().count({.entity_id = "3"}).value(), ids.size());
  EXPECT_EQ(explain({.entity_id = "no such"}).records_fetched, 0U);
  // Eight records take less time than 40 types.
  const QueryPlan narrow = explain({.entity_id = "3", .tags_all = {"rare"}});
  EXPECT_EQ(narrow.steps.front().index, "memory_by_tag");
  EXPECT_EQ(narrow.steps.back().condition, "entity_id");
  EXPECT_EQ(narrow.steps.back().use, QueryUse::on_record);
  EXPECT_LE(narrow.keys_read, 60U);
}

TEST_F(MemoryPlanTest, NumbersAndStatesAreDecidedOnEntries) {
  make_memories(200, 3);
  const QueryPlan plan =
      explain({.tags_all = {"often"}, .max_priority = 2, .max_importance = 0.1F});
  EXPECT_EQ(plan.rows_returned, 20U);
  EXPECT_EQ(plan.records_fetched, 20U);
}

TEST_F(MemoryPlanTest, AnIndexThatIsNotReadyIsPassedBy) {
  make_memories(60, 10);
  const MemoryQuery query{.tags_all = {"seldom"}, .type = "even"};
  const Ids expected = found(query);
  const std::uint64_t everything = memories().count({}).value();
  EXPECT_EQ(expected.size(), 6U);
  set_index_state(IndexId::memory_by_tag, IndexState::disabled);
  EXPECT_EQ(found(query), expected);
  EXPECT_EQ(memories().count(query).value(), 6U);
  EXPECT_EQ(memories().count({.tags_none = {"SELDOM"}}).value(), everything - 6);
  set_index_state(IndexId::memory_by_type, IndexState::disabled);
  EXPECT_EQ(found(query), expected);
  set_index_state(IndexId::memory_by_created, IndexState::disabled);
  EXPECT_EQ(found(query), expected);
  EXPECT_EQ(memories().count({}).value(), everything);
  set_index_state(IndexId::memory_by_priority, IndexState::disabled);
  EXPECT_EQ(found(query), expected);
  set_index_state(IndexId::memory_by_updated, IndexState::disabled);
  EXPECT_EQ(memories().find(query).error().code(), Code::index_not_ready);
  EXPECT_EQ(memories().count({}).error().code(), Code::index_not_ready);
}

TEST_F(MemoryPlanTest, ACursorGoesOnWhicheverIndexDrives) {
  make_memories(60, 2);
  for (const MemoryOrder order :
       {MemoryOrder::created, MemoryOrder::updated, MemoryOrder::priority}) {
    const MemoryQuery query{.tags_all = {"seldom"}, .order = order, .limit = 7};
    const Ids expected = pages(query);
    const auto first = memories().find_page(query).value();
    set_index_state(IndexId::memory_by_tag, IndexState::building);
    const Ids rest = pages(query, first.cursor);
    set_index_state(IndexId::memory_by_tag, IndexState::ready);
    EXPECT_EQ(rest, Ids(expected.begin() + 7, expected.end()));
  }
}

TEST_F(MemoryPlanTest, ACursorOfSomethingElseIsRefused) {
  make_memories(30, 2);
  const MemoryQuery query{.tags_all = {"often"}, .limit = 5};
  const std::string cursor = memories().find_page(query).value().cursor;
  const auto refused = [&](const MemoryQuery& other, const std::string& text) {
    auto page = memories().find_page(other, text);
    return !page && page.error().code() == Code::invalid_argument &&
           page.error().field() == "cursor";
  };
  MemoryQuery other = query;
  other.limit = 6;
  other.max_scanned = 5'000;
  EXPECT_TRUE(memories().find_page(other, cursor));
  other.tags_all = {"OFTEN", "often"};  // the same tag
  EXPECT_TRUE(memories().find_page(other, cursor));
  other.tags_all = {"seldom"};
  EXPECT_TRUE(refused(other, cursor));
  other = query;
  other.oldest_first = true;
  EXPECT_TRUE(refused(other, cursor));
  other = query;
  other.order = MemoryOrder::updated;
  EXPECT_TRUE(refused(other, cursor));
  other = query;
  other.include_expired = true;
  EXPECT_TRUE(refused(other, cursor));
  EXPECT_TRUE(refused(query, "x"));
  EXPECT_TRUE(refused(query, cursor + "A"));
  EXPECT_TRUE(refused(query, cursor.substr(1)));
  std::string changed = cursor;
  changed[cursor.size() / 2] = changed[cursor.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_TRUE(refused(query, changed));
  const Space space = store_.create_space("other").value();
  auto elsewhere = space.memories().find_page(query, cursor);
  EXPECT_EQ(elsewhere.error().field(), "cursor");
}

TEST_F(MemoryPlanTest, AFullPageIsGivenThoughTheLimitOfReadingIsMet) {
  make_memories(100, 50);  // the last with the tag is the 50th from the newest
  const auto page =
      memories().find_page({.tags_none = {"seldom"}, .limit = 10, .max_scanned = 10}).value();
  EXPECT_EQ(page.items.size(), 10U);
  EXPECT_FALSE(page.cursor.empty());
  EXPECT_EQ(memories().count({.max_scanned = 99}).error().code(), Code::scan_limit_exceeded);
  EXPECT_EQ(memories().count({.max_scanned = 100}).value(), 100U);
}

TEST(MemoryPageRestart, ACursorOutlivesTheStore) {
  TempDirectory directory(TempDirectory::On::memory);
  Options options;
  options.background_work = false;
  const MemoryQuery query{.category = "c", .order = MemoryOrder::priority, .limit = 4};
  Ids expected;
  Page<Memory> first;
  {
    Store store = Store::open(directory.path("store"), options).value();
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(store.memories().create(
          {.category = "c", .priority = static_cast<std::uint8_t>(1 + i % 3)}));
    }
    for (const Memory& memory :
         store.memories().find({.category = "c", .order = query.order}).value()) {
      expected.push_back(memory.id());
    }
    first = store.memories().find_page(query).value();
  }
  Store store = Store::open(directory.path("store"), options).value();
  Ids joined;
  for (const Memory& memory : first.items) joined.push_back(memory.id());
  std::string cursor = first.cursor;
  while (!cursor.empty()) {
    const auto page = store.memories().find_page(query, cursor).value();
    for (const Memory& memory : page.items) joined.push_back(memory.id());
    cursor = page.cursor;
  }
  EXPECT_EQ(joined, expected);
}

}  // namespace
}  // namespace callisto::testing
