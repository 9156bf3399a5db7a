#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "callisto/environment.h"
#include "callisto/result.h"

namespace callisto::kv {

/// When a call must give up: at its deadline, or when its caller asks it to stop. Fixed when the
/// call begins, so that all that it does counts from there. Thread-safe.
class Limits {
 public:
  /// From now on; 0 milliseconds: no deadline. Two tokens: a handle's and a call's.
  explicit Limits(Environment& environment, std::uint32_t deadline_ms = 0,
                  std::stop_token cancel = {}, std::stop_token other = {});

  /// False: check() never fails.
  bool any() const noexcept {
    return end_micros_ || cancel_.stop_possible() || other_.stop_possible();
  }
  bool stop_requested() const noexcept {
    return cancel_.stop_requested() || other_.stop_requested();
  }
  /// `cancelled`, or `deadline_exceeded` when the deadline will have passed in so many
  /// microseconds.
  Result<void> check(std::int64_t in_micros = 0) const;
  const std::stop_token& cancel() const noexcept { return cancel_; }
  const std::stop_token& other() const noexcept { return other_; }

 private:
  Environment& environment_;
  std::optional<std::int64_t> end_micros_;
  std::stop_token cancel_;
  std::stop_token other_;
};

/// Looks at limits at the first of every so many calls: reading the clock costs more than reading a
/// row.
class SampledLimits {
 public:
  explicit SampledLimits(const Limits& limits) noexcept : limits_(limits) {}
  Result<void> check() {
    const bool is_due = calls_++ % kEvery == 0;
    return is_due ? limits_.check() : Result<void>();
  }

 private:
  static constexpr std::uint32_t kEvery = 64;
  const Limits& limits_;
  std::uint32_t calls_ = 0;
};

}  // namespace callisto::kv
