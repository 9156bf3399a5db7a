#include "engine/slots.h"

#include <bit>
#include <cstdlib>
#include <new>

namespace callisto::kv {
namespace {

constexpr std::uint64_t kPending = 1;

// Plain words from calloc, so that a table costs nothing until its slots are used.
std::atomic_ref<std::uint64_t> atomic(std::uint64_t& word) { return std::atomic_ref(word); }

}  // namespace

SlotTable::SlotTable(std::size_t slot_count) : mask_(std::bit_ceil(slot_count) - 1) {
  words_ = static_cast<std::uint64_t*>(std::calloc(mask_ + 1, sizeof(std::uint64_t)));
  if (words_ == nullptr) throw std::bad_alloc();
}

SlotTable::~SlotTable() { std::free(words_); }

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

std::optional<Version> SlotTable::committed_version(std::size_t slot) const noexcept {
  const std::uint64_t word = atomic(words_[slot]).load(std::memory_order_acquire);
  if ((word & kPending) != 0 || (word >> 1) == kNever) return std::nullopt;
  return word >> 1;
}

void SlotTable::reset(Version version) noexcept {
  for (std::size_t slot = 0; slot <= mask_; ++slot) settle(slot, version);
}

}  // namespace callisto::kv
