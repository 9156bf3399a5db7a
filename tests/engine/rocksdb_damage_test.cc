// Random damage to a store's files: an error or everything that was stored, never a wrong value,
// never a silent loss, never an abort, for writer and follower; and what is left can be had.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/child_process.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

std::string value_of(int i) {
  return std::to_string(i) + std::string(50, static_cast<char>('a' + i % 26));
}
constexpr int kRows = 600;

std::map<std::string, std::uintmax_t> files_of(const fs::path& directory) {
  std::map<std::string, std::uintmax_t> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files[entry.path().string()] = entry.file_size();
  }
  return files;
}

/// Copies an open store that nobody writes: anew, when its background work moved files meanwhile.
void copy_live(const fs::path& from, const fs::path& to) {
  for (int i = 0; i < 100; ++i) {
    fs::remove_all(to);
    try {
      const auto before = files_of(from);
      fs::copy(from, to, fs::copy_options::recursive);
      if (files_of(from) == before) return;
    } catch (const fs::filesystem_error&) {
      // A file went between being listed and being copied.
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL() << "the files of " << from << " do not come to rest";
}

class RocksDamage : public RocksTest {
 public:
  void TestBody() override {}

  /// A third in the lowest level, a third in a table file above it, a third in the log.
  void make_store() {
    {
      auto store = open();
      fill(*store, 0, kRows / 3);
      ASSERT_TRUE(store->compact());
      fill(*store, kRows / 3, 2 * kRows / 3);
    }
    auto store = open();
    fill(*store, 2 * kRows / 3, kRows);
    // As after a kill: the log is neither flushed nor synced.
    ASSERT_NO_FATAL_FAILURE(copy_live(directory_, temporary_.path("killed")));
    ASSERT_TRUE(store->close());
    fs::copy(directory_, temporary_.path("closed"), fs::copy_options::recursive);
  }
  /// Damages one file of a fresh copy: what was done.
  std::string damage(std::mt19937_64& random) {
    fs::remove_all(directory_);
    const std::string from = random() % 2 == 0 ? "killed" : "closed";
    fs::copy(temporary_.path(from), directory_, fs::copy_options::recursive);
    std::vector<fs::path> files{path("WATERMARK")};
    for (const auto& entry : fs::directory_iterator(path("db"))) {
      if (entry.file_size() > 0) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    const fs::path file = files[random() % files.size()];
    std::string bytes = read_file(file);
    const std::size_t at = random() % bytes.size();
    const std::uint64_t kind = random() % 4;
    if (kind == 0) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    if (kind == 1) bytes.resize(at);
    if (kind == 2)
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                  std::min<std::size_t>(512, bytes.size() - at), '\0');
    write_file(file, bytes);
    if (kind == 3) fs::remove(file);
    static const char* const kinds[] = {"bit flip", "cut", "zeros", "missing"};
    return std::string(kinds[kind]) + " at " + std::to_string(at) + " of " +
           file.filename().string() + ", " + from;
  }
  /// Opens and reads everything: false when an error was told.
  bool read_all(bool as_follower) {
    OpenOptions how = options();
    how.read_only = as_follower;
    auto opened = open_rocksdb(how);
    if (!opened && opened.error().code() == Code::data_loss) {
      how.accept_data_loss = true;
      opened = open_rocksdb(how);
      EXPECT_TRUE(!opened || (*opened)->health().lost) << "says what was lost";
    }
    if (!opened) return false;
    Store& store = **opened;
    bool clean = !store.health().lost;
    int rows = 0;
    for (int i = 0; i < kRows; ++i) {
      Value value;
      const auto found = store.get(Family::memories, "k" + std::to_string(i), value);
      clean = clean && found;
      if (found && *found) {
        EXPECT_EQ(value.view(), value_of(i));
        ++rows;
      }
    }
    EXPECT_TRUE(rows == kRows || !clean) << "a silent loss: " << rows;
    const auto cursor = store.scan(Family::memories, {.lower = "k", .upper = "l"});
    for (; cursor->valid(); cursor->next()) {
      EXPECT_EQ(cursor->value(), value_of(std::stoi(std::string(cursor->key().substr(1)))));
    }
    clean = clean && cursor->status();
    if (as_follower) {
      clean = store.refresh().has_value() && clean;
    } else {
      clean = store.verify_checksums().has_value() && clean;
      clean = store.compact().has_value() && clean;
    }
    return clean;
  }

 private:
  static void fill(Store& store, int first, int end) {
    for (int i = first; i < end; ++i)
      put(store, "k" + std::to_string(i), value_of(i), Family::memories);
  }
};

TEST(RocksDamageChild, DISABLED_Reads) {
  RocksDamage damage;
  damage.make_store();
  std::mt19937_64 random(std::stoull(testing::child_setting("SEED")));
  const int cases = std::stoi(testing::child_setting("CASES"));
  for (int i = 0; i < cases; ++i) {
    const std::string what = damage.damage(random);
    testing::tell_parent("damage: " + what);
    const bool follower_clean = damage.read_all(true);
    const bool writer_clean = damage.read_all(false);
    testing::tell_parent(writer_clean && follower_clean ? "clean" : "told");
    ASSERT_FALSE(::testing::Test::HasFailure()) << what;
  }
}

// CALLISTO_DAMAGE_CASES: how many. In several processes, since RocksDB waits after some failures.
TEST(RocksDamage, IsAnErrorOrHarmlessNeverAWrongValue) {
  constexpr int kProcesses = 8;
  const char* given = std::getenv("CALLISTO_DAMAGE_CASES");
  const int cases = (given == nullptr ? 104 : std::max(kProcesses, std::atoi(given))) / kProcesses;
  const std::uint64_t seed = testing::test_seed();
  std::vector<std::unique_ptr<testing::ChildProcess>> children;
  for (std::uint64_t i = 0; i < kProcesses; ++i) {
    children.push_back(std::make_unique<testing::ChildProcess>(
        "RocksDamageChild.DISABLED_Reads",
        std::vector<std::pair<std::string, std::string>>{{"SEED", std::to_string(seed + i)},
                                                         {"CASES", std::to_string(cases)}}));
  }
  int told = 0;
  int clean = 0;
  for (std::size_t i = 0; i < children.size(); ++i) {
    std::string last;
    for (std::string line = children[i]->hear(); !line.empty(); line = children[i]->hear()) {
      told += line == "told" ? 1 : 0;
      clean += line == "clean" ? 1 : 0;
      if (line.starts_with("damage: ")) last = line;
    }
    EXPECT_TRUE(children[i]->finish()) << "seed " << seed + i << ", " << last;
  }
  std::printf("%d cases: %d told, %d without effect\n", told + clean, told, clean);
  EXPECT_GT(told, 0);
  EXPECT_EQ(told + clean, kProcesses * cases);
}

}  // namespace
}  // namespace callisto::kv
