// The read-only store: beside a writer, after its end, alone.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/child_process.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;
using testing::ChildProcess;

class RocksFollower : public RocksTest {
 protected:
  /// Path, size and time of change of everything below the store.
  std::map<std::string, std::string> look() const {
    std::map<std::string, std::string> seen;
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
      const auto time = entry.last_write_time().time_since_epoch().count();
      seen[entry.path()] = std::to_string(entry.is_regular_file() ? entry.file_size() : 0) + " " +
                           std::to_string(time);
    }
    return seen;
  }
};

TEST_F(RocksFollower, ItsViewMovesInRefreshOnly) {
  auto writer = open();
  put(*writer, "k", "1");
  auto follower = follow();
  EXPECT_EQ(get(*follower, "k"), "1") << "what is only in the log is seen";
  const Version before = follower->version();
  EXPECT_EQ(before, writer->version());
  put(*writer, "k", "2");
  ASSERT_TRUE(writer->compact());
  EXPECT_EQ(get(*follower, "k"), "1");
  EXPECT_EQ(follower->version(), before);
  ASSERT_TRUE(follower->refresh());
  EXPECT_EQ(get(*follower, "k"), "2");
  EXPECT_EQ(follower->version(), writer->version());
}

TEST_F(RocksFollower, ASnapshotIsLostByRefresh) {
  auto writer = open();
  put(*writer, "k", "1");
  auto follower = follow();
  auto snapshot = follower->snapshot();
  EXPECT_EQ(get(*snapshot, "k"), "1");
  EXPECT_EQ(keys(*snapshot, {.lower = "a", .upper = "z"}), "k ");
  auto cursor = snapshot->scan(Family::users, {.lower = "a", .upper = "z"});
  put(*writer, "l", "2");
  ASSERT_TRUE(writer->compact());
  ASSERT_TRUE(follower->refresh());
  Value value;
  EXPECT_EQ(snapshot->get(Family::users, "k", value).error().code(), Code::snapshot_lost);
  const std::vector<std::string> wanted = {"k"};
  EXPECT_EQ(
      snapshot->multi_get(Family::users, wanted, [](std::size_t, std::string_view) { FAIL(); })
          .error()
          .code(),
      Code::snapshot_lost);
  const auto lost = snapshot->scan(Family::users, {.lower = "a", .upper = "z"});
  EXPECT_FALSE(lost->valid());
  EXPECT_EQ(lost->status().error().code(), Code::snapshot_lost);
  ASSERT_TRUE(cursor->valid()) << "a cursor keeps its state";
  EXPECT_EQ(cursor->key(), "k");
  cursor->next();
  EXPECT_FALSE(cursor->valid());
  EXPECT_TRUE(cursor->status());
  EXPECT_EQ(keys(*follower->snapshot(), {.lower = "a", .upper = "z"}), "k l ");
}

TEST_F(RocksFollower, RefusesWrites) {
  put(*open(), "k", "v");
  auto follower = follow();
  EXPECT_EQ(try_put(*follower, "k", "w").error().code(), Code::read_only);
  EXPECT_EQ(follower->run({}, [](Transaction&) { return Result<void>(); }).error().code(),
            Code::read_only);
  EXPECT_EQ(follower->erase_range(Family::users, "a", "z").error().code(), Code::read_only);
  EXPECT_EQ(follower->sync().error().code(), Code::read_only);
  EXPECT_EQ(follower->compact().error().code(), Code::read_only);
  EXPECT_FALSE(follower->sole_writer());
  EXPECT_EQ(follower->committed_version(Family::users, "k"), std::nullopt);
  EXPECT_FALSE(follower->health().writable);
  EXPECT_FALSE(follower->health().failure);
  EXPECT_EQ(get(*follower, "k"), "v");
}

TEST_F(RocksFollower, ReadsManyKeysAndSizes) {
  {
    auto writer = open();
    for (int i = 0; i < 500; ++i) put(*writer, "k" + std::to_string(i), std::to_string(i));
    ASSERT_TRUE(writer->compact());
  }
  auto follower = follow();
  std::vector<std::string> wanted;
  for (int i = 0; i < 1000; i += 2) wanted.push_back("k" + std::to_string(i));
  std::size_t found = 0;
  ASSERT_TRUE(
      follower->multi_get(Family::users, wanted, [&](std::size_t i, std::string_view value) {
        EXPECT_EQ("k" + std::string(value), wanted[i]);
        ++found;
      }));
  EXPECT_EQ(found, 250U);
  EXPECT_GT(follower->approximate_bytes(Family::users, "a", "z"), 0U);
  EXPECT_GT(follower->stats().disk_bytes, 0U);
  EXPECT_TRUE(follower->verify_checksums());
}

