#include "api/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace callisto::detail {

namespace {

/// The power of two that a bucket behind the exact ones is counted in, and how many of it.
struct Place {
  std::uint32_t shift;
  std::uint64_t mantissa;
};

Place place_of(std::size_t bucket) noexcept {
  const auto shift = static_cast<std::uint32_t>(bucket / 16 - 1);
  return {shift, bucket - shift * 16};
}

}  // namespace

std::size_t LatencyCounts::bucket_of(std::uint64_t nanos) noexcept {
  // One less, so that a power of two is the last of its bucket and not the first of the next.
  const std::uint64_t value =
      std::min<std::uint64_t>(nanos - (nanos > 0 ? 1 : 0), (1ULL << kLargestBits) - 1);
  if (value < kExact) return value;
  const auto shift = static_cast<std::uint32_t>(std::bit_width(value)) - 5;
  return shift * 16 + (value >> shift);
}

std::uint64_t LatencyCounts::end_of(std::size_t bucket) noexcept {
  if (bucket < kExact) return bucket + 1;
  const Place place = place_of(bucket);
  return (place.mantissa + 1) << place.shift;
}

std::uint64_t LatencyCounts::total() const noexcept {
  std::uint64_t total = 0;
  for (const std::uint64_t count : buckets) total += count;
  return total;
}

std::uint64_t LatencyCounts::quantile(double part) const noexcept {
  const std::uint64_t all = total();
  if (all == 0) return 0;
  const double exact_rank = std::ceil(part * static_cast<double>(all));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact_rank), 1, all);
  std::size_t bucket = 0;
  std::uint64_t seen = buckets[0];
  while (seen < rank) seen += buckets[++bucket];
  const std::uint64_t width = bucket < kExact ? 1 : 1ULL << place_of(bucket).shift;
  return std::min(end_of(bucket) - width / 2, max_ns);
}

std::uint64_t LatencyCounts::at_most(std::uint64_t nanos) const noexcept {
  std::uint64_t count = 0;
  const std::size_t last = bucket_of(nanos);
  for (std::size_t i = 0; i <= last; ++i) count += buckets[i];
  return count;
}

void LatencyHistogram::add(std::uint64_t nanos, std::uint64_t weight) noexcept {
  buckets_[LatencyCounts::bucket_of(nanos)].fetch_add(weight, std::memory_order_relaxed);
  sum_ns_.fetch_add(nanos * weight, std::memory_order_relaxed);
  timed_.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t longest = max_ns_.load(std::memory_order_relaxed);
  while (longest < nanos &&
         !max_ns_.compare_exchange_weak(longest, nanos, std::memory_order_relaxed)) {
  }
}

void LatencyHistogram::add_to(LatencyCounts& counts) const noexcept {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    counts.buckets[i] += buckets_[i].load(std::memory_order_relaxed);
  }
  counts.sum_ns += sum_ns_.load(std::memory_order_relaxed);
  counts.timed += timed_.load(std::memory_order_relaxed);
  counts.max_ns = std::max(counts.max_ns, max_ns_.load(std::memory_order_relaxed));
}

}  // namespace callisto::detail
