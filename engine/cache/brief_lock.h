#pragma once

#include <atomic>
#include <thread>

namespace callisto::kv {

/// Holds a lock that is held for some tens of instructions, so that who finds it taken waits for
/// moments, unless its holder has lost the processor: then others have to let it run.
class BriefLock {
 public:
  explicit BriefLock(std::atomic_flag& busy) noexcept : busy_(busy) {
    if (busy_.test_and_set(std::memory_order_acquire)) wait();
  }
  BriefLock(const BriefLock&) = delete;
  BriefLock& operator=(const BriefLock&) = delete;
  ~BriefLock() { busy_.clear(std::memory_order_release); }

 private:
  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  [[gnu::noinline]] void wait() noexcept {
    constexpr int kSpins = 64;
    int spins = 0;
    do {
      while (busy_.test(std::memory_order_relaxed)) {
        ++spins < kSpins ? pause() : std::this_thread::yield();
      }
    } while (busy_.test_and_set(std::memory_order_acquire));
  }

  std::atomic_flag& busy_;
};

}  // namespace callisto::kv
