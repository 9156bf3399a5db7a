#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/cache/eviction.h"
#include "engine/cache/ref.h"

namespace callisto::kv {

/// What is to be freed once the room's lock is free again: a part of a list is many pieces of
/// memory. Made before the lock is taken.
class Graves {
 public:
  Graves() = default;
  Graves(const Graves&) = delete;
  Graves& operator=(const Graves&) = delete;
  ~Graves() {
    for (std::size_t i = 0; i < count_; ++i) graves_[i].drop(graves_[i].object);
  }
  /// Frees it at once where there are many already.
  template <class T>
  void take(Ref<T> object) noexcept {
    if (count_ == graves_.size() || !object) return;
    graves_[count_++] = {object.release(), [](void* held) {
                           T* const last = static_cast<T*>(held);
                           if (last->holds.drop()) T::destroy(last);
                         }};
  }

 private:
  struct Grave {
    void* object;
    void (*drop)(void*);
  };
  std::array<Grave, 16> graves_;
  std::size_t count_ = 0;
};

/// Whose members are let go: a shard of a cache. Called under the room's lock.
class Evictor {
 public:
  virtual ~Evictor() = default;
  /// `item` is a member of the queues no more.
  virtual void let_go(Evictable& item, Graves& graves) = 0;
};

/// A share of the memory, with one lock, in which a shard of the rows and a shard of the lists
/// stand side by side: whatever is worth more stays, rows or lists.
struct CacheRoom {
  explicit CacheRoom(std::size_t capacity_bytes) : queues(capacity_bytes) {}

  /// Lets go until the members are within the capacity. Under the lock.
  void shrink(Graves& graves) {
    while (Evictable* const item = queues.evict()) {
      evictors[static_cast<std::size_t>(item->kind)]->let_go(*item, graves);
    }
  }

  mutable std::mutex mutex{};
  EvictionQueues queues;
  std::array<Evictor*, Evictable::kKinds> evictors{};
};

/// The rooms of a cache: what has a hash is in the room that the hash gives.
class CacheRooms {
 public:
  static constexpr std::size_t kRooms = 32;

  explicit CacheRooms(std::size_t capacity_bytes) {
    for (std::size_t i = 0; i < kRooms; ++i) {
      rooms_.push_back(std::make_unique<CacheRoom>(capacity_bytes / kRooms));
    }
  }
  CacheRoom& operator[](std::size_t i) noexcept { return *rooms_[i]; }

 private:
  std::vector<std::unique_ptr<CacheRoom>> rooms_;
};

}  // namespace callisto::kv
