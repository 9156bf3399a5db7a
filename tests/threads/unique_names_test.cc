// Names that lead to one record, fought over.

#include <algorithm>

#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

constexpr int kThreads = 4;
constexpr int kNames = 25;

class UniqueNames : public ThreadsTest {};

TEST_F(UniqueNames, PutsMakeOneMemory) {
  const UserId user = store_.users().create({}).value();
  for (int name = 0; name < kNames; ++name) {
    std::atomic<int> created{0};
    std::vector<MemoryId> ids(kThreads);
    run_threads(kThreads, [&](int thread) {
      const auto put = until_decided([&] {
        return store_.memories().put({.category = "facts",
                                      .key = std::to_string(name),
                                      .value = std::to_string(thread),
                                      .user = name % 2 == 0 ? user : UserId()});
      });
      ASSERT_TRUE(put) << put.error().to_string();
      ids[static_cast<std::size_t>(thread)] = put->id;
      created += put->created ? 1 : 0;
    });
    EXPECT_EQ(created, 1);
    for (const MemoryId id : ids) EXPECT_EQ(id, ids[0]);
    EXPECT_EQ(store_.memories().find({.category = "facts", .key = std::to_string(name)}).value().size(), 1U);
    EXPECT_EQ(store_.memories().get(ids[0]).value()->version(), kThreads);
  }
  EXPECT_EQ(records("memories"), kNames);
}

// With removals in between there is one memory or none, whoever comes last.
TEST_F(UniqueNames, PutsAndRemovalsLeaveAtMostOneMemory) {
  run_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kNames * 2; ++i) {
      const auto put = until_decided([&] {
        return store_.memories().put(
            {.category = "c", .key = "k", .value = std::to_string(thread * 1000 + i)});
      });
      ASSERT_TRUE(put) << put.error().to_string();
      EXPECT_LE(store_.memories().find({.category = "c", .key = "k"}).value().size(), 1U);
      if (i % 3 != 0) continue;
      const auto removed = until_decided([&] { return store_.memories().remove(put->id); });
      EXPECT_TRUE(removed) << removed.error().to_string();
    }
  });
  EXPECT_LE(records("memories"), 1U);
}

TEST_F(UniqueNames, AnIdentityLeadsToOneUser) {
  for (int name = 0; name < kNames; ++name) {
    const std::string platform_id = std::to_string(name);
    std::atomic<int> made{0};
    std::vector<UserId> winners(kThreads);
    run_threads(kThreads, [&](int thread) {
      const auto user = until_decided([&] {
        return store_.users().create({.platform = "discord", .platform_id = platform_id});
      });
      if (!user) {
        EXPECT_EQ(user.error().code(), Code::already_exists);
        EXPECT_EQ(user.error().field(), "platform_id");
        return;
      }
      ++made;
      winners[static_cast<std::size_t>(thread)] = *user;
    });
    EXPECT_EQ(made, 1);
    const UserId found = store_.users().by_platform("discord", platform_id).value()->id();
    EXPECT_EQ(std::count(winners.begin(), winners.end(), found), 1);
  }
  EXPECT_EQ(records("users"), kNames);
  EXPECT_EQ(records("platform_identifiers"), kNames);
}

TEST_F(UniqueNames, AddedAndRemovedIdentitiesNeverHaveTwoUsers) {
  std::vector<UserId> users;
  for (int thread = 0; thread < kThreads; ++thread) users.push_back(store_.users().create({}).value());
  std::atomic<int> holders{0};
  run_threads(kThreads, [&](int thread) {
    for (int i = 0; i < 4 * kNames; ++i) {
      const UserId own = users[static_cast<std::size_t>(thread)];
      const auto added = until_decided(
          [&] { return store_.users().add_identity(own, {.platform = "x", .platform_id = "1"}); });
      if (!added) {
        EXPECT_EQ(added.error().code(), Code::already_exists) << added.error().to_string();
        continue;
      }
      EXPECT_EQ(++holders, 1) << "it is this user's until it is removed";
      EXPECT_EQ(store_.users().by_platform("x", "1").value()->id(), own);
      --holders;
      const auto removed = until_decided([&] { return store_.users().remove_identity("x", "1"); });
      EXPECT_TRUE(removed.value());
    }
  });
  EXPECT_EQ(records("platform_identifiers"), 0U);
}

TEST_F(UniqueNames, AGivenIdIsCreatedOnce) {
  for (int name = 0; name < kNames; ++name) {
    const auto id = ConversationId::from_external("test", std::to_string(name));
    std::atomic<int> made{0};
    run_threads(kThreads, [&](int thread) {
      const auto created = until_decided([&] {
        return store_.conversations().create({.id = id, .title = std::to_string(thread)});
      });
      if (created) {
        ++made;
      } else {
        EXPECT_EQ(created.error().code(), Code::already_exists);
      }
    });
    EXPECT_EQ(made, 1);
  }
  EXPECT_EQ(records("conversations"), kNames);
}

}  // namespace
}  // namespace callisto::testing
