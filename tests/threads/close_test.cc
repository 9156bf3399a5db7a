// close() while calls run.

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "tests/support/temp_directory.h"
#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

constexpr int kThreads = 4;

class Closing : public ::testing::Test {
 protected:
  Store open() const { return Store::open(directory_.path("store")).value(); }

  /// `call` until it answers `closed`, which is the only error that it may have; how often it was
  /// answered.
  static int until_closed(const std::function<std::optional<Error>(int)>& call, std::atomic<int>& calls) {
    for (int i = 0;; ++i) {
      const std::optional<Error> error = call(i);
      ++calls;
      calls.notify_one();
      if (!error) continue;
      EXPECT_EQ(error->code(), Code::closed) << error->to_string();
      return i;
    }
  }
  static void wait_for(std::atomic<int>& calls, int count) {
    for (int seen = calls; seen < count; seen = calls) calls.wait(seen);
  }
  template <class T>
  static std::optional<Error> error_of(const Result<T>& result) {
    if (result) return std::nullopt;
    return result.error();
  }

  TempDirectory directory_{TempDirectory::On::memory};
};

TEST_F(Closing, CallsAreAnsweredOrRefusedAndWhatWasAnsweredIsThere) {
  for (int round = 0; round < 5; ++round) {
    std::vector<ConversationId> talks;
    std::vector<int> appended(kThreads, 0);
    {
      Store store = open();
      for (int thread = 0; thread < kThreads; ++thread) {
        talks.push_back(store.conversations().create({}).value());
      }
      std::atomic<int> calls{0};
      run_threads(kThreads + 2, [&](int thread) {
        if (thread == kThreads + 1) {
          wait_for(calls, 40 * (round + 1));
          EXPECT_TRUE(store.close());
          EXPECT_TRUE(store.close()) << "a second call does nothing";
          return;
        }
        if (thread == kThreads) {
          until_closed([&](int) { return error_of(store.conversations().whole(talks[0])); }, calls);
          return;
        }
        const ConversationId talk = talks[static_cast<std::size_t>(thread)];
        appended[static_cast<std::size_t>(thread)] = until_closed(
            [&](int i) {
              return error_of(store.messages().append(
                  {.conversation = talk, .content = std::to_string(i)}));
            },
            calls);
      });
      EXPECT_EQ(store.stats().error().code(), Code::closed);
    }
    Store store = open();
    for (int thread = 0; thread < kThreads; ++thread) {
      const auto talk = store.conversations().get(talks[static_cast<std::size_t>(thread)]).value();
      EXPECT_EQ(talk->message_count(),
                static_cast<std::uint64_t>(appended[static_cast<std::size_t>(thread)]));
    }
    EXPECT_TRUE(store.verify({.checksums = false}).value().ok);
  }
}

TEST_F(Closing, SnapshotsAnswerClosedAndViewsStay) {
  Store store = open();
  const MemoryId id = store.memories().create({.text = "pie"}).value();
  std::atomic<int> calls{0};
  std::mutex mutex;
  std::vector<Memory> views;
  std::vector<Snapshot> snapshots;
  for (int thread = 0; thread < kThreads; ++thread) snapshots.push_back(store.snapshot().value());
  run_threads(kThreads, [&](int thread) {
    if (thread == 0) {
      wait_for(calls, 50);
      EXPECT_TRUE(store.close());
      return;
    }
    const Snapshot& snapshot = snapshots[static_cast<std::size_t>(thread)];
    until_closed(
        [&](int) {
          auto memory = snapshot.memories().get(id);
          if (!memory) return error_of(memory);
          std::lock_guard lock(mutex);
          views.push_back(**memory);
          return error_of(memory);
        },
        calls);
    EXPECT_EQ(snapshot.memories().get(id).error().code(), Code::closed);
  });
  for (const Memory& view : views) EXPECT_EQ(view.text(), "pie");
  EXPECT_GE(views.size(), 40U);
}

TEST_F(Closing, StopsBackgroundWorkBetweenSteps) {
  constexpr int kTalks = 3;
  {
    Store store = open();
    std::vector<ConversationId> talks;
    for (int i = 0; i < kTalks; ++i) {
      std::vector<NewMessage> messages(900);
      for (NewMessage& message : messages) message.content.assign(2000, 'x');
      talks.push_back(store.conversations().store({}, messages).value());
    }
    for (const ConversationId talk : talks) EXPECT_TRUE(store.conversations().remove(talk).value());
    EXPECT_TRUE(store.close());
  }
  Store store = Store::open(directory_.path("store"), {.background_work = false}).value();
  EXPECT_TRUE(store.verify({.checksums = false}).value().ok);
  EXPECT_EQ(store.stats().value().tables.at("conversations").records, 0U);
  ASSERT_TRUE(store.finish_pending_work());
  EXPECT_EQ(store.stats().value().tables.at("messages").records, 0U);
  EXPECT_TRUE(store.verify({.checksums = false}).value().ok);
}

}  // namespace
}  // namespace callisto::testing
