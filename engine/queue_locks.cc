#include "engine/queue_locks.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "engine/write_set.h"

namespace callisto::kv {

Result<std::unique_lock<std::mutex>> QueueLocks::lock(Family family, std::string_view key,
                                                      const Limits& limits) {
  std::mutex& mutex = locks_[hash_key(family, key) % kLockCount];
  std::unique_lock<std::mutex> turn(mutex, std::defer_lock);
  if (!limits.any()) {
    turn.lock();
    return turn;
  }
  // Asks again and again: only so a host's clock and a request to stop both end the wait. Real
  // time, not the environment's sleep: another thread works meanwhile.
  constexpr std::chrono::microseconds kFirstPause(10);
  constexpr std::chrono::microseconds kLongestPause(500);
  for (auto pause = kFirstPause; !turn.try_lock(); pause = std::min(pause * 2, kLongestPause)) {
    if (auto within = limits.check(); !within) return std::move(within).error();
    std::this_thread::sleep_for(pause);
  }
  if (auto within = limits.check(); !within) return std::move(within).error();
  return turn;
}

}  // namespace callisto::kv
