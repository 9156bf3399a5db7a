// All indexes rebuilt beside writers of every kind and readers that page: nobody is refused, and
// what is there all the time is on exactly one page.

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "callisto/store.h"
#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

constexpr int kStaying = 300;
constexpr int kRounds = 3;

template <class Id>
Id named(const char* kind, int thread, int number) {
  return Id::from_external(kind, std::to_string(thread) + "." + std::to_string(number));
}

class RebuildThreads : public ::testing::Test {
 protected:
  void SetUp() override {
    talk_ = store_.conversations().create({}).value();
    for (int i = 0; i < kStaying; ++i) {
      ASSERT_TRUE(store_.memories().create({.id = named<MemoryId>("stays", 0, i),
                                            .category = "c" + std::to_string(i % 3),
                                            .tags = {"stays", "tag" + std::to_string(i % 5)}}));
      ASSERT_TRUE(store_.messages().append(
          {.id = named<MessageId>("stays", 0, i), .conversation = talk_, .content = "stays"}));
    }
  }

  /// What calls of one thread leave is its own, so each must succeed.
  void write(int thread, int i) {
    const auto user = named<UserId>("user", thread, i);
    const auto other = named<UserId>("other", thread, i);
    const auto conversation = named<ConversationId>("talk", thread, i);
    const auto message = named<MessageId>("message", thread, i);
    const std::string name = std::to_string(thread) + "." + std::to_string(i);
    const auto must = [](const auto& answer) { ASSERT_TRUE(answer) << answer.error().to_string(); };
    const Users users = store_.users();
    must(until_decided(
        [&] { return users.create({.id = user, .platform = "p", .platform_id = name}); }));
    must(until_decided(
        [&] { return users.create({.id = other, .platform = "q", .platform_id = name}); }));
    must(until_decided([&] {
      return store_.conversations().create({.id = conversation, .participants = {user, other}});
    }));
    must(until_decided([&] {
      return store_.messages().append(
          {.id = message, .conversation = conversation, .sender = other, .content = name});
    }));
    must(until_decided([&] { return store_.messages().update(message, {.importance = 0.75F}); }));
    must(until_decided([&] {
      return store_.memories().put({.category = "own",
                                    .key = name,
                                    .tags = {"tag1"},
                                    .user = other,
                                    .conversation = conversation});
    }));
    must(until_decided([&] { return users.merge(user, other); }));
    EXPECT_EQ(store_.users().by_platform("q", name).value()->id(), user);
    EXPECT_EQ(store_.messages().get(message).value()->sender(), user);
    must(until_decided([&] { return store_.conversations().remove(conversation); }));
    EXPECT_FALSE(store_.messages().get(message).value());
    must(until_decided([&] { return users.remove(user); }));
    EXPECT_FALSE(store_.users().by_platform("p", name).value());
  }

  template <class Find, class Stays>
  static void page(Find&& find, Stays&& stays) {
    std::size_t staying = 0;
    std::set<std::string> seen;
    std::string cursor;
    do {
      const auto page = find(cursor);
      ASSERT_TRUE(page) << page.error().to_string();
      for (const auto& item : page->items) {
        EXPECT_TRUE(seen.insert(item.id().to_string()).second) << "twice";
        staying += stays(item) ? 1 : 0;
      }
      cursor = page->cursor;
    } while (!cursor.empty());
    EXPECT_EQ(staying, static_cast<std::size_t>(kStaying));
  }

  void read() {
    page(
        [&](const std::string& cursor) {
          return store_.memories().find_page({.tags_any = {"stays", "tag1"}, .limit = 13}, cursor);
        },
        [](const Memory& memory) { return memory.category() != "own"; });
    page(
        [&](const std::string& cursor) {
          return store_.memories().find_page({.order = MemoryOrder::priority, .limit = 29}, cursor);
        },
        [](const Memory& memory) { return memory.category() != "own"; });
    page(
        [&](const std::string& cursor) {
          return store_.messages().find_page({.conversation = talk_, .limit = 17}, cursor);
        },
        [](const Message& message) { return message.content() == "stays"; });
    for (int i = 0; i < kStaying; i += 37) {
      EXPECT_TRUE(store_.messages().get(named<MessageId>("stays", 0, i)).value());
    }
  }

  Store store_ = Store::open_in_memory().value();
  ConversationId talk_;
};

TEST_F(RebuildThreads, RefuseNobodyAndMissNothing) {
  std::atomic<bool> is_over{false};
  run_threads(4, [&](int thread) {
    if (thread == 0) {
      for (int round = 0; round < kRounds && !HasFailure(); ++round) {
        EXPECT_TRUE(store_.reindex());
        // Other work comes all the time, and does not hold the builds up.
        while (!store_.index_work().value().empty()) std::this_thread::yield();
      }
      is_over = true;
      return;
    }
    for (int i = 0; !is_over && !HasFailure(); ++i) {
      if (thread == 1) read();
      if (thread > 1) write(thread, i);
    }
  });
  EXPECT_TRUE(store_.finish_pending_work());
  EXPECT_TRUE(store_.index_work().value().empty());
  read();
  EXPECT_TRUE(store_.verify().value().ok);
}

}  // namespace
}  // namespace callisto::testing