TEST_F(RocksFollower, AloneItLeavesEverythingAsItIs) {
  put(*open(), "k", "v");
  const auto before = look();
  {
    auto follower = follow();
    EXPECT_EQ(get(*follower, "k"), "v");
    ASSERT_TRUE(follower->refresh());
    ASSERT_TRUE(follower->verify_checksums());
  }
  EXPECT_EQ(look(), before);
  open();
}

TEST(RocksFollowerChild, DISABLED_ReadsAsNobody) {
  ASSERT_EQ(::setgid(65534), 0);
  ASSERT_EQ(::setuid(65534), 0);
  testing::TestEnvironment environment;
  OpenOptions options;
  options.directory = testing::child_setting("DIR");
  options.read_only = true;
  options.environment = &environment;
  auto follower = open_rocksdb(options);
  ASSERT_TRUE(follower) << follower.error().to_string();
  Value value;
  ASSERT_TRUE((*follower)->get(Family::users, "k", value).value());
  ASSERT_TRUE((*follower)->refresh());
  testing::tell_parent(std::string(value.view()));
}

TEST_F(RocksFollower, NeedsNoPermissionToWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  auto writer = open();
  put(*writer, "k", "v");
  fs::permissions(temporary_.path(), fs::perms(0755));
  ChildProcess child("RocksFollowerChild.DISABLED_ReadsAsNobody", {{"DIR", directory_}});
  EXPECT_EQ(child.hear(), "v");
  EXPECT_TRUE(child.finish());
}

TEST_F(RocksFollower, DamageIsAnErrorUnlessItIsAccepted) {
  put(*open(), "k", "v");
  const std::string current = read_file(path("db/CURRENT"));
  const std::string manifest = path("db/" + current.substr(0, current.size() - 1));
  std::string bytes = read_file(manifest);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(manifest, bytes);
  OpenOptions follower = options();
  follower.read_only = true;
  EXPECT_EQ(code_of(follower), Code::data_loss);
  OpenOptions accepting = follower;
  accepting.accept_data_loss = true;
  EXPECT_EQ(get(*open_rocksdb(accepting).value(), "k"), "v") << "by the copy";
  fs::remove(path("db/CURRENT"));
  EXPECT_EQ(code_of(follower), Code::corruption);
  EXPECT_EQ(get(*open_rocksdb(accepting).value(), "k"), "v");
  fs::remove(path(fs::path(manifest).filename().string() + ".copy"));
  EXPECT_EQ(code_of(accepting), Code::corruption) << "nothing can be read";
}

TEST_F(RocksFollower, ARefreshNeverGoesBackToAnOlderState) {
  put(*open(), "a", "1");
  auto follower = follow();
  put(*open(), "b", "2");
  ASSERT_TRUE(follower->refresh());
  put(*open(), "c", "3");  // In the newest table file, once it is closed.
  std::string newest;
  for (const auto& entry : fs::directory_iterator(path("db"))) {
    if (entry.path().extension() == ".sst") newest = std::max(newest, entry.path().string());
  }
  const std::string whole = read_file(newest);
  for (const std::size_t size : {std::size_t{0}, whole.size() - 1}) {
    fs::resize_file(newest, size);
    const auto refreshed = follower->refresh();
    ASSERT_FALSE(refreshed);
    EXPECT_EQ(refreshed.error().code(), Code::corruption);
    EXPECT_EQ(get(*follower, "b"), "2") << "what it showed before";
  }
  write_file(newest, whole);
  ASSERT_TRUE(follower->refresh());
  EXPECT_EQ(get(*follower, "c"), "3");
}

