#include "engine/write_set.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

using Key = std::pair<Family, std::string>;
using Model = std::map<Key, std::optional<std::string>>;

Model contents(const WriteSet& set) {
  Model model;
  for (std::size_t i = 0; i < set.key_count(); ++i) {
    const WriteSet::Operation& operation = set.at(i);
    std::optional<std::string> value;
    if (operation.kind == WriteSet::Kind::put) value = std::string(operation.value);
    model[{operation.family, std::string(operation.key)}] = value;
  }
  return model;
}

std::map<std::pair<std::string, std::uint16_t>, std::int64_t> sums(const WriteSet& set) {
  std::map<std::pair<std::string, std::uint16_t>, std::int64_t> sums;
  for (const auto* add = set.last_add(); add != nullptr; add = set.previous_add(*add)) {
    sums[{std::string(add->key), add->counter}] += add->delta;
  }
  return sums;
}

TEST(WriteSet, TheLastWriteOnAKeyWinsAndKeysComeInOrder) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::messages, "b", "1"));
  ASSERT_TRUE(set.put(Family::users, "z", "2"));
  ASSERT_TRUE(set.put(Family::messages, "a", "3"));
  ASSERT_TRUE(set.put(Family::messages, "b", "4"));
  ASSERT_TRUE(set.erase(Family::users, "z"));
  ASSERT_TRUE(set.put(Family::messages, "a\xff", ""));

  ASSERT_EQ(set.key_count(), 4u);
  EXPECT_EQ(set.at(0).key, "z");
  EXPECT_EQ(set.at(0).kind, WriteSet::Kind::erase);
  EXPECT_EQ(set.at(1).key, "a");
  EXPECT_EQ(set.at(2).key, "a\xff");
  EXPECT_EQ(set.at(3).key, "b");
  EXPECT_EQ(set.at(3).value, "4");
  EXPECT_EQ(set.at(3).hash, hash_key(Family::messages, "b"));
  // Overwritten bytes count: 2 + 2 + 2 + 2 + 1 + 2.
  EXPECT_EQ(set.size_bytes(), 11u);
}

TEST(WriteSet, FindsOwnWritesByFamilyAndKey) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "k", "v"));
  ASSERT_TRUE(set.erase(Family::users, "gone"));
  ASSERT_NE(set.find(Family::users, "k"), nullptr);
  EXPECT_EQ(set.find(Family::users, "k")->value, "v");
  EXPECT_EQ(set.find(Family::users, "gone")->kind, WriteSet::Kind::erase);
  EXPECT_EQ(set.find(Family::user_data, "k"), nullptr);
  EXPECT_EQ(set.find(Family::users, "j"), nullptr);
  EXPECT_EQ(set.find(Family::users, "ka"), nullptr);
}

TEST(WriteSet, HashTellsFamiliesApart) {
  EXPECT_NE(hash_key(Family::users, "k"), hash_key(Family::messages, "k"));
  EXPECT_NE(hash_key(Family::users, "k"), hash_key(Family::users, "l"));
}

TEST(WriteSet, RollbackRestoresWhatWasOverwrittenAndKeepsTouches) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "a", "old"));
  ASSERT_TRUE(set.add({"group", 1, 5}));
  const std::size_t bytes = set.size_bytes();
  const std::size_t savepoint = set.savepoint();
  ASSERT_TRUE(set.put(Family::users, "a", "new"));
  ASSERT_TRUE(set.erase(Family::users, "a"));
  ASSERT_TRUE(set.put(Family::users, "b", "b"));
  ASSERT_TRUE(set.add({"group", 1, 7}));
  ASSERT_TRUE(set.add({"other", 2, 7}));
  set.touch(Family::users, "t");

  set.rollback_to(savepoint);
  EXPECT_EQ(contents(set), (Model{{{Family::users, "a"}, "old"}}));
  EXPECT_EQ(sums(set),
            (std::map<std::pair<std::string, std::uint16_t>, std::int64_t>{{{"group", 1}, 5}}));
  EXPECT_EQ(set.size_bytes(), bytes);
  EXPECT_EQ(set.touches().size(), 1u);

  set.rollback_to(0);
  EXPECT_EQ(set.key_count(), 0u);
  EXPECT_EQ(set.size_bytes(), 0u);
  EXPECT_FALSE(set.empty()) << "a touch is something to commit";
  set.clear();
  EXPECT_TRUE(set.empty());
}

