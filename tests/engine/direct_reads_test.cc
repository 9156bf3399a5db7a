// Table files that are read past RocksDB: what is answered is what a std::map answers, in every
// state that files, memtables, erased ranges and loads can be in; and it is answered so at all.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/cache/cached_reader.h"
#include "engine/cache/state_cache.h"
#include "engine/load.h"
#include "tests/engine/cache_world.h"
#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/sorted_rows.h"

namespace callisto::kv {
namespace {

using Model = std::map<std::string, std::string>;

/// A state that was kept, and what it holds.
struct Kept {
  std::unique_ptr<Snapshot> snapshot;
  Model model;
};

class DirectReadsTest : public RocksTest, public ::testing::WithParamInterface<Family> {
 protected:
  void SetUp() override { random_.seed(testing::test_seed()); }
  void TearDown() override {
    if (HasFailure()) ADD_FAILURE() << "CALLISTO_SEED=" << testing::test_seed();
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }
  /// Of a few lists with many keys, so that separators of blocks begin alike, and of single ones.
  std::string random_key() {
    std::string key = below(3) == 0 ? std::string(22, 'l') : "single" + std::to_string(below(50));
    key.resize(22, '.');
    key += std::to_string(100'000 + below(3000));
    if (below(20) == 0) key.resize(key.size() + 200, '+');
    return key;
  }
  std::string random_value() {
    // Some are larger than a block, most are many in one.
    const std::size_t size = below(200) == 0 ? 20'000 : below(300);
    std::string value(size, static_cast<char>('a' + below(26)));
    for (std::size_t i = 0; i < size; i += 7) value[i] = static_cast<char>(below(256));
    return value;
  }
  void change(Store& store, Model& model, int count) {
    Batch batch;
    for (int i = 0; i < count; ++i) {
      std::string key = random_key();
      if (below(4) == 0) {
        batch.erase(family_, key);
        model.erase(key);
      } else {
        batch.put(family_, key, random_value());
        model[key] = batch.operations().back().value.value();
      }
    }
    ASSERT_TRUE(store.apply(batch, Durability::buffered));
  }
  /// Whatever memtables hold goes to a file of level 0.
  void flush(std::unique_ptr<Store>& store, std::vector<Kept>& kept) {
    kept.clear();
    ASSERT_TRUE(store->close());
    store = open();
  }

  /// Merges all, and waits until that is known: threads of RocksDB's tell of it, after the call.
  void merge(Store& store, const std::string& key) {
    ASSERT_TRUE(store.compact(nullptr));
    await_files(store, key);
  }
  void await_files(Store& store, const std::string& key) {
    for (int i = 0; i < 10'000; ++i) {
      const std::uint64_t before = store.stats().disk.direct_reads;
      ASSERT_TRUE(store.get_row(family_, key, nullptr));
      if (store.stats().disk.direct_reads > before) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL() << "never read past RocksDB";
  }

  void check_rows(Reader& reader, const Model& model) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < 40; ++i) keys.push_back(random_key());
    for (int i = 0; i < 10; ++i) {
      const auto at = model.lower_bound(random_key());
      if (at != model.end()) keys.push_back(at->first);
    }
    if (below(2) == 0) std::sort(keys.begin(), keys.end());
    std::vector<std::string> found(keys.size(), "absent");
    ASSERT_TRUE(reader.multi_get(family_, keys,
                                 [&](std::size_t i, std::string_view value) { found[i] = value; }));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto at = model.find(keys[i]);
      const std::string expected = at == model.end() ? "absent" : at->second;
      ASSERT_EQ(found[i], expected) << keys[i];
      const auto row = reader.get_row(family_, keys[i], nullptr);
      ASSERT_TRUE(row);
      ASSERT_EQ(*row ? std::string(row->view()) : "absent", expected) << keys[i];
    }
  }
  void check_scan(Reader& reader, const Model& model) {
    std::string lower = random_key();
    std::string upper = below(3) == 0 ? lower.substr(0, 22) + '\xff' : random_key();
    if (lower > upper) std::swap(lower, upper);
    if (lower == upper) upper.push_back('\0');
    const auto end = model.lower_bound(upper);
    auto at = model.lower_bound(lower);
    const auto cursor = reader.scan(family_, {.lower = lower, .upper = upper});
    while (cursor->valid()) {
      ASSERT_NE(at, end) << cursor->key();
      ASSERT_EQ(cursor->key(), at->first);
      ASSERT_EQ(cursor->value(), at->second);
      if (below(10) == 0) {
        std::string target = random_key();
        if (below(4) != 0) target = at->first + std::to_string(below(10));
        cursor->seek(target);
        at = std::max(target, at->first) == at->first ? at : model.lower_bound(target);
        if (target >= upper) at = end;
        continue;
      }
      cursor->next();
      ++at;
    }
    ASSERT_TRUE(cursor->status());
    ASSERT_EQ(at, end);
  }
  void check(Reader& reader, const Model& model) {
    check_rows(reader, model);
    for (int i = 0; i < 5 && !HasFatalFailure(); ++i) check_scan(reader, model);
  }

