#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <string_view>

#include "callisto/result.h"
#include "engine/kv.h"
#include "engine/limits.h"

namespace callisto::kv {

/// Locks that writers of one hot key take before their snapshot (RunOptions::queue_key), so that
/// they queue instead of conflicting. Only for speed: what is right does not depend on them. Keys
/// share locks, so a thread must not ask for a second one while it holds one.
class QueueLocks {
 public:
  /// cancelled, deadline_exceeded: the limits were passed while another held it.
  [[nodiscard]] Result<std::unique_lock<std::mutex>> lock(Family family, std::string_view key,
                                                          const Limits& limits);

 private:
  static constexpr std::size_t kLockCount = 1024;
  std::array<std::mutex, kLockCount> locks_;
};

}  // namespace callisto::kv
