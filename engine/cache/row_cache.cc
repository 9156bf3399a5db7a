#include "engine/cache/row_cache.h"

#include <new>
#include <utility>

#include "engine/cache/brief_lock.h"
#include "engine/cache/buckets.h"
#include "engine/slabs.h"

namespace callisto::kv {

namespace {

constexpr std::size_t kCacheLine = 64;
/// A row's place in the buckets, of which there are up to twice as many as rows.
constexpr std::size_t kBucketBytes = 2 * sizeof(void*);

std::size_t charge_of(const CachedRow& row, const Bytes& value) noexcept {
  return slabs::room_of(sizeof(CachedRow) + row.key_bytes) + value.room_bytes() + kBucketBytes;
}

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

struct alignas(kCacheLine) RowCache::Shard final : Evictor {
  explicit Shard(CacheRoom& of) : room(of), mutex(of.mutex), queues(of.queues) {
    room.evictors[static_cast<std::size_t>(Evictable::Kind::row)] = this;
  }
  void prefetch(std::uint64_t hash) const noexcept {
    rows.prefetch(hash);
    queues.prefetch(hash);
  }
  CachedRow* find(Family family, std::string_view key, std::uint64_t hash) const noexcept {
    return rows.find(
        hash, [&](const CachedRow& row) { return row.family == family && row.key() == key; });
  }
  /// Takes over a hold on a row that is in no table; there is room.
  void link(Ref<CachedRow> row) noexcept {
    queues.insert(*row);
    bytes += row->charge_bytes;
    rows.add(*row.release());
  }
  void unlink(CachedRow& row) noexcept {
    rows.remove(row);
    queues.remove(row);
    bytes -= row.charge_bytes;
    Bytes gone;
    {
      const BriefLock lock(row.busy);
      row.is_dead = true;
      std::swap(gone, row.value);
    }
    if (row.holds.drop()) CachedRow::destroy(&row);
  }
  void let_go(Evictable& item, Graves&) override {
    ++evictions;
    unlink(static_cast<CachedRow&>(item));
  }
  void set(CachedRow& row, Bytes value, bool is_checked, Version version) {
    const std::size_t charge = charge_of(row, value);
    if (row.queue != Evictable::Queue::none) bytes += charge - row.charge_bytes;
    queues.change_charge(row, charge);
    const BriefLock readers(rows.stripe(row.hash).busy);
    const BriefLock lock(row.busy);
    std::swap(row.value, value);
    row.is_checked.store(is_checked, std::memory_order_relaxed);
    row.version = version;
    row.is_dead = false;
  }
  template <class Condition>
  void unlink_if(Condition&& condition) {
    rows.for_each([&](CachedRow& row) {
      if (condition(row)) unlink(row);
    });
  }

  CacheRoom& room;
  std::mutex& mutex;
  EvictionQueues& queues;
  Buckets<CachedRow> rows;
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
  auto& stripe = shard.rows.stripe(hash);
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
  Graves graves;
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
  // Before it counts as one that commits find: entries of lists may have it.
  shard.rows.make_room();
  shard.set(*fresh, std::move(value), is_checked, at);
  shard.link(fresh);
  ++shard.fills;
  shard.room.shrink(graves);
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
  Graves graves;
  const std::lock_guard lock(shard.mutex);
  CachedRow* const row = shard.find(family, key, hash);
  if (row != nullptr) {
    shard.set(*row, value.hold(), false, version);
    ++shard.invalidations;
  } else if (installs && value.hold()) {
    Ref<CachedRow> fresh = CachedRow::make(family, key, hash);
    fresh->charge_bytes = charge_of(*fresh, value.hold());
    shard.rows.make_room();
    shard.set(*fresh, value.hold(), false, version);
    shard.link(std::move(fresh));
  } else {
    return;
  }
  shard.room.shrink(graves);
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
    shard->rows.add_counts(sum.hits, sum.misses, sum.negative_hits);
    sum.fills += shard->fills;
    sum.evictions += shard->evictions;
    sum.invalidations += shard->invalidations;
    sum.bytes += shard->bytes;
    sum.entries += shard->rows.count();
  }
  return sum;
}

}  // namespace callisto::kv