  const Family family_ = GetParam();
  std::mt19937_64 random_;
};

/// Filters of prefixes, of whole keys, of none.
INSTANTIATE_TEST_SUITE_P(Families, DirectReadsTest,
                         ::testing::Values(Family::messages, Family::memories, Family::indexes,
                                           Family::users),
                         [](const auto& family) { return std::string(to_string(family.param)); });

TEST_P(DirectReadsTest, AnswerWhatAMapAnswers) {
  auto store = open();
  Model model;
  std::vector<Kept> kept;
  std::uint64_t reads = 0;
  for (int round = 0; round < 120; ++round) {
    change(*store, model, round % 3 == 0 ? 300 : 3);
    if (below(30) == 0) {
      std::string lower = random_key();
      std::string upper = random_key();
      if (lower > upper) std::swap(lower, upper);
      ASSERT_TRUE(store->erase_range(family_, lower, upper));
      model.erase(model.lower_bound(lower), model.lower_bound(upper));
    }
    if (below(4) == 0) kept.push_back({store->snapshot(), model});
    if (below(8) == 0) {
      reads += store->stats().disk.direct_reads;
      flush(store, kept);
    }
    if (below(15) == 0) {
      ASSERT_TRUE(store->compact());
    }
    check(*store, model);
    for (const Kept& one : kept) {
      if (HasFatalFailure()) break;
      check(*one.snapshot, one.model);
    }
    if (kept.size() > 3) kept.erase(kept.begin());
    ASSERT_FALSE(HasFatalFailure()) << "round " << round;
  }
  reads += store->stats().disk.direct_reads;
  EXPECT_GT(reads, 40U) << "the test tests nothing";
}

TEST_P(DirectReadsTest, AreWhatIsUsedOnceFilesAreMerged) {
  auto store = open();
  Model model;
  for (int i = 0; i < 20; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  const std::uint64_t before = store->stats().disk.direct_reads;
  const std::uint64_t blocks = store->stats().block_cache.misses;
  for (int i = 0; i < 10; ++i) check(*store, model);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_GE(store->stats().disk.direct_reads, before + 50);
  // Single rows of an index are asked of RocksDB, whose filters know what is not there.
  if (family_ != Family::indexes) {
    EXPECT_LT(store->stats().block_cache.misses, blocks + 5);
  }
  EXPECT_GT(store->stats().disk.direct_index_bytes, 0U);
}

TEST_P(DirectReadsTest, SeeWhatMemtablesHold) {
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  const auto is_direct = [&](const auto& read) {
    const std::uint64_t before = store->stats().disk.direct_reads;
    read();
    return store->stats().disk.direct_reads > before;
  };
  const std::string first = model.begin()->first;
  const std::string deleted = std::next(model.begin(), 2)->first;
  const std::string last = std::next(model.begin(), 30)->first;
  const auto state = store->snapshot();
  const Model before = model;
  Batch batch;
  batch.put(family_, first, "old");
  batch.put(family_, first + "!", "between");
  batch.erase(family_, deleted);
  ASSERT_TRUE(store->apply(batch, Durability::buffered));
  put(*store, first, "new", family_);
  model[first] = "new";
  model[first + "!"] = "between";
  model.erase(deleted);
  const auto check_first = [&](Reader& reader, const Model& expected) {
    const auto row_of = [&](const std::string& key) -> std::string {
      const auto row = reader.get_row(family_, key, nullptr).value();
      return row ? std::string(row.view()) : "absent";
    };
    const auto expected_of = [&](const std::string& key) {
      return expected.contains(key) ? expected.at(key) : "absent";
    };
    const std::vector<std::string> wanted{last, first, deleted, first + "!"};
    for (const std::string& key : wanted) EXPECT_EQ(row_of(key), expected_of(key));
    std::vector<std::string> found(wanted.size(), "absent");
    ASSERT_TRUE(reader.multi_get(family_, wanted,
                                 [&](std::size_t i, std::string_view value) { found[i] = value; }));
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(found[i], expected_of(wanted[i]));
    std::vector<std::string> scanned;
    std::vector<std::string> listed;
    const auto cursor = reader.scan(family_, {.lower = first, .upper = last});
    for (; cursor->valid(); cursor->next()) {
      scanned.push_back(std::string(cursor->key()) + '=' + std::string(cursor->value()));
    }
    for (auto at = expected.find(first); at->first < last; ++at) {
      listed.push_back(at->first + '=' + at->second);
    }
    EXPECT_EQ(scanned, listed);
  };
  EXPECT_TRUE(is_direct([&] { check_first(*store, model); }));
  EXPECT_TRUE(is_direct([&] { check_first(*state, before); }));
  if (family_ != Family::indexes) {
    EXPECT_TRUE(is_direct([&] { ASSERT_TRUE(store->get_row(family_, first, nullptr)); }));
  }
  EXPECT_TRUE(is_direct([&] { keys(*store, {.lower = first, .upper = last}, family_); }));
  EXPECT_TRUE(is_direct([&] { check(*store, model); }));
  EXPECT_TRUE(is_direct([&] { check(*state, before); }));
}

TEST_P(DirectReadsTest, LeaveManyKeysToRocksDbWhereMemtablesHoldAnything) {
  if (family_ == Family::indexes) GTEST_SKIP() << "single rows of an index are RocksDB's";
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  const auto read = [&](std::size_t count) {
    std::vector<std::string> wanted;
    for (auto at = model.begin(); wanted.size() < count; ++at) wanted.push_back(at->first);
    std::size_t found = 0;
    const std::uint64_t before = store->stats().disk.direct_reads;
    EXPECT_TRUE(store->multi_get(family_, wanted, [&](std::size_t i, std::string_view value) {
      ++found;
      EXPECT_EQ(value, model.at(wanted[i]));
    }));
    EXPECT_EQ(found, count);
    return store->stats().disk.direct_reads - before;
  };
  ASSERT_GT(model.size(), 300U);
  EXPECT_EQ(read(300), 300U);
  put(*store, "other", "in a memtable", family_);
  EXPECT_EQ(read(256), 256U);
  EXPECT_EQ(read(257), 0U);
}

// A memtable that a scan of RocksDB's holds is here still when it and a later one are files.
TEST_P(DirectReadsTest, AreNotMisledByAMemtableThatSomebodyHolds) {
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  const std::string lower(22, 'n');
  const std::string upper(22, 'o');
  const auto key = [&](char c) { return lower + c; };
  for (const char c : {'1', '2', '3'}) put(*store, key(c), "old", family_);
  const auto holder = store->scan(family_, {.lower = lower, .upper = upper, .reverse = true});
  ASSERT_TRUE(holder->valid());
  ASSERT_TRUE(store->compact());
  put(*store, key('1'), "new", family_);
  Batch batch;
  batch.erase(family_, key('2'));
  ASSERT_TRUE(store->apply(batch, Durability::buffered));
  merge(*store, model.begin()->first);
  const auto check_all = [&] {
    EXPECT_EQ(keys(*store, {.lower = lower, .upper = upper}, family_),
              key('1') + ' ' + key('3') + ' ');
    EXPECT_EQ(store->get_row(family_, key('1'), nullptr).value().view(), "new");
    EXPECT_FALSE(store->get_row(family_, key('2'), nullptr).value());
    EXPECT_EQ(store->get_row(family_, key('3'), nullptr).value().view(), "old");
    const std::vector<std::string> wanted{key('1'), key('2'), key('3')};
    std::string found;
    ASSERT_TRUE(store->multi_get(family_, wanted,
                                 [&](std::size_t, std::string_view value) { found += value; }));
    EXPECT_EQ(found, "newold");
  };
  check_all();
  put(*store, key('4'), "in a memtable of now", family_);
  EXPECT_EQ(keys(*store, {.lower = lower, .upper = upper}, family_),
            key('1') + ' ' + key('3') + ' ' + key('4') + ' ');
  EXPECT_EQ(holder->key(), key('3'));
}

TEST_P(DirectReadsTest, LeaveRangesOfWhichMemtablesHoldMuchToRocksDb) {
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  Batch batch;
  const std::string lower(22, 'n');
  for (int i = 0; i < 150; ++i) batch.put(family_, lower + std::to_string(1000 + i), "one of many");
  batch.put(family_, "o", std::string(60'000, 'o'));
  ASSERT_TRUE(store->apply(batch, Durability::buffered));
  const std::uint64_t before = store->stats().disk.direct_reads;
  const auto count = [&](const std::string& from, const std::string& to) {
    std::size_t entries = 0;
    const auto cursor = store->scan(family_, {.lower = from, .upper = to});
    for (; cursor->valid(); cursor->next()) ++entries;
    return entries;
  };
  EXPECT_EQ(count(lower, std::string(22, 'o')), 151U);
  EXPECT_EQ(count("o", "p"), 1U);
  EXPECT_EQ(store->get_row(family_, "o", nullptr).value().view().size(), 60'000U);
  EXPECT_EQ(store->stats().disk.direct_reads, before);
  EXPECT_EQ(count(lower, lower + "1050"), 50U);
  EXPECT_EQ(store->stats().disk.direct_reads, before + 1);
}

TEST_P(DirectReadsTest, ComeBackAfterARangeWasErased) {
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  const std::string upper(22, 'l');
  check(*store, model);
  ASSERT_TRUE(store->erase_range(family_, "a", upper));
  model.erase(model.begin(), model.lower_bound(upper));
  const std::uint64_t at_erasing = store->stats().disk.direct_reads;
  check(*store, model);
  EXPECT_EQ(store->stats().disk.direct_reads, at_erasing);
  merge(*store, model.begin()->first);
  check(*store, model);
  EXPECT_GT(store->stats().disk.direct_reads, at_erasing);
}

// The range is the last that its memtable holds, and somebody holds that.
TEST_P(DirectReadsTest, APastStateIsNotToldOnceARangeOfItWasErased) {
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  put(*store, "z", "the last of the memtable", family_);
  const Version before = store->version();
  auto holder = store->scan(family_, {.lower = "a", .upper = "zz", .reverse = true});
  const std::string upper(22, 'm');
  ASSERT_TRUE(store->erase_range(family_, "k", upper));
  ASSERT_TRUE(store->compact());
  holder.reset();
  await_files(*store, "z");
  EXPECT_EQ(store->scan_at(family_, {.lower = "k", .upper = upper}, before), nullptr);
  EXPECT_EQ(keys(*store, {.lower = "k", .upper = upper}, family_), "");
}

TEST_P(DirectReadsTest, SeeWhatALoadBroughtAtOnceAndNotBefore) {
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  check(*store, model);
  // A deletion of what will be loaded, in a memtable that somebody holds.
  put(*store, "zz100005", "gone", family_);
  Batch batch;
  batch.erase(family_, "zz100005");
  ASSERT_TRUE(store->apply(batch, Durability::buffered));
  const auto holder = store->scan(family_, {.lower = "a", .upper = "zzz", .reverse = true});
  const auto before = store->snapshot();
  const Model model_before = model;
  Model rows;
  for (int i = 0; i < 2000; ++i) {
    rows["zz" + std::to_string(100'000 + i)] = random_value();
  }
  testing::SortedRows source({rows.begin(), rows.end()});
  const LoadPart part{.family = family_, .lower = "zz", .upper = "zzz", .source = &source};
  ASSERT_TRUE(store->bulk_load({.parts = {&part, 1}}));
  model.insert(rows.begin(), rows.end());
  const auto found = [&](Reader& reader) {
    std::size_t count = 0;
    const auto cursor = reader.scan(family_, {.lower = "zz", .upper = "zzz"});
    for (; cursor->valid(); cursor->next()) ++count;
    EXPECT_TRUE(cursor->status());
    return count;
  };
  EXPECT_EQ(found(*store), 2000U);
  EXPECT_EQ(found(*before), 0U);
  EXPECT_FALSE(before->get_row(family_, "zz100005", nullptr).value());
  EXPECT_TRUE(store->get_row(family_, "zz100005", nullptr).value());
  check(*store, model);
  check(*before, model_before);
}

TEST_P(DirectReadsTest, APastStateIsToldOnlyWhileNothingNewerIsInFiles) {
  auto store = open();
  Model model;
  for (int i = 0; i < 10; ++i) change(*store, model, 300);
  merge(*store, model.begin()->first);
  const std::string changed = model.begin()->first;
  const std::string deleted = std::next(model.begin())->first;
  const std::string other = model.rbegin()->first;
  const auto row_at = [&](const std::string& key, Version version) -> std::string {
    Bytes row;
    if (!store->get_row_at(family_, key, version, row)) return "not told";
    return row ? std::string(row.view()) : "absent";
  };
  const auto keys_at = [&](Version version) -> std::string {
    const auto cursor = store->scan_at(family_, {.lower = changed, .upper = other}, version);
    if (cursor == nullptr) return "not told";
    std::string keys;
    for (; cursor->valid(); cursor->next()) keys += std::string(cursor->key()) + ' ';
    EXPECT_TRUE(cursor->status());
    return keys;
  };
  const auto rows_at = [&](Version version) {
    const std::vector<std::string> keys{changed, other};
    return store->multi_get_at(family_, keys, version, [](std::size_t, std::string_view) {});
  };
  const Version before = store->version();
  EXPECT_EQ(row_at(changed, before), model.at(changed));
  EXPECT_EQ(row_at(changed + "?", before), "absent");
  const std::string all_before = keys(*store, {.lower = changed, .upper = other}, family_);
  EXPECT_EQ(keys_at(before), all_before);
  EXPECT_TRUE(rows_at(before));

  // In a memtable, which has the old and the new.
  Batch batch;
  batch.put(family_, changed, "new");
  batch.erase(family_, deleted);
  const Version after = store->apply(batch, Durability::buffered).value();
  EXPECT_EQ(row_at(changed, before), model.at(changed));
  EXPECT_EQ(row_at(deleted, before), model.at(deleted));
  EXPECT_EQ(row_at(other, before), model.at(other));
  EXPECT_EQ(keys_at(before), all_before);
  EXPECT_TRUE(rows_at(before));
  EXPECT_EQ(row_at(changed, after), "new");
  EXPECT_EQ(row_at(deleted, after), "absent");
  EXPECT_EQ(row_at(other, after), model.at(other));
  EXPECT_EQ(keys_at(after), keys(*store, {.lower = changed, .upper = other}, family_));
  EXPECT_TRUE(rows_at(after));

  // In files, and what was before may be gone.
  merge(*store, model.begin()->first);
  EXPECT_EQ(row_at(changed, before), "not told");
  EXPECT_EQ(row_at(deleted, before), "not told");
  EXPECT_EQ(row_at(other, before), "not told");
  EXPECT_EQ(keys_at(before), "not told");
  EXPECT_FALSE(rows_at(before));
  EXPECT_EQ(row_at(changed, after), "new");
  EXPECT_EQ(row_at(deleted, after), "absent");
  EXPECT_EQ(row_at(other, after), model.at(other));
  EXPECT_EQ(keys_at(after), keys(*store, {.lower = changed, .upper = other}, family_));
  EXPECT_TRUE(rows_at(after));
}

// Where a scan goes on later, nobody could at its state: all files that it will need are open.
TEST_P(DirectReadsTest, AScanOfManyFilesNeedsNoneLater) {
  constexpr int kRows = 6000;
  const auto key = [](int i) { return std::string(22, 'm') + std::to_string(100'000 + i); };
  {
    auto store = open();
    std::string value(3000, '\0');
    for (int i = 0; i < kRows; ++i) {
      for (char& byte : value) byte = static_cast<char>(random_());
      put(*store, key(i), value, family_);
    }
    ASSERT_TRUE(store->compact());
    ASSERT_GT(store->stats().disk.levels.back().files, 2U);
  }
  auto store = open();
  const std::string first = key(0);
  const std::string end = std::string(22, 'm') + '~';
  const Bounds bounds{.lower = first, .upper = end};
  const auto latest = store->scan(family_, bounds);
  const auto past = store->scan_at(family_, bounds, store->version());
  ASSERT_TRUE(past);
  ASSERT_EQ(store->stats().disk.direct_reads, 2U);
  put(*store, "another", "value", Family::system);
  const auto db = path("db");
  for (const auto& file : std::filesystem::directory_iterator(db)) {
    if (file.path().extension() == ".sst") {
      std::filesystem::rename(file.path(), file.path().string() + ".away");
    }
  }
  for (Cursor* const cursor : {latest.get(), past.get()}) {
    int rows = 0;
    for (; cursor->valid(); cursor->next(), ++rows) ASSERT_EQ(cursor->key(), key(rows));
    EXPECT_TRUE(cursor->status()) << cursor->status().error().to_string();
    EXPECT_EQ(rows, kRows);
  }
}

TEST_P(DirectReadsTest, FilesAreClosedWithTheStore) {
  const auto open_files = [] {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code error;
      const auto target = std::filesystem::read_symlink(file.path(), error);
      if (target.string().find(".sst") != std::string::npos) ++count;
    }
    return count;
  };
  const std::size_t before = open_files();
  {
    auto store = open();
    Model model;
    for (int i = 0; i < 5; ++i) change(*store, model, 300);
    merge(*store, model.begin()->first);
    check(*store, model);
    EXPECT_GT(open_files(), before);
    // What was merged away is not held.
    for (int i = 0; i < 5; ++i) change(*store, model, 300);
    merge(*store, model.begin()->first);
    check(*store, model);
    std::size_t removed = 0;
    for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code error;
      const auto target = std::filesystem::read_symlink(file.path(), error).string();
      if (target.find(directory_) != std::string::npos && target.ends_with("(deleted)")) ++removed;
    }
    EXPECT_EQ(removed, 0U);
  }
  EXPECT_EQ(open_files(), before);
}

// What a load brings has no number that would say that it is new.
TEST_F(RocksTest, AReaderFromBeforeALoadDoesNotSeeIt) {
  auto store = open();
  StateCache cache(1 << 20, small_shape());
  ASSERT_TRUE(store->attach(cache));
  put(*store, "aa", "old");
  put(*store, "ab", "old");
  ASSERT_TRUE(store->compact());
  CachedReader before(*store, cache);
  testing::SortedRows source({{"ba", "new"}, {"bb", "new"}});
  const LoadPart part{.family = Family::users, .lower = "b", .upper = "c", .source = &source};
  ASSERT_TRUE(store->bulk_load({.parts = {&part, 1}}));
  ASSERT_TRUE(store->compact());
  // It is told to begin anew, or does not see it.
  const auto row = before.get_row(Family::users, "ba", nullptr);
  EXPECT_FALSE(row && *row) << "a row that was loaded later";
  std::size_t rows = 0;
  const auto scan = before.scan(Family::users, {.lower = "b", .upper = "c"});
  for (; scan->valid(); scan->next()) ++rows;
  EXPECT_EQ(rows, 0U);
  bool is_found = false;
  const auto read = before.multi_get(Family::users, std::vector<std::string>{"ba", "bb"},
                                     [&](std::size_t, std::string_view) { is_found = true; });
  EXPECT_FALSE(read && is_found);
  CachedReader after(*store, cache);
  EXPECT_EQ(after.get_row(Family::users, "ba", nullptr).value().view(), "new");
}

}  // namespace
}  // namespace callisto::kv
