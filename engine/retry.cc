#include "engine/retry.h"

#include <algorithm>
#include <string>
#include <utility>

namespace callisto::kv {
namespace {

constexpr std::int64_t kFirstPauseMicros = 50;
constexpr std::int64_t kLongestPauseMicros = 20'000;

}  // namespace

Deadline::Deadline(Environment& environment, std::uint32_t deadline_ms)
    : environment_(environment) {
  if (deadline_ms != 0)
    end_micros_ = environment.monotonic_micros() + std::int64_t{deadline_ms} * 1000;
}

bool Deadline::passed_in(std::int64_t micros) const {
  return end_micros_ && environment_.monotonic_micros() + micros > *end_micros_;
}

Error Deadline::error() {
  return {Code::deadline_exceeded, "the deadline passed before a transaction without a conflict"};
}

Result<Version> retry_on_conflict(Environment& environment, std::uint32_t max_attempts,
                                  const Deadline& deadline,
                                  const std::function<std::optional<Result<Version>>()>& attempt) {
  std::int64_t longest_pause = kFirstPauseMicros;
  for (std::uint32_t made = 1;; ++made) {
    if (auto result = attempt()) return std::move(*result);
    if (made >= max_attempts) {
      return Error{Code::conflict, "other writers were faster, attempts: " + std::to_string(made)};
    }
    // Drawn from the whole range, so that writers that met once do not meet again.
    const auto drawn = environment.random_bits() % static_cast<std::uint64_t>(longest_pause);
    const std::int64_t pause = 1 + static_cast<std::int64_t>(drawn);
    if (deadline.passed_in(pause)) return Deadline::error();
    environment.sleep_micros(pause);
    longest_pause = std::min(longest_pause * 2, kLongestPauseMicros);
  }
}

}  // namespace callisto::kv