TEST(WriteSet, SumsOfOneCounterAddUpAndZeroIsNoWrite) {
  WriteSet set;
  ASSERT_TRUE(set.add({"group", 1, 0}));
  EXPECT_TRUE(set.empty());
  ASSERT_TRUE(set.add({"group", 1, 5}));
  ASSERT_TRUE(set.add({"other", 1, 1}));
  ASSERT_TRUE(set.add({"group", 1, -7}));
  ASSERT_TRUE(set.add({"group", 2, 9}));
  EXPECT_EQ(sums(set), (std::map<std::pair<std::string, std::uint16_t>, std::int64_t>{
                           {{"group", 1}, -2}, {{"group", 2}, 9}, {{"other", 1}, 1}}));
  EXPECT_EQ(set.key_count(), 0u);
  EXPECT_EQ(set.size_bytes(), 3 * WriteSet::kAddBytes);
}

TEST(WriteSet, AddsBehindASavepointCanBeTakenBackAlone) {
  WriteSet set;
  using Sums = std::map<std::pair<std::string, std::uint16_t>, std::int64_t>;
  ASSERT_TRUE(set.add({"group", 1, 5}));
  const std::size_t savepoint = set.savepoint();
  ASSERT_TRUE(set.add({"group", 1, 7}));
  ASSERT_TRUE(set.add({"group", 1, 7}));
  EXPECT_EQ(sums(set), (Sums{{{"group", 1}, 19}}));
  EXPECT_EQ(set.size_bytes(), 2 * WriteSet::kAddBytes);
  set.rollback_to(savepoint);
  EXPECT_EQ(sums(set), (Sums{{{"group", 1}, 5}}));
  ASSERT_TRUE(set.add({"group", 1, 1}));
  set.rollback_to(savepoint);
  EXPECT_EQ(sums(set), (Sums{{{"group", 1}, 5}}));
}

TEST(WriteSet, ViewsHoldWhileMoreIsWritten) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "first", "value"));
  const std::string_view key = set.at(0).key;
  const std::string_view value = set.at(0).value;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(set.put(Family::users, "k" + std::to_string(i), std::string(300, 'x')));
  }
  // An own key and value may be written again.
  ASSERT_TRUE(set.put(Family::messages, key, value));
  EXPECT_EQ(key, "first");
  EXPECT_EQ(value, "value");
  EXPECT_EQ(set.find(Family::messages, "first")->value, "value");
}

TEST(WriteSet, RollbackAndClearGiveMemoryBack) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "first", "value"));
  ASSERT_TRUE(set.put(Family::users, "k", "value"));
  const void* address = set.find(Family::users, "k")->value.data();
  set.rollback_to(1);
  ASSERT_TRUE(set.put(Family::users, "l", "other"));
  EXPECT_EQ(set.find(Family::users, "l")->value.data(), address);
  const void* first = set.find(Family::users, "first")->key.data();
  set.clear();
  ASSERT_TRUE(set.put(Family::users, "again", "value"));
  EXPECT_EQ(set.find(Family::users, "again")->key.data(), first);
}

TEST(WriteSet, BeginsAnewAfterClear) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "k", "v"));
  ASSERT_TRUE(set.add({"group", 1, 5}));
  set.clear();
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.last_add(), nullptr);
  EXPECT_EQ(set.size_bytes(), 0u);
  ASSERT_TRUE(set.add({"group", 1, 2}));
  EXPECT_EQ(sums(set).size(), 1u);
  EXPECT_EQ(set.last_add()->delta, 2);
}

TEST(WriteSet, MovesWithItsViews) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "k", "v"));
  WriteSet moved = std::move(set);
  EXPECT_EQ(moved.find(Family::users, "k")->value, "v");
}

void expect_too_large(const Result<void>& result, std::string_view field, std::string_view limit) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::too_large);
  EXPECT_EQ(result.error().field(), field);
  EXPECT_EQ(result.error().limit(), limit);
}

