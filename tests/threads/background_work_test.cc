// Large work in the background, with writers and readers on the same records.

#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

class BackgroundWork : public ThreadsTest {
 protected:
  static std::vector<NewMessage> messages(int count, UserId sender, const std::string& content) {
    std::vector<NewMessage> all(static_cast<std::size_t>(count));
    for (NewMessage& message : all) {
      message.sender = sender;
      message.content = content;
    }
    return all;
  }
  template <class T>
  static void expect_done_or_gone(const Result<T>& result) {
    if (result) return;
    EXPECT_EQ(result.error().code(), Code::not_found) << result.error().to_string();
  }
};

// Conversations under one id, made and removed while the rest of their forerunners is still being
// taken away: what was made anew is never eaten, what was removed never comes back.
TEST_F(BackgroundWork, NewConversationsTakeTheIdsOfRemovedOnes) {
  constexpr int kThreads = 3;
  run_threads(kThreads, [&](int thread) {
    const auto id = ConversationId::from_external("test", std::to_string(thread));
    for (int round = 0; round < 4; ++round) {
      const std::string content = std::to_string(round) + std::string(3000, 'x');
      const auto made = until_decided(
          [&] { return store_.conversations().store({.id = id}, messages(400, {}, content)); });
      ASSERT_TRUE(made) << made.error().to_string();
      const auto whole = store_.conversations().whole(id).value().value();
      ASSERT_EQ(whole.messages.size(), 400U);
      for (const Message& message : whole.messages) ASSERT_EQ(message.content(), content);
      EXPECT_TRUE(until_decided([&] { return store_.conversations().remove(id); }).value());
      EXPECT_FALSE(store_.conversations().get(id).value());
      EXPECT_TRUE(store_.messages().latest(id).value().empty());
    }
    const auto last = until_decided(
        [&] { return store_.conversations().store({.id = id}, messages(5, {}, "last")); });
    ASSERT_TRUE(last) << last.error().to_string();
  });
  store_.finish_pending_work().value();
  EXPECT_EQ(records("conversations"), 3U);
  EXPECT_EQ(records("messages"), 15U);
}

// Writers append in the name of a user who is merged into another meanwhile: nothing is lost.
TEST_F(BackgroundWork, AppendsDuringAMergeKeepTheirSender) {
  for (int round = 0; round < 3; ++round) {
    const UserId primary = store_.users().create({}).value();
    const UserId secondary = store_.users().create({}).value();
    std::vector<ConversationId> talks;
    for (int i = 0; i < 3; ++i) {
      talks.push_back(store_.conversations().create({.participants = {secondary}}).value());
    }
    std::atomic<int> acknowledged{0};
    std::atomic<bool> merged{false};
    run_threads(3, [&](int thread) {
      if (thread == 0) {
        const auto done = until_decided([&] { return store_.users().merge(primary, secondary); });
        EXPECT_TRUE(done) << done.error().to_string();
        EXPECT_FALSE(store_.users().get(secondary).value());
        merged = true;
        store_.finish_pending_work().value();
        return;
      }
      for (int i = 0; i < 60; ++i) {
        const bool after = merged;
        const auto id = until_decided([&] {
          return store_.messages().append({.conversation = talks[static_cast<std::size_t>(i % 3)],
                                           .sender = after ? primary : secondary,
                                           .content = std::to_string(i)});
        });
        if (id) {
          ++acknowledged;
        } else {
          EXPECT_EQ(id.error().code(), Code::invalid_argument) << id.error().to_string();
          EXPECT_FALSE(after) << "the merged user takes part";
        }
      }
    });
    const auto sent = store_.messages().by_sender(primary, {.limit = 10'000}).value();
    EXPECT_EQ(sent.size(), static_cast<std::size_t>(acknowledged));
    EXPECT_TRUE(store_.messages().by_sender(secondary, {.limit = 10}).value().empty());
    EXPECT_EQ(store_.conversations().of_user(primary).value().size(), talks.size());
  }
}

// Two merges in opposite directions: one of them finds its secondary gone.
TEST_F(BackgroundWork, OppositeMergesLeaveOneUser) {
  for (int round = 0; round < 20; ++round) {
    std::vector<UserId> users;
    for (int i = 0; i < 2; ++i) {
      users.push_back(store_.users()
                          .create({.platform = "p" + std::to_string(i),
                                   .platform_id = std::to_string(round)})
                          .value());
    }
    std::atomic<int> merged{0};
    run_threads(2, [&](int thread) {
      const auto done = until_decided([&] {
        return store_.users().merge(users[static_cast<std::size_t>(thread)],
                                    users[static_cast<std::size_t>(1 - thread)]);
      });
      if (done) {
        ++merged;
      } else {
        EXPECT_EQ(done.error().code(), Code::not_found) << done.error().to_string();
      }
    });
    EXPECT_EQ(merged, 1);
    const auto first = store_.users().by_platform("p0", std::to_string(round)).value().value();
    const auto second = store_.users().by_platform("p1", std::to_string(round)).value().value();
    EXPECT_EQ(first.id(), second.id());
    EXPECT_EQ(store_.users().identities(first.id()).value().size(), 2U);
  }
  EXPECT_EQ(records("users"), 20U);
}

// A conversation and a user go while others write to them: no row is left without its owner.
TEST_F(BackgroundWork, RemovalsLeaveNothingBehindWriters) {
  for (int round = 0; round < 10; ++round) {
    const UserId user = store_.users().create({.name = "Reece"}).value();
    const auto talk = store_.conversations().create({.participants = {user}}).value();
    run_threads(4, [&](int thread) {
      if (thread == 0) {
        EXPECT_TRUE(until_decided([&] { return store_.conversations().remove(talk); }).value());
        EXPECT_TRUE(until_decided([&] { return store_.users().remove(user); }).value());
        return;
      }
      for (int i = 0; i < 12; ++i) {
        if (thread == 1) {
          const auto id = until_decided([&] {
            return store_.messages().append({.conversation = talk, .sender = user, .content = "x"});
          });
          expect_done_or_gone(id);
        } else if (thread == 2) {
          const auto id = until_decided(
              [&] { return store_.memories().create({.user = user, .conversation = talk}); });
          expect_done_or_gone(id);
        } else {
          const auto done = until_decided(
              [&] { return store_.user_data().append(user, "foods", std::to_string(i)); });
          expect_done_or_gone(done);
        }
      }
    });
    store_.finish_pending_work().value();
    EXPECT_EQ(records("messages"), 0U);
    EXPECT_EQ(records("user_data"), 0U);
    EXPECT_EQ(records("memories"), 0U);
    EXPECT_EQ(records("users"), 0U);
  }
}

}  // namespace
}  // namespace callisto::testing
