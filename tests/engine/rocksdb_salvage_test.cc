// What an opening that accepts a loss does with a damaged store: which files it gives up, what it
// says of them, and that it can be cut short anywhere.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/engine/damaged_store.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

class RocksSalvage : public DamagedStore {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(make_originals()); }

  std::vector<std::string> files_ending(const std::string& end) const {
    std::vector<std::string> names;
    for (const std::string& name : files()) {
      if (name.ends_with(end)) names.push_back(name);
    }
    return names;
  }
  /// The table files, as refusals name them: those of memories, lowest level first.
  std::vector<std::string> tables_of_memories() {
    std::vector<std::string> names;
    for (const std::string& name : files_ending(".sst")) {
      const std::string whole = read_file(file_path(name));
      fs::remove(file_path(name));
      if (refusal().find(name + " of memories ") != std::string::npos) names.push_back(name);
      write_file(file_path(name), whole);
    }
    return names;
  }
  std::string refusal() {
    const auto opened = try_open(false, false);
    EXPECT_FALSE(opened);
    return opened ? "" : opened.error().message();
  }
  std::string manifest() const {
    const std::string current = read_file(path("db/CURRENT"));
    return current.substr(0, current.size() - 1);
  }
  static std::string lost(Store& store) {
    const auto lost = store.health().lost;
    return lost ? lost->message() : "";
  }
};

TEST_F(RocksSalvage, ATableFileIsNamedWithItsTableAndKeys) {
  restore(false);
  const auto tables = tables_of_memories();
  ASSERT_EQ(tables.size(), 3U) << "one for the layers 0, 1, 2 and 3";
  for (std::size_t i = 0; i < tables.size(); ++i) {
    restore(false);
    const std::string whole = read_file(file_path(tables[i]));
    fs::resize_file(file_path(tables[i]), whole.size() - 1);
    const std::string said = refusal();
    EXPECT_NE(said.find(tables[i] + " of memories has "), std::string::npos) << said;
    EXPECT_NE(said.find("keys from 6"), std::string::npos) << "the first letter in hex: " << said;
    EXPECT_NE(said.find("--accept-data-loss"), std::string::npos) << said;
    // Below the lowest file there is nothing older.
    EXPECT_EQ(said.find("older values") == std::string::npos, i == 0) << said;
    auto store = try_open(false, true).value();
    EXPECT_NE(lost(*store).find(tables[i] + " of memories"), std::string::npos) << lost(*store);
    const Reading reading = read_all(*store, false);
    EXPECT_EQ(reading.errors, 0);
    EXPECT_EQ(reading.harmed, std::set<std::string>{"memories " + std::to_string(i)});
    EXPECT_TRUE(store->compact());
    EXPECT_TRUE(store->verify_checksums());
    // Closing waits for what RocksDB still removes.
    ASSERT_TRUE(store->close());
    EXPECT_FALSE(fs::exists(file_path(tables[i])));
    EXPECT_EQ(read_file(path("lost/" + tables[i])), whole.substr(0, whole.size() - 1));
  }
}

TEST_F(RocksSalvage, BytesBehindTheEndOfATableFileAreCutOffAndNothingIsLost) {
  restore(false);
  for (const std::string& table : tables_of_memories()) {
    restore(false);
    const std::string whole = read_file(file_path(table));
    const std::string longer = whole + std::string(5000, 'x');
    write_file(file_path(table), longer);
    const std::string said = refusal();
    EXPECT_NE(said.find(table + " of memories has 5000 bytes behind its end"), std::string::npos)
        << said;
    EXPECT_NE(said.find("--accept-data-loss"), std::string::npos) << said;
    EXPECT_EQ(read_file(file_path(table)), longer) << "a refusal changes nothing";
    for (const bool read_only : {true, false}) {
      auto store = try_open(read_only, true).value();
      EXPECT_NE(lost(*store).find(table + " of memories has 5000"), std::string::npos);
      const Reading reading = read_all(*store, false);
      EXPECT_EQ(reading.errors, 0);
      EXPECT_EQ(reading.harmed, std::set<std::string>{}) << table << " " << read_only;
      EXPECT_EQ(read_file(file_path(table)), read_only ? longer : whole);
    }
    EXPECT_EQ(read_file(path("lost/" + table)), longer);
    auto store = open();
    EXPECT_EQ(lost(*store), "") << "told once";
    EXPECT_TRUE(store->compact());
    EXPECT_TRUE(store->verify_checksums());
  }
}

