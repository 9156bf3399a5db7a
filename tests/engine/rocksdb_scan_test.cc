// Filters on key prefixes never hide a key: scans and reads of a store with data in memtables, in
// several table files and after erasing, against a std::map.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/rocksdb/options.h"
#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

using Model = std::map<std::string, std::string>;

class RocksScan : public RocksTest, public ::testing::WithParamInterface<Family> {
 protected:
  void SetUp() override { random_.seed(testing::test_seed()); }

  std::size_t below(std::size_t bound) { return random_() % bound; }
  /// Few prefixes of 22 bytes, some ending in 0xff, with keys below, at and beyond their length.
  std::string random_key() {
    static const std::vector<std::string> prefixes = {
        std::string(22, 'a'),           std::string(21, 'a') + 'b', std::string(21, 'a') + '\xff',
        std::string(20, 'a') + "b\x01", std::string(22, '\xff'),    std::string(22, '\x01')};
    std::string key = prefixes[below(prefixes.size())];
    if (below(6) == 0) key.resize(1 + below(22));
    for (std::size_t more = below(4); more > 0; --more)
      key.push_back(static_cast<char>(below(3) + 254));
    return key;
  }
  void change(Store& store, Model& model) {
    Batch batch;
    for (int i = 0; i < 20; ++i) {
      const std::string key = random_key();
      if (below(4) == 0) {
        batch.erase(family_, key);
        model.erase(key);
      } else {
        batch.put(family_, key, std::to_string(random_()));
        model[key] = batch.operations().back().value.value();
      }
    }
    ASSERT_TRUE(store.apply(batch, Durability::buffered));
    if (below(10) == 0) {
      const std::string lower = random_key();
      const std::string upper = lower + '\xff';
      ASSERT_TRUE(store.erase_range(family_, lower, upper));
      model.erase(model.lower_bound(lower), model.lower_bound(upper));
    }
  }
  void check_scan(Reader& reader, const Model& model) {
    std::string lower = random_key();
    std::string upper =
        below(2) == 0 ? random_key() : lower.substr(0, std::min<std::size_t>(22, lower.size()));
    if (below(3) == 0) upper.push_back('\xff');
    const bool reverse = below(3) == 0;
    std::vector<std::pair<std::string, std::string>> expected;
    if (lower < upper) expected.assign(model.lower_bound(lower), model.lower_bound(upper));
    if (reverse) std::reverse(expected.begin(), expected.end());
    std::vector<std::pair<std::string, std::string>> found;
    const auto cursor = reader.scan(family_, {.lower = lower, .upper = upper, .reverse = reverse});
    for (; cursor->valid(); cursor->next()) found.emplace_back(cursor->key(), cursor->value());
    ASSERT_TRUE(cursor->status());
    ASSERT_EQ(found, expected);
  }
  void check_seek(Reader& reader, const Model& model) {
    const std::string prefix = random_key().substr(0, 22);
    const std::string upper = prefix + std::string(5, '\xff');
    const std::string target = prefix + static_cast<char>(below(3) + 253);
    const auto cursor = reader.scan(family_, {.lower = prefix, .upper = upper});
    cursor->seek(target);
    ASSERT_TRUE(cursor->status());
    const auto expected = model.lower_bound(target);
    const bool there = expected != model.end() && expected->first < upper;
    ASSERT_EQ(cursor->valid(), there);
    if (there) {
      ASSERT_EQ(cursor->key(), expected->first);
    }
  }
  void check_gets(Reader& reader, const Model& model) {
    std::vector<std::string> keys;
    for (int i = 0; i < 150; ++i) keys.push_back(random_key());
    std::map<std::string, std::string> found;
    ASSERT_TRUE(reader.multi_get(family_, keys, [&](std::size_t i, std::string_view value) {
      found.emplace(keys[i], value);
    }));
    for (const std::string& key : keys) {
      const auto at = model.find(key);
      ASSERT_EQ(found.contains(key), at != model.end());
      ASSERT_EQ(get(reader, key, family_), at == model.end() ? "absent" : at->second);
    }
  }

