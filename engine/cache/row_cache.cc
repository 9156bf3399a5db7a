#include "engine/cache/row_cache.h"

#include <array>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "engine/slabs.h"

namespace callisto::kv {

namespace {

constexpr std::size_t kCacheLine = 64;
/// A row's place in the buckets, of which there are up to twice as many as rows.
constexpr std::size_t kBucketBytes = 2 * sizeof(void*);

std::size_t charge_of(const CachedRow& row, const Bytes& value) noexcept {
  return slabs::room_of(sizeof(CachedRow) + row.key_bytes) + value.room_bytes() + kBucketBytes;
}

void pause_processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Holds a lock that is held for some tens of instructions, so that who finds it taken waits for
/// moments, unless its holder has lost the processor: then others have to let it run.
class BriefLock {
 public:
  explicit BriefLock(std::atomic_flag& busy) noexcept : busy_(busy) {
    if (busy_.test_and_set(std::memory_order_acquire)) wait();
  }
  BriefLock(const BriefLock&) = delete;
  BriefLock& operator=(const BriefLock&) = delete;
  ~BriefLock() { busy_.clear(std::memory_order_release); }

 private:
  [[gnu::noinline]] void wait() noexcept {
    constexpr int kSpins = 64;
    int spins = 0;
    do {
      while (busy_.test(std::memory_order_relaxed)) {
        ++spins < kSpins ? pause_processor() : std::this_thread::yield();
      }
    } while (busy_.test_and_set(std::memory_order_acquire));
  }

  std::atomic_flag& busy_;
};

}  // namespace

Ref<CachedRow> CachedRow::make(Family family, std::string_view key, std::uint64_t hash) {
  void* const place = slabs::take(sizeof(CachedRow) + key.size());
  auto* const row = new (place) CachedRow(family, static_cast<std::uint16_t>(key.size()));
  row->hash = hash;
  key.copy(reinterpret_cast<char*>(row + 1), key.size());
  return Ref<CachedRow>(row);
}

void CachedRow::destroy(CachedRow* row) noexcept {
  const std::size_t bytes = sizeof(CachedRow) + row->key_bytes;
  row->~CachedRow();
  slabs::give(row, bytes);
}

/// What readers take of a shard, and what they count: a few buckets in a line of their own, so that
/// threads that read do not wait for each other, nor for one that makes room.
struct alignas(kCacheLine) RowCache::Stripe {
  std::atomic_flag busy{};
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t negative_hits = 0;
};

/// Under the room's lock rows come and go. Who changes a bucket, or a row that is in one, holds the
/// bucket's stripe too; a reader of a bucket holds its stripe alone.
struct alignas(kCacheLine) RowCache::Shard final : Evictor {
  explicit Shard(CacheRoom& of)
      : room(of), mutex(of.mutex), queues(of.queues), buckets(kMinBuckets) {
    room.evictors[static_cast<std::size_t>(Evictable::Kind::row)] = this;
    note_buckets();
  }
  void note_buckets() noexcept {
    first_bucket.store(buckets.data(), std::memory_order_relaxed);
    last_bucket.store(buckets.size() - 1, std::memory_order_relaxed);
  }

  static constexpr std::size_t kStripes = 16;
  /// The rows of one bucket are of one stripe, however many buckets there are.
  static constexpr std::size_t kMinBuckets = kStripes;

