// When a directory is a store, who may open it, and what an opening that fails leaves behind.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/child_process.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;
using RocksOpen = RocksTest;
using testing::ChildProcess;

TEST_F(RocksOpen, MakesAStoreWithParentsAndMarker) {
  directory_ = temporary_.path("a/b/store");
  auto store = open();
  put(*store, "k", "v");
  EXPECT_EQ(read_file(path("CALLISTO")), "callisto store\nlayout 1\n");
  EXPECT_FALSE(fs::exists(path("CALLISTO.tmp")));
  ASSERT_TRUE(store->close());
  EXPECT_EQ(get(*open(), "k"), "v");
}

TEST_F(RocksOpen, NeverWritesALogForPeople) {
  open();
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    EXPECT_FALSE(name == "LOG" || name.starts_with("LOG.")) << name;
  }
}

TEST_F(RocksOpen, ExistingNeedsAStore) {
  OpenOptions existing = options();
  existing.create = false;
  EXPECT_EQ(code_of(existing), Code::not_found);
  EXPECT_FALSE(fs::exists(directory_));
  fs::create_directory(directory_);
  EXPECT_EQ(code_of(existing), Code::not_found);
  EXPECT_TRUE(fs::is_empty(directory_)) << "looking leaves nothing behind";
  put(*open(), "k", "v");
  EXPECT_EQ(get(*open_rocksdb(existing).value(), "k"), "v");
}

TEST_F(RocksOpen, ReadOnlyNeedsAStore) {
  OpenOptions follower = options();
  follower.read_only = true;
  EXPECT_EQ(code_of(follower), Code::not_found);
  fs::create_directory(directory_);
  EXPECT_EQ(code_of(follower), Code::not_found);
  EXPECT_TRUE(fs::is_empty(directory_));
}

TEST_F(RocksOpen, ADirectoryOfSomethingElseIsLeftAlone) {
  fs::create_directory(directory_);
  write_file(path("letter.txt"), "Dear");
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::invalid_argument);
  EXPECT_EQ(opened.error().field(), "directory");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1);
  EXPECT_EQ(read_file(path("letter.txt")), "Dear");
}

TEST_F(RocksOpen, ADatabaseWithoutOurLockIsSomethingElse) {
  fs::create_directories(path("db"));
  EXPECT_EQ(code_of(options()), Code::invalid_argument);
}

TEST_F(RocksOpen, AFreshDiskMayHoldItsLostAndFound) {
  fs::create_directories(path("lost+found"));
  put(*open(), "k", "v");
  EXPECT_EQ(get(*open(), "k"), "v");
}

TEST_F(RocksOpen, AFileInTheWayIsAnError) {
  write_file(directory_, "a file");
  EXPECT_EQ(code_of(options()), Code::invalid_argument);
  EXPECT_EQ(read_file(directory_), "a file");
  directory_ += "/below";
  EXPECT_EQ(code_of(options()), Code::invalid_argument);
}

TEST_F(RocksOpen, ADirectoryThatMayNotBeWrittenIsAnError) {
  directory_ = "/proc/callisto/store";
  EXPECT_EQ(code_of(options()), Code::invalid_argument);
  if (::geteuid() == 0) GTEST_SKIP() << "permissions do not hold back root";
  directory_ = temporary_.path("locked/store");
  fs::create_directory(temporary_.path("locked"));
  fs::permissions(temporary_.path("locked"), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(code_of(options()), Code::invalid_argument);
}

TEST_F(RocksOpen, OptionsAreCheckedFirst) {
  const std::uint64_t largest = std::uint64_t{1} << 40;
  for (const std::uint64_t budget :
       {std::uint64_t{0}, kSmallestBudget - 1, largest + 1, ~largest}) {
    OpenOptions bad = options();
    bad.memory_budget_bytes = budget;
    const auto opened = open_rocksdb(bad);
    ASSERT_FALSE(opened) << budget;
    EXPECT_EQ(opened.error().code(), Code::invalid_argument);
    EXPECT_EQ(opened.error().field(), "memory_budget_bytes");
  }
  OpenOptions bad = options();
  bad.environment = nullptr;
  EXPECT_EQ(code_of(bad), Code::invalid_argument);
  bad = options();
  bad.directory.push_back('\0');
  EXPECT_EQ(code_of(bad), Code::invalid_argument);
  bad = options();
  bad.directory.clear();
  bad.read_only = true;
  EXPECT_EQ(code_of(bad), Code::invalid_argument);
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(RocksOpen, OpensWithTheLargestBudget) {
  OpenOptions large = options();
  large.memory_budget_bytes = 1ULL << 40;
  auto store = open_rocksdb(large).value();
  put(*store, "k", "v");
  EXPECT_EQ(get(*store, "k"), "v");
}

TEST_F(RocksOpen, ARelativePathIsFixedAtTheOpening) {
  const fs::path before = fs::current_path();
  fs::current_path(temporary_.path());
  directory_ = "relative/";
  auto store = open();
  fs::current_path(before);
  const std::string value(4 << 10, 'v');
  for (int i = 0; i < 2000; ++i) put(*store, "k" + std::to_string(i), value);
  ASSERT_TRUE(store->compact());
  ASSERT_TRUE(store->close());
  EXPECT_TRUE(fs::exists(temporary_.path("relative/CALLISTO")));
  EXPECT_FALSE(fs::exists("relative"));
}

TEST_F(RocksOpen, ASecondWriterOfThisProcessIsRefused) {
  auto store = open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::busy);
  EXPECT_NE(second.error().message().find("this process"), std::string::npos);
  EXPECT_NE(second.error().message().find(std::to_string(::getpid())), std::string::npos);
  put(*store, "k", "v");
  ASSERT_TRUE(store->close());
  EXPECT_EQ(get(*open(), "k"), "v") << "closing gives the directory back";
}

TEST(RocksOpenChild, DISABLED_HoldsAStore) {
  testing::TestEnvironment environment;
  auto store =
      open_rocksdb({.directory = testing::child_setting("DIR"), .environment = &environment});
  Batch batch;
  batch.put(Family::users, "child", "was here");
  ASSERT_TRUE(store.value()->apply(batch, Durability::buffered));
  testing::tell_parent("holding");
  testing::hear_parent();
}

TEST_F(RocksOpen, AnotherProcessIsNamedAndItsEndFreesTheStore) {
  ChildProcess child("RocksOpenChild.DISABLED_HoldsAStore", {{"DIR", directory_}});
  ASSERT_EQ(child.hear(), "holding");
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::busy);
  EXPECT_NE(second.error().message().find("process " + std::to_string(child.pid()) + " ("),
            std::string::npos)
      << second.error().message();
  EXPECT_EQ(second.error().message().find("this process"), std::string::npos);
  child.kill();
  EXPECT_EQ(get(*open(), "child"), "was here") << "what was committed survives a kill";
}

