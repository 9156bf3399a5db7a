#pragma once

#include <cstdint>

namespace callisto::kv {

/// Threads with a number of their own; more share kSharedThread.
inline constexpr std::uint32_t kOwnThreads = 64;
inline constexpr std::uint32_t kSharedThread = kOwnThreads;
inline constexpr std::uint32_t kThreadIndexes = kOwnThreads + 1;

namespace detail {
inline constexpr std::uint32_t kNoThreadIndex = kThreadIndexes;
// Without the model an access from the shared library is a call.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local std::uint32_t own_thread_index;
std::uint32_t take_thread_index() noexcept;
}  // namespace detail

/// A number below kOwnThreads that no other living thread of the process has, or kSharedThread. So
/// what lies at it has one writer at a time, and is counted by a load and a store: no locked
/// instruction, no line of the cache that moves between processors. A thread that ends gives its
/// number back; what was stored before is seen by the next that has it.
inline std::uint32_t thread_index() noexcept {
  const std::uint32_t index = detail::own_thread_index;
  return index != detail::kNoThreadIndex ? index : detail::take_thread_index();
}

}  // namespace callisto::kv