  static std::size_t bucket_place(std::uint64_t hash, std::size_t last) noexcept {
    return (hash >> 8) & last;
  }
  Stripe& stripe(std::uint64_t hash) noexcept { return stripes[bucket_place(hash, kStripes - 1)]; }
  CachedRow*& bucket(std::uint64_t hash) noexcept {
    return buckets[bucket_place(hash, buckets.size() - 1)];
  }
  /// Without the lock: where the buckets lie may be old then, which only costs the gain.
  void prefetch(std::uint64_t hash) const noexcept {
    const std::size_t last = last_bucket.load(std::memory_order_relaxed);
    __builtin_prefetch(first_bucket.load(std::memory_order_relaxed) + bucket_place(hash, last));
    queues.prefetch(hash);
  }
  CachedRow* find(Family family, std::string_view key, std::uint64_t hash) noexcept {
    for (CachedRow* row = bucket(hash); row != nullptr; row = row->chain) {
      if (row->hash == hash && row->family == family && row->key() == key) return row;
    }
    return nullptr;
  }
  /// Takes over a hold on a row that is in no table.
  void link(Ref<CachedRow> row) {
    if (count == buckets.size()) grow();
    queues.insert(*row);
    bytes += row->charge_bytes;
    ++count;
    const BriefLock lock(stripe(row->hash).busy);
    CachedRow*& head = bucket(row->hash);
    row->chain = head;
    head = row.release();
  }
  void unlink(CachedRow& row) noexcept {
    --count;
    queues.remove(row);
    bytes -= row.charge_bytes;
    Bytes gone;
    {
      const BriefLock readers(stripe(row.hash).busy);
      CachedRow** at = &bucket(row.hash);
      while (*at != &row) at = &(*at)->chain;
      *at = row.chain;
      row.chain = nullptr;
      const BriefLock lock(row.busy);
      row.is_dead = true;
      std::swap(gone, row.value);
    }
    if (row.holds.drop()) CachedRow::destroy(&row);
  }
  void let_go(Evictable& item) override {
    ++evictions;
    unlink(static_cast<CachedRow&>(item));
  }
  void set(CachedRow& row, Bytes value, bool is_checked, Version version) {
    const std::size_t charge = charge_of(row, value);
    if (row.queue != Evictable::Queue::none) bytes += charge - row.charge_bytes;
    queues.change_charge(row, charge);
    const BriefLock readers(stripe(row.hash).busy);
    const BriefLock lock(row.busy);
    std::swap(row.value, value);
    row.is_checked.store(is_checked, std::memory_order_relaxed);
    row.version = version;
    row.is_dead = false;
  }
  template <class Condition>
  void unlink_if(Condition&& condition) {
    for (CachedRow* head : buckets) {
      while (head != nullptr) {
        CachedRow* const row = std::exchange(head, head->chain);
        if (condition(*row)) unlink(*row);
      }
    }
  }
  void grow() {
    std::vector<CachedRow*> old(buckets.size() * 2);
    std::array<std::optional<BriefLock>, kStripes> readers;
    for (std::size_t i = 0; i < kStripes; ++i) readers[i].emplace(stripes[i].busy);
    std::swap(old, buckets);
    note_buckets();
    for (CachedRow* head : old) {
      while (head != nullptr) {
        CachedRow* const row = std::exchange(head, head->chain);
        row->chain = std::exchange(bucket(row->hash), row);
      }
    }
  }

