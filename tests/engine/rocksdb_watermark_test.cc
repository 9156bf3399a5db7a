// What the WATERMARK proves: after a kill every commit, after a stop of the machine those that were
// synced; and what happens when it cannot be written.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>

#include "engine/rocksdb/watermark_page.h"
#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/live_copy.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

class RocksWatermark : public RocksTest {
 protected:
  /// As after a kill: two synced commits, then two buffered ones, in the log.
  void make_killed_store() {
    const std::string original = directory_;
    {
      auto store = open();
      ASSERT_TRUE(try_put(*store, "a", "1", Durability::synced));
      ASSERT_TRUE(try_put(*store, "b", "2", Durability::synced));
      put(*store, "c", "3");
      put(*store, "d", "4");
      testing::copy_live(directory_, temporary_.path("killed"));
    }
    directory_ = temporary_.path("killed");
    log_ = newest_log();
  }
  std::string newest_log() {
    std::string newest;
    for (const auto& entry : fs::directory_iterator(path("db"))) {
      if (entry.path().extension() == ".log") newest = std::max(newest, entry.path().string());
    }
    return newest;
  }
  WatermarkPage page() { return read_watermark(directory_).value().value(); }
  FileMark synced_of_log() {
    for (const WatchedFile& file : page().files) {
      if (log_.ends_with(file.name.text())) return file.synced;
    }
    return {};
  }
  void machine_stopped() {
    WatermarkPage page = this->page();
    page.boot.fill(7);
    std::string bytes;
    encode_page(page, bytes);
    write_file(path("WATERMARK"), bytes);
  }
  OpenOptions accepting() {
    OpenOptions accepting = options();
    accepting.accept_data_loss = true;
    return accepting;
  }

  std::string log_;
};

TEST_F(RocksWatermark, SeesTheLossOfTheLastCommitAfterAKill) {
  make_killed_store();
  const std::string bytes = read_file(log_);
  for (const bool cut : {true, false}) {
    std::string damaged = bytes;
    if (cut) damaged.pop_back();
    if (!cut) damaged.back() = static_cast<char>(damaged.back() ^ 1);
    write_file(log_, damaged);
    EXPECT_EQ(code_of(options()), Code::data_loss);
    OpenOptions follower = options();
    follower.read_only = true;
    EXPECT_EQ(code_of(follower), Code::data_loss);
  }
  fs::remove(log_);
  EXPECT_EQ(code_of(options()), Code::data_loss);
  // Refused with nothing changed: the log may come back.
  write_file(log_, bytes);
  auto store = open();
  EXPECT_EQ(get(*store, "d"), "4");
  EXPECT_FALSE(store->health().lost);
}

TEST_F(RocksWatermark, ExpectsWhatWasSyncedAfterTheMachineStopped) {
  make_killed_store();
  const FileMark synced = synced_of_log();
  ASSERT_GT(synced.bytes, 0U);
  ASSERT_LT(synced.bytes, fs::file_size(log_));
  machine_stopped();
  testing::copy_live(directory_, temporary_.path("again"));
  fs::resize_file(log_, synced.bytes);
  {
    auto store = open();
    EXPECT_EQ(get(*store, "b"), "2");
    EXPECT_EQ(get(*store, "c"), "absent") << "a buffered commit may go";
  }
  directory_ = temporary_.path("again");
  fs::resize_file(newest_log(), synced.bytes - 1);
  EXPECT_EQ(code_of(options()), Code::data_loss) << "a synced one may not";
}

TEST_F(RocksWatermark, AcceptedLossIsToldOnceAndTheRestStays) {
  make_killed_store();
  fs::resize_file(log_, fs::file_size(log_) - 1);
  {
    auto store = open_rocksdb(accepting()).value();
    const EngineHealth health = store->health();
    ASSERT_TRUE(health.lost);
    EXPECT_EQ(health.lost->code(), Code::data_loss);
    EXPECT_NE(health.lost->message().find(fs::path(log_).filename()), std::string::npos);
    EXPECT_TRUE(health.writable);
    EXPECT_EQ(get(*store, "c"), "3");
    EXPECT_EQ(get(*store, "d"), "absent");
    put(*store, "e", "5");
  }
  auto store = open();
  EXPECT_EQ(get(*store, "e"), "5");
  EXPECT_FALSE(store->health().lost);
}

