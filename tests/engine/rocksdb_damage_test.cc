// Random damage to a store's files: an error or everything that was stored, never a wrong value,
// never a silent loss, never an abort, for writer and follower. Where the loss is accepted, all
// that lies in undamaged files is there.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/damaged_store.h"
#include "tests/support/child_process.h"

namespace callisto::kv {
namespace {

/// One case: what became of it.
class Case {
 public:
  Case(DamagedStore& store, DamageDone done) : store_(store), done_(std::move(done)) {}

  /// "refused", "told" (by reads, or by a check of the files) or "clean".
  std::string run() {
    const bool follower_refused = look(true);
    const bool writer_refused = look(false);
    if (!writer_refused) check_after();
    if (follower_refused || writer_refused) return "refused";
    return has_told_ ? "told" : "clean";
  }

 private:
  bool is_table() const { return done_.file.ends_with(".sst"); }

  /// Without accepting anything, and then with: whether it was refused at first.
  bool look(bool read_only) {
    const auto before = store_.snapshot_of_files();
    auto opened = store_.try_open(read_only, false);
    if (opened) {
      EXPECT_FALSE((*opened)->health().lost);
      check_reading(**opened, false);
      if (read_only) has_told_ |= !(*opened)->refresh();
      if (!read_only) has_told_ |= !(*opened)->verify_checksums();
      EXPECT_TRUE(!read_only || store_.snapshot_of_files() == before);
      return false;
    }
    check_refusal(opened.error());
    EXPECT_EQ(store_.snapshot_of_files(), before) << "a refused opening changes nothing";
    // A marker of a layout that is not known is not damaged.
    if (opened.error().code() == Code::format_too_new) return true;
    opened = store_.try_open(read_only, true);
    EXPECT_TRUE(opened) << opened.error().to_string();
    if (!opened) return true;
    EXPECT_TRUE((*opened)->health().lost) << "says what was lost";
    check_reading(**opened, true);
    if (read_only) {
      EXPECT_TRUE((*opened)->refresh());
      check_reading(**opened, true);
      EXPECT_EQ(store_.snapshot_of_files(), before) << "a reader accepts for itself";
    } else {
      opened->reset();
      check_salvaged();
    }
    return true;
  }
  void check_refusal(const Error& error) {
    const Code code = error.code();
    // A marker whose number of the layout is another one: nothing tells that it is damaged.
    if (code == Code::format_too_new && done_.file == "CALLISTO") return;
    EXPECT_TRUE(code == Code::corruption || code == Code::data_loss) << error.to_string();
    EXPECT_NE(error.message().find(done_.file), std::string::npos) << error.to_string();
    const char* const says = done_.is_harmless ? "none of its rows is lost" : ": its keys from ";
    EXPECT_TRUE(!is_table() || error.message().find(says) != std::string::npos)
        << error.to_string();
  }
  /// What may be missing without an error: of one file, once it is accepted.
  void check_reading(Store& store, bool accepted) {
    const auto reading = store_.read_all(store, done_.was_killed);
    has_told_ |= reading.errors > 0;
    EXPECT_TRUE(reading.errors == 0 || (is_table() && !done_.is_harmless));
    const bool may_harm =
        accepted && !done_.is_harmless && (is_table() || done_.file.ends_with(".log"));
    EXPECT_LE(reading.harmed.size(), may_harm ? 1U : 0U)
        << ::testing::PrintToString(reading.harmed);
  }
  /// Accepted for good: whole, as far as opening goes, and writable.
  void check_salvaged() {
    auto opened = store_.try_open(false, false);
    ASSERT_TRUE(opened) << opened.error().to_string();
    EXPECT_FALSE((*opened)->health().lost);
    check_reading(**opened, true);
    EXPECT_TRUE(DamagedStore::try_put(**opened, "new", "value"));
    opened->reset();
    opened = store_.try_open(true, false);
    ASSERT_TRUE(opened) << opened.error().to_string();
    EXPECT_EQ(DamagedStore::get(**opened, "new"), "value");
  }
  /// A damaged block fails a merge, which stops the writes; it ends nothing else.
  void check_after() {
    auto opened = store_.try_open(false, false);
    ASSERT_TRUE(opened) << opened.error().to_string();
    has_told_ |= !(*opened)->compact();
    check_reading(**opened, false);
  }

  DamagedStore& store_;
  const DamageDone done_;
  bool has_told_ = false;
};

TEST(RocksDamageChild, DISABLED_Reads) {
  DamagedStore store;
  store.make_originals();
  std::mt19937_64 random(std::stoull(testing::child_setting("SEED")));
  const int cases = std::stoi(testing::child_setting("CASES"));
  for (int i = 0; i < cases; ++i) {
    DamageDone done = store.damage(random);
    testing::tell_parent("damage: " + done.what);
    const std::string what = done.what;
    testing::tell_parent(Case(store, std::move(done)).run());
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
  int refused = 0;
  int told = 0;
  int clean = 0;
  for (std::size_t i = 0; i < children.size(); ++i) {
    std::string last;
    for (std::string line = children[i]->hear(); !line.empty(); line = children[i]->hear()) {
      refused += line == "refused" ? 1 : 0;
      told += line == "told" ? 1 : 0;
      clean += line == "clean" ? 1 : 0;
      if (line.starts_with("damage: ")) last = line;
    }
    EXPECT_TRUE(children[i]->finish()) << "seed " << seed + i << ", " << last;
  }
  std::printf("%d cases: %d refused and then accepted, %d told by reads, %d without effect\n",
              refused + told + clean, refused, told, clean);
  EXPECT_GT(refused, 0);
  EXPECT_GT(told, 0);
  EXPECT_EQ(refused + told + clean, kProcesses * cases);
}

}  // namespace
}  // namespace callisto::kv
