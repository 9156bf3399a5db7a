// What is copied from memtables, against maps of what they hold.

#include "engine/rocksdb/memtable_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/engine/tested_list.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

constexpr std::uint64_t kDeletion = 0;
constexpr std::uint64_t kValue = 1;
constexpr std::uint64_t kMerge = 2;

/// Some memtables, of which later ones hold later entries.
class MemtableRowsTest : public ::testing::Test {
 protected:
  void put(const std::string& key, const std::string& value, std::uint64_t kind = kValue) {
    const ModelKey model{key, ++sequence_ << 8 | kind};
    ASSERT_TRUE(lists_.back()->insert(model, value));
    models_.back()[model] = value;
  }
  void add_memtable() {
    lists_.push_back(std::make_unique<TestedList>());
    models_.emplace_back();
  }
  std::vector<const SkipList*> memtables() const {
    std::vector<const SkipList*> memtables;
    for (const auto& list : lists_) memtables.push_back(&list->list());
    return memtables;
  }
  static std::string words(std::string_view key, std::uint64_t tag, std::string_view value) {
    return std::string(key) + '@' + std::to_string(tag >> 8) + '=' +
           (tag % 256 == kDeletion ? "gone" : std::string(value));
  }
  static std::vector<std::string> words(const MemtableRows& rows) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const TableEntry entry = rows.entry(i);
      const std::uint64_t kind = entry.is_deletion ? kDeletion : kValue;
      all.push_back(words(entry.key, entry.sequence << 8 | kind, entry.value));
    }
    return all;
  }
  /// Of each memtable the newest of each key that the sequence number shows.
  std::vector<std::string> expected(const std::string& lower, const std::string& upper,
                                    std::uint64_t max_sequence) const {
    std::map<ModelKey, std::string> newest;
    for (const auto& model : models_) {
      std::string last;
      for (const auto& [key, value] : model) {
        if (key.bytes < lower || key.bytes >= upper) continue;
        if (key.tag >> 8 > max_sequence || key.bytes == last) continue;
        last = key.bytes;
        newest[key] = value;
      }
    }
    std::vector<std::string> all;
    for (const auto& [key, value] : newest) all.push_back(words(key.bytes, key.tag, value));
    return all;
  }

  std::vector<std::unique_ptr<TestedList>> lists_;
  std::vector<std::map<ModelKey, std::string>> models_;
  std::uint64_t sequence_ = 0;
};

TEST_F(MemtableRowsTest, AreTheNewestThatAStateShows) {
  add_memtable();
  put("a", "1");
  put("b", "2");
  put("a", "3");
  add_memtable();
  put("a", "", kDeletion);
  put("c", std::string(1000, 'c'));
  const auto of_key = [&](const std::string& key, std::uint64_t max_sequence) {
    MemtableRows rows;
    EXPECT_TRUE(rows.take_key(memtables(), key, max_sequence, 7));
    if (!rows.empty()) {
      EXPECT_EQ(rows.asked(0), 7U);
    }
    return words(rows);
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(of_key("a", 0), Words{});
  EXPECT_EQ(of_key("a", 1), Words{"a@1=1"});
  EXPECT_EQ(of_key("a", 2), Words{"a@1=1"});
  EXPECT_EQ(of_key("a", 3), Words{"a@3=3"});
  EXPECT_EQ(of_key("a", 9), Words{"a@4=gone"});
  EXPECT_EQ(of_key("b", 9), Words{"b@2=2"});
  EXPECT_EQ(of_key("c", 9), Words{"c@5=" + std::string(1000, 'c')});
  EXPECT_EQ(of_key("ab", 9), Words{});
  EXPECT_EQ(of_key("", 9), Words{});
  MemtableRows rows;
  EXPECT_TRUE(rows.take_range(memtables(), "a", "c", 9));
  EXPECT_EQ(words(rows), (Words{"a@4=gone", "a@3=3", "b@2=2"}));
}

TEST_F(MemtableRowsTest, OtherKindsOfEntriesAreRocksDbs) {
  add_memtable();
  put("a", "1");
  put("b", "2", kMerge);
  MemtableRows rows;
  EXPECT_TRUE(rows.take_key(memtables(), "a", 9, 0));
  EXPECT_FALSE(rows.take_key(memtables(), "b", 9, 1));
  rows.clear();
  EXPECT_FALSE(rows.take_range(memtables(), "a", "c", 9));
  rows.clear();
  EXPECT_TRUE(rows.take_range(memtables(), "a", "b", 9));
  EXPECT_TRUE(rows.take_range(memtables(), "a", "c", 1)) << "not shown";
}

TEST_F(MemtableRowsTest, MuchIsRocksDbs) {
  add_memtable();
  for (int i = 0; i < 200; ++i) put("many" + std::to_string(1000 + i), "one");
  put("large", std::string(40'000, 'l'));
  for (int i = 0; i < 200; ++i) put("one", std::to_string(i));
  MemtableRows rows;
  EXPECT_FALSE(rows.take_range(memtables(), "many", "n", 1000));
  rows.clear();
  EXPECT_TRUE(rows.take_range(memtables(), "many", "many1090", 1000));
  EXPECT_EQ(rows.size(), 90U);
  rows.clear();
  EXPECT_FALSE(rows.take_key(memtables(), "large", 1000, 0));
  EXPECT_TRUE(rows.empty());
  EXPECT_FALSE(rows.take_range(memtables(), "one", "p", 1000)) << "200 versions of one key";
  rows.clear();
  EXPECT_TRUE(rows.take_key(memtables(), "one", 1000, 0));
  EXPECT_EQ(rows.entry(0).value, "199");
}

TEST_F(MemtableRowsTest, AnyAreWhatMapsHold) {
  std::mt19937_64 random(testing::test_seed());
  const auto draw_key = [&] {
    std::string key(random() % 3, static_cast<char>(random() % 2 * 255));
    return key += static_cast<char>('a' + random() % 8);
  };
  int told = 0;
  add_memtable();
  for (int i = 0; i < 2000; ++i) {
    if (random() % 60 == 0) add_memtable();
    if (lists_.size() > 3) {
      lists_.erase(lists_.begin());
      models_.erase(models_.begin());
    }
    put(draw_key(), std::to_string(i), random() % 4 == 0 ? kDeletion : kValue);
    const std::uint64_t shown = random() % 3 == 0 ? sequence_ : random() % (sequence_ + 1);
    std::string lower = draw_key();
    std::string upper = draw_key() + draw_key();
    if (lower > upper) std::swap(lower, upper);
    MemtableRows rows;
    const bool is_told = rows.take_range(memtables(), lower, upper, shown);
    told += is_told ? 1 : 0;
    if (is_told) {
      ASSERT_EQ(words(rows), expected(lower, upper, shown))
          << "CALLISTO_SEED=" << testing::test_seed();
    }
    rows.clear();
    const std::string key = draw_key();
    ASSERT_TRUE(rows.take_key(memtables(), key, shown, 0));
    const auto of_key = expected(key, key + '\0', shown);
    ASSERT_EQ(rows.size(), of_key.empty() ? 0U : 1U);
    if (!of_key.empty()) {
      ASSERT_EQ(words(rows).front(), of_key.front());
    }
  }
  EXPECT_GT(told, 1000);
}

}  // namespace
}  // namespace callisto::kv