TEST_F(RocksSalvage, ATableFileThatIsDamagedBesidesItsSurplusIsGivenUp) {
  restore(false);
  const std::string table = tables_of_memories().front();
  std::string bytes = read_file(file_path(table));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // of its magic number
  write_file(file_path(table), bytes + "more");
  EXPECT_NE(refusal().find(table + " of memories has "), std::string::npos) << refusal();
  const auto store = try_open(false, true).value();
  EXPECT_NE(lost(*store).find("are lost"), std::string::npos) << lost(*store);
  EXPECT_EQ(read_all(*store, false).harmed, std::set<std::string>{"memories 0"});
}

TEST_F(RocksSalvage, SeveralTableFilesAreGivenUpTogether) {
  restore(false);
  const auto tables = files_ending(".sst");
  for (std::size_t i = 1; i < tables.size(); ++i) fs::remove(file_path(tables[i]));
  fs::remove(path("db/CURRENT"));
  EXPECT_NE(refusal().find("CURRENT"), std::string::npos);
  const auto store = try_open(false, true).value();
  const std::string said = lost(*store);
  EXPECT_NE(said.find("more"), std::string::npos) << said;
  EXPECT_GT(read_all(*store, false).harmed.size(), 3U);
}

TEST_F(RocksSalvage, AManifestComesBackFromItsCopyAndNothingIsLost) {
  for (const bool killed : {false, true}) {
    for (const char* what : {"flip", "cut", "missing", "both"}) {
      restore(killed);
      const std::string file = file_path(manifest());
      std::string bytes = read_file(file);
      if (*what == 'f') bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 16);
      if (*what == 'c') bytes.resize(bytes.size() / 2);
      write_file(file, bytes);
      if (*what == 'm') fs::remove(file);
      if (*what == 'b') fs::remove(path("db/CURRENT"));
      EXPECT_FALSE(try_open(false, false));
      for (const bool read_only : {true, false}) {
        auto store = try_open(read_only, true).value();
        const Reading reading = read_all(*store, killed);
        EXPECT_TRUE(reading.errors == 0 && reading.harmed.empty()) << what;
        EXPECT_NE(lost(*store), "");
      }
      EXPECT_EQ(lost(*open()), "") << "told once";
    }
  }
}

// Nothing says then which table files there were since.
TEST_F(RocksSalvage, ACutManifestWithoutACopyOpensOlderAndKeepsTheRest) {
  restore(false);
  const std::string file = file_path(manifest());
  fs::remove(file_path(manifest() + ".copy"));
  fs::resize_file(file, fs::file_size(file) - 60);
  const auto tables = files_ending(".sst");
  {
    auto store = try_open(false, true).value();
    EXPECT_NE(lost(*store).find("no whole copy"), std::string::npos) << lost(*store);
    read_all(*store, false);
  }
  for (const std::string& name : tables) EXPECT_TRUE(fs::exists(path("lost/" + name)));
  EXPECT_TRUE(open());
}

TEST_F(RocksSalvage, LogsLoseTheirDamagedRecordsOnly) {
  restore(true);
  const std::string log = files_ending(".log").front();
  std::string bytes = read_file(file_path(log));
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  write_file(file_path(log), bytes);
  for (const bool read_only : {true, false}) {
    const auto store = try_open(read_only, true).value();
    EXPECT_NE(lost(*store).find(log), std::string::npos);
    EXPECT_EQ(read_all(*store, true).harmed, std::set<std::string>{"log 2"});
    EXPECT_NE(get(*store, "d0059", Family::memories), "absent");
    EXPECT_NE(get(*store, "d0059", Family::users), "absent");
  }
  EXPECT_EQ(read_file(path("lost/" + log)), bytes);
}

