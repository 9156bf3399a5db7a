#pragma once

// Counts and times the public calls of one store. What it costs: api/README.md.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "api/call_id.h"
#include "api/latency_histogram.h"
#include "callisto/environment.h"
#include "callisto/stats.h"
#include "engine/thread_index.h"

namespace callisto::detail {

/// Every call is counted; of each kind, and in each thread, the first kTimedAtFirst are timed, and
/// then those that follow a timed one of kSlowNanos or more. Of the others one in 1 to 127, chosen
/// by how many there were, so that no rhythm of the caller's meets the choice. A timed call stands
/// for those since the last timed one.
///
/// A thread has its own counts (thread_index()); histograms are those of eight groups of threads,
/// made at the first call of their kind: at most 80 KiB and 8 times 66 kinds times 4.3 KiB (2.3
/// MiB), where eight threads make every call that there is. Thread-safe.
class CallMeter {
 public:
  static constexpr std::uint64_t kTimedAtFirst = 64;
  static constexpr std::int64_t kSlowNanos = 16384;

  /// `environment` must outlive it.
  explicit CallMeter(Environment& environment) : environment_(environment) {}
  ~CallMeter();
  CallMeter(const CallMeter&) = delete;
  CallMeter& operator=(const CallMeter&) = delete;

  /// Counts a call; for how many it stands if it is to be timed, else 0.
  std::uint32_t count(CallId id) noexcept;
  std::int64_t now() noexcept { return environment_.monotonic_nanos(); }
  /// Of a call that is timed.
  void record(CallId id, std::int64_t nanos, std::uint32_t weight) noexcept;

  /// Those that were made, by name.
  std::map<std::string, CallStats> read() const;

 private:
  static constexpr std::size_t kGroups = 8;

  struct Kind {
    std::atomic<std::uint64_t> count{0};
    // Of the one thread that counts here.
    std::uint32_t passed_over = 0;  ///< Between the last timed call and the next.
    std::uint32_t to_pass = 0;      ///< Of these, still to come.
  };
  /// Two lines of the cache, as processors fetch them in pairs.
  struct alignas(128) Shard {
    std::array<Kind, kCallIds> kinds{};
  };

  LatencyHistogram* histogram(CallId id, std::uint32_t thread) noexcept;

  Environment& environment_;
  std::array<Shard, kv::kThreadIndexes> shards_{};
  std::array<std::array<std::atomic<LatencyHistogram*>, kCallIds>, kGroups> histograms_{};
};

/// Stands in a public call from its beginning to its end. What a call makes of other calls on the
/// same store, in the function of transact() above all, is a part of it and not counted again.
class CallTimer {
 public:
  /// Null: nothing is counted, and no clock is read.
  CallTimer(CallMeter* meter, CallId id) noexcept : meter_(meter), id_(id) {
    if (meter_ != nullptr) begin();
  }
  ~CallTimer() {
    if (meter_ != nullptr) end();
  }
  CallTimer(const CallTimer&) = delete;
  CallTimer& operator=(const CallTimer&) = delete;

 private:
  void begin() noexcept;
  void end() noexcept;

  CallMeter* meter_;
  const CallMeter* outer_ = nullptr;  ///< Whose call this thread was in.
  std::int64_t start_ = 0;
  std::uint32_t weight_ = 0;
  CallId id_;
};

}  // namespace callisto::detail
