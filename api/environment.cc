#include "callisto/environment.h"

#include <pthread.h>
#include <sys/random.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>

namespace callisto {

namespace {

// Counts forks in the child, so that it does not hand out what its parent drew but did not use yet.
std::atomic<std::uint32_t> fork_generation{0};

void watch_forks() noexcept {
  [[maybe_unused]] static const int registered = pthread_atfork(
      nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
}

// Where the operating system gives no randomness (a sandbox without getrandom): different in every
// thread and call, though not secret. splitmix64 over clock, counter and address.
std::uint64_t mixed_bits(const void* of_thread) noexcept {
  static std::atomic<std::uint64_t> calls{0};
  const auto nanos = std::chrono::steady_clock::now().time_since_epoch().count() ^
                     std::chrono::system_clock::now().time_since_epoch().count();
  std::uint64_t z = static_cast<std::uint64_t>(nanos) ^ reinterpret_cast<std::uintptr_t>(of_thread);
  z += (calls.fetch_add(1, std::memory_order_relaxed) + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// What one system call brings, handed out word by word. One per thread.
class RandomBuffer {
 public:
  std::uint64_t next() noexcept {
    const std::uint32_t generation = fork_generation.load(std::memory_order_relaxed);
    if (used_ == words_.size() || generation != generation_) refill(generation);
    const std::uint64_t word = words_[used_];
    words_[used_++] = 0;
    return word;
  }

 private:
  void refill(std::uint32_t generation) noexcept {
    watch_forks();
    // Up to 256 bytes come whole or not at all.
    static_assert(sizeof(words_) <= 256);
    ssize_t got = 0;
    do {
      got = getrandom(words_.data(), sizeof(words_), 0);
    } while (got < 0 && errno == EINTR);
    if (got != static_cast<ssize_t>(sizeof(words_))) {
      for (std::uint64_t& word : words_) word = mixed_bits(this);
    }
    generation_ = generation;
    used_ = 0;
  }

  std::array<std::uint64_t, 32> words_{};
  std::size_t used_ = 32;
  std::uint32_t generation_ = 0;
};

}  // namespace

Environment::~Environment() = default;

Time Environment::now() { return Time(std::chrono::system_clock::now()); }

std::int64_t Environment::monotonic_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t Environment::monotonic_nanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::uint64_t Environment::random_bits() {
  thread_local RandomBuffer buffer;
  return buffer.next();
}

void Environment::sleep_micros(std::int64_t micros) {
  if (micros > 0) std::this_thread::sleep_for(std::chrono::microseconds(micros));
}

void Environment::log(LogLevel, std::string_view) {}

FileHook Environment::file_hook() { return {}; }

Environment& Environment::system() {
  // Never destroyed: stores may be closed by destructors of static objects.
  static Environment& instance = *new Environment;
  return instance;
}

}  // namespace callisto
