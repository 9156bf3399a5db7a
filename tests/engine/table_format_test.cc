// The form of table files, as far as it is read past RocksDB: against files that RocksDB wrote, and
// with bytes that nobody wrote.

#include "engine/rocksdb/table_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/rocksdb/key_filter.h"
#include "engine/rocksdb/open_table.h"
#include "engine/rocksdb/options.h"
#include "engine/rocksdb/table_run.h"
#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

class TableFormatTest : public RocksTest, public ::testing::WithParamInterface<Family> {
 protected:
  /// One file of the last level, with an index in parts or in one by its family.
  void SetUp() override {
    random_.seed(testing::test_seed());
    auto store = open();
    for (int i = 0; i < 6000; ++i) {
      // Lists whose separators begin alike, some keys that are the beginning of others.
      std::string key = i % 2 == 0 ? std::string(30, 'l') : "k" + std::to_string(random_() % 100);
      key += std::to_string(random_() % 100'000);
      if (i % 50 == 0) key.resize(key.size() + 300, '\xff');
      const std::size_t size = i % 500 == 0 ? 9000 : random_() % 200;
      rows_[key] = std::string(size, static_cast<char>('a' + i % 26));
    }
    Batch batch;
    for (const auto& [key, value] : rows_) batch.put(GetParam(), key, value);
    ASSERT_TRUE(store->apply(batch, Durability::buffered));
    ASSERT_TRUE(store->compact());
    ASSERT_TRUE(store->close());
    std::uintmax_t largest = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path("db"))) {
      if (entry.path().extension() != ".sst" || entry.file_size() <= largest) continue;
      largest = entry.file_size();
      path_ = entry.path().string();
    }
    ASSERT_GT(largest, 20'000U);
  }

  TableFacts facts() const {
    return {.path = path_,
            .bytes = std::filesystem::file_size(path_),
            .smallest_key = rows_.begin()->first,
            .largest_key = rows_.rbegin()->first};
  }
  std::shared_ptr<OpenTable> table(std::uint64_t room_bytes = 1 << 20) {
    return std::make_shared<OpenTable>(facts(), rocksdb::FileSystem::Default(), room(room_bytes));
  }
  std::shared_ptr<TableRoom> room(std::uint64_t bytes, int files = 1) {
    return std::make_shared<TableRoom>(bytes, files, 8 << 20);
  }

  /// Every row, one after the other.
  void read_all(const OpenTable& of_file) {
    BlockScratch scratch;
    TableEntry entry;
    for (const auto& [key, value] : rows_) {
      ASSERT_EQ(of_file.find(key, kAll, scratch, entry), OpenTable::Answer::found);
      ASSERT_EQ(entry.value, value);
    }
  }

  std::mt19937_64 random_;
  std::map<std::string, std::string> rows_;
  std::string path_;
};

INSTANTIATE_TEST_SUITE_P(Families, TableFormatTest,
                         ::testing::Values(Family::memories, Family::users, Family::indexes),
                         [](const auto& family) { return std::string(to_string(family.param)); });

TEST_P(TableFormatTest, EveryRowIsFoundAndNoOther) {
  const auto of_file = table();
  ASSERT_TRUE(of_file->load());
  EXPECT_GT(of_file->index().blocks(), 20U);
  BlockScratch scratch;
  TableEntry entry;
  for (const auto& [key, value] : rows_) {
    ASSERT_EQ(of_file->find(key, kAll, scratch, entry), OpenTable::Answer::found) << key;
    ASSERT_EQ(entry.value, value);
    for (const std::string& other : {key + '\0', key.substr(0, key.size() - 1), key + "x"}) {
      const auto expected =
          rows_.contains(other) ? OpenTable::Answer::found : OpenTable::Answer::absent;
      ASSERT_EQ(of_file->find(other, kAll, scratch, entry), expected) << other;
    }
  }
  EXPECT_EQ(of_file->find("", kAll, scratch, entry), OpenTable::Answer::absent);
  EXPECT_EQ(of_file->find("\xff\xff", kAll, scratch, entry), OpenTable::Answer::absent);
}

