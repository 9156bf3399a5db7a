// The core of queries against sets: lists walked, skipped through, joined and intersected, both
// ways.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <random>
#include <set>

#include "engine/forwarded.h"
#include "indexes/query/list.h"
#include "indexes/query/plan.h"
#include "indexes/query/probe.h"
#include "indexes/query/run.h"
#include "tests/indexes/world.h"

namespace callisto::indexes::query {
namespace {

using indexes::testing::World;
using Positions = std::vector<std::string>;

constexpr std::uint64_t kNoLimit = 1'000'000'000;

class QueryCoreTest : public ::testing::Test {
 protected:
  QueryCoreTest() : random_(callisto::testing::test_seed()) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  /// Random positions of 3 bytes, few enough to meet.
  std::set<std::string> some_positions(std::size_t most) {
    std::set<std::string> positions;
    for (std::size_t count = below(most); count > 0; --count) {
      std::string position(3, 'a');
      for (char& byte : position) byte = static_cast<char>('a' + below(6));
      positions.insert(position);
    }
    return positions;
  }
  /// A list of one to three parts, and what is in it.
  List make_list(std::set<std::string>& all, std::size_t most) {
    List list;
    for (std::size_t parts = 1 + below(3); parts > 0; --parts) {
      const std::string prefix = "list" + std::to_string(100 + next_prefix_++) + ":";
      for (const std::string& position : some_positions(most)) {
        world_.put_raw(kv::Family::indexes, prefix + position, "v");
        all.insert(position);
      }
      list.add(prefix);
    }
    return list;
  }

