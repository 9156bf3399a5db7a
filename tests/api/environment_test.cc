#include "callisto/environment.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace callisto {
namespace {

TEST(Environment, ClockIsTheSystemClock) {
  const Time before(std::chrono::system_clock::now());
  const Time now = Environment::system().now();
  const Time after(std::chrono::system_clock::now());
  EXPECT_LE(before, now);
  EXPECT_LE(now, after);
}

TEST(Environment, MonotonicClockDoesNotGoBack) {
  Environment& environment = Environment::system();
  std::int64_t before = environment.monotonic_micros();
  environment.sleep_micros(-5);  // returns at once
  environment.sleep_micros(0);
  for (int i = 0; i < 1'000; ++i) {
    const std::int64_t now = environment.monotonic_micros();
    ASSERT_LE(before, now);
    before = now;
  }
}

TEST(Environment, RandomBitsDoNotRepeatInAnyThread) {
  std::mutex mutex;
  std::set<std::uint64_t> seen;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1'000; ++j) {
        const std::uint64_t bits = Environment::system().random_bits();
        const std::lock_guard lock(mutex);
        EXPECT_TRUE(seen.insert(bits).second);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t ones = 0;
  std::uint64_t zeros = 0;
  for (std::uint64_t bits : seen) {
    ones |= bits;
    zeros |= ~bits;
  }
  EXPECT_EQ(ones, ~std::uint64_t{0}) << "every bit is set at times";
  EXPECT_EQ(zeros, ~std::uint64_t{0}) << "and clear at times";
}

TEST(Environment, ForkedProcessesDrawApart) {
  Environment::system().random_bits();  // leaves drawn bits in this thread's buffer
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::uint64_t bits = Environment::system().random_bits();
    _exit(write(channel[1], &bits, sizeof bits) == sizeof bits ? 0 : 1);
  }
  std::uint64_t theirs = 0;
  EXPECT_EQ(read(channel[0], &theirs, sizeof theirs), static_cast<ssize_t>(sizeof theirs));
  EXPECT_NE(Environment::system().random_bits(), theirs);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(channel[0]);
  close(channel[1]);
}

TEST(Environment, DefaultsDropLogsAndHaveNoHook) {
  Environment::system().log(LogLevel::error, "nobody hears this");
  EXPECT_FALSE(Environment::system().file_hook());
  EXPECT_EQ(&Environment::system(), &Environment::system());
}

}  // namespace
}  // namespace callisto
