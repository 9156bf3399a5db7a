// A child is killed at a file operation of a bulk load: the store is as before it, or holds all of
// it.

#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/callisto.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

constexpr int kUsers = 200;
constexpr int kMemories = 3000;
constexpr int kMessages = 3000;

Options options_of(Environment& environment) {
  Options options;
  options.memory_budget_bytes = 32ULL << 20;  // So that there are runs, and several of a lane.
  options.environment = &environment;
  options.background_work = false;
  return options;
}

/// Ids are given: made ones would be told from those of another run by nobody.
template <class IdType>
IdType id(int number) {
  return IdType::from_external("bulk load", std::to_string(number));
}

void add_all(BulkLoad& load) {
  for (int i = 0; i < kUsers; ++i) {
    load.add_user({.id = id<UserId>(i), .name = "user " + std::to_string(i)}).value();
  }
  std::vector<NewMessage> messages(100);
  for (int i = 0; i < kMessages; i += 100) {
    const UserId user = id<UserId>(i % kUsers);
    for (int j = 0; j < 100; ++j) {
      messages[static_cast<std::size_t>(j)] = {
          .id = id<MessageId>(i + j), .sender = user, .content = std::string(300, 'w')};
    }
    load.add_conversation({.id = id<ConversationId>(i), .participants = {user}}, messages).value();
  }
  for (int i = 0; i < kMemories; ++i) {
    load.add_memory({.id = id<MemoryId>(i),
                     .category = "c" + std::to_string(i % 7),
                     .key = "k" + std::to_string(i),
                     .value = "\"" + std::string(200, 'v') + "\"",
                     .tags = {"a", "b" + std::to_string(i % 50)},
                     .user = id<UserId>(i % kUsers)})
        .value();
  }
}

TEST(BulkLoadChild, DISABLED_Loads) {
  const int kill_at = std::stoi(child_setting("KILL_AT"));
  std::atomic<bool> is_on{false};
  std::atomic<int> operations{0};
  TestEnvironment environment(std::stoull(child_setting("SEED")));
  environment.set_file_hook([&](FileOperation, std::string_view) {
    if (is_on.load() && operations.fetch_add(1) == kill_at) ::kill(::getpid(), SIGKILL);
    return 0;
  });
  const Store store = Store::open(child_setting("DIR"), options_of(environment)).value();
  is_on.store(true);
  auto load = store.bulk_load().value();
  add_all(load);
  load.commit().value();
  is_on.store(false);
  tell_parent(std::to_string(operations.load()));
}

class BulkLoadKill : public ::testing::Test {
 protected:
  void SetUp() override {
    Store store = Store::open(path_, options_of(environment_)).value();
    const Space other = store.create_space("other").value();
    other.memories().create({.text = "stays"}).value();
    store.close().value();
  }

  /// How many operations the load had; -1 when it was killed.
  int run_child(int kill_at) {
    ChildProcess child(
        "BulkLoadChild.DISABLED_Loads",
        {{"DIR", path_}, {"SEED", std::to_string(seed_)}, {"KILL_AT", std::to_string(kill_at)}});
    const std::string told = child.hear();
    child.finish();
    return told.empty() ? -1 : std::stoi(told);
  }

  /// True when the load is there.
  bool check() {
    const Store store = Store::open(path_, options_of(environment_)).value();
    EXPECT_FALSE(std::filesystem::exists(path_ + "/staging"));
    const VerifyReport report = store.verify().value();
    EXPECT_TRUE(report.ok);
    EXPECT_EQ(store.space("other")->memories().find({.limit = 9}).value().size(), 1U);
    const bool is_there = store.users().get(id<UserId>(0)).value().has_value();
    EXPECT_EQ(store.memories().find({.limit = 10'000}).value().size(),
              is_there ? static_cast<std::size_t>(kMemories) : 0U);
    EXPECT_EQ(store.memories().find({.tags_all = {"a"}, .limit = 10'000}).value().size(),
              is_there ? static_cast<std::size_t>(kMemories) : 0U);
    EXPECT_EQ(store.users().list({.limit = 1000}).value().size(),
              is_there ? static_cast<std::size_t>(kUsers) : 0U);
    return is_there;
  }

  void start_anew() {
    std::filesystem::remove_all(path_);
    SetUp();
  }

  const std::uint64_t seed_ = test_seed();
  const TempDirectory directory_;
  const std::string path_ = directory_.path("store");
  TestEnvironment environment_{7};
};

TEST_F(BulkLoadKill, AtAnyPointLeavesAllOrNothing) {
  const int operations = run_child(-1);
  ASSERT_GT(operations, 50);
  EXPECT_TRUE(check());
  std::mt19937_64 random(seed_);
  const auto any = [&](int from, int to) {
    return from + static_cast<int>(random() % static_cast<std::uint64_t>(to - from));
  };
  std::set<int> points{0};
  for (int i = 0; i < 6; ++i) points.insert(any(0, operations));
  // Linking in is at the end.
  for (int i = 0; i < 8; ++i) points.insert(any(operations - operations / 8, operations));
  start_anew();
  for (const int point : points) {
    SCOPED_TRACE("killed at operation " + std::to_string(point));
    const bool was_killed = run_child(point) < 0;
    // Files of merges come and go as they like, so that the last operations may not be reached.
    EXPECT_TRUE(was_killed || point > operations / 2);
    const bool is_there = check();
    EXPECT_TRUE(was_killed || is_there);
    if (is_there) start_anew();  // Else the next load begins over what this one left.
  }
}

}  // namespace
}  // namespace callisto::testing
