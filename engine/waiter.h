#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/kept_by_thread.h"

namespace callisto::kv {

/// Where a thread waits to be told something, once. Who tells it needs no lock that the thread
/// wants next: a thread that is woken under such a lock runs into it and sleeps again, which is two
/// changes of threads for one. Shared, since the thread may be gone by the time that the call that
/// woke it returns.
class Waiter {
 public:
  /// One that nobody else waits at, for give_back() after the wait. A thread keeps one; a new one
  /// where that is in use (a host's clock, asked in the middle of a wait, may call a store too) and
  /// once the thread's variables are gone (a call from a destructor at its end).
  static std::shared_ptr<Waiter> take() {
    std::shared_ptr<Waiter> kept = KeptByThread<std::shared_ptr<Waiter>>::take();
    if (kept == nullptr) kept = std::make_shared<Waiter>();
    return kept;
  }
  static void give_back(std::shared_ptr<Waiter> waiter) noexcept {
    KeptByThread<std::shared_ptr<Waiter>>::give_back(std::move(waiter));
  }

  /// Until tell() was called, once for each call of it.
  void wait() {
    std::unique_lock lock(mutex_);
    told_.wait(lock, [&] { return is_told_; });
    is_told_ = false;
  }
  /// Whether that was so within the time.
  bool wait_for(std::chrono::nanoseconds time) {
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, time, [&] { return is_told_; }) && std::exchange(is_told_, false);
  }
  void tell() {
    {
      const std::lock_guard lock(mutex_);
      is_told_ = true;
    }
    told_.notify_one();
  }

 private:
  friend class Waiters;
  std::mutex mutex_;
  std::condition_variable told_;
  bool is_told_ = false;
  std::shared_ptr<Waiter> next_;  ///< In a queue of Waiters.
};

/// Some that are to be told, in their order, when this ends: chosen under a lock, told behind it.
/// Each is in one of these at most. Takes no memory.
class Waiters {
 public:
  Waiters() = default;
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;
  ~Waiters() {
    while (first_ != nullptr) {
      // Once it is told it may be in another queue.
      const std::shared_ptr<Waiter> waiter = std::exchange(first_, std::move(first_->next_));
      waiter->tell();
    }
  }

  void add(const std::shared_ptr<Waiter>& waiter) noexcept {
    (last_ == nullptr ? first_ : last_->next_) = waiter;
    last_ = waiter.get();
  }

 private:
  std::shared_ptr<Waiter> first_;
  Waiter* last_ = nullptr;
};

}  // namespace callisto::kv
