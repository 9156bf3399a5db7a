#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "callisto/export.h"

namespace callisto {

/// A counted hold on immutable bytes, aligned to 8. What every view of a record stands on: copying
/// it counts up and copies nothing; the bytes live as long as the last hold. It holds memory, not
/// locks, and outlives transaction, snapshot and store. Of a record below 8 KiB it may keep the 32 KiB
/// of memory that the record shares with others of its size: what is kept for long is better copied.
/// Thread-safe: different Bytes objects over the same bytes may be used from different threads.
class CALLISTO_API Bytes {
 public:
  Bytes() noexcept = default;
  /// A copy of `data`; an empty hold when it is longer than 4 GiB - 1.
  static Bytes copy_of(std::string_view data);

  Bytes(const Bytes& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->holds.fetch_add(1, std::memory_order_relaxed);
  }
  Bytes(Bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Bytes& operator=(Bytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Bytes() {
    if (block_ != nullptr && block_->holds.fetch_sub(1, std::memory_order_acq_rel) == 1) free_block();
  }

  const std::uint8_t* data() const noexcept {
    return block_ == nullptr ? nullptr : reinterpret_cast<const std::uint8_t*>(block_ + 1);
  }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  std::string_view view() const noexcept { return {reinterpret_cast<const char*>(data()), size()}; }
  explicit operator bool() const noexcept { return block_ != nullptr; }
  /// What the bytes take of memory, with what keeps them; 0 of an empty hold.
  std::size_t room_bytes() const noexcept;

 private:
  struct alignas(8) Block {
    std::atomic<std::uint32_t> holds;
    std::uint32_t size;
  };
  void free_block() noexcept;
  Block* block_ = nullptr;
};

}  // namespace callisto
