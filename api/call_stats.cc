#include "api/call_stats.h"

#include <algorithm>
#include <memory>
#include <new>

namespace callisto::detail {

namespace {

// Ends of the buckets that callers see: 64 ns to 17 s, each twice the one before.
constexpr std::uint32_t kFirstBoundBits = 6;
constexpr std::uint32_t kLastBoundBits = 34;

[[gnu::tls_model("initial-exec")]] constinit thread_local const CallMeter* running = nullptr;

/// 0 to 126, without a pattern that a caller could have too.
std::uint32_t calls_to_pass(std::uint64_t count) noexcept {
  return static_cast<std::uint32_t>(((count * 0x9e3779b97f4a7c15ULL) >> 32) % 127);
}

CallStats stats_of(std::uint64_t count, const LatencyCounts& latency) {
  CallStats stats;
  stats.count = count;
  stats.timed = latency.timed;
  stats.covered = latency.total();
  stats.sum_ns = latency.sum_ns;
  stats.p50_ns = latency.quantile(0.5);
  stats.p90_ns = latency.quantile(0.9);
  stats.p99_ns = latency.quantile(0.99);
  stats.p999_ns = latency.quantile(0.999);
  stats.max_ns = latency.max_ns;
  for (std::uint32_t bits = kFirstBoundBits; bits <= kLastBoundBits; ++bits) {
    const std::uint64_t bound = 1ULL << bits;
    stats.buckets.push_back({bound, latency.at_most(bound)});
  }
  return stats;
}

}  // namespace

CallMeter::~CallMeter() {
  for (auto& group : histograms_) {
    for (auto& histogram : group) delete histogram.load(std::memory_order_relaxed);
  }
}

std::uint32_t CallMeter::count(CallId id) noexcept {
  const std::uint32_t thread = kv::thread_index();
  Kind& kind = shards_[thread].kinds[static_cast<std::size_t>(id)];
  if (thread == kv::kSharedThread) {
    const std::uint64_t before = kind.count.fetch_add(1, std::memory_order_relaxed);
    if (before < kTimedAtFirst) return 1;
    return before % kTimedAtFirst == 0 ? kTimedAtFirst : 0;
  }
  kind.count.store(kind.count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (kind.to_pass == 0) return kind.passed_over + 1;
  --kind.to_pass;
  return 0;
}

void CallMeter::record(CallId id, std::int64_t nanos, std::uint32_t weight) noexcept {
  const std::uint32_t thread = kv::thread_index();
  if (LatencyHistogram* const latency = histogram(id, thread)) {
    latency->add(static_cast<std::uint64_t>(std::max<std::int64_t>(nanos, 0)), weight);
  }
  if (thread == kv::kSharedThread) return;
  Kind& kind = shards_[thread].kinds[static_cast<std::size_t>(id)];
  const std::uint64_t count = kind.count.load(std::memory_order_relaxed);
  const bool times_next = nanos >= kSlowNanos || count < kTimedAtFirst;
  kind.passed_over = times_next ? 0 : calls_to_pass(count);
  kind.to_pass = kind.passed_over;
}

LatencyHistogram* CallMeter::histogram(CallId id, std::uint32_t thread) noexcept {
  auto& place = histograms_[thread % kGroups][static_cast<std::size_t>(id)];
  LatencyHistogram* histogram = place.load(std::memory_order_acquire);
  if (histogram != nullptr) return histogram;
  std::unique_ptr<LatencyHistogram> made(new (std::nothrow) LatencyHistogram);
  if (made == nullptr) return nullptr;
  if (place.compare_exchange_strong(histogram, made.get(), std::memory_order_acq_rel)) {
    return made.release();
  }
  return histogram;
}

std::map<std::string, CallStats> CallMeter::read() const {
  std::map<std::string, CallStats> calls;
  for (std::size_t id = 0; id < kCallIds; ++id) {
    std::uint64_t count = 0;
    for (const Shard& shard : shards_) {
      count += shard.kinds[id].count.load(std::memory_order_relaxed);
    }
    if (count == 0) continue;
    LatencyCounts latency;
    for (const auto& group : histograms_) {
      const LatencyHistogram* const histogram = group[id].load(std::memory_order_acquire);
      if (histogram != nullptr) histogram->add_to(latency);
    }
    calls.emplace(to_string(static_cast<CallId>(id)), stats_of(count, latency));
  }
  return calls;
}

void CallTimer::begin() noexcept {
  if (running == meter_) {
    meter_ = nullptr;
    return;
  }
  outer_ = running;
  running = meter_;
  weight_ = meter_->count(id_);
  if (weight_ != 0) start_ = meter_->now();
}

void CallTimer::end() noexcept {
  running = outer_;
  if (weight_ != 0) meter_->record(id_, meter_->now() - start_, weight_);
}

}  // namespace callisto::detail
