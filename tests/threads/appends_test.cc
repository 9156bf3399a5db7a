// Writers on one conversation.

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

constexpr int kThreads = 4;
constexpr int kAppends = 150;

class Appends : public ThreadsTest {
 protected:
  static std::string content(int thread, int i) {
    return std::to_string(thread) + "/" + std::to_string(i);
  }
  std::vector<Message> oldest_first(ConversationId id, std::uint32_t limit) const {
    return store_.messages().page(id, {.limit = limit, .oldest_first = true}).value();
  }

  UserId user_ = store_.users().create({.name = "Reece"}).value();
  ConversationId talk_ = store_.conversations().create({.participants = {user_}}).value();
};

TEST_F(Appends, HaveDenseNumbersAndExactCounts) {
  run_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kAppends; ++i) {
      const auto id = until_decided([&] {
        return store_.messages().append({.conversation = talk_,
                                         .sender = i % 2 == 0 ? user_ : UserId(),
                                         .content = content(thread, i),
                                         .token_usage = 3});
      });
      ASSERT_TRUE(id) << id.error().to_string();
    }
  });
  const Conversation talk = store_.conversations().get(talk_).value().value();
  EXPECT_EQ(talk.message_count(), kThreads * kAppends);
  EXPECT_EQ(talk.last_sequence(), kThreads * kAppends);
  EXPECT_EQ(talk.token_count(), 3U * kThreads * kAppends);

  const std::vector<Message> messages = oldest_first(talk_, 10'000);
  ASSERT_EQ(messages.size(), static_cast<std::size_t>(kThreads * kAppends));
  std::vector<int> next(kThreads, 0);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(messages[i].sequence(), i + 1);
    const std::string text(messages[i].content());
    const int thread = std::stoi(text);
    ASSERT_EQ(text, content(thread, next[static_cast<std::size_t>(thread)]++))
        << "each thread's messages are in the order of its calls";
  }
  EXPECT_EQ(talk.last_message_at(), messages.back().timestamp());
  EXPECT_EQ(store_.messages().by_sender(user_, {.limit = 10'000}).value().size(),
            messages.size() / 2);
}

// Some in transactions of two, some with messages removed again: the numbers of what is removed are
// not used again, the counts are what is there.
TEST_F(Appends, CountsAreExactAmongRemovals) {
  std::atomic<int> kept{0};
  run_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kAppends / 3; ++i) {
      MessageId last;
      const auto done = store_.transact(
          [&](Transaction& transaction) -> Result<void> {
            for (int part = 0; part < 2; ++part) {
              auto id = transaction.messages().append(
                  {.conversation = talk_, .content = content(thread, i), .token_usage = 1});
              if (!id) return id.error();
              last = *id;
            }
            return {};
          },
          kPatient);
      ASSERT_TRUE(done) << done.error().to_string();
      kept += 2;
      if (i % 2 == 0) continue;
      const auto removed = until_decided([&] { return store_.messages().remove(last); });
      ASSERT_TRUE(removed) << removed.error().to_string();
      EXPECT_TRUE(*removed);
      --kept;
    }
  });
  const Conversation talk = store_.conversations().get(talk_).value().value();
  EXPECT_EQ(talk.message_count(), static_cast<std::uint64_t>(kept));
  EXPECT_EQ(talk.token_count(), static_cast<std::uint64_t>(kept));
  EXPECT_EQ(talk.last_sequence(), 2U * kThreads * (kAppends / 3));
  std::set<std::uint64_t> sequences;
  for (const Message& message : oldest_first(talk_, 10'000)) {
    EXPECT_TRUE(sequences.insert(message.sequence()).second);
  }
  EXPECT_EQ(sequences.size(), static_cast<std::size_t>(kept));
  EXPECT_EQ(records("messages"), static_cast<std::uint64_t>(kept));
}

// Transactions of two messages, read by others all the while: a snapshot has both or none.
TEST_F(Appends, ReadersSeeWholeCommits) {
  std::atomic<int> writing{2};
  run_threads(kThreads, [&](int thread) {
    if (thread < 2) {
      for (int i = 0; i < kAppends / 2; ++i) {
        const auto done = store_.transact(
            [&](Transaction& transaction) -> Result<void> {
              for (int part = 0; part < 2; ++part) {
                auto id = transaction.messages().append(
                    {.conversation = talk_, .sender = user_, .content = content(thread, i)});
                if (!id) return id.error();
              }
              return {};
            },
            kPatient);
        EXPECT_TRUE(done) << done.error().to_string();
      }
      --writing;
      return;
    }
    std::uint64_t seen = 0;
    while (writing > 0) {
      const Snapshot snapshot = store_.snapshot().value();
      const auto talk = snapshot.conversations().get(talk_).value().value();
      const auto messages = snapshot.messages().page(talk_, {.limit = 10'000}).value();
      EXPECT_EQ(talk.message_count() % 2, 0U);
      EXPECT_EQ(talk.message_count(), messages.size());
      EXPECT_EQ(snapshot.messages().by_sender(user_, talk_, {.limit = 10'000}).value().size(),
                messages.size());
      EXPECT_GE(talk.message_count(), seen) << "never backwards";
      seen = talk.message_count();
      const auto whole = store_.conversations().whole(talk_).value().value();
      EXPECT_EQ(whole.conversation.message_count(), whole.messages.size());
    }
  });
}

}  // namespace
}  // namespace callisto::testing
