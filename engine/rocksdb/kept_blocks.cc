#include "engine/rocksdb/kept_blocks.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "engine/cache/brief_lock.h"
#include "engine/slabs.h"

namespace callisto::kv {
namespace {

/// A block with a large value is no neighbourhood.
constexpr std::size_t kMostBlockBytes = 32u << 10;
/// Blocks are 4 KiB and more, but for the last of a file.
constexpr std::uint64_t kBytesPerSeat = 2048;
/// Marks have a bit less for them.
constexpr std::uint64_t kMostSeats = (std::uint64_t{1} << 31) - 2;
constexpr unsigned kClockUnitBits = 10;
constexpr std::uint32_t kClockMask = 0x7fffffff;

}  // namespace

/// Its bytes follow it.
struct KeptBlocks::Block {
  static Block* make(std::string_view bytes) {
    auto* const block = new (slabs::take(sizeof(Block) + bytes.size())) Block;
    block->size = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(block->data(), bytes.data(), bytes.size());
    return block;
  }
  char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  std::size_t room() const noexcept { return slabs::room_of(sizeof(Block) + size); }
  void drop() noexcept {
    if (references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::size_t taken = sizeof(Block) + size;
    this->~Block();
    slabs::give(this, taken);
  }

  std::atomic<std::uint32_t> references{1};
  std::uint32_t size = 0;
  std::uint32_t seat = 0;
  std::atomic<bool> is_asked{false};
  Mark* mark = nullptr;
  Block* before = nullptr;
  Block* behind = nullptr;
};

std::string_view KeptBlocks::Ref::bytes() const noexcept { return {block_->data(), block_->size}; }

void KeptBlocks::Ref::reset() noexcept {
  if (Block* const block = std::exchange(block_, nullptr)) block->drop();
}

KeptBlocks::KeptBlocks(std::uint64_t most_bytes)
    : most_bytes_(most_bytes),
      most_seats_(static_cast<std::uint32_t>(
          std::min<std::uint64_t>(most_bytes / kBytesPerSeat, kMostSeats))),
      seats_(std::make_unique_for_overwrite<Seat[]>(most_seats_)) {}

KeptBlocks::~KeptBlocks() {
  while (first_ != nullptr) leave(first_);
}

std::uint32_t KeptBlocks::stamp() const noexcept {
  const std::uint64_t now = clock_.load(std::memory_order_relaxed) >> kClockUnitBits;
  return static_cast<std::uint32_t>(now) & kClockMask;
}

KeptBlocks::Stripe& KeptBlocks::stripe_of(const Mark& mark) noexcept {
  // Marks lie beside the places of their blocks.
  constexpr std::size_t kApart = 2 * sizeof(Mark);
  return stripes_[reinterpret_cast<std::uintptr_t>(&mark) / kApart % kStripes];
}

KeptBlocks::Ref KeptBlocks::find(const Mark& mark) noexcept {
  if (!is_seat(mark.note_.load(std::memory_order_relaxed))) return {};
  Stripe& stripe = stripe_of(mark);
  const BriefLock lock(stripe.busy);
  const std::uint32_t note = mark.note_.load(std::memory_order_relaxed);
  if (!is_seat(note)) return {};
  Block* const block = seats_[note / 2 - 1].block;
  block->references.fetch_add(1, std::memory_order_relaxed);
  if (!block->is_asked.load(std::memory_order_relaxed)) {
    block->is_asked.store(true, std::memory_order_relaxed);
  }
  stripe.hits.store(stripe.hits.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return Ref(block);
}

void KeptBlocks::note_read(Mark& mark, std::string_view bytes) noexcept {
  reads_.fetch_add(1, std::memory_order_relaxed);
  if (bytes.size() > kMostBlockBytes) return;
  clock_.fetch_add(bytes.size(), std::memory_order_relaxed);
  const std::uint32_t now = stamp();
  std::uint32_t seen = mark.note_.load(std::memory_order_relaxed);
  if (is_seat(seen)) return;
  const std::uint32_t age = (now - seen / 2) & kClockMask;
  if (seen != 0 && age <= most_bytes_ >> kClockUnitBits) {
    try {
      keep(mark, seen, bytes);
    } catch (const std::bad_alloc&) {
      // It is read anew next time.
    }
  } else {
    mark.note_.compare_exchange_strong(seen, 2 * now + 1, std::memory_order_relaxed);
  }
}

void KeptBlocks::keep(Mark& mark, std::uint32_t seen, std::string_view bytes) {
  Block* const block = Block::make(bytes);
  const std::lock_guard lock(mutex_);
  make_room(charge_of(*block));
  const BriefLock stripe(stripe_of(mark).busy);
  // Another thread may have kept it meanwhile.
  if (!has_seat() || mark.note_.load(std::memory_order_relaxed) != seen) {
    block->drop();
    return;
  }
  block->mark = &mark;
  block->seat = take_seat();
  seats_[block->seat].block = block;
  mark.note_.store(2 * block->seat + 2, std::memory_order_relaxed);
  link_last(block);
  bytes_ += charge_of(*block);
  ++entries_;
  ++fills_;
}

std::uint64_t KeptBlocks::charge_of(const Block& block) noexcept {
  return block.room() + sizeof(Seat);
}

std::uint32_t KeptBlocks::take_seat() noexcept {
  if (free_seat_ == kNoSeat) return used_seats_++;
  return std::exchange(free_seat_, seats_[free_seat_].next_free);
}

void KeptBlocks::make_room(std::uint64_t bytes) noexcept {
  while (first_ != nullptr && (bytes_ + bytes > most_bytes_ || !has_seat())) {
    if (first_->is_asked.exchange(false, std::memory_order_relaxed)) {
      Block* const block = first_;
      unlink(block);
      link_last(block);
    } else {
      leave(first_);
      ++evictions_;
    }
  }
}

/// Its mark says that it was read now: what has just left comes back when it is read once.
void KeptBlocks::leave(Block* block) noexcept {
  unlink(block);
  bytes_ -= charge_of(*block);
  --entries_;
  {
    const BriefLock stripe(stripe_of(*block->mark).busy);
    // Released to who forgets the mark, and then frees it.
    block->mark->note_.store(2 * stamp() + 1, std::memory_order_release);
  }
  seats_[block->seat].next_free = free_seat_;
  free_seat_ = block->seat;
  block->drop();
}

void KeptBlocks::forget(Mark& mark) noexcept {
  if (!is_seat(mark.note_.load(std::memory_order_acquire))) return;
  const std::lock_guard lock(mutex_);
  const std::uint32_t note = mark.note_.load(std::memory_order_relaxed);
  if (is_seat(note)) leave(seats_[note / 2 - 1].block);
}

CacheStats KeptBlocks::stats() const {
  CacheStats stats;
  for (const Stripe& stripe : stripes_) stats.hits += stripe.hits.load(std::memory_order_relaxed);
  stats.misses = reads_.load(std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  stats.fills = fills_;
  stats.evictions = evictions_;
  stats.bytes = bytes_;
  stats.entries = entries_;
  return stats;
}

void KeptBlocks::link_last(Block* block) noexcept {
  block->before = last_;
  block->behind = nullptr;
  (last_ == nullptr ? first_ : last_->behind) = block;
  last_ = block;
}

void KeptBlocks::unlink(Block* block) noexcept {
  (block->before == nullptr ? first_ : block->before->behind) = block->behind;
  (block->behind == nullptr ? last_ : block->behind->before) = block->before;
}

}  // namespace callisto::kv