  const Family family_ = GetParam();
  std::mt19937_64 random_;
};

/// Families whose filters do not hold whole keys, and one whose do.
INSTANTIATE_TEST_SUITE_P(Families, RocksScan,
                         ::testing::Values(Family::messages, Family::indexes, Family::users),
                         [](const auto& family) { return std::string(to_string(family.param)); });

using RocksFilters = RocksTest;

TEST_P(RocksScan, FiltersHideNothing) {
  auto store = open();
  Model model;
  for (int round = 0; round < 400; ++round) {
    change(*store, model);
    if (round % 40 == 13) {
      // A table file per closing: several lie over each other.
      ASSERT_TRUE(store->close());
      store = open();
    }
    if (round % 150 == 149) {
      ASSERT_TRUE(store->compact());
    }
    check_scan(*store, model);
    check_seek(*store, model);
    if (round % 20 == 0) {
      check_gets(*store, model);
      check_gets(*store->snapshot(), model);
    }
    ASSERT_FALSE(HasFatalFailure()) << "round " << round;
  }
}

// Entries that are looked up by S X id among those that are scanned.
TEST_F(RocksFilters, AnEntryThatIsNotThereIsKnownWithoutItsBlock) {
  constexpr int kEntries = 4000;
  const auto key = [](int number, const char* end) {
    std::string text = std::to_string(1'000'000 + number);
    text.resize(22, 'x');
    return text + end;
  };
  auto store = open();
  for (int i = 0; i < kEntries; ++i) {
    put(*store, key(2 * i, ""), "v", Family::indexes);
    put(*store, key(2 * i, "scanned, and not looked up"), "v", Family::indexes);
  }
  ASSERT_TRUE(store->compact());
  ASSERT_TRUE(store->close());
  store = open();
  const auto read = [&] {
    const EngineStats stats = store->stats();
    return stats.block_cache.misses + stats.disk.direct_reads;
  };
  const auto blocks_read = [&](const char* end) {
    const std::uint64_t before = read();
    for (int i = 0; i < kEntries; i += 10) {
      EXPECT_EQ(get(*store, key(2 * i + 1, end), Family::indexes), "absent");
    }
    return read() - before;
  };
  EXPECT_LT(blocks_read(""), 20U);
  EXPECT_GT(blocks_read("scanned"), 60U) << "the test counts nothing";
}

// Each prefix lies in a table file of its own, whose filter knows no other one.
TEST_F(RocksFilters, BackwardsRowsOfOtherPrefixesAreFound) {
  const auto key = [](char prefix, char end) { return std::string(22, prefix) + end; };
  auto store = open();
  for (const bool is_compacted : {false, true}) {
    for (const char prefix : {'b', 'd', 'f'}) {
      put(*store, key(prefix, '1'), "v", Family::messages);
      put(*store, key(prefix, '2'), "v", Family::messages);
      ASSERT_TRUE(store->close());
      store = open();
    }
    if (is_compacted) {
      ASSERT_TRUE(store->compact());
    }
    const auto backwards = [&](const std::string& lower, const std::string& upper,
                               const std::string& seek = {}) {
      std::string found;
      const auto cursor =
          store->scan(Family::messages, {.lower = lower, .upper = upper, .reverse = true});
      if (!seek.empty()) cursor->seek(seek);
      for (; cursor->valid(); cursor->next()) {
        found += std::string{cursor->key().front(), cursor->key().back(), ' '};
      }
      EXPECT_TRUE(cursor->status());
      return found;
    };
    // Upper bounds and targets of a prefix that is in no file, or in another one than what is
    // found.
    EXPECT_EQ(backwards(key('b', '1'), key('e', '1')), "d2 d1 b2 b1 ");
    EXPECT_EQ(backwards(key('b', '1'), key('d', '1')), "b2 b1 ");
    EXPECT_EQ(backwards(key('b', '1'), std::string(22, 'd')), "b2 b1 ");
    EXPECT_EQ(backwards(key('b', '1'), key('g', '1'), key('e', '1')), "d2 d1 b2 b1 ");
    EXPECT_EQ(backwards(key('b', '1'), key('g', '1'), key('c', '1')), "b2 b1 ");
    EXPECT_EQ(backwards(key('b', '1'), key('g', '1'), key('d', '0')), "b2 b1 ");
    // Within one prefix, from its end.
    EXPECT_EQ(backwards(std::string(22, 'd'), std::string(21, 'd') + 'e'), "d2 d1 ");
    EXPECT_EQ(backwards(key('d', '1'), key('d', '2')), "d1 ");
  }
}

