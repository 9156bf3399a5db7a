#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/kv.h"

namespace callisto::kv {

/// The end of the time that a call may take.
class Deadline {
 public:
  /// From now on; 0 milliseconds: none.
  Deadline(Environment& environment, std::uint32_t deadline_ms);
  /// True when it will have passed in so many microseconds.
  bool passed_in(std::int64_t micros) const;
  static Error error();

 private:
  Environment& environment_;
  std::optional<std::int64_t> end_micros_;
};

/// Calls `attempt` until it answers something: nullopt is a conflict, to be tried again after a
/// pause that doubles and is drawn at random, taken through the environment. `conflict` after
/// `max_attempts` (at least one is made), `deadline_exceeded` when the next attempt would begin
/// after the deadline.
Result<Version> retry_on_conflict(Environment& environment, std::uint32_t max_attempts,
                                  const Deadline& deadline,
                                  const std::function<std::optional<Result<Version>>()>& attempt);

}  // namespace callisto::kv
