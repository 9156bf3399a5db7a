#include "engine/cache/state_cache.h"

#include <utility>

#include "engine/thread_index.h"

namespace callisto::kv {

namespace {

constexpr std::size_t kSpaceBytes = 4;
constexpr std::size_t kHeadBytes = 6;

std::uint16_t number_of(std::string_view key) noexcept {
  const auto high = static_cast<unsigned char>(key[kSpaceBytes]);
  const auto low = static_cast<unsigned char>(key[kSpaceBytes + 1]);
  return static_cast<std::uint16_t>(high << 8 | low);
}

}  // namespace

void CacheShape::add_list(std::uint16_t index, std::uint8_t order_bytes, SignatureOf signature) {
  if (index < kNumbers) indexes_[index] = {Kind::list, order_bytes, signature};
}

void CacheShape::add_rows(std::uint16_t index) {
  if (index < kNumbers) indexes_[index] = {Kind::row, 0, nullptr};
}

void CacheShape::add_records(Family family) {
  families_[static_cast<std::size_t>(family)] = {Kind::row, 0, std::nullopt};
}

void CacheShape::add_record_list(Family family, std::size_t prefix_bytes,
                                 std::optional<std::uint8_t> part) {
  families_[static_cast<std::size_t>(family)] = {Kind::list, prefix_bytes, part};
}

const CacheShape::Index* CacheShape::index_of(std::string_view key) const noexcept {
  if (key.size() < kHeadBytes) return nullptr;
  const std::uint16_t number = number_of(key);
  return number < kNumbers ? &indexes_[number] : nullptr;
}

CacheShape::Place CacheShape::place_of(Family family, std::string_view key) const noexcept {
  if (family == Family::indexes) {
    const Index* const index = index_of(key);
    if (index == nullptr || index->kind == Kind::none) return {};
    if (index->kind == Kind::row) return {Kind::row};
    if (key.size() < kHeadBytes + index->order_bytes) return {};
    return {Kind::list, false, key.size() - index->order_bytes, index->signature};
  }
  const Of& of = families_[static_cast<std::size_t>(family)];
  if (of.kind == Kind::none) return {};
  if (of.kind == Kind::row) return {Kind::row, true};
  if (key.size() < of.prefix_bytes) return {};
  if (of.part && static_cast<std::uint8_t>(key[of.prefix_bytes - 1]) != *of.part) return {};
  return {Kind::list, true, of.prefix_bytes, nullptr};
}

bool CacheShape::is_list(Family family, std::string_view key) const noexcept {
  if (family != Family::indexes) return place_of(family, key).kind == Kind::list;
  const Index* const index = index_of(key);
  return index != nullptr && index->kind == Kind::list;
}

SignatureOf CacheShape::signature_of(Family family, std::string_view key) const noexcept {
  if (family != Family::indexes) return nullptr;
  const Index* const index = index_of(key);
  return index != nullptr ? index->signature : nullptr;
}

namespace {

/// What is left for the allocator: blocks of all sizes come and go. After ten minutes of mixed work
/// on two busy processors slabs that are not full have 30 MiB of free blocks for 202 MiB in rows,
/// lists and table blocks.
constexpr std::size_t kAllocatorPercent = 30;

}  // namespace

StateCache::StateCache(std::size_t capacity_bytes, const CacheShape& shape)
    : shape_(shape),
      rooms_(capacity_bytes - capacity_bytes / 100 * kAllocatorPercent),
      rows_(rooms_, recent_),
      lists_(rooms_, recent_) {}

void StateCache::begin_commit() noexcept { word_.fetch_or(1, std::memory_order_seq_cst); }

void StateCache::begin_load() noexcept {
  loads_.fetch_or(1, std::memory_order_seq_cst);
  begin_commit();
}

void StateCache::follow(std::span<const WriteSet* const> sets, Version version) {
  touched_.clear();
  hashes_.clear();
  for (const WriteSet* set : sets) {
    for (std::size_t i = 0; i < set->key_count(); ++i) {
      const WriteSet::Operation& operation = set->at(i);
      const auto place = shape_.place_of(operation.family, operation.key);
      if (place.kind == CacheShape::Kind::none) continue;
      Touched touched{&operation, place, {}};
      if (place.kind == CacheShape::Kind::list) {
        touched.list = ListCache::Name::of(
            operation.family, std::string_view(operation.key).substr(0, place.prefix_bytes));
        hashes_.push_back(touched.list.hash);
      }
      if (place.kind == CacheShape::Kind::row || place.is_record) {
        hashes_.push_back(operation.hash);
      }
      touched_.push_back(touched);
    }
  }
  // First, so that who fills from before the commit either sees it here or is followed below.
  recent_.add(hashes_, version);
  for (const Touched& touched : touched_) follow(touched, version);
  word_.store(version << 1, std::memory_order_release);
  loads_.fetch_add(loads_.load(std::memory_order_relaxed) & 1, std::memory_order_seq_cst);
}

void StateCache::follow(const Touched& touched, Version version) {
  const WriteSet::Operation& operation = *touched.operation;
  const CacheShape::Place& place = touched.place;
  const bool is_put = operation.kind == WriteSet::Kind::put;
  FollowedValue value = is_put ? FollowedValue(operation.value) : FollowedValue();
  const bool is_list = place.kind == CacheShape::Kind::list;
  if (!is_list || place.is_record) {
    // A record among a list's keys is remembered by its own key only where somebody asked for it
    // so.
    const bool installs = place.is_record && !is_list;
    rows_.apply(operation.family, operation.key, operation.hash, value, version, installs);
  }
  if (is_list) {
    const std::string_view position = std::string_view(operation.key).substr(place.prefix_bytes);
    lists_.apply(touched.list, position, value, place.is_record, place.signature, version);
  }
}

void StateCache::abandon_commit() noexcept {
  word_.fetch_and(~std::uint64_t{1}, std::memory_order_seq_cst);
}

void StateCache::lose() noexcept {
  rows_.clear();
  lists_.clear();
}

void StateCache::reset(Version version) {
  word_.fetch_or(1, std::memory_order_seq_cst);
  recent_.forbid_below(version);
  rows_.clear();
  lists_.clear();
  word_.store(version << 1, std::memory_order_release);
}

void StateCache::forget_range(Family family, std::string_view lower, std::string_view upper,
                              const std::function<Version()>& latest) {
  std::uint64_t word = word_.load(std::memory_order_acquire);
  const Version version = latest();
  recent_.forbid_below(version);
  // Readers that begin now may fill again; while a commit is under way, those after it.
  if (!Clock(word).is_pending()) {
    word_.compare_exchange_strong(word, version << 1, std::memory_order_seq_cst);
  }
  rows_.erase_range(family, lower, upper);
  lists_.erase_range(family, lower, upper);
}

void StateCache::note_shown(Version version) noexcept {
  Version known = shown_.load(std::memory_order_relaxed);
  while (known < version &&
         !shown_.compare_exchange_weak(known, version, std::memory_order_acq_rel)) {
  }
}

void StateCache::count_hits(std::uint64_t row_hits) noexcept {
  hint_hits_[thread_index() % hint_hits_.size()].value.fetch_add(row_hits,
                                                                 std::memory_order_relaxed);
}

CacheStats StateCache::row_stats() const {
  CacheStats stats = rows_.stats();
  for (const Counter& counter : hint_hits_) {
    stats.hits += counter.value.load(std::memory_order_relaxed);
  }
  return stats;
}

}  // namespace callisto::kv
