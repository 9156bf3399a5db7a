#include "engine/retry.h"

#include <algorithm>
#include <string>
#include <utility>

namespace callisto::kv {
namespace {

constexpr std::int64_t kFirstPauseMicros = 50;
constexpr std::int64_t kLongestPauseMicros = 20'000;

}  // namespace

Result<Version> retry_on_conflict(Environment& environment, std::uint32_t max_attempts,
                                  const Limits& limits,
                                  const std::function<std::optional<Result<Version>>()>& attempt) {
  std::int64_t longest_pause = kFirstPauseMicros;
  for (std::uint32_t made = 1;; ++made) {
    if (auto within = limits.check(); !within) return std::move(within).error();
    if (auto result = attempt()) return std::move(*result);
    if (made >= max_attempts) {
      return Error{Code::conflict, "other writers were faster, attempts: " + std::to_string(made)};
    }
    // Drawn from the whole range, so that writers that met once do not meet again.
    const auto drawn = environment.random_bits() % static_cast<std::uint64_t>(longest_pause);
    const std::int64_t pause = 1 + static_cast<std::int64_t>(drawn);
    if (auto within = limits.check(pause); !within) return std::move(within).error();
    environment.sleep_micros(pause);
    longest_pause = std::min(longest_pause * 2, kLongestPauseMicros);
  }
}

}  // namespace callisto::kv