TEST(RocksScanOptions, PrefixFiltersAreUsedWithinOnePrefixOnly) {
  const std::string prefix(22, 'p');
  const std::string next = std::string(21, 'p') + 'q';
  const auto uses_filters = [](Family family, const std::string& lower, const std::string& upper,
                               bool reverse = false) {
    const rocksdb::Slice low(lower);
    const rocksdb::Slice high(upper);
    return !scan_options(family, low, high, reverse, true).total_order_seek;
  };
  EXPECT_TRUE(uses_filters(Family::messages, prefix, next)) << "all of one prefix";
  EXPECT_TRUE(uses_filters(Family::messages, prefix + "a", prefix + "b"));
  EXPECT_TRUE(uses_filters(Family::messages, prefix + "a", next));
  EXPECT_FALSE(uses_filters(Family::messages, prefix, next + '\0')) << "one key of the next";
  EXPECT_FALSE(uses_filters(Family::messages, prefix.substr(1), next)) << "a short lower bound";
  EXPECT_FALSE(uses_filters(Family::messages, prefix, next, true)) << "backwards";
  EXPECT_FALSE(uses_filters(Family::indexes, prefix, next)) << "no prefixes there";
  EXPECT_TRUE(uses_filters(Family::messages, std::string(22, '\xff'), std::string(30, '\xff')));
  const std::string last = std::string(21, 'p') + '\xff';
  EXPECT_TRUE(uses_filters(Family::messages, last, std::string(20, 'p') + 'q'));
  EXPECT_FALSE(uses_filters(Family::messages, last, std::string(20, 'p') + 'r'));
}

// Keys that lie close together are read with one iterator, which gives up at many deletions.
TEST_F(RocksFilters, NeighboursAreReadAcrossWhatWasErased) {
  const auto key = [](int i) {
    std::string digits = std::to_string(i);
    return std::string(16, 'k') + std::string(6 - digits.size(), '0') + digits;
  };
  constexpr int kBetween = 100;
  auto store = open();
  std::vector<std::string> wanted;
  for (int i = 0; i < 10 * kBetween; ++i) put(*store, key(i), std::to_string(i), Family::memories);
  Batch erased;
  for (int i = 0; i < 10 * kBetween; ++i) {
    const bool is_wanted = i < 10 || i % kBetween == 0;
    if (is_wanted) wanted.push_back(key(i));
    if (!is_wanted || i == 5) erased.erase(Family::memories, key(i));
  }
  ASSERT_TRUE(store->apply(erased, Durability::buffered));
  const auto snapshot = store->snapshot();
  for (Reader* reader : {static_cast<Reader*>(store.get()), static_cast<Reader*>(snapshot.get())}) {
    std::map<std::string, std::string> read;
    ASSERT_TRUE(
        reader->multi_get(Family::memories, wanted, [&](std::size_t i, std::string_view value) {
          EXPECT_TRUE(read.emplace(wanted[i], value).second) << "once for each key";
        }));
    EXPECT_EQ(read.size(), wanted.size() - 1);
    for (const auto& [at, value] : read) EXPECT_EQ(at, key(std::stoi(value)));
  }
}

}  // namespace
}  // namespace callisto::kv
