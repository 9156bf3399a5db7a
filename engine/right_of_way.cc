#include "engine/right_of_way.h"

#include <algorithm>
#include <chrono>

namespace callisto::kv {

void RightOfWay::Claim::ask() {
  if (is_asked_) return;
  is_asked_ = true;
  const std::lock_guard lock(way_.mutex_);
  ++way_.asking_;
}

// Real time, not the environment's sleep: another thread works meanwhile.
Result<void> RightOfWay::give(const Limits& limits) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLimitsPause(1);
  const auto end = Clock::now() + std::chrono::milliseconds(kLongestWaitMillis);
  std::unique_lock lock(mutex_);
  while (asking_ != 0 && Clock::now() < end) {
    is_free_.wait_until(lock, limits.any() ? std::min(end, Clock::now() + kLimitsPause) : end);
    if (auto within = limits.check(); !within) return within;
  }
  return {};
}

void RightOfWay::end_one() {
  const std::lock_guard lock(mutex_);
  if (--asking_ == 0) is_free_.notify_all();
}

}  // namespace callisto::kv