/// Commits number i: "row" i, and the number in three families. With each, enough bytes for flushes
/// and compactions to follow each other.
void write_rows(Store& store, int first, int count, const std::function<bool(int)>& committed) {
  const std::string filler(8'000, 'f');
  for (int i = first; i < first + count; ++i) {
    const std::string number = std::to_string(i);
    Batch batch;
    batch.put(Family::users, "number", number);
    batch.put(Family::messages, "row" + number, number);
    batch.put(Family::memories, "filler" + std::to_string(i % 50), filler);
    batch.put(Family::indexes, "number", number);
    batch.put(Family::system, "number", number);
    ASSERT_TRUE(store.apply(batch, Durability::buffered));
    if (!committed(i)) return;
  }
}

/// Checks that a follower shows the first commits, whole, and no others: their number.
int check_view(Store& follower) {
  Value value;
  if (!follower.get(Family::users, "number", value).value()) return -1;
  const std::string number(value.view());
  for (const Family family : {Family::indexes, Family::system}) {
    EXPECT_TRUE(follower.get(family, "number", value).value());
    EXPECT_EQ(value.view(), number) << "half of a commit";
  }
  int rows = 0;
  const auto cursor = follower.scan(Family::messages, {.lower = "row", .upper = "rox"});
  for (; cursor->valid(); cursor->next()) ++rows;
  EXPECT_TRUE(cursor->status());
  EXPECT_EQ(rows, std::stoi(number) + 1) << "a hole in the commits";
  return std::stoi(number);
}

TEST(RocksFollowerChild, DISABLED_Writes) {
  testing::TestEnvironment environment;
  OpenOptions options;
  options.directory = testing::child_setting("DIR");
  options.memory_budget_bytes = kSmallestBudget;
  options.environment = &environment;
  auto store = open_rocksdb(options).value();
  testing::tell_parent("open");
  write_rows(*store, 0, 1'000'000, [](int i) {
    if (i % 100 == 99) testing::tell_parent(std::to_string(i));
    return true;
  });
}

TEST_F(RocksFollower, BesideAnotherProcessAndAfterItWasKilled) {
  ChildProcess child("RocksFollowerChild.DISABLED_Writes", {{"DIR", directory_}});
  ASSERT_EQ(child.hear(), "open");
  auto follower = follow();
  int seen = -1;
  int told = -1;
  while (told < 800) {
    told = std::stoi(child.hear());
    ASSERT_TRUE(follower->refresh());
    const int now = check_view(*follower);
    EXPECT_GE(now, seen) << "backwards";
    EXPECT_GE(now, told) << "what was acknowledged before the refresh is seen";
    seen = now;
    auto another = follow();
    EXPECT_GE(check_view(*another), seen);
  }
  child.kill();
  ASSERT_TRUE(follower->refresh());
  const int last = check_view(*follower);
  EXPECT_GE(last, seen);
  EXPECT_EQ(check_view(*follow()), last);
  auto writer = open();
  EXPECT_EQ(get(*writer, "number"), std::to_string(last)) << "a writer finds the same";
  write_rows(*writer, last + 1, 1, [](int) { return true; });
  ASSERT_TRUE(follower->refresh());
  EXPECT_EQ(check_view(*follower), last + 1);
}

// The writer flushes, compacts and changes its log files as fast as it can.
TEST_F(RocksFollower, BesideAWriterOfThisProcessAtFullSpeed) {
  auto writer = open();
  std::jthread writing([&](const std::stop_token& stop) {
    write_rows(*writer, 0, 1'000'000, [&](int i) {
      if (i % 20 == 19) {
        EXPECT_TRUE(writer->compact());
      }
      return !stop.stop_requested();
    });
  });
  auto follower = follow();
  int seen = -1;
  // Refreshes are fast while the writer waits for a processor.
  for (int i = 0; i < 150 || seen <= 0; ++i) {
    const auto refreshed = follower->refresh();
    ASSERT_TRUE(refreshed) << refreshed.error().to_string();
    const int now = check_view(*follower);
    ASSERT_FALSE(HasFailure()) << "at refresh " << i;
    EXPECT_GE(now, seen);
    seen = now;
    if (i % 10 == 9) {
      EXPECT_GE(check_view(*follow()), seen);
    }
  }
  EXPECT_GT(seen, 0);
}

TEST_F(RocksFollower, FollowsOverReopenings) {
  open();
  auto follower = follow();
  for (int i = 0; i < 10; ++i) {
    auto writer = open();
    write_rows(*writer, i * 10, 10, [](int) { return true; });
    ASSERT_TRUE(follower->refresh());
    EXPECT_EQ(check_view(*follower), i * 10 + 9);
    writer.reset();
    ASSERT_TRUE(follower->refresh());
    EXPECT_EQ(check_view(*follower), i * 10 + 9);
  }
}

TEST_F(RocksFollower, ReadersAndRefreshesFromThreads) {
  auto writer = open();
  write_rows(*writer, 0, 10, [](int) { return true; });
  auto follower = follow();
  std::atomic<bool> stop{false};
  std::thread refreshing([&] {
    for (int i = 10; i < 60; ++i) {
      write_rows(*writer, i, 1, [](int) { return true; });
      EXPECT_TRUE(follower->refresh());
    }
    stop = true;
  });
  int lost = 0;
  while (!stop) {
    auto snapshot = follower->snapshot();
    Value value;
    const auto first = snapshot->get(Family::users, "number", value);
    const std::string number(value.view());
    const auto second = snapshot->get(Family::system, "number", value);
    if (first && second) {
      EXPECT_EQ(value.view(), number);
    } else {
      ++lost;
      EXPECT_EQ((first ? second : first).error().code(), Code::snapshot_lost);
    }
  }
  refreshing.join();
  std::printf("%d snapshots were lost meanwhile\n", lost);
}

}  // namespace
}  // namespace callisto::kv
