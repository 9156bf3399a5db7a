// What engine/load.h promises, for every engine.

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "engine/load.h"
#include "tests/engine/contract_fixture.h"
#include "tests/support/sorted_rows.h"

namespace callisto::kv {
namespace {

using testing::SortedRows;

class EngineLoad : public EngineContract {
 protected:
  /// Users a, b and messages m, with a row of system.
  Result<Version> load(const std::function<Result<void>(Reader&)>& decide = {}) {
    SortedRows users(Rows{{"a", "1"}, {"b", "2"}});
    SortedRows messages(Rows{{"m", "3"}});
    const LoadPart parts[] = {
        {.family = Family::users, .lower = "a", .upper = "c", .source = &users},
        {.family = Family::messages, .lower = "m", .upper = "n", .source = &messages}};
    return store_->bulk_load(
        {.parts = parts, .more_threads = 1, .finish = [&](Reader& before, Batch& rows) {
           rows.put(Family::system, "name", "new");
           return decide ? decide(before) : Result<void>();
         }});
  }
  void expect_nothing() {
    EXPECT_EQ(keys(*store_, {"a", "c"}), "");
    EXPECT_EQ(get("m", Family::messages), "absent");
  }
};

TEST_P(EngineLoad, BringsAllRowsOfAllFamiliesInAtOnce) {
  put("0", "before");
  put("name", "old", Family::system);
  const auto before = store_->snapshot();
  const Version version = load().value();
  EXPECT_GT(version, before->version());
  EXPECT_EQ(rows(*store_, {"0", "z"}), (Rows{{"0", "before"}, {"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(get("m", Family::messages), "3");
  EXPECT_EQ(get("name", Family::system), "new");
  EXPECT_GE(store_->snapshot()->version(), version);
  EXPECT_EQ(rows(*before, {"0", "z"}), (Rows{{"0", "before"}}));
  EXPECT_EQ(get(*before, "m", Family::messages), "absent");
  EXPECT_EQ(get(*before, "name", Family::system), "old");
}

TEST_P(EngineLoad, WritesGoOnOverWhatWasLoaded) {
  load().value();
  put("a", "again");
  erase("b");
  EXPECT_EQ(rows(*store_, {"a", "c"}), (Rows{{"a", "again"}}));
}

TEST_P(EngineLoad, WhatWasThereAndWentIsNoRow) {
  put("a", "gone");
  erase("a");
  put("b", "gone");
  store_->erase_range(Family::users, "b", "c").value();
  load().value();
  EXPECT_EQ(rows(*store_, {"a", "c"}), (Rows{{"a", "1"}, {"b", "2"}}));
}

TEST_P(EngineLoad, ARowInTheRangeOfAPartRefusesIt) {
  put("bb", "there");
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Code::invalid_argument);
  EXPECT_EQ(loaded.error().field(), "range");
  EXPECT_EQ(keys(*store_, {"a", "c"}), "bb ");
  EXPECT_EQ(get("m", Family::messages), "absent");
  EXPECT_EQ(get("name", Family::system), "absent");
}

TEST_P(EngineLoad, TheLastWordSeesTheStateBeforeAndEndsIt) {
  put("0", "before");
  const auto loaded = load([&](Reader& before) -> Result<void> {
    EXPECT_EQ(get(before, "0"), "before");
    EXPECT_EQ(get(before, "a"), "absent");
    return Error(Code::conflict, "not now");
  });
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Code::conflict);
  expect_nothing();
  load().value();
}

TEST_P(EngineLoad, AnErrorOfASourceEndsItWithNothing) {
  SortedRows users(Rows{{"a", "1"}, {"b", "2"}});
  users.on_row(1, []() -> Result<void> { return Error(Code::already_exists, "id", "each once"); });
  SortedRows messages(Rows{{"m", "3"}});
  const LoadPart parts[] = {
      {.family = Family::messages, .lower = "m", .upper = "n", .source = &messages},
      {.family = Family::users, .lower = "a", .upper = "c", .source = &users}};
  const auto loaded = store_->bulk_load({.parts = parts, .more_threads = 3});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Code::already_exists);
  expect_nothing();
  EXPECT_TRUE(store_->health().writable);
  put("a", "free");
}

TEST_P(EngineLoad, RowsOutOfOrderOrOutOfTheirPartAreRefused) {
  for (const Rows& wrong :
       {Rows{{"b", ""}, {"a", ""}}, Rows{{"a", ""}, {"a", ""}}, Rows{{"c", ""}}}) {
    SortedRows users(wrong);
    const LoadPart parts[] = {
        {.family = Family::users, .lower = "a", .upper = "c", .source = &users}};
    const auto loaded = store_->bulk_load({.parts = parts});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code(), Code::invalid_argument);
    expect_nothing();
  }
  EXPECT_TRUE(store_->health().writable);
}

TEST_P(EngineLoad, ConflictsWithEveryTransactionThatBeganBefore) {
  put("other", "old");
  int attempts = 0;
  run([&](Transaction& tx) -> Result<void> {
    Value value;
    if (auto got = tx.get_for_update(Family::users, "other", value); !got) return got.error();
    if (++attempts == 1) load().value();
    EXPECT_EQ(get(tx, "a"), attempts == 1 ? "absent" : "1");
    return tx.put(Family::memories, "mine", "");
  }).value();
  EXPECT_EQ(attempts, 2);
}

TEST_P(EngineLoad, EveryKeyWasCommittedByIt) {
  put("other", "old");
  std::optional<Version> during = Version{1};
  SortedRows users(Rows{{"a", "1"}});
  const LoadPart parts[] = {
      {.family = Family::users, .lower = "a", .upper = "c", .source = &users}};
  const Version version =
      store_
          ->bulk_load(
              {.parts = parts,
               .forget = [&] { during = store_->committed_version(Family::users, "other"); }})
          .value();
  EXPECT_EQ(store_->committed_version(Family::users, "other"), version);
  EXPECT_EQ(store_->committed_version(Family::memories, "never written"), version);
  if (GetParam().name != "map") {
    EXPECT_EQ(during, std::nullopt);
  }
}

TEST_P(EngineLoad, CountersAreReadAnewAfterIt) {
  const auto add = [&](std::int64_t delta) {
    run([&](Transaction& tx) { return tx.add({"counts", 7, delta}); }).value();
  };
  add(2);
  store_
      ->bulk_load({.finish = [](Reader&, Batch& rows) -> Result<void> {
        const std::pair<std::uint16_t, std::int64_t> sums[] = {{7, 40}};
        rows.put(Family::system, "counts", encode_counters(sums));
        return {};
      }})
      .value();
  add(2);
  EXPECT_EQ(counter(*store_, "counts", 7), 42);
}

TEST_P(EngineLoad, ACursorKeepsItsState) {
  put("0", "");
  put("z", "");
  const auto cursor = store_->scan(Family::users, {"0", "zz"});
  load().value();
  EXPECT_EQ(rows(*cursor), (Rows{{"0", ""}, {"z", ""}}));
}

TEST_P(EngineLoad, StagedFilesAreReadBack) {
  auto staging = store_->stage().value();
  auto file = staging->make_file().value();
  file->append("abc").value();
  file->append(std::string(1'000'000, 'x')).value();
  file->append("xyz").value();
  file->finish().value();
  std::string bytes(4, ' ');
  file->read(1, bytes).value();
  EXPECT_EQ(bytes, "bcxx");
  file->read(1'000'002, bytes).value();
  EXPECT_EQ(bytes, "xxyz");
  const auto behind = file->read(1'000'004, bytes);
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().code(), Code::corruption);
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineLoad, ::testing::ValuesIn(testing::engine_factories()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace callisto::kv
