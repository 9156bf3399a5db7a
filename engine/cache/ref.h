#pragma once

// Counted holds on what the cache shares between its tables, its lists and their readers.

#include <atomic>
#include <cstdint>
#include <utility>

namespace callisto::kv {

/// The count of holds on an object. What one holder did happens before what the last one does.
class Holds {
 public:
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  /// True for the last one.
  bool drop() noexcept { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  /// Whether there is one hold. Where new holds are made under a lock that the caller has, the
  /// object is the caller's alone then.
  bool is_single() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<std::uint32_t> count_{0};
};

/// A hold. T has a member `holds` and `static void destroy(T*)`.
template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  explicit Ref(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->holds.add();
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr && object_->holds.drop()) T::destroy(object_);
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /// Hands the hold to the caller.
  T* release() noexcept { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

}  // namespace callisto::kv