TEST_P(TableFormatTest, ARunShowsAllRowsOfARange) {
  const auto of_file = table();
  for (int i = 0; i < 200; ++i) {
    auto from = std::next(rows_.begin(), static_cast<std::ptrdiff_t>(random_() % rows_.size()));
    auto to = std::next(rows_.begin(), static_cast<std::ptrdiff_t>(random_() % rows_.size()));
    if (to->first < from->first) std::swap(from, to);
    TableRun run({of_file.get()}, to->first, 1 + random_() % 3);
    ASSERT_TRUE(run.seek(from->first));
    for (; from != to; ++from) {
      ASSERT_TRUE(run.valid());
      ASSERT_EQ(run.entry().key, from->first);
      ASSERT_EQ(run.entry().value, from->second);
      if (random_() % 50 != 0) {
        ASSERT_TRUE(run.next());
        continue;
      }
      const auto left = static_cast<std::size_t>(std::distance(from, to));
      auto target = std::next(from, static_cast<std::ptrdiff_t>(1 + random_() % left));
      ASSERT_TRUE(run.seek(target == to ? from->first + '\0' : target->first));
      if (target != to) from = std::prev(target);
    }
    ASSERT_FALSE(run.valid());
  }
}

TEST_P(TableFormatTest, AFilterKnowsEveryRowAndFewOthers) {
  const auto of_file = table();
  ASSERT_TRUE(of_file->load());
  of_file->make_filter(0);
  for (const auto& [key, value] : rows_) {
    ASSERT_TRUE(of_file->may_hold(KeyFilter::hash(key, 0)));
  }
  int wrong = 0;
  for (int i = 0; i < 10'000; ++i) {
    wrong += of_file->may_hold(KeyFilter::hash("other" + std::to_string(i), 0)) ? 1 : 0;
  }
  EXPECT_LT(wrong, 400);
}

TEST_P(TableFormatTest, WithoutRoomNothingIsLoaded) {
  const auto of_file = table(100);
  EXPECT_FALSE(of_file->load());
}

TEST_P(TableFormatTest, RoomIsGivenBack) {
  const auto shared = room(1 << 20);
  {
    OpenTable of_file(facts(), rocksdb::FileSystem::Default(), shared);
    ASSERT_TRUE(of_file.load());
    of_file.make_filter(0);
    EXPECT_GT(shared->index_bytes(), rows_.size());  // a filter has ten bits for each
    read_all(of_file);
    read_all(of_file);
    EXPECT_GT(shared->blocks().stats().bytes, 20U * 4096);
  }
  EXPECT_EQ(shared->index_bytes(), 0U);
  EXPECT_TRUE(shared->has(0, 1));
  EXPECT_EQ(shared->blocks().stats().bytes, 0U);
}

TEST_P(TableFormatTest, BlocksThatAreReadTwiceAreNotReadAgain) {
  const auto shared = room(1 << 20);
  OpenTable of_file(facts(), rocksdb::FileSystem::Default(), shared);
  ASSERT_TRUE(of_file.load());
  read_all(of_file);
  EXPECT_EQ(shared->blocks().stats().fills, 0U);
  read_all(of_file);
  const CacheStats twice = shared->blocks().stats();
  EXPECT_EQ(twice.misses, 2 * of_file.index().blocks());
  EXPECT_EQ(twice.fills, of_file.index().blocks());
  // Nothing of the file is asked for any more but its index, which is in memory.
  write_file(path_, std::string(std::filesystem::file_size(path_), 'x'));
  read_all(of_file);
  TableRun run({&of_file}, "\xff\xff\xff", 4);
  auto expected = rows_.begin();
  ASSERT_TRUE(run.seek(expected->first));
  for (; run.valid(); ++expected) {
    ASSERT_EQ(run.entry().key, expected->first);
    ASSERT_EQ(run.entry().value, expected->second);
    ASSERT_TRUE(run.next());
  }
  EXPECT_EQ(expected, rows_.end());
  EXPECT_EQ(shared->blocks().stats().misses, twice.misses);
}

