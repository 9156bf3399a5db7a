// The skip list below RocksDB's memtables, against a sorted set.

#include "engine/rocksdb/skip_list.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "tests/engine/tested_list.h"

namespace callisto::kv {
namespace {

std::optional<ModelKey> key_at(Node* node) {
  if (node == nullptr) return std::nullopt;
  return ModelKey{std::string(node->key().bytes), node->key().tag};
}

/// Keys of several tables, in runs and alone, with versions of one key, and long ones.
ModelKey draw_key(std::mt19937& random, std::uint64_t tag) {
  std::string key = {0, 0, 0, 1, 1, static_cast<char>(random() % 40)};
  const std::size_t more = random() % 16 == 0 ? 300 : random() % 4;
  for (std::size_t i = 0; i < more; ++i) key += static_cast<char>(random() % 3 * 127);
  return {key.substr(0, random() % 8 == 0 ? random() % 6 : key.size()), tag};
}

std::optional<ModelKey> at_or_after(const std::set<ModelKey>& model, const ModelKey& key) {
  const auto found = model.lower_bound(key);
  return found == model.end() ? std::nullopt : std::optional(*found);
}

std::optional<ModelKey> before(const std::set<ModelKey>& model, const ModelKey& key) {
  const auto found = model.lower_bound(key);
  return found == model.begin() ? std::nullopt : std::optional(*std::prev(found));
}

TEST(SkipList, IsEmptyAtFirst) {
  const TestedList tested;
  const std::string key = internal_key({"key", 1});
  EXPECT_EQ(tested.list().first(), nullptr);
  EXPECT_EQ(tested.list().last(), nullptr);
  EXPECT_EQ(tested.list().at_or_after(OrderedKey::of(key.data(), key.size())), nullptr);
  EXPECT_EQ(tested.list().before(OrderedKey::of(key.data(), key.size())), nullptr);
}

TEST(SkipList, HasWhatASortedSetHas) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    TestedList tested;
    std::set<ModelKey> model;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      const ModelKey key = draw_key(random, random() % 10 == 0 ? 7 : i << 8 | 1);
      EXPECT_EQ(tested.insert(key), model.insert(key).second);
      const ModelKey asked = draw_key(random, random() % 2 == 0 ? 7 : random() % (i + 1) << 8);
      const std::string internal = internal_key(asked);
      const OrderedKey ordered = OrderedKey::of(internal.data(), internal.size());
      ASSERT_EQ(key_at(tested.list().at_or_after(ordered)), at_or_after(model, asked));
      ASSERT_EQ(key_at(tested.list().before(ordered)), before(model, asked));
      ASSERT_EQ(key_at(tested.list().last()), *model.rbegin());
    }
    Node* node = tested.list().first();
    for (const ModelKey& key : model) {
      ASSERT_EQ(key_at(node), key);
      node = node->next(0);
    }
    EXPECT_EQ(node, nullptr);
  }
}

TEST(SkipList, EstimatesHowManyLieBefore) {
  TestedList tested;
  for (int i = 0; i < 10000; ++i) tested.insert({std::to_string(10000 + i), 1});
  const std::string middle = internal_key({"15000", 1});
  const auto estimate = tested.list().estimate_before(OrderedKey::of(middle.data(), middle.size()));
  EXPECT_GT(estimate, 1000u);
  EXPECT_LT(estimate, 25000u);
}

TEST(SkipList, IsInOrderForReadersWhileItGrows) {
  TestedList tested;
  std::atomic<bool> is_done{false};
  std::atomic<std::size_t> inserted{0};
  const auto read = [&] {
    while (!is_done.load()) {
      const std::size_t at_least = inserted.load();
      std::size_t count = 0;
      std::optional<ModelKey> last;
      for (Node* node = tested.list().first(); node != nullptr; node = node->next(0), ++count) {
        auto key = key_at(node);
        ASSERT_TRUE(!last || *last < *key);
        last = std::move(key);
      }
      ASSERT_GE(count, at_least);
      if (!last) continue;
      const std::string internal = internal_key(*last);
      const OrderedKey ordered = OrderedKey::of(internal.data(), internal.size());
      ASSERT_EQ(key_at(tested.list().at_or_after(ordered)), last);
    }
  };
  std::thread one(read);
  std::thread other(read);
  std::mt19937 random(1);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    if (tested.insert(draw_key(random, i << 8))) inserted.fetch_add(1);
  }
  is_done = true;
  one.join();
  other.join();
}

}  // namespace
}  // namespace callisto::kv
