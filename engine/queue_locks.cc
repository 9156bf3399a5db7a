#include "engine/queue_locks.h"

#include "engine/write_set.h"

namespace callisto::kv {

std::unique_lock<std::mutex> QueueLocks::lock(Family family, std::string_view key) {
  return std::unique_lock(locks_[hash_key(family, key) % kLockCount]);
}

}  // namespace callisto::kv