  std::mt19937_64 random_;
  World world_;
  std::size_t next_prefix_ = 0;
};

TEST_F(QueryCoreTest, ListsMeetWhereSetsDo) {
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(callisto::testing::test_seed()));
  for (int round = 0; round < 60; ++round) {
    std::set<std::string> common;
    const List driver = make_list(common, round % 2 == 0 ? 200 : 8);
    std::vector<List> others;
    for (std::size_t count = below(4); count > 0; --count) {
      std::set<std::string> here;
      others.push_back(make_list(here, 200));
      std::set<std::string> both;
      std::set_intersection(common.begin(), common.end(), here.begin(), here.end(),
                            std::inserter(both, both.end()));
      common = std::move(both);
    }
    for (const bool reverse : {false, true}) {
      Meter meter(kNoLimit, nullptr);
      Intersection lists(world_.store(), driver, others, {}, {}, reverse, meter);
      Positions found;
      while (lists.next().value()) found.emplace_back(lists.driver().position());
      Positions expected(common.begin(), common.end());
      if (reverse) std::reverse(expected.begin(), expected.end());
      EXPECT_EQ(found, expected);
    }
    for (const std::string& position : some_positions(20)) {
      Meter meter(kNoLimit, nullptr);
      bool is_in_all = probe(world_.store(), driver, position, meter).value();
      for (const List& list : others) {
        is_in_all = is_in_all && probe(world_.store(), list, position, meter).value();
      }
      EXPECT_EQ(is_in_all, common.count(position) > 0);
    }
  }
}

TEST_F(QueryCoreTest, ALongListIsSkippedThrough) {
  List seldom;
  seldom.add("seldom:");
  List often;
  often.add("often:");
  for (int i = 1000; i < 2000; ++i) {
    world_.put_raw(kv::Family::indexes, "often:" + std::to_string(i), "");
    if (i % 250 == 0) world_.put_raw(kv::Family::indexes, "seldom:" + std::to_string(i), "");
  }
  // Whichever drives.
  for (const bool reverse : {false, true}) {
    for (const bool is_seldom_first : {false, true}) {
      const List& driver = is_seldom_first ? seldom : often;
      const std::vector<List> others{is_seldom_first ? often : seldom};
      Meter meter(kNoLimit, nullptr);
      Intersection lists(world_.store(), driver, others, {}, {}, reverse, meter);
      int count = 0;
      while (lists.next().value()) ++count;
      EXPECT_EQ(count, 4);
      EXPECT_LE(meter.keys_read(), 4U * 4 + 2);
    }
  }
}

TEST_F(QueryCoreTest, SkipsChangeNoAnswer) {
  for (int round = 0; round < 30; ++round) {
    std::set<std::string> common;
    const List driver = make_list(common, 400);
    std::set<std::string> here;
    const std::vector<List> skips{make_list(here, round % 2 == 0 ? 400 : 8)};
    Positions expected;
    std::set_intersection(common.begin(), common.end(), here.begin(), here.end(),
                          std::back_inserter(expected));
    const auto admits = [&](const ListCursor& entry) -> Result<bool> {
      return here.count(std::string(entry.position())) > 0;
    };
    for (const bool reverse : {false, true}) {
      Meter meter(kNoLimit, nullptr);
      Intersection lists(world_.store(), driver, {}, skips, admits, reverse, meter);
      Positions found;
      while (lists.next().value()) found.emplace_back(lists.driver().position());
      if (reverse) std::reverse(found.begin(), found.end());
      EXPECT_EQ(found, expected);
    }
  }
}

TEST_F(QueryCoreTest, SkipsLeapOverWhatIsDisjoint) {
  List early;
  early.add("early:");
  List late;
  late.add("late:");
  for (int i = 10'000; i < 12'000; ++i) {
    world_.put_raw(kv::Family::indexes, "early:" + std::to_string(i), "");
    world_.put_raw(kv::Family::indexes, "late:" + std::to_string(i + 1999), "");
  }
  const std::vector<List> skips{late};
  const auto admits = [](const ListCursor& entry) -> Result<bool> {
    return entry.position() == "11999";
  };
  Meter meter(kNoLimit, nullptr);
  Intersection lists(world_.store(), early, {}, skips, admits, false, meter);
  ASSERT_TRUE(lists.next().value());
  EXPECT_EQ(lists.driver().position(), "11999");
  EXPECT_FALSE(lists.next().value());
  EXPECT_LE(meter.keys_read(), Intersection::kWalked + 5);
}

TEST_F(QueryCoreTest, TheMeterEndsAQuery) {
  List list;
  list.add("many:");
  for (int i = 10'000; i < 13'000; ++i) {
    world_.put_raw(kv::Family::indexes, "many:" + std::to_string(i), "");
  }
  const std::vector<List> none;
  const auto walk = [&](Meter meter) -> Result<void> {
    Intersection lists(world_.store(), list, none, {}, {}, false, meter);
    while (true) {
      auto more = lists.next();
      if (!more) return more.error();
      if (!*more) return {};
    }
  };
  EXPECT_TRUE(walk(Meter(3'000, nullptr)));
  EXPECT_EQ(walk(Meter(2'999, nullptr)).error().code(), Code::scan_limit_exceeded);
  int checks = 0;
  const auto cancel = [&]() -> Result<void> {
    if (++checks < 2) return {};
    return Error(Code::deadline_exceeded, "late");
  };
  EXPECT_EQ(walk(Meter(3'000, cancel)).error().code(), Code::deadline_exceeded);
  EXPECT_EQ(checks, 2);
}

TEST_F(QueryCoreTest, AListIsProbedUntilWalkingItCostsLess) {
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(callisto::testing::test_seed()));
  for (int round = 0; round < 60; ++round) {
    std::set<std::string> all;
    const List list = make_list(all, 40);
    std::optional<std::uint64_t> entries;
    if (round % 3 != 0) entries = below(2 * all.size() + 1);  // an estimate may be wrong
    Meter meter(kNoLimit, nullptr);
    ListProbe list_probe(world_.store(), list, entries, meter);
    for (int i = 0; i < 200; ++i) {
      std::string position(3, 'a');
      for (char& byte : position) byte = static_cast<char>('a' + below(6));
      ASSERT_EQ(list_probe.has(position).value(), all.count(position) != 0);
    }
    // Each part is looked up, and what is in several is read in each.
    if (entries) {
      EXPECT_LE(meter.keys_read(), list.parts.size() * (*entries / 8 + 1 + all.size()));
    }
  }
}

/// Counts lookups.
class CountedLookups final : public kv::ForwardedReads<kv::Reader> {
 public:
  using ForwardedReads::ForwardedReads;
  Result<bool> get(kv::Family family, std::string_view key, kv::Value& value) override {
    ++lookups;
    return ForwardedReads::get(family, key, value);
  }
  std::uint64_t lookups = 0;
};

TEST_F(QueryCoreTest, AListIsFollowedWhereItIsDense) {
  constexpr std::uint64_t kPositions = 2'000;
  List list;
  list.add("dense:");
  Positions positions;
  for (std::uint64_t i = 0; i < kPositions; ++i) {
    positions.push_back(std::to_string(10'000 + i));
    world_.put_raw(kv::Family::indexes, "dense:" + positions.back(), "");
  }
  for (const auto order : {ListProbe::Order::forward, ListProbe::Order::reverse}) {
    CountedLookups reader(world_.store());
    Meter meter(kNoLimit, nullptr);
    ListProbe list_probe(reader, list, 1'000 * kPositions, meter, order);
    for (const std::string& position : positions) ASSERT_TRUE(list_probe.has(position).value());
    EXPECT_LE(reader.lookups, 16U);
    EXPECT_EQ(meter.keys_read(), kPositions);
    std::reverse(positions.begin(), positions.end());
  }
  // Far apart, each costs a step and a seek: then it is looked up.
  CountedLookups reader(world_.store());
  Meter meter(kNoLimit, nullptr);
  ListProbe list_probe(reader, list, 1'000 * kPositions, meter, ListProbe::Order::forward);
  for (std::uint64_t i = 0; i < kPositions; i += 10) {
    ASSERT_TRUE(list_probe.has(positions[i]).value());
  }
  EXPECT_GE(reader.lookups, kPositions / 10 - 16);
  EXPECT_LE(meter.keys_read(), kPositions / 10 + 16);
}

TEST_F(QueryCoreTest, FollowingChangesNoAnswer) {
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(callisto::testing::test_seed()));
  for (int round = 0; round < 60; ++round) {
    std::set<std::string> all;
    const List list = make_list(all, round % 2 == 0 ? 200 : 20);
    std::optional<std::uint64_t> entries;
    if (round % 3 != 0) entries = below(1'000);
    const std::set<std::string> asked = some_positions(200);
    for (const bool reverse : {false, true}) {
      const auto order = reverse ? ListProbe::Order::reverse : ListProbe::Order::forward;
      Positions positions(asked.begin(), asked.end());
      if (reverse) std::reverse(positions.begin(), positions.end());
      Meter meter(kNoLimit, nullptr);
      ListProbe list_probe(world_.store(), list, entries, meter, order);
      for (const std::string& position : positions) {
        ASSERT_EQ(list_probe.has(position).value(), all.count(position) != 0);
      }
    }
  }
}

TEST_F(QueryCoreTest, AWatchGivesUpWhereItSays) {
  Meter meter(100, nullptr);
  std::vector<std::uint64_t> asked;
  meter.watch(10, [&]() -> std::optional<std::uint64_t> {
    asked.push_back(meter.keys_read());
    if (asked.size() == 3) return std::nullopt;
    return meter.keys_read() * 2;
  });
  while (meter.key_read()) {
  }
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{10, 20, 40}));
  EXPECT_TRUE(meter.has_given_up());
  EXPECT_EQ(meter.keys_left(), 60U);
  meter.end_watch();
  EXPECT_FALSE(meter.has_given_up());
  while (meter.key_read()) {
  }
  EXPECT_EQ(meter.keys_read(), 101U);
  EXPECT_EQ(meter.keys_left(), 0U);
}

TEST_F(QueryCoreTest, AListWithPositionsOfSeveralLengthsIsProbed) {
  for (const char* position : {"a", "bb", "ccc"}) {
    world_.put_raw(kv::Family::indexes, std::string("mixed:") + position, "");
  }
  List list;
  list.add("mixed:");
  Meter meter(kNoLimit, nullptr);
  ListProbe list_probe(world_.store(), list, 0, meter);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(list_probe.has("bb").value());
    EXPECT_FALSE(list_probe.has("b").value());
  }
}

TEST_F(QueryCoreTest, AWalkForProbesIsCountedToo) {
  List list;
  list.add("many:");
  for (int i = 10'000; i < 10'100; ++i) {
    world_.put_raw(kv::Family::indexes, "many:" + std::to_string(i), "");
  }
  Meter meter(99, nullptr);
  ListProbe list_probe(world_.store(), list, 0, meter);
  EXPECT_EQ(list_probe.has("10050").error().code(), Code::scan_limit_exceeded);
}

/// Takes every row, and knows it by its position.
class EveryRow final : public Judge {
 public:
  Result<void> look(const ListCursor& entry) override {
    position_ = entry.position();
    return {};
  }
  bool admits() const override { return true; }
  std::string_view position() const override { return position_; }
  void append_place(std::string& place) const override { place.append(position_); }
  std::string record_key() const override { return position_; }
  Result<void> check(std::span<Found>, std::vector<char>& matches) override {
    matches.assign(matches.size(), 1);
    return {};
  }
  Result<std::size_t> take(std::span<Found> found) override {
    for (const Found& one : found) taken.push_back(one.key);
    return found.size();
  }
  Positions taken;

 private:
  std::string position_;
};

TEST_F(QueryCoreTest, AnExcludedListThatIsDenseIsReadBeside) {
  Plan plan;
  plan.driver.add("all:");
  plan.is_ordered = true;
  List none;
  none.add("none:");
  Positions expected;
  for (int i = 10'000; i < 12'000; ++i) {
    const std::string position = std::to_string(i);
    world_.put_raw(kv::Family::indexes, "all:" + position, "");
    if (i % 100 == 50) {
      expected.push_back(position);
    } else {
      world_.put_raw(kv::Family::indexes, "none:" + position, "");
    }
  }
  plan.none.push_back({none, 100'000, true});
  plan.none_places.push_back(0);
  for (const bool reverse : {false, true}) {
    CountedLookups reader(world_.store());
    Meter meter(kNoLimit, nullptr);
    EveryRow rows;
    ASSERT_TRUE(query::Run(reader, plan, rows, meter).find({.limit = 100, .reverse = reverse}));
    EXPECT_EQ(rows.taken, expected);
    EXPECT_LE(reader.lookups, 16U);
    EXPECT_LE(meter.keys_read(), 4'000U);
    std::reverse(expected.begin(), expected.end());
  }
}

// What a walk that was given up has found is not lost where its whole page is, and only whether
// there is more would take too long to find out.
TEST_F(QueryCoreTest, AWholePageNeedsNoMore) {
  Plan plan;
  plan.driver.add("all:");
  for (int i = 10'000; i < 10'100; ++i) {
    world_.put_raw(kv::Family::indexes, "all:" + std::to_string(i), "");
  }
  EveryRow rows;
  const auto find = [&](std::size_t limit, std::uint64_t max_keys) {
    Meter meter(max_keys, nullptr);
    return query::Run(world_.store(), plan, rows, meter).find({.limit = limit, .wants_more = true});
  };
  EXPECT_TRUE(find(0, 100).value().has_more);
  EXPECT_TRUE(find(0, 99).value().has_more);
  EXPECT_TRUE(rows.taken.empty());
  EXPECT_EQ(find(1, 99).error().code(), Code::scan_limit_exceeded);
  EXPECT_EQ(find(1, 100).value().last, "10000");
}

// The planner -------------------------------------------------------------------------------------

/// Says what the test wants to hear.
class FixedCardinality final : public CardinalitySource {
 public:
  explicit FixedCardinality(std::map<std::string, std::uint64_t, std::less<>> entries)
      : entries_(std::move(entries)) {}
  std::uint64_t entries(std::string_view prefix) const override {
    ++asked_;
    return entries_.find(prefix)->second;
  }
  std::uint64_t entries(std::string_view prefix, const KeyRange&) const override {
    return entries(prefix);
  }
  int asked() const noexcept { return asked_; }

 private:
  std::map<std::string, std::uint64_t, std::less<>> entries_;
  mutable int asked_ = 0;
};

List list_of(schema::IndexId index, const char* prefix) {
  List list;
  list.index = index;
  list.add(prefix);
  return list;
}

class PlannerTest : public ::testing::Test {
 protected:
  PlannerTest() {
    request_.everything = "all";
    request_.drivers = {{"", list_of(schema::IndexId::memory_by_created, "all"), 0, true, true}};
  }
  void ask(const char* name, schema::IndexId index, const char* prefix) {
    request_.all.push_back({name, list_of(index, prefix), false});
  }
  void order_by_update() {
    request_.order = 1;
    request_.drivers.push_back(
        {"", list_of(schema::IndexId::memory_by_updated, "upd"), 1, false, true});
  }
  Plan plan() { return make_plan(request_, source_, is_ready_).value(); }

  Request request_;
  FixedCardinality source_{
      {{"all", 100'000}, {"upd", 100'000}, {"few", 10}, {"half", 50'000}, {"most", 90'000}}};
  std::set<schema::IndexId> unready_;
  std::function<bool(schema::IndexId)> is_ready_ = [this](schema::IndexId index) {
    return unready_.count(index) == 0;
  };
};

TEST_F(PlannerTest, OneConditionAsksForNoEstimate) {
  ask("type", schema::IndexId::memory_by_type, "half");
  const Plan one = plan();
  EXPECT_EQ(one.driver.index, schema::IndexId::memory_by_type);
  EXPECT_TRUE(one.is_ordered);
  EXPECT_TRUE(one.all.empty());
  EXPECT_EQ(source_.asked(), 0);
  request_.all.clear();
  EXPECT_EQ(plan().driver.index, schema::IndexId::memory_by_created);
  EXPECT_EQ(source_.asked(), 0);
}

TEST_F(PlannerTest, TheShortestListDrives) {
  ask("type", schema::IndexId::memory_by_type, "most");
  ask("category", schema::IndexId::memory_by_category, "few");
  ask("task", schema::IndexId::memory_by_task, "half");
  const Plan made = plan();
  EXPECT_EQ(made.driver.index, schema::IndexId::memory_by_category);
  ASSERT_EQ(made.all.size(), 2U);
  EXPECT_EQ(made.all[0].index, schema::IndexId::memory_by_task);
  EXPECT_EQ(made.all[1].index, schema::IndexId::memory_by_type);
  EXPECT_EQ(made.steps.front().estimate, 10U);
}

TEST_F(PlannerTest, AnOrderIsWalkedWhereMostMatchAndCollectedWhereFewDo) {
  order_by_update();
  request_.limit = 20;
  ask("type", schema::IndexId::memory_by_type, "most");
  const Plan walked = plan();
  EXPECT_EQ(walked.driver.index, schema::IndexId::memory_by_updated);
  EXPECT_TRUE(walked.is_ordered);
  EXPECT_TRUE(walked.all.empty());
  EXPECT_EQ(walked.probed.size(), 1U);
  ask("category", schema::IndexId::memory_by_category, "few");
  const Plan collected = plan();
  EXPECT_EQ(collected.driver.index, schema::IndexId::memory_by_category);
  EXPECT_FALSE(collected.is_ordered);
  EXPECT_EQ(collected.all.size(), 1U);
}

// Conditions may exclude each other: then a walk that looked short goes on to the end of the order.
TEST_F(PlannerTest, AWalkSaysWhatASureWayReads) {
  order_by_update();
  request_.limit = 20;
  ask("type", schema::IndexId::memory_by_type, "half");
  ask("category", schema::IndexId::memory_by_category, "half");
  const Plan walked = plan();
  EXPECT_TRUE(walked.is_ordered);
  ASSERT_TRUE(walked.sure_keys);
  EXPECT_GE(*walked.sure_keys, 50'000U);
  EXPECT_LE(*walked.sure_keys, 150'000U);
  request_.is_sure = true;
  const Plan sure = plan();
  EXPECT_EQ(sure.driver.index, schema::IndexId::memory_by_type);
  EXPECT_FALSE(sure.is_ordered);
  EXPECT_FALSE(sure.sure_keys);
  // Nothing to give up for: no end of a walk is hoped for, or nothing else is there.
  request_.is_sure = false;
  request_.limit = 0;
  EXPECT_FALSE(plan().sure_keys);
  request_.limit = 20;
  request_.all.clear();
  EXPECT_FALSE(plan().sure_keys);
}

TEST_F(PlannerTest, AnExcludedListComesInTheOrderOfTheConditions) {
  request_.none.push_back({"tags_none", list_of(schema::IndexId::memory_by_tag, "most"), true});
  const Plan common = plan();
  ASSERT_EQ(common.none.size(), 1U);
  EXPECT_TRUE(common.none.front().is_in_order);
  EXPECT_EQ(common.none.front().entries, 90'000U);
  EXPECT_EQ(common.steps.back().use, Use::excludes);
  EXPECT_EQ(common.steps.back().estimate, 90'000U);
  order_by_update();
  EXPECT_FALSE(plan().none.front().is_in_order);
}

// A list that tells all is walked, and the other with it, where the rows of the shorter one would
// have to be looked up.
TEST_F(PlannerTest, RowsAreLookedUpWhereTheyAreFew) {
  order_by_update();
  request_.drivers.back() = {"activity",
                             list_of(schema::IndexId::conversation_by_activity, "range"), 1, false};
  request_.looks_rows_up = true;
  request_.limit = 0;
  source_ = FixedCardinality({{"all", 100'000}, {"range", 3'000}, {"few", 10}, {"some", 1'500}});
  ask("participant", schema::IndexId::conversation_by_participant, "few");
  EXPECT_EQ(plan().driver.index, schema::IndexId::conversation_by_participant);
  request_.all.clear();
  ask("participant", schema::IndexId::conversation_by_participant, "some");
  const Plan made = plan();
  EXPECT_EQ(made.driver.index, schema::IndexId::conversation_by_activity);
  ASSERT_EQ(made.probed.size(), 1U);
  EXPECT_EQ(made.probed.front().entries, 1'500U);
  request_.looks_rows_up = false;
  EXPECT_EQ(plan().driver.index, schema::IndexId::conversation_by_participant);
}

TEST_F(PlannerTest, WhatIsNotReadyIsAskedOfTheRecord) {
  ask("type", schema::IndexId::memory_by_type, "few");
  ask("category", schema::IndexId::memory_by_category, "half");
  unready_ = {schema::IndexId::memory_by_type};
  const Plan made = plan();
  EXPECT_EQ(made.driver.index, schema::IndexId::memory_by_category);
  EXPECT_TRUE(made.needs_records);
  unready_.insert(schema::IndexId::memory_by_category);
  EXPECT_EQ(plan().driver.index, schema::IndexId::memory_by_created);
  unready_.insert(schema::IndexId::memory_by_created);
  EXPECT_FALSE(make_plan(request_, source_, is_ready_));
}

TEST_F(PlannerTest, AListInAnotherDirectionIsProbed) {
  ask("type", schema::IndexId::memory_by_type, "few");
  ask("unprocessed", schema::IndexId::conversation_unprocessed, "half");
  request_.all[1].list.is_time_rising = true;
  const Plan made = plan();
  EXPECT_EQ(made.driver.index, schema::IndexId::memory_by_type);
  EXPECT_TRUE(made.all.empty());
  EXPECT_EQ(made.probed.size(), 1U);
}

}  // namespace
}  // namespace callisto::indexes::query