TEST_F(RocksSalvage, ADamagedMarkerIsWrittenAnew) {
  restore(false);
  write_file(path("CALLISTO"), "callisto st\x01re\nlayout 1\n");
  EXPECT_NE(refusal().find("CALLISTO"), std::string::npos);
  for (const bool read_only : {true, false}) {
    auto store = try_open(read_only, true).value();
    EXPECT_NE(lost(*store).find("CALLISTO"), std::string::npos);
    EXPECT_TRUE(read_all(*store, false).harmed.empty());
  }
  EXPECT_EQ(lost(*open()), "");
}

TEST_F(RocksSalvage, EarlierLossesStay) {
  for (const char* bytes : {"first", "second"}) {
    restore(false);
    const std::string table = tables_of_memories().front();
    if (fs::exists(temporary_.path("lost"))) fs::copy(temporary_.path("lost"), path("lost"));
    write_file(file_path(table), bytes);
    try_open(false, true).value()->close().value();
    fs::remove_all(temporary_.path("lost"));
    fs::copy(path("lost"), temporary_.path("lost"));
  }
  int kept = 0;
  for (const auto& entry : fs::directory_iterator(temporary_.path("lost"))) {
    const std::string bytes = read_file(entry.path());
    kept += bytes == "first" || bytes == "second" ? 1 : 0;
  }
  EXPECT_EQ(kept, 2);
}

// The disk fails from the n-th operation on, for every n: then the store is as it was before, or
// its loss is told by the next opening, and the same can be read.
TEST_F(RocksSalvage, CutShortAnywhereItLosesNoMoreAndTellsIt) {
  restore(true);
  const std::string table = tables_of_memories().back();
  const std::string longer = tables_of_memories().front();
  ASSERT_NE(longer, table);
  const std::string log = files_ending(".log").front();
  const char* given = std::getenv("CALLISTO_SALVAGE_STRIDE");
  const int stride = given == nullptr ? 13 : std::max(1, std::atoi(given));
  bool is_done = false;
  int cut_short = 0;
  const auto first = static_cast<int>(testing::test_seed() % static_cast<unsigned>(stride));
  for (int n = first; !is_done; n += stride) {
    restore(true);
    fs::resize_file(file_path(table), 100);
    write_file(file_path(longer), read_file(file_path(longer)) + "surplus");
    std::string bytes = read_file(file_path(log));
    bytes[100] = static_cast<char>(bytes[100] ^ 1);
    write_file(file_path(log), bytes);
    fs::remove(path("db/CURRENT"));
    std::atomic<int> operations{0};
    environment_.set_file_hook(
        [&](FileOperation, std::string_view) { return operations++ < n ? 0 : EIO; });
    is_done = try_open(false, true).has_value() && operations <= n;
    environment_.set_file_hook({});
    if (is_done) break;
    ++cut_short;
    const auto refused = try_open(false, false);
    // What fails behind the opening, as in closing, is not the opening's.
    if (refused) continue;
    const Code code = refused.error().code();
    EXPECT_TRUE(code == Code::data_loss || code == Code::corruption) << refused.error().to_string();
    const auto store = try_open(false, true).value();
    const std::string said = lost(*store);
    EXPECT_NE(said.find(table), std::string::npos) << n << ": " << said;
    EXPECT_NE(said.find(longer), std::string::npos) << n << ": " << said;
    EXPECT_NE(said.find(log), std::string::npos) << n << ": " << said;
    EXPECT_EQ(read_all(*store, true).harmed, (std::set<std::string>{"log 2", "memories 1"})) << n;
    ASSERT_FALSE(HasFailure()) << n;
  }
  std::printf("cut short in %d places, every %d\n", cut_short, stride);
  EXPECT_GT(cut_short, 100 / stride);
}

}  // namespace
}  // namespace callisto::kv
