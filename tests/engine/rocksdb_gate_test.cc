// After the first failed write: no further one, a health that names it, reads that go on.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "engine/rocksdb/file_system.h"
#include "engine/rocksdb/space_guard.h"
#include "engine/rocksdb/write_gate.h"
#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

class RocksGate : public RocksTest {
 protected:
  using Decide = std::function<int(FileOperation, std::string_view)>;
  /// A store whose file operations `decide` may fail from now on.
  std::unique_ptr<Store> open_failing(Decide decide) {
    armed_ = false;
    environment_.set_file_hook([this, decide](FileOperation operation, std::string_view path) {
      return armed_ ? decide(operation, path) : 0;
    });
    auto store = open();
    armed_ = true;
    return store;
  }
  static Decide fail(FileOperation failing, std::string_view suffix, int error_number = EIO) {
    return [=](FileOperation operation, std::string_view path) {
      return operation == failing && path.ends_with(suffix) ? error_number : 0;
    };
  }
  void expect_stopped(Store& store, Code first_failure) {
    const EngineHealth health = store.health();
    EXPECT_FALSE(health.writable);
    ASSERT_TRUE(health.failure);
    EXPECT_EQ(health.failure->code(), first_failure) << health.failure->to_string();
    EXPECT_EQ(try_put(store, "later", "v").error().code(), Code::unavailable);
    EXPECT_EQ(store
                  .run({},
                       [](Transaction& transaction) {
                         return transaction.put(Family::users, "later", "v");
                       })
                  .error()
                  .code(),
              Code::unavailable);
    EXPECT_EQ(store.erase_range(Family::users, "a", "z").error().code(), Code::unavailable);
    EXPECT_EQ(store.sync().error().code(), Code::unavailable);
    EXPECT_EQ(store.compact().error().code(), Code::unavailable);
    EXPECT_EQ(get(store, "later"), "absent");
  }

  std::atomic<bool> armed_{false};
};

TEST_F(RocksGate, AFailedSyncIsUnknownAndStopsWrites) {
  auto store = open_failing(fail(FileOperation::sync, ".log"));
  put(*store, "before", "v");
  EXPECT_EQ(try_put(*store, "k", "v", Durability::synced).error().code(), Code::unknown_outcome);
  expect_stopped(*store, Code::io_error);
  EXPECT_EQ(get(*store, "before"), "v");
  EXPECT_EQ(get(*store->snapshot(), "before"), "v");
  EXPECT_TRUE(store->run({}, [](Transaction&) { return Result<void>(); }))
      << "a run that writes nothing is a read";
  armed_ = false;
  EXPECT_EQ(try_put(*store, "later", "v").error().code(), Code::unavailable)
      << "only opening anew ends it";
  ASSERT_TRUE(store->close());
  store = open();
  EXPECT_EQ(get(*store, "before"), "v");
  EXPECT_TRUE(store->health().writable);
  put(*store, "later", "v");
}

TEST_F(RocksGate, AFailedAppendStopsWrites) {
  auto store = open_failing(fail(FileOperation::append, ".log", ENOSPC));
  EXPECT_EQ(try_put(*store, "k", "v").error().code(), Code::unknown_outcome);
  expect_stopped(*store, Code::no_space);
}

TEST_F(RocksGate, AFailedSyncCallStopsWrites) {
  auto store = open_failing(fail(FileOperation::sync, ".log"));
  put(*store, "k", "v");
  EXPECT_EQ(store->sync().error().code(), Code::io_error);
  expect_stopped(*store, Code::io_error);
  EXPECT_EQ(get(*store, "k"), "v");
}

TEST_F(RocksGate, AFailedFlushStopsWrites) {
  auto store = open_failing(fail(FileOperation::append, ".sst", ENOSPC));
  put(*store, "k", "v");
  EXPECT_FALSE(store->compact());
  expect_stopped(*store, Code::no_space);
  EXPECT_EQ(get(*store, "k"), "v");
  ASSERT_TRUE(store->close());
  armed_ = false;
  EXPECT_EQ(get(*open(), "k"), "v") << "the log has it";
}

