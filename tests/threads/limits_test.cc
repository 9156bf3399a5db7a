// Requests to stop that come from another thread.

#include <stop_token>

#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

using CancelTest = ThreadsTest;

TEST_F(CancelTest, ReachesReadsAndWritesThatRun) {
  const ConversationId talk = store_.conversations().create({}).value();
  std::stop_source source;
  const Space space = store_.with({.cancel = source.get_token()});
  std::atomic<int> calls{0};
  std::atomic<std::uint32_t> appended{0};
  run_threads(4, [&](int thread) {
    if (thread == 0) {
      while (calls.load() < 50) std::this_thread::yield();
      source.request_stop();
      return;
    }
    for (;;) {
      ++calls;
      if (thread == 1) {
        const auto found = space.messages().latest(talk, 100);
        if (found) continue;
        EXPECT_EQ(found.error().code(), Code::cancelled);
        return;
      }
      const auto id = until_decided(
          [&] { return space.messages().append({.conversation = talk, .content = "m"}); });
      if (!id) {
        EXPECT_EQ(id.error().code(), Code::cancelled);
        return;
      }
      ++appended;
    }
  });
  EXPECT_EQ(store_.conversations().get(talk).value()->message_count(), appended.load())
      << "an append that was cancelled is there, or one that was answered is not";
}

TEST_F(CancelTest, ReachesVerifyAndCompact) {
  std::stop_source source;
  run_threads(3, [&](int thread) {
    if (thread == 0) return void(source.request_stop());
    for (;;) {
      const auto done = thread == 1 ? store_.compact({.cancel = source.get_token()})
                                    : store_.verify({.cancel = source.get_token()})
                                          .transform([](const VerifyReport&) { return true; })
                                          .and_then([](bool) { return Result<void>(); });
      if (done) continue;
      EXPECT_EQ(done.error().code(), Code::cancelled);
      return;
    }
  });
  EXPECT_TRUE(store_.conversations().create({})) << "a cancelled compaction stops no writes";
}

}  // namespace
}  // namespace callisto::testing
