#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/cache/brief_lock.h"

namespace callisto::kv {

/// A table of what has a `hash` and a `chain`, the next one of its bucket; it owns none of it.
/// One lock of the owner's is held by who adds and removes; readers take that of a stripe alone, a
/// few of the buckets, so that they do not wait for each other, nor for one that makes room. Who
/// changes what readers look at behind a bucket holds its stripe too.
template <class T>
class Buckets {
 public:
  /// In a line of its own, with what readers count.
  struct alignas(64) Stripe {
    std::atomic_flag busy{};
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t negative_hits = 0;
  };

  Buckets() : heads_(kStripes) { note_heads(); }

  Stripe& stripe(std::uint64_t hash) noexcept { return stripes_[place(hash, kStripes - 1)]; }
  /// Under the owner's lock or that of the stripe.
  template <class Is>
  T* find(std::uint64_t hash, Is&& is) const noexcept {
    for (T* each = heads_[place(hash, heads_.size() - 1)]; each != nullptr; each = each->chain) {
      if (each->hash == hash && is(*each)) return each;
    }
    return nullptr;
  }
  /// Makes the next add() one that does not fail.
  void make_room() {
    if (count_ == heads_.size()) grow();
  }
  void add(T& item) {
    make_room();
    ++count_;
    const BriefLock lock(stripe(item.hash).busy);
    T*& head = head_of(item.hash);
    item.chain = std::exchange(head, &item);
  }
  void remove(T& item) noexcept {
    --count_;
    const BriefLock lock(stripe(item.hash).busy);
    T** at = &head_of(item.hash);
    while (*at != &item) at = &(*at)->chain;
    *at = std::exchange(item.chain, nullptr);
  }
  /// All, as they were: `function` may remove the one that it is given.
  template <class Function>
  void for_each(Function&& function) {
    for (T* each : heads_) {
      while (each != nullptr) function(*std::exchange(each, each->chain));
    }
  }
  /// Without any lock: where the buckets lie may be old then, which only costs the gain.
  void prefetch(std::uint64_t hash) const noexcept {
    const std::size_t last = last_head_.load(std::memory_order_relaxed);
    __builtin_prefetch(first_head_.load(std::memory_order_relaxed) + place(hash, last));
  }

  std::size_t count() const noexcept { return count_; }
  /// What was counted in all stripes.
  void add_counts(std::uint64_t& hits, std::uint64_t& misses, std::uint64_t& negative_hits) {
    for (Stripe& each : stripes_) {
      const BriefLock lock(each.busy);
      hits += each.hits;
      misses += each.misses;
      negative_hits += each.negative_hits;
    }
  }

 private:
  /// There are never fewer buckets, so that those of one stripe stay in it.
  static constexpr std::size_t kStripes = 16;

  /// The lowest bits have chosen the table.
  static std::size_t place(std::uint64_t hash, std::size_t last) noexcept {
    return (hash >> 8) & last;
  }
  T*& head_of(std::uint64_t hash) noexcept { return heads_[place(hash, heads_.size() - 1)]; }
  void note_heads() noexcept {
    first_head_.store(heads_.data(), std::memory_order_relaxed);
    last_head_.store(heads_.size() - 1, std::memory_order_relaxed);
  }
  void grow() {
    std::vector<T*> old(heads_.size() * 2);
    std::array<std::optional<BriefLock>, kStripes> readers;
    for (std::size_t i = 0; i < kStripes; ++i) readers[i].emplace(stripes_[i].busy);
    std::swap(old, heads_);
    note_heads();
    for (T* each : old) {
      while (each != nullptr) {
        T* const item = std::exchange(each, each->chain);
        item->chain = std::exchange(head_of(item->hash), item);
      }
    }
  }

  std::vector<T*> heads_;
  std::atomic<T* const*> first_head_{nullptr};
  std::atomic<std::size_t> last_head_{0};
  std::array<Stripe, kStripes> stripes_{};
  std::size_t count_ = 0;  ///< Away from what readers look at.
};

}  // namespace callisto::kv
