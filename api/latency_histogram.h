#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace callisto::detail {

/// Durations in buckets that are a sixteenth of their power of two wide, so that what is read back
/// is within 1/32 (3.2 %) of what was measured: in nanoseconds, exact up to 32, up to 137 s; longer
/// ones count as that, but for the maximum. A bucket has its upper end and not its lower one, as
/// `le` of Prometheus asks: every power of two is an end.
class LatencyCounts {
 public:
  static constexpr std::uint32_t kExact = 32;
  static constexpr std::uint32_t kLargestBits = 37;
  static constexpr std::size_t kBuckets = kExact + 16 * (kLargestBits - 5);

  static std::size_t bucket_of(std::uint64_t nanos) noexcept;
  /// The longest duration of a bucket.
  static std::uint64_t end_of(std::size_t bucket) noexcept;

  std::uint64_t total() const noexcept;
  /// Below what `part` (0 to 1) of the durations are: the middle of the bucket of that rank; 0 when
  /// there are none.
  std::uint64_t quantile(double part) const noexcept;
  /// How many were at most `nanos`, which is the end of a bucket.
  std::uint64_t at_most(std::uint64_t nanos) const noexcept;

  std::array<std::uint64_t, kBuckets> buckets{};
  std::uint64_t sum_ns = 0;
  std::uint64_t max_ns = 0;
  std::uint64_t timed = 0;  ///< Durations that were measured, whatever they stand for.
};

/// LatencyCounts that several threads add to, without locks. What is read while they do may lack
/// some of the last ones.
class LatencyHistogram {
 public:
  /// `weight`: for how many durations this one stands.
  void add(std::uint64_t nanos, std::uint64_t weight) noexcept;
  void add_to(LatencyCounts& counts) const noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, LatencyCounts::kBuckets> buckets_{};
  std::atomic<std::uint64_t> sum_ns_{0};
  std::atomic<std::uint64_t> max_ns_{0};
  std::atomic<std::uint64_t> timed_{0};
};

}  // namespace callisto::detail
