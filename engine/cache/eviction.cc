#include "engine/cache/eviction.h"

#include <algorithm>
#include <bit>

namespace callisto::kv {

namespace {

constexpr std::size_t kProbationPart = 10;
/// Members come and go in whole: so near to its capacity there is no room.
constexpr std::size_t kSlackPart = 16;
/// A member of this many bytes for each ghost: members are rarely smaller.
constexpr std::size_t kBytesPerGhost = 512;
constexpr std::size_t kMinGhosts = 64;

std::uint16_t tag_of(std::uint64_t hash) noexcept {
  return static_cast<std::uint16_t>((hash >> 48) | 1);  // 0: no ghost
}

}  // namespace

EvictionQueues::EvictionQueues(std::size_t capacity_bytes)
    : capacity_bytes_(capacity_bytes),
      ghosts_(std::bit_ceil(std::max(capacity_bytes / kBytesPerGhost, kMinGhosts))) {}

void EvictionQueues::List::push(Evictable& item) noexcept {
  item.newer = nullptr;
  item.older = newest;
  (newest != nullptr ? newest->newer : oldest) = &item;
  newest = &item;
  bytes += item.charge_bytes;
}

void EvictionQueues::List::unlink(Evictable& item) noexcept {
  (item.newer != nullptr ? item.newer->older : newest) = item.older;
  (item.older != nullptr ? item.older->newer : oldest) = item.newer;
  bytes -= item.charge_bytes;
}

void EvictionQueues::enter(Evictable& item, Evictable::Queue queue) noexcept {
  item.queue = queue;
  list_of(item).push(item);
}

bool EvictionQueues::is_known(std::uint64_t hash) noexcept {
  const Ghost ghost = ghost_of(hash);
  const auto age = static_cast<std::uint16_t>(time() - ghost.time);
  return ghost.tag == tag_of(hash) && age <= kTimesPerCapacity;
}

void EvictionQueues::remember(std::uint64_t hash) noexcept {
  ghost_of(hash) = {tag_of(hash), time()};
}

bool EvictionQueues::admits(std::uint64_t hash, std::size_t charge_bytes) noexcept {
  if (bytes() < capacity_bytes_ - capacity_bytes_ / kSlackPart) return true;
  asked_bytes_ += charge_bytes;
  const bool was_asked_for = is_known(hash);
  remember(hash);
  return was_asked_for;
}

void EvictionQueues::insert(Evictable& item) {
  item.hits.store(0, std::memory_order_relaxed);
  enter(item, is_known(item.hash) ? Evictable::Queue::main : Evictable::Queue::probation);
}

void EvictionQueues::remove(Evictable& item) noexcept {
  if (item.queue == Evictable::Queue::none) return;
  list_of(item).unlink(item);
  item.queue = Evictable::Queue::none;
}

void EvictionQueues::change_charge(Evictable& item, std::size_t charge_bytes) noexcept {
  if (item.queue != Evictable::Queue::none) {
    list_of(item).bytes += charge_bytes - item.charge_bytes;
  }
  item.charge_bytes = charge_bytes;
}

Evictable* EvictionQueues::evict() {
  while (bytes() > capacity_bytes_) {
    const bool from_probation =
        probation_.oldest != nullptr &&
        (main_.oldest == nullptr || probation_.bytes > capacity_bytes_ / kProbationPart);
    Evictable& item = from_probation ? *probation_.oldest : *main_.oldest;
    const std::uint8_t hits = item.hits.load(std::memory_order_relaxed);
    remove(item);
    if (hits == 0) {
      if (from_probation) remember(item.hash);
      return &item;
    }
    item.hits.store(from_probation ? std::uint8_t{0} : static_cast<std::uint8_t>(hits - 1),
                    std::memory_order_relaxed);
    enter(item, Evictable::Queue::main);
  }
  return nullptr;
}

}  // namespace callisto::kv
