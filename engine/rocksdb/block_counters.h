#pragma once

#include <rocksdb/statistics.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "callisto/stats.h"
#include "engine/thread_index.h"

namespace callisto::kv {

/// Counts hits and misses of the block cache, each thread for itself. RocksDB tells its Statistics
/// of 9 things for a get and 20 for a scan of 20 keys; its own object keeps them all, at 7.7 % of
/// the instructions of a get and 3.7 % of those of the scan, this one two of them at 1.6 and 0.9 %.
class BlockCounters final : public rocksdb::Statistics {
 public:
  BlockCounters() { set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers); }

  const char* Name() const override { return "CallistoBlockCounters"; }
  void recordTick(std::uint32_t ticker, std::uint64_t count) override;
  std::uint64_t getTickerCount(std::uint32_t ticker) const override;

  // No histograms, and nothing is ever set back.
  bool HistEnabledForType(std::uint32_t) const override { return false; }
  void recordInHistogram(std::uint32_t, std::uint64_t) override {}
  void histogramData(std::uint32_t, rocksdb::HistogramData* const) const override {}
  void setTickerCount(std::uint32_t, std::uint64_t) override {}
  std::uint64_t getAndResetTickerCount(std::uint32_t ticker) override {
    return getTickerCount(ticker);
  }

 private:
  [[gnu::noinline]] void record(bool is_hit, std::uint64_t count) noexcept;

  struct alignas(128) Shard {
    std::atomic<std::uint64_t> hits{0};
    std::atomic<std::uint64_t> misses{0};
  };
  std::array<Shard, kThreadIndexes> shards_{};
};

}  // namespace callisto::kv