TEST_F(RocksGate, AFlushInTheBackgroundThatFailsStopsWrites) {
  auto store = open_failing(fail(FileOperation::create, ".sst"));
  const std::string value(100'000, 'v');
  Result<Version> written = Version{0};
  for (int i = 0; i < 10'000 && written; ++i) {
    written = try_put(*store, "k" + std::to_string(i), value);
  }
  ASSERT_FALSE(written);
  expect_stopped(*store, Code::io_error);
  EXPECT_EQ(get(*store, "k0"), value);
}

TEST_F(RocksGate, AHookThatThrowsIsAFailedOperation) {
  auto store = open_failing([](FileOperation operation, std::string_view path) -> int {
    if (operation == FileOperation::append && path.ends_with(".log")) throw 1;
    return 0;
  });
  EXPECT_EQ(try_put(*store, "k", "v").error().code(), Code::unknown_outcome);
  expect_stopped(*store, Code::io_error);
}

TEST_F(RocksGate, TheFirstFailureIsLogged) {
  auto store = open_failing(fail(FileOperation::append, ".log"));
  EXPECT_FALSE(try_put(*store, "k", "secret value"));
  bool told = false;
  for (const auto& line : environment_.log_lines()) {
    told =
        told || (line.level == LogLevel::error && line.text.find("stopped") != std::string::npos);
    EXPECT_EQ(line.text.find("secret"), std::string::npos);
  }
  EXPECT_TRUE(told);
}

TEST_F(RocksGate, FailsInMemoryToo) {
  OpenOptions memory = options();
  memory.directory.clear();
  bool armed = false;
  environment_.set_file_hook([&](FileOperation operation, std::string_view) {
    return armed && operation == FileOperation::append ? ENOSPC : 0;
  });
  auto store = open_rocksdb(memory).value();
  put(*store, "before", "v");
  armed = true;
  EXPECT_EQ(try_put(*store, "k", "v").error().code(), Code::unknown_outcome);
  expect_stopped(*store, Code::no_space);
  EXPECT_EQ(get(*store, "before"), "v");
}

// RocksDB ends the process when it uses a log file's writer after a failed sync, and a flush syncs
// the files before the newest behind the back of the commits.
TEST_F(RocksGate, AnOlderLogFileThatFailsIsKeptFromRocksDB) {
  WriteGate gate(environment_);
  bool armed = false;
  GuardedFileSystem files(
      rocksdb::FileSystem::Default(),
      [&](FileOperation operation, std::string_view) {
        return armed && operation == FileOperation::sync ? EIO : 0;
      },
      gate, nullptr);
  const rocksdb::IOOptions io;
  std::unique_ptr<rocksdb::FSWritableFile> older;
  std::unique_ptr<rocksdb::FSWritableFile> newest;
  ASSERT_TRUE(files.NewWritableFile(temporary_.path("000007.log"), {}, &older, nullptr).ok());
  ASSERT_TRUE(files.NewWritableFile(temporary_.path("000012.log"), {}, &newest, nullptr).ok());
  ASSERT_TRUE(older->Sync(io, nullptr).ok());
  armed = true;
  EXPECT_TRUE(older->Sync(io, nullptr).ok()) << "not told";
  EXPECT_FALSE(gate.is_open()) << "but known";
  armed = false;
  EXPECT_FALSE(newest->Append("x", io, nullptr).ok()) << "nothing changes any more";
  EXPECT_FALSE(newest->Sync(io, nullptr).ok());
  std::unique_ptr<rocksdb::FSWritableFile> next;
  EXPECT_FALSE(files.NewWritableFile(temporary_.path("000013.sst"), {}, &next, nullptr).ok());
  EXPECT_FALSE(files.DeleteFile(temporary_.path("000007.log"), io, nullptr).ok());
  EXPECT_FALSE(files.RenameFile(temporary_.path("000007.log"), "x", io, nullptr).ok());
}

TEST_F(RocksGate, TheNewestLogFileThatFailsIsTold) {
  WriteGate gate(environment_);
  GuardedFileSystem files(
      rocksdb::FileSystem::Default(),
      [](FileOperation operation, std::string_view) {
        return operation == FileOperation::sync ? EIO : 0;
      },
      gate, nullptr);
  std::unique_ptr<rocksdb::FSWritableFile> newest;
  ASSERT_TRUE(files.NewWritableFile(temporary_.path("000012.log"), {}, &newest, nullptr).ok());
  EXPECT_FALSE(newest->Sync({}, nullptr).ok());
  EXPECT_FALSE(gate.is_open());
}

/// True when every thread of RocksDB's pool for flushes has been seen asleep many times in a row.
bool flush_threads_sleep() {
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (!name.starts_with("rocksdb:high")) continue;
    std::string state;
    std::getline(std::ifstream(task.path() / "stat"), state);
    const std::size_t end = state.rfind(')');
    if (end == std::string::npos || state.substr(end + 2, 1) != "S") return false;
  }
  return true;
}

