#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/kv.h"
#include "engine/limits.h"

namespace callisto::kv {

/// Calls `attempt` until it answers something: nullopt is a conflict, to be tried again after a
/// pause that doubles and is drawn at random, taken through the environment. `conflict` after
/// `max_attempts` (at least one is made), `deadline_exceeded` when the next attempt would begin
/// after the deadline, `cancelled` when the caller asked for it before an attempt.
Result<Version> retry_on_conflict(Environment& environment, std::uint32_t max_attempts,
                                  const Limits& limits,
                                  const std::function<std::optional<Result<Version>>()>& attempt);

}  // namespace callisto::kv