  CacheRoom& room;
  std::mutex& mutex;
  EvictionQueues& queues;
  std::vector<CachedRow*> buckets;
  std::array<Stripe, kStripes> stripes{};
  std::atomic<CachedRow* const*> first_bucket{nullptr};
  std::atomic<std::size_t> last_bucket{0};
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::uint64_t fills = 0;
  std::uint64_t evictions = 0;
  std::uint64_t invalidations = 0;
};

RowCache::RowCache(CacheRooms& rooms, const RecentChanges& recent) : recent_(recent) {
  for (std::size_t i = 0; i < CacheRooms::kRooms; ++i) {
    shards_.push_back(std::make_unique<Shard>(rooms[i]));
  }
}

RowCache::~RowCache() { clear(); }

RowCache::Shard& RowCache::shard_of(std::uint64_t hash) noexcept {
  return *shards_[hash % CacheRooms::kRooms];
}

void RowCache::prefetch(std::uint64_t hash) const noexcept {
  shards_[hash % CacheRooms::kRooms]->prefetch(hash);
}

bool RowCache::find(Family family, std::string_view key, std::uint64_t hash, Version at, Hit& hit,
                    bool keeps_row) {
  Shard& shard = shard_of(hash);
  Stripe& stripe = shard.stripe(hash);
  const BriefLock lock(stripe.busy);
  CachedRow* const row = shard.find(family, key, hash);
  if (row == nullptr || row->version > at) {
    ++stripe.misses;
    return false;
  }
  row->note_hit();
  hit.value = row->value;
  hit.is_checked = row->is_checked.load(std::memory_order_relaxed);
  if (keeps_row || !hit.is_checked) hit.row = Ref<CachedRow>(row);
  ++stripe.hits;
  if (!hit.value) ++stripe.negative_hits;
  return true;
}

bool RowCache::read(CachedRow& row, Version at, Hit& hit) {
  {
    const BriefLock lock(row.busy);
    if (row.is_dead || row.version > at) return false;
    hit.value = row.value;
    hit.is_checked = row.is_checked.load(std::memory_order_relaxed);
  }
  row.note_hit();
  return true;
}

Ref<CachedRow> RowCache::fill(Family family, std::string_view key, std::uint64_t hash, Bytes value,
                              bool is_checked, Version at, Ref<CachedRow> known) {
  if (key.size() > kMaxKeyBytes) return {};
  Shard& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  // Under the shard's lock: a commit that is not in the recent changes yet will come to this shard
  // after them, and finds what is filled here.
  if (!recent_.is_unchanged_since(hash, at)) return {};
  CachedRow* row = shard.find(family, key, hash);
  if (row != nullptr) {
    // It has been so since `at` at the latest, and what is there is as good as what was read.
    if (row->version > at) shard.set(*row, std::move(value), is_checked, at);
    return Ref<CachedRow>(row);
  }
  if (!shard.queues.admits(hash, sizeof(CachedRow) + key.size() + value.room_bytes())) return {};
  Ref<CachedRow> fresh = known ? std::move(known) : CachedRow::make(family, key, hash);
  fresh->charge_bytes = charge_of(*fresh, value);
  shard.set(*fresh, std::move(value), is_checked, at);
  shard.link(fresh);
  ++shard.fills;
  shard.room.shrink();
  return fresh;
}

void RowCache::note_checked(CachedRow& row, const Bytes& value) {
  const BriefLock lock(row.busy);
  if (!row.is_dead && row.value.data() == value.data()) {
    row.is_checked.store(true, std::memory_order_relaxed);
  }
}

void RowCache::apply(Family family, std::string_view key, std::uint64_t hash, FollowedValue& value,
                     Version version, bool installs) {
  Shard& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  CachedRow* const row = shard.find(family, key, hash);
  if (row != nullptr) {
    shard.set(*row, value.hold(), false, version);
    ++shard.invalidations;
  } else if (installs && value.hold()) {
    Ref<CachedRow> fresh = CachedRow::make(family, key, hash);
    fresh->charge_bytes = charge_of(*fresh, value.hold());
    shard.set(*fresh, value.hold(), false, version);
    shard.link(std::move(fresh));
  } else {
    return;
  }
  shard.room.shrink();
}

void RowCache::erase_range(Family family, std::string_view lower, std::string_view upper) {
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->unlink_if([&](const CachedRow& row) {
      return row.family == family && row.key() >= lower && row.key() < upper;
    });
  }
}

void RowCache::clear() {
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->unlink_if([](const CachedRow&) { return true; });
  }
}

CacheStats RowCache::stats() const {
  CacheStats sum;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    for (Stripe& stripe : shard->stripes) {
      const BriefLock readers(stripe.busy);
      sum.hits += stripe.hits;
      sum.misses += stripe.misses;
      sum.negative_hits += stripe.negative_hits;
    }
    sum.fills += shard->fills;
    sum.evictions += shard->evictions;
    sum.invalidations += shard->invalidations;
    sum.bytes += shard->bytes;
    sum.entries += shard->count;
  }
  return sum;
}

}  // namespace callisto::kv