// The same with RocksDB above: a commit syncs the older file while a flush waits to do so. Without
// the guard this aborts in the flush.
TEST_F(RocksGate, ACommitThatFailsToSyncAnOlderLogFileEndsNothing) {
  std::atomic<int> newest{0};
  std::atomic<bool> fired{false};
  const auto committing = std::this_thread::get_id();
  auto store = open_failing([&](FileOperation operation, std::string_view path) {
    if (!path.ends_with(".log")) return 0;
    const int number = std::stoi(std::string(path.substr(path.rfind('/') + 1)));
    if (operation == FileOperation::create) newest = number;
    const bool older = number < newest;
    if (operation != FileOperation::sync || !older || std::this_thread::get_id() != committing)
      return 0;
    if (fired.exchange(true)) return 0;
    for (int seen = 0, looks = 0; seen < 200 && looks < 100'000; ++looks) {
      seen = flush_threads_sleep() ? seen + 1 : 0;
    }
    return EIO;
  });
  const std::string value(100'000, 'v');
  Result<Version> written = Version{0};
  for (int i = 0; i < 5000 && written; ++i) {
    written = try_put(*store, "k" + std::to_string(i), value,
                      i % 10 == 0 ? Durability::synced : Durability::buffered,
                      i % 2 == 0 ? Family::users : Family::memories);
  }
  ASSERT_TRUE(fired);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::unknown_outcome);
  expect_stopped(*store, Code::io_error);
  EXPECT_EQ(get(*store, "k0"), value);
}

TEST(RocksSpaceGuard, RefusesWhileTheDiskIsNearlyFullAndHealsByItself) {
  DiskSpace disk{.free = 1000, .total = 1'000'000};
  int looks = 0;
  SpaceGuard guard([&] { return ++looks, disk; }, 500);
  EXPECT_TRUE(guard.admit(1));
  EXPECT_EQ(looks, 1);
  EXPECT_TRUE(guard.admit(1));
  EXPECT_EQ(looks, 1) << "not at every write";
  disk.free = 499;
  EXPECT_TRUE(guard.admit(1));
  const auto refused = guard.admit(SpaceGuard::kBytesBetweenLooks);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::no_space);
  EXPECT_FALSE(guard.admit(1)) << "looks at every write while it refuses";
  disk.free = 500;
  EXPECT_TRUE(guard.admit(1));
}

TEST(RocksSpaceGuard, NeverKeepsMoreThanAnEighthOfTheDisk) {
  SpaceGuard guard([] { return DiskSpace{.free = 100, .total = 800}; }, 1'000'000);
  EXPECT_TRUE(guard.admit(1));
  SpaceGuard blind([] { return DiskSpace{}; }, 1'000'000);
  EXPECT_TRUE(blind.admit(1)) << "refuses nothing where the disk cannot be seen";
}

TEST(RocksSpaceGuard, SeesTheDisk) {
  const DiskSpace disk = look_at_disk("/");
  EXPECT_GT(disk.total, 0U);
  EXPECT_LE(disk.free, disk.total);
  EXPECT_EQ(look_at_disk("/no/such/place").total, 0U);
}

}  // namespace
}  // namespace callisto::kv