// Every changing operation of the making fails once: the error is clean, and the next opening makes
// the store.
TEST_F(RocksOpen, AMakingThatIsCutShortIsHealed) {
  int failures = 0;
  for (int failing = 0;; ++failing) {
    directory_ = temporary_.path("store" + std::to_string(failing));
    std::atomic<int> count{0};
    environment_.set_file_hook(
        [&](FileOperation, std::string_view) { return count++ == failing ? EIO : 0; });
    {
      const auto opened = try_open();
      if (!opened) {
        ++failures;
        EXPECT_EQ(opened.error().code(), Code::io_error) << opened.error().to_string();
      }
    }
    environment_.set_file_hook({});
    if (count <= failing) break;
    auto again = try_open();
    ASSERT_TRUE(again) << "after operation " << failing << ": " << again.error().to_string();
    put(**again, "k", "v");
    ASSERT_TRUE((*again)->close());
    EXPECT_EQ(get(*open(), "k"), "v");
  }
  EXPECT_GT(failures, 20);
}

TEST_F(RocksOpen, AHalfMadeStoreKeepsItsData) {
  put(*open(), "k", "v");
  fs::remove(path("CALLISTO"));
  EXPECT_EQ(get(*open(), "k"), "v");
  EXPECT_TRUE(fs::exists(path("CALLISTO")));
  fs::remove(path("CALLISTO"));
  fs::remove(path("db/CURRENT"));
  EXPECT_EQ(code_of(options()), Code::corruption) << "never begins anew over data";
}

TEST_F(RocksOpen, ACompleteStoreIsNeverMadeAnew) {
  put(*open(), "k", "v");
  fs::rename(path("db/CURRENT"), path("CURRENT.away"));
  EXPECT_EQ(code_of(options()), Code::corruption);
  fs::rename(path("CURRENT.away"), path("db/CURRENT"));
  EXPECT_EQ(get(*open(), "k"), "v");
  fs::remove_all(path("db"));
  EXPECT_EQ(code_of(options()), Code::corruption);
}

TEST_F(RocksOpen, TheMarkerIsRead) {
  open();
  write_file(path("CALLISTO"), "callisto store\nlayout 2\n");
  EXPECT_EQ(code_of(options()), Code::format_too_new);
  OpenOptions follower = options();
  follower.read_only = true;
  EXPECT_EQ(code_of(follower), Code::format_too_new);
  for (const char* damaged : {"", "callisto", "callisto store\n", "callisto store\nlayout x\n"}) {
    write_file(path("CALLISTO"), damaged);
    EXPECT_EQ(code_of(options()), Code::corruption) << damaged;
  }
}

TEST_F(RocksOpen, InMemoryStoresAreApart) {
  OpenOptions memory = options();
  memory.directory.clear();
  auto one = open_rocksdb(memory).value();
  auto other = open_rocksdb(memory).value();
  put(*one, "k", "1");
  EXPECT_EQ(get(*one, "k"), "1");
  EXPECT_EQ(get(*other, "k"), "absent");
  ASSERT_TRUE(one->sync());
  ASSERT_TRUE(one->compact());
  ASSERT_TRUE(one->verify_checksums());
  EXPECT_EQ(get(*one, "k"), "1");
}

}  // namespace
}  // namespace callisto::kv
