#include "engine/slots.h"

#include <sys/mman.h>

#include <bit>
#include <cstdint>
#include <new>

namespace callisto::kv {
namespace {

constexpr std::uint64_t kPending = 1;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// Plain words of zeroed pages, so that a table costs nothing until its slots are used.
std::atomic_ref<std::uint64_t> atomic(std::uint64_t& word) { return std::atomic_ref(word); }

}  // namespace

SlotTable::SlotTable(std::size_t slot_count)
    : mask_(std::bit_ceil(slot_count) - 1), system_slots_((mask_ + 1) / kSlotsToSystemSlot) {
  mapped_bytes_ =
      memory_bytes() < kHugePageBytes ? memory_bytes() : memory_bytes() + kHugePageBytes;
  mapped_ =
      mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped_ == MAP_FAILED) throw std::bad_alloc();
  auto start = reinterpret_cast<std::uintptr_t>(mapped_);
  if (mapped_bytes_ > memory_bytes()) {
    start = (start + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
    // Advice, which may be refused. Slots are used at random: with small pages, each of the first
    // thousands of keys waits for two faults, and later ones miss the processor's table of pages.
    static_cast<void>(madvise(reinterpret_cast<void*>(start), memory_bytes(), MADV_HUGEPAGE));
  }
  words_ = reinterpret_cast<std::uint64_t*>(start);
}

SlotTable::~SlotTable() { munmap(mapped_, mapped_bytes_); }

bool SlotTable::unchanged_since(std::size_t slot, Version snapshot) const noexcept {
  const std::uint64_t word = atomic(words_[slot]).load(std::memory_order_acquire);
  return (word & kPending) == 0 && (word >> 1) <= snapshot;
}

bool SlotTable::mark(std::size_t slot) noexcept {
  const std::uint64_t word = atomic(words_[slot]).load(std::memory_order_relaxed);
  if ((word & kPending) != 0) return false;
  atomic(words_[slot]).store(word | kPending, std::memory_order_release);
  return true;
}

void SlotTable::settle(std::size_t slot, Version version) noexcept {
  atomic(words_[slot]).store(version << 1, std::memory_order_release);
}

void SlotTable::unmark(std::size_t slot) noexcept {
  const std::uint64_t word = atomic(words_[slot]).load(std::memory_order_relaxed);
  atomic(words_[slot]).store(word & ~kPending, std::memory_order_release);
}

std::optional<Version> SlotTable::committed_version(std::size_t slot) const noexcept {
  const std::uint64_t word = atomic(words_[slot]).load(std::memory_order_acquire);
  if ((word & kPending) != 0 || (word >> 1) == kNever) return std::nullopt;
  return word >> 1;
}

void SlotTable::reset(Version version) noexcept {
  for (std::size_t slot = 0; slot <= mask_; ++slot) settle(slot, version);
}

}  // namespace callisto::kv
