#pragma once

#include <utility>

namespace callisto::kv {

/// One object that the calling thread keeps between calls, by a pointer that owns it. Null is what
/// take() gives while it is in use (calls may be nested), and once the thread's variables are gone
/// (a call from a destructor at its end): the caller makes one then.
template <class Pointer>
class KeptByThread {
 public:
  static Pointer take() noexcept {
    Pointer* const kept = place();
    return kept == nullptr ? Pointer() : std::exchange(*kept, nullptr);
  }
  static void give_back(Pointer pointer) noexcept {
    if (Pointer* const kept = place()) *kept = std::move(pointer);
  }

 private:
  static Pointer* place() noexcept {
    thread_local bool is_gone = false;
    struct Kept {
      Pointer pointer;
      ~Kept() { is_gone = true; }
    };
    if (is_gone) return nullptr;
    thread_local Kept kept;
    return &kept.pointer;
  }
};

}  // namespace callisto::kv
