#include "engine/rocksdb/block_counters.h"

namespace callisto::kv {
namespace {

void add(std::atomic<std::uint64_t>& sum, std::uint64_t count, bool is_shared) noexcept {
  if (is_shared) {
    sum.fetch_add(count, std::memory_order_relaxed);
  } else {
    sum.store(sum.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
}

}  // namespace

// Most ticks are of other things, and go with one comparison.
void BlockCounters::recordTick(std::uint32_t ticker, std::uint64_t count) {
  if (ticker != rocksdb::BLOCK_CACHE_HIT && ticker != rocksdb::BLOCK_CACHE_MISS) return;
  record(ticker == rocksdb::BLOCK_CACHE_HIT, count);
}

void BlockCounters::record(bool is_hit, std::uint64_t count) noexcept {
  const std::uint32_t thread = thread_index();
  Shard& shard = shards_[thread];
  add(is_hit ? shard.hits : shard.misses, count, thread == kSharedThread);
}

std::uint64_t BlockCounters::getTickerCount(std::uint32_t ticker) const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) {
    if (ticker == rocksdb::BLOCK_CACHE_HIT) sum += shard.hits.load(std::memory_order_relaxed);
    if (ticker == rocksdb::BLOCK_CACHE_MISS) sum += shard.misses.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace callisto::kv
