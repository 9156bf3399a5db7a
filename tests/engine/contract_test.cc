// What engine/kv.h promises of reads, writes and limits, for every engine.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/engine/contract_fixture.h"

namespace callisto::kv {
namespace {

TEST_P(EngineContract, AValueIsWhatWasPutLast) {
  EXPECT_EQ(get("k"), "absent");
  put("k", "1");
  put("k", "2");
  EXPECT_EQ(get("k"), "2");
  EXPECT_EQ(get("k", Family::messages), "absent") << "families are apart";
  erase("k");
  EXPECT_EQ(get("k"), "absent");
  put("k", "");
  EXPECT_EQ(get("k"), "") << "an empty value is a value";
}

TEST_P(EngineContract, AnyByteMayStandInKeysAndValues) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  put(all, all);
  put(std::string(1, '\0'), "zero");
  EXPECT_EQ(get(all), all);
  EXPECT_EQ(get(std::string(1, '\0')), "zero");
  EXPECT_EQ(get(std::string(2, '\0')), "absent");
}

TEST_P(EngineContract, AValueThatIsNotFoundLeavesTheObjectAlone) {
  Value value;
  value.assign("before");
  EXPECT_FALSE(store_->get(Family::users, "k", value).value());
  EXPECT_EQ(value.view(), "before");
}

TEST_P(EngineContract, AValueOutlivesItsReaderAndLaterWrites) {
  const std::string large(100'000, 'x');
  put("k", large);
  Value value;
  {
    const auto snapshot = store_->snapshot();
    ASSERT_TRUE(snapshot->get(Family::users, "k", value).value());
  }
  put("k", "other");
  ASSERT_TRUE(store_->compact());
  EXPECT_EQ(value.view(), large);
  ASSERT_TRUE(store_->get(Family::users, "k", value).value());
  EXPECT_EQ(value.view(), "other") << "one object serves again";
}

TEST_P(EngineContract, KeysComeInByteOrderWithinTheBounds) {
  for (const char* key : {"b", "a", "aa", "\x80", "\xff\xff", "c", "B"}) put(key, key);
  put("bb", "elsewhere", Family::messages);
  EXPECT_EQ(keys(*store_, {"B", "\xff\xff\xff"}), "B a aa b c \x80 \xff\xff ");
  EXPECT_EQ(keys(*store_, {"a", "c"}), "a aa b ") << "the upper bound is out";
  EXPECT_EQ(keys(*store_, {"a", "c", true}), "b aa a ");
  EXPECT_EQ(keys(*store_, {"aaa", "\x81"}), "b c \x80 ");
  EXPECT_EQ(keys(*store_, {"aaa", "\x81", true}), "\x80 c b ");
  EXPECT_EQ(keys(*store_, {"d", "e"}), "");
  EXPECT_EQ(keys(*store_, {"d", "e", true}), "");
  EXPECT_EQ(keys(*store_, {"c", "a"}), "") << "bounds the wrong way round hold nothing";
  EXPECT_EQ(keys(*store_, {"c", "a", true}), "");
  EXPECT_EQ(keys(*store_, {"a", "a"}), "");
  EXPECT_EQ(keys(*store_, {"a", "c", false, false}), "a aa b ");
  EXPECT_EQ(rows(*store_, {"a", "aa"}), (Rows{{"a", "a"}}));
}

TEST_P(EngineContract, BoundsNeedNotOutliveTheCallThatMadeTheScan) {
  put("a", "1");
  put("b", "2");
  std::unique_ptr<Cursor> cursor;
  {
    std::string lower = "a";
    std::string upper = "c";
    cursor = store_->scan(Family::users, {lower, upper});
    lower = upper = "z";
  }
  EXPECT_EQ(rows(*cursor), (Rows{{"a", "1"}, {"b", "2"}}));
}

TEST_P(EngineContract, SeekMovesOnInScanOrderOnly) {
  for (const char* key : {"a", "c", "e", "g"}) put(key, "");
  auto forward = store_->scan(Family::users, {"a", "g"});
  forward->seek("b");
  EXPECT_EQ(forward->key(), "c");
  forward->seek("c");
  EXPECT_EQ(forward->key(), "c");
  forward->seek("a");
  EXPECT_EQ(forward->key(), "c") << "what was passed is passed";
  forward->seek("f");
  EXPECT_FALSE(forward->valid()) << "g is out of the bounds";
  EXPECT_TRUE(forward->status());

  auto reverse = store_->scan(Family::users, {"a", "g", true});
  EXPECT_EQ(reverse->key(), "e");
  reverse->seek("d");
  EXPECT_EQ(reverse->key(), "c");
  reverse->seek("f");
  EXPECT_EQ(reverse->key(), "c");
  reverse->seek("a");
  EXPECT_EQ(reverse->key(), "a");
  reverse->seek("A");
  EXPECT_FALSE(reverse->valid());
  EXPECT_TRUE(reverse->status());
}

TEST_P(EngineContract, MultiGetNamesEveryKeyThatIsThere) {
  put("a", "1");
  put("b", "");
  put("d", std::string(10'000, 'd'));
  const std::vector<std::string> asked{"d", "c", "b", "a", "a"};
  std::map<std::size_t, std::string> found;
  ASSERT_TRUE(store_->multi_get(Family::users, asked, [&](std::size_t i, std::string_view value) {
    EXPECT_TRUE(found.emplace(i, value).second) << "once for each";
  }));
  EXPECT_EQ(found, (std::map<std::size_t, std::string>{
                       {0, std::string(10'000, 'd')}, {2, ""}, {3, "1"}, {4, "1"}}));
  ASSERT_TRUE(store_->multi_get(Family::users, {}, [](std::size_t, std::string_view) { FAIL(); }));
}

TEST_P(EngineContract, ABatchAppliesAsOneInItsOrder) {
  put("gone", "1");
  Batch batch;
  batch.put(Family::users, "k", "first");
  batch.put(Family::messages, "m", "message");
  batch.erase(Family::users, "gone");
  batch.put(Family::users, "k", "second");
  batch.put(Family::users, "brief", "1");
  batch.erase(Family::users, "brief");
  const Version before = store_->version();
  const auto version = store_->apply(batch, Durability::synced);
  ASSERT_TRUE(version);
  EXPECT_GT(*version, before);
  EXPECT_GE(store_->version(), *version);
  EXPECT_EQ(get("k"), "second");
  EXPECT_EQ(get("m", Family::messages), "message");
  EXPECT_EQ(get("gone"), "absent");
  EXPECT_EQ(get("brief"), "absent");
}

TEST_P(EngineContract, ASnapshotStaysAsItWas) {
  put("a", "1");
  put("b", "1");
  const auto snapshot = store_->snapshot();
  const Version version = snapshot->version();
  put("a", "2");
  erase("b");
  put("c", "2");
  ASSERT_TRUE(store_->erase_range(Family::users, "a", "b"));
  ASSERT_TRUE(store_->compact());
  EXPECT_EQ(rows(*snapshot, {"a", "z"}), (Rows{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(rows(*snapshot, {"a", "z", true}), (Rows{{"b", "1"}, {"a", "1"}}));
  EXPECT_EQ(get(*snapshot, "a"), "1");
  EXPECT_EQ(get(*snapshot, "c"), "absent");
  EXPECT_EQ(snapshot->version(), version);
  std::size_t found = 0;
  const std::vector<std::string> asked{"a", "b", "c"};
  ASSERT_TRUE(snapshot->multi_get(Family::users, asked, [&](std::size_t i, std::string_view value) {
    EXPECT_LT(i, 2u);
    EXPECT_EQ(value, "1");
    ++found;
  }));
  EXPECT_EQ(found, 2u);
  EXPECT_EQ(rows(*store_, {"a", "z"}), (Rows{{"c", "2"}}));
}

TEST_P(EngineContract, AScanShowsTheStateOfItsBeginning) {
  put("a", "1");
  put("c", "1");
  const auto cursor = store_->scan(Family::users, {"a", "z"});
  put("b", "2");
  put("c", "2");
  EXPECT_EQ(rows(*cursor), (Rows{{"a", "1"}, {"c", "1"}}));
}

TEST_P(EngineContract, EraseRangeTakesTheRangeAndNothingElse) {
  for (const char* key : {"a", "b", "bb", "c"}) put(key, "1");
  put("b", "kept", Family::messages);
  ASSERT_TRUE(store_->erase_range(Family::users, "b", "c"));
  ASSERT_TRUE(store_->erase_range(Family::users, "b", "c"));
  EXPECT_EQ(keys(*store_, {"a", "z"}), "a c ");
  EXPECT_EQ(get("b", Family::messages), "kept");
  put("b", "new");
  EXPECT_EQ(get("b"), "new");
  EXPECT_EQ(get("bb"), "absent");
}

TEST_P(EngineContract, ATransactionReadsItsOwnWrites) {
  for (const char* key : {"a", "b", "c"}) put(key, "old");
  ASSERT_TRUE(run([](Transaction& tx) -> Result<void> {
    tx.put(Family::users, "b", "own").value();
    tx.erase(Family::users, "c").value();
    tx.put(Family::users, "d", "own").value();
    tx.put(Family::messages, "aa", "elsewhere").value();
    EXPECT_EQ(get(tx, "a"), "old");
    EXPECT_EQ(get(tx, "b"), "own");
    EXPECT_EQ(get(tx, "c"), "absent");
    EXPECT_EQ(rows(tx, {"a", "z"}), (Rows{{"a", "old"}, {"b", "own"}, {"d", "own"}}));
    EXPECT_EQ(rows(tx, {"a", "z", true}), (Rows{{"d", "own"}, {"b", "own"}, {"a", "old"}}));
    EXPECT_EQ(keys(tx, {"b", "d"}), "b ");
    auto cursor = tx.scan(Family::users, {"a", "z"});
    cursor->seek("c");
    EXPECT_EQ(cursor->key(), "d");
    Value value;
    EXPECT_TRUE(tx.get_for_update(Family::users, "d", value).value());
    EXPECT_EQ(value.view(), "own");
    return {};
  }));
  EXPECT_EQ(keys(*store_, {"a", "z"}), "a b d ");
}

TEST_P(EngineContract, ALoopMayEraseWhatItWalksOver) {
  for (const char* key : {"a", "b", "c", "d"}) put(key, "");
  ASSERT_TRUE(run([](Transaction& tx) -> Result<void> {
    tx.put(Family::users, "bb", "").value();
    int walked = 0;
    for (auto cursor = tx.scan(Family::users, {"a", "d"}); cursor->valid(); cursor->next()) {
      tx.erase(Family::users, cursor->key()).value();
      tx.put(Family::users, std::string("c") + std::string(cursor->key()), "").value();
      ++walked;
    }
    EXPECT_EQ(walked, 4);
    return {};
  }));
  EXPECT_EQ(keys(*store_, {"a", "z"}), "ca cb cbb cc d ");
}

TEST_P(EngineContract, SavepointsUndoWhatWasWrittenSince) {
  put("a", "old");
  ASSERT_TRUE(run([](Transaction& tx) -> Result<void> {
    tx.put(Family::users, "a", "1").value();
    tx.add({"group", 1, 1}).value();
    const std::size_t bytes = tx.size_bytes();
    const std::size_t outer = tx.savepoint();
    tx.put(Family::users, "a", "2").value();
    tx.put(Family::users, "b", "2").value();
    const std::size_t inner = tx.savepoint();
    tx.erase(Family::users, "a").value();
    tx.add({"group", 1, 10}).value();
    tx.rollback_to(inner);
    EXPECT_EQ(get(tx, "a"), "2");
    EXPECT_EQ(tx.key_count(), 2u);
    tx.rollback_to(outer);
    EXPECT_EQ(get(tx, "a"), "1");
    EXPECT_EQ(get(tx, "b"), "absent");
    EXPECT_EQ(tx.key_count(), 1u);
    EXPECT_EQ(tx.size_bytes(), bytes);
    EXPECT_TRUE(tx.has_writes());
    tx.put(Family::users, "c", "after").value();
    return {};
  }));
  EXPECT_EQ(rows(*store_, {"a", "z"}), (Rows{{"a", "1"}, {"c", "after"}}));
  EXPECT_EQ(counter(*store_, "group", 1), 1);
}

TEST_P(EngineContract, RollingEverythingBackLeavesNothingToCommit) {
  const Version before = store_->version();
  const auto version = run([](Transaction& tx) -> Result<void> {
    EXPECT_FALSE(tx.has_writes());
    tx.put(Family::users, "a", "1").value();
    EXPECT_TRUE(tx.has_writes());
    tx.rollback_to(0);
    EXPECT_FALSE(tx.has_writes());
    return {};
  });
  EXPECT_EQ(version.value(), before);
  EXPECT_EQ(get("a"), "absent");
}

TEST_P(EngineContract, AnErrorOfTheFunctionWritesNothing) {
  const auto failed = run([](Transaction& tx) -> Result<void> {
    tx.put(Family::users, "a", "1").value();
    tx.add({"group", 1, 1}).value();
    return Error{Code::already_exists, "the function's own"};
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::already_exists);
  EXPECT_EQ(get("a"), "absent");
  EXPECT_EQ(counter(*store_, "group", 1), 0);
}

void expect_too_large(const Result<void>& result, std::string_view field) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::too_large);
  EXPECT_EQ(result.error().field(), field);
}

TEST_P(EngineContract, LimitsAreKnownBeforeTheCommitAndAddNothing) {
  const std::string long_key(kMaxKeyBytes + 1, 'k');
  const std::string large(kMaxValueBytes + 1, 'v');
  ASSERT_TRUE(run([&](Transaction& tx) -> Result<void> {
    expect_too_large(tx.put(Family::users, long_key, ""), "key");
    expect_too_large(tx.erase(Family::users, long_key), "key");
    expect_too_large(tx.put(Family::users, "k", large), "value");
    EXPECT_EQ(tx.key_count(), 0u);
    EXPECT_FALSE(tx.has_writes());
    tx.put(Family::users, "k", std::string_view(large).substr(1)).value();
    expect_too_large(tx.put(Family::users, "l", std::string_view(large).substr(1)), "transaction");
    EXPECT_EQ(get(tx, "l"), "absent");
    const auto empty = tx.put(Family::users, "", "v");
    EXPECT_EQ(empty.error().code(), Code::invalid_argument);
    tx.put(Family::users, std::string_view(long_key).substr(1), "longest").value();
    return {};
  }));
  EXPECT_TRUE(get("k") == std::string_view(large).substr(1));
  EXPECT_EQ(get(std::string_view(long_key).substr(1)), "longest");

  Batch batch;
  batch.put(Family::users, "in the same batch", "");
  batch.put(Family::users, "m", large);
  const auto refused = store_->apply(batch, Durability::buffered);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::too_large);
  EXPECT_EQ(get("in the same batch"), "absent");
}

TEST_P(EngineContract, ATransactionHasTenThousandKeysAtMost) {
  ASSERT_TRUE(run([&](Transaction& tx) -> Result<void> {
    for (std::size_t i = 0; i < kMaxTransactionKeys; ++i) {
      tx.put(Family::users, "k" + std::to_string(i), "v").value();
    }
    expect_too_large(tx.put(Family::users, "more", "v"), "transaction");
    tx.put(Family::users, "k0", "again").value();
    EXPECT_EQ(tx.key_count(), kMaxTransactionKeys);
    return {};
  }));
  EXPECT_EQ(rows(*store_, {"k", "l"}).size(), kMaxTransactionKeys);
  EXPECT_EQ(get("k0"), "again");
}

TEST_P(EngineContract, AgreesWithAMapOverARandomHistory) {
  std::mt19937_64 random(testing::test_seed());
  const auto below = [&](std::uint64_t end) { return random() % end; };
  const auto random_key = [&] {
    std::string key(1 + below(3), 'a');
    for (char& c : key) c = "ab\xff"[below(3)];
    return key;
  };
  std::map<std::string, std::string> model;
  std::vector<std::pair<std::unique_ptr<Snapshot>, Rows>> snapshots;
  for (int step = 0; step < 400; ++step) {
    auto changed = model;
    const bool fails = below(8) == 0;
    const auto version = run([&](Transaction& tx) -> Result<void> {
      for (std::uint64_t i = below(5); i > 0; --i) {
        const std::string key = random_key();
        if (below(3) == 0) {
          tx.erase(Family::indexes, key).value();
          changed.erase(key);
        } else {
          changed[key] = std::to_string(step);
          tx.put(Family::indexes, key, changed[key]).value();
        }
      }
      EXPECT_EQ(rows(tx, {"a", "\xff\xff\xff\xff"}, Family::indexes),
                Rows(changed.begin(), changed.end()));
      if (fails) return Error{Code::busy, "on purpose"};
      return {};
    });
    EXPECT_EQ(version.has_value(), !fails);
    if (!fails) model = changed;

    std::string lower = random_key();
    std::string upper = random_key();
    Rows expected(model.lower_bound(lower), model.lower_bound(std::max(lower, upper)));
    const bool reverse = below(2) == 0;
    if (reverse) std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(rows(*store_, {lower, upper, reverse}, Family::indexes), expected) << "step " << step;
    if (below(40) == 0)
      snapshots.emplace_back(store_->snapshot(), Rows(model.begin(), model.end()));
    if (below(100) == 0) {
      ASSERT_TRUE(store_->compact());
    }
  }
  for (const auto& [snapshot, expected] : snapshots) {
    EXPECT_EQ(rows(*snapshot, {"a", "\xff\xff\xff\xff"}, Family::indexes), expected);
  }
}

TEST_P(EngineContract, UpkeepChangesNothingThatIsRead) {
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i), std::string(1000, 'v'));
  const Rows before = rows(*store_, {"k", "l"});
  EXPECT_TRUE(store_->sync());
  EXPECT_TRUE(store_->compact());
  EXPECT_TRUE(store_->verify_checksums());
  EXPECT_EQ(rows(*store_, {"k", "l"}), before);
  EXPECT_TRUE(store_->sole_writer());
  EXPECT_TRUE(store_->health().writable);
  EXPECT_FALSE(store_->health().failure);
  EXPECT_GE(store_->stats().commits, 100u);
  EXPECT_GT(store_->approximate_bytes(Family::users, "k", "l"), 0u);
  const auto refreshed = store_->refresh();
  ASSERT_FALSE(refreshed);
  EXPECT_EQ(refreshed.error().code(), Code::unsupported);
}

TEST_P(EngineContract, AClosedStoreSaysSo) {
  put("k", "v");
  ASSERT_TRUE(store_->close());
  ASSERT_TRUE(store_->close()) << "closing is idempotent";
  Batch batch;
  batch.put(Family::users, "k", "w");
  const auto applied = store_->apply(batch, Durability::buffered);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code(), Code::closed);
  const auto ran = run([](Transaction& tx) { return tx.put(Family::users, "k", "w"); });
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code(), Code::closed);
  Value value;
  const auto got = store_->get(Family::users, "k", value);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::closed);
  const auto cursor = store_->scan(Family::users, {"a", "z"});
  EXPECT_FALSE(cursor->valid());
  ASSERT_FALSE(cursor->status());
  EXPECT_EQ(cursor->status().error().code(), Code::closed);
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineContract, ::testing::ValuesIn(testing::engine_factories()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace callisto::kv
