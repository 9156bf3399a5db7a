#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace callisto::kv {

/// Holds a lock that is held for moments, most of them some tens of instructions. Who finds it
/// taken turns round for as long, then lets others run, since its holder may have lost the
/// processor, and then sleeps, since a holder of lower priority may never get it otherwise.
class BriefLock {
 public:
  explicit BriefLock(std::atomic_flag& busy) noexcept : busy_(busy) { acquire(busy); }
  BriefLock(const BriefLock&) = delete;
  BriefLock& operator=(const BriefLock&) = delete;
  ~BriefLock() { release(busy_); }

  // Of who holds more than one.

  static void acquire(std::atomic_flag& busy) noexcept {
    if (busy.test_and_set(std::memory_order_acquire)) wait(busy);
  }
  static void release(std::atomic_flag& busy) noexcept { busy.clear(std::memory_order_release); }

 private:
  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  [[gnu::noinline]] static void wait(std::atomic_flag& busy) noexcept {
    constexpr int kSpins = 64;
    constexpr int kYields = 256;
    int rounds = 0;
    do {
      while (busy.test(std::memory_order_relaxed)) {
        if (rounds < kSpins) {
          pause();
        } else if (rounds < kSpins + kYields) {
          std::this_thread::yield();
        } else {
          std::this_thread::sleep_for(std::chrono::microseconds(50));
          continue;
        }
        ++rounds;
      }
    } while (busy.test_and_set(std::memory_order_acquire));
  }

  std::atomic_flag& busy_;
};

}  // namespace callisto::kv