TEST_P(TableFormatTest, NoMoreFilesAreOpenThanThereIsRoomFor) {
  const auto shared = room(1 << 20, 2);
  OpenTable first(facts(), rocksdb::FileSystem::Default(), shared);
  auto second = std::make_unique<OpenTable>(facts(), rocksdb::FileSystem::Default(), shared);
  OpenTable third(facts(), rocksdb::FileSystem::Default(), shared);
  EXPECT_TRUE(first.load());
  EXPECT_TRUE(second->load());
  EXPECT_FALSE(third.load());
  second.reset();
  EXPECT_TRUE(third.load());
}

// With whatever bit is flipped: nothing wrong is answered, and nothing is read out of bounds.
TEST_P(TableFormatTest, ADamagedFileIsNotBelieved) {
  const std::string bytes = read_file(path_);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    // Half of them where the index lies.
    const std::size_t from = i % 2 == 0 ? 0 : bytes.size() - bytes.size() / 40;
    const std::size_t at = from + random_() % (bytes.size() - from);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (random_() % 8)));
    write_file(path_, damaged);
    const auto of_file = table();
    if (!of_file->load()) {
      ++refused;
      continue;
    }
    BlockScratch scratch;
    TableEntry entry;
    for (int k = 0; k < 20; ++k) {
      const auto row =
          std::next(rows_.begin(), static_cast<std::ptrdiff_t>(random_() % rows_.size()));
      const auto answer = of_file->find(row->first, kAll, scratch, entry);
      ASSERT_NE(answer, OpenTable::Answer::absent);
      if (answer == OpenTable::Answer::found) {
        ASSERT_EQ(entry.value, row->second);
      }
    }
    TableRun run({of_file.get()}, "\xff\xff\xff", 4);
    auto expected = rows_.begin();
    for (bool is_read = run.seek(rows_.begin()->first); is_read && run.valid();
         is_read = run.next(), ++expected) {
      ASSERT_EQ(run.entry().key, expected->first);
      ASSERT_EQ(run.entry().value, expected->second);
    }
  }
  EXPECT_GT(refused, 20);
}

TEST_P(TableFormatTest, AShorterFileIsNotBelieved) {
  const std::string bytes = read_file(path_);
  for (std::size_t size : {std::size_t{0}, std::size_t{52}, std::size_t{53}, bytes.size() / 2}) {
    write_file(path_, std::string_view(bytes).substr(bytes.size() - size));
    EXPECT_FALSE(table()->load()) << size;
    write_file(path_, std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(table()->load()) << size;
  }
}

/// Any bytes as a block: it ends, and its views lie within it.
TEST(BlockEntriesTest, AnyBytesAreSurvived) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 20'000; ++i) {
    std::string block(4 + random() % 80, '\0');
    for (char& byte : block) {
      byte = static_cast<char>(random() % 4 == 0 ? random() % 256 : random() % 12);
    }
    const std::uint32_t restarts = 1 + static_cast<std::uint32_t>(random() % 3);
    if (i % 4 != 0) std::memcpy(block.data() + block.size() - 4, &restarts, 4);
    // On the heap, with nothing behind it: a sanitizer sees the first byte too far.
    const std::vector<char> exact(block.begin(), block.end());
    for (const auto kind : {BlockEntries::Kind::rows, BlockEntries::Kind::index}) {
      BlockEntries entries({exact.data(), exact.size()}, kind);
      if (i % 3 == 0) entries.seek(std::string(random() % 5, '\3'));
      int steps = 0;
      std::size_t seen = 0;
      while (entries.next() && ++steps < 200) {
        seen += std::string(entries.key()).size() + std::string(entries.value()).size();
        if (kind == BlockEntries::Kind::index) {
          entries.skip(std::min<std::size_t>(entries.rest().size(), random() % 3));
        }
      }
      ASSERT_LE(steps, 100);
      ASSERT_LE(seen, exact.size() * exact.size());
    }
    BlockRoom room;
    const auto unpacked = unpack_block({exact.data(), exact.size()}, room);
    if (unpacked) {
      ASSERT_LE(std::string(*unpacked).size(), kMostBlockBytes);
    }
  }
}

}  // namespace
}  // namespace callisto::kv
