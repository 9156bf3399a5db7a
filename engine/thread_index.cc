#include "engine/thread_index.h"

#include <bitset>
#include <mutex>

namespace callisto::kv::detail {

constinit thread_local std::uint32_t own_thread_index = kNoThreadIndex;

namespace {

// Threads may end after static objects are gone: neither is ever destroyed.
constinit std::mutex taken_mutex;
constinit std::bitset<kOwnThreads> taken;

/// Gives the number back when its thread ends.
struct Holder {
  ~Holder() {
    const std::lock_guard lock(taken_mutex);
    taken.reset(own_thread_index);
    // A destructor that runs later in this thread may still call.
    own_thread_index = kSharedThread;
  }
};

}  // namespace

std::uint32_t take_thread_index() noexcept {
  const std::lock_guard lock(taken_mutex);
  std::uint32_t index = 0;
  while (index < kOwnThreads && taken.test(index)) ++index;
  own_thread_index = index;
  if (index == kSharedThread) return index;
  taken.set(index);
  thread_local Holder holder;
  return index;
}

}  // namespace callisto::kv::detail