TEST(WriteSet, RefusesKeysAndValuesAboveTheirLimits) {
  WriteSet set;
  const std::string longest_key(kMaxKeyBytes, 'k');
  const std::string longest_value(kMaxValueBytes, 'v');
  EXPECT_TRUE(set.put(Family::users, longest_key, longest_value));
  expect_too_large(set.put(Family::users, longest_key + "k", ""), "key", "at most 1024 bytes");
  expect_too_large(set.erase(Family::users, longest_key + "k"), "key", "at most 1024 bytes");
  expect_too_large(set.add({longest_key + "k", 1, 1}), "key", "at most 1024 bytes");
  expect_too_large(set.put(Family::users, "k", longest_value + "v"), "value",
                   "at most 5242880 bytes");
  EXPECT_EQ(set.key_count(), 1u);

  const auto empty = set.put(Family::users, "", "v");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code(), Code::invalid_argument);
  EXPECT_EQ(empty.error().field(), "key");
}

TEST(WriteSet, RefusesATransactionAboveItsLimitsAndStaysAsItWas) {
  WriteSet set;
  const std::string half(4u << 20, 'v');
  ASSERT_TRUE(set.put(Family::users, "a", half));
  ASSERT_TRUE(set.put(Family::users, "b", std::string_view(half).substr(2)));
  EXPECT_EQ(set.size_bytes(), kMaxTransactionBytes);
  expect_too_large(set.erase(Family::users, "c"), "transaction", "at most 8388608 bytes");
  expect_too_large(set.add({"c", 1, 1}), "transaction", "at most 8388608 bytes");
  EXPECT_EQ(set.key_count(), 2u);
  EXPECT_EQ(set.find(Family::users, "c"), nullptr);
  set.rollback_to(1);
  EXPECT_TRUE(set.erase(Family::users, "c"));
}

TEST(WriteSet, RefusesMoreKeysThanATransactionMayHave) {
  WriteSet set;
  for (std::size_t i = 0; i < kMaxTransactionKeys; ++i) {
    ASSERT_TRUE(set.put(Family::users, std::to_string(i), "v"));
  }
  expect_too_large(set.put(Family::users, "more", "v"), "transaction", "at most 10000 keys");
  EXPECT_TRUE(set.put(Family::users, "7", "a known key may still be written"));
  EXPECT_EQ(set.key_count(), kMaxTransactionKeys);
}

TEST(WriteSet, TakesOverABatch) {
  Batch batch;
  batch.put(Family::users, "a", "1");
  batch.erase(Family::users, "b");
  batch.put(Family::users, "a", "2");
  WriteSet set;
  ASSERT_TRUE(set.append(batch));
  EXPECT_EQ(contents(set),
            (Model{{{Family::users, "a"}, "2"}, {{Family::users, "b"}, std::nullopt}}));
  batch.put(Family::users, std::string(kMaxKeyBytes + 1, 'k'), "");
  WriteSet other;
  expect_too_large(other.append(batch), "key", "at most 1024 bytes");
}

TEST(WriteSet, AgreesWithAMapUnderRandomWritesAndRollbacks) {
  std::mt19937_64 random(testing::test_seed());
  const auto below = [&](std::uint64_t end) { return random() % end; };
  for (int round = 0; round < 200; ++round) {
    WriteSet set;
    Model model;
    std::vector<std::pair<std::size_t, Model>> savepoints;
    for (int step = 0; step < 60; ++step) {
      const auto family = static_cast<Family>(below(3));
      const std::string key(1 + below(3), static_cast<char>('a' + below(3)));
      switch (below(6)) {
        case 0: {
          ASSERT_TRUE(set.erase(family, key));
          model[{family, key}] = std::nullopt;
          break;
        }
        case 1:
          savepoints.emplace_back(set.savepoint(), model);
          break;
        case 2: {
          if (savepoints.empty()) break;
          savepoints.resize(1 + below(savepoints.size()));
          set.rollback_to(savepoints.back().first);
          model = savepoints.back().second;
          break;
        }
        case 3:
          ASSERT_TRUE(set.add({key, 1, 1}));
          break;
        default: {
          const std::string value(below(2000), static_cast<char>(below(256)));
          ASSERT_TRUE(set.put(family, key, value));
          model[{family, key}] = value;
        }
      }
      ASSERT_EQ(contents(set), model) << "round " << round << " step " << step;
    }
  }
}

}  // namespace
}  // namespace callisto::kv
