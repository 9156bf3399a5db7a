#pragma once

// A world for tests: a clock that stands still, randomness from a seed, sleeps that only pass time.

#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callisto/environment.h"

namespace callisto::testing {

/// The seed of a random test: CALLISTO_SEED, else one drawn anew. Printed once per process.
std::uint64_t test_seed();

/// Where the clock of a TestEnvironment starts: 2026-11-21T12:00:00Z.
inline constexpr Time kTestStart{1'795'262'400'000'000};

/// Deterministic where one thread uses it; safe from any thread. The clock moves only when it is
/// told to, or by a sleep. The seed is fixed by default, so that ids are the same in every run.
class TestEnvironment : public Environment {
 public:
  explicit TestEnvironment(std::uint64_t seed = 1, Time start = kTestStart)
      : now_(start), random_(seed) {}

  void set_now(Time now);
  /// Moves wall clock and monotonic clock. Negative: only the wall clock goes back.
  void advance_micros(std::int64_t micros);
  void advance_seconds(std::int64_t seconds) { advance_micros(seconds * 1'000'000); }
  /// Asked for once by Store::open, so it must be set before.
  void set_file_hook(FileHook hook);

  struct LogLine {
    LogLevel level;
    std::string text;
  };
  std::vector<LogLine> log_lines() const;
  /// Micros of every sleep so far, in order.
  std::vector<std::int64_t> sleeps() const;

  Time now() override;
  std::int64_t monotonic_micros() override;
  std::int64_t monotonic_nanos() override { return monotonic_micros() * 1000; }
  std::uint64_t random_bits() override;
  /// Moves the clocks instead of waiting.
  void sleep_micros(std::int64_t micros) override;
  void log(LogLevel level, std::string_view line) override;
  FileHook file_hook() override;

 private:
  mutable std::mutex mutex_;
  Time now_;
  std::int64_t monotonic_micros_ = 0;
  std::mt19937_64 random_;
  FileHook file_hook_;
  std::vector<LogLine> log_lines_;
  std::vector<std::int64_t> sleeps_;
};

}  // namespace callisto::testing