TEST_F(RocksWatermark, MustBeThereAndWhole) {
  put(*open(), "k", "v");
  OpenOptions follower = options();
  follower.read_only = true;
  for (const char* bytes : {"", "CALLISWM", "x"}) {
    write_file(path("WATERMARK"), bytes);
    EXPECT_EQ(code_of(options()), Code::data_loss);
    EXPECT_EQ(code_of(follower), Code::data_loss);
  }
  fs::remove(path("WATERMARK"));
  EXPECT_EQ(code_of(options()), Code::data_loss);
  follower.accept_data_loss = true;
  EXPECT_EQ(get(*open_rocksdb(follower).value(), "k"), "v");
  EXPECT_EQ(code_of(options()), Code::data_loss) << "a reader accepts for itself only";
  EXPECT_EQ(get(*open_rocksdb(accepting()).value(), "k"), "v");
  EXPECT_EQ(get(*open(), "k"), "v");
}

TEST_F(RocksWatermark, CommitsGoOnWhereItCannotBeWritten) {
  std::atomic<bool> fails{false};
  environment_.set_file_hook([&](FileOperation, std::string_view file) {
    return fails && file.ends_with("WATERMARK") ? EIO : 0;
  });
  auto store = open();
  put(*store, "a", "1");
  EXPECT_FALSE(store->health().unguarded);
  fails = true;
  ASSERT_TRUE(try_put(*store, "b", "2", Durability::synced));
  EXPECT_TRUE(store->sync());
  ASSERT_TRUE(store->compact()) << "files that it would miss stay";
  put(*store, "c", "3");
  const EngineHealth health = store->health();
  EXPECT_TRUE(health.writable);
  ASSERT_TRUE(health.unguarded);
  EXPECT_EQ(health.unguarded->code(), Code::io_error);
  testing::copy_live(directory_, temporary_.path("killed"));
  fails = false;
  put(*store, "d", "4");
  EXPECT_FALSE(store->health().unguarded);
  ASSERT_TRUE(store->close());
  EXPECT_EQ(get(*open(), "d"), "4");
  directory_ = temporary_.path("killed");
  EXPECT_EQ(get(*open(), "c"), "3") << "no false alarm";
}

TEST_F(RocksWatermark, PagesAreWholeOrNothing) {
  WatermarkPage page;
  page.update = 12;
  page.boot.fill(3);
  page.synced_sequence = 5;
  for (std::uint64_t i = 0; i < kMaxWatchedFiles; ++i) {
    page.files.push_back({.name = {FileName::Kind::log, i}, .written = {i, 7}, .synced = {i, 8}});
  }
  std::string bytes;
  encode_page(page, bytes);
  ASSERT_LE(bytes.size(), kWatermarkPageBytes);
  const auto decoded = decode_page(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->update, 12U);
  EXPECT_EQ(decoded->boot, page.boot);
  EXPECT_EQ(decoded->synced_sequence, 5U);
  ASSERT_EQ(decoded->files.size(), kMaxWatchedFiles);
  EXPECT_EQ(decoded->files[9].name.text(), "000009.log");
  EXPECT_EQ(decoded->files[9].synced.hash, 8U);
  for (std::size_t i = 0; i < bytes.size(); i += 7) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    EXPECT_FALSE(decode_page(damaged)) << i;
    EXPECT_FALSE(decode_page(bytes.substr(0, i))) << i;
  }
}

TEST_F(RocksWatermark, ProvesALossWhereTheMarkerIsGoneToo) {
  make_killed_store();
  std::filesystem::remove(path("CALLISTO"));
  std::filesystem::resize_file(log_, 1);
  EXPECT_EQ(code_of(options()), Code::data_loss);
  EXPECT_FALSE(std::filesystem::exists(path("CALLISTO")));
  OpenOptions accepting = options();
  accepting.accept_data_loss = true;
  const auto store = open_rocksdb(accepting).value();
  EXPECT_TRUE(store->health().lost);
}

TEST_F(RocksWatermark, AMissingMarkerIsMadeAnewWhereNothingElseIsLost) {
  make_killed_store();
  for (const char* folder : {"lost", "staging"}) std::filesystem::create_directory(path(folder));
  std::filesystem::remove(path("CALLISTO"));
  const auto store = open();
  EXPECT_EQ(get(*store, "d"), "4");
  EXPECT_FALSE(store->health().lost);
  EXPECT_TRUE(std::filesystem::exists(path("CALLISTO")));
}

}  // namespace
}  // namespace callisto::kv
