#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "engine/kv.h"

namespace callisto::kv {

/// Blocks of table files, unpacked, that were read more than once within what there is room for:
/// where what is read lies together (the newest records, a list that queries leap through) the next
/// row of a block costs no file, checksum and unpacking. Thread-safe.
class KeptBlocks {
  struct Block;

 public:
  /// What is noted of one block of a table, zero at first.
  class Mark {
   private:
    friend class KeptBlocks;
    // 0: it was never read. Odd: twice the clock when it was read last, and one. Even: twice its
    // seat, and two.
    std::atomic<std::uint32_t> note_{0};
  };

  /// Holds a block, or nothing. It may outlive everything else.
  class Ref {
   public:
    Ref() = default;
    Ref(Ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Ref& operator=(Ref&& other) noexcept {
      if (this != &other) {
        reset();
        block_ = std::exchange(other.block_, nullptr);
      }
      return *this;
    }
    ~Ref() { reset(); }
    explicit operator bool() const noexcept { return block_ != nullptr; }
    std::string_view bytes() const noexcept;
    void reset() noexcept;

   private:
    friend class KeptBlocks;
    explicit Ref(Block* block) noexcept : block_(block) {}
    Block* block_ = nullptr;
  };

  explicit KeptBlocks(std::uint64_t most_bytes);
  ~KeptBlocks();
  KeptBlocks(const KeptBlocks&) = delete;
  KeptBlocks& operator=(const KeptBlocks&) = delete;

  /// Nothing where the block is not kept.
  Ref find(const Mark& mark) noexcept;
  /// Of a block that was read and unpacked: keeps a copy if it was read lately before, and there is
  /// memory. The mark must stay where it is until it was forgotten.
  void note_read(Mark& mark, std::string_view bytes) noexcept;
  /// Before the mark goes, once nobody looks for its block.
  void forget(Mark& mark) noexcept;

  /// Without negative hits and invalidations.
  CacheStats stats() const;

 private:
  static constexpr std::size_t kStripes = 64;
  struct alignas(64) Stripe {
    std::atomic_flag busy;
    std::atomic<std::uint64_t> hits{0};  ///< Changed under busy.
  };

  static bool is_seat(std::uint32_t note) noexcept { return note != 0 && note % 2 == 0; }
  std::uint32_t stamp() const noexcept;
  Stripe& stripe_of(const Mark& mark) noexcept;
  void keep(Mark& mark, std::uint32_t seen, std::string_view bytes);
  static std::uint64_t charge_of(const Block& block) noexcept;
  // These require mutex_.
  void make_room(std::uint64_t bytes) noexcept;
  bool has_seat() const noexcept { return free_seat_ != kNoSeat || used_seats_ < most_seats_; }
  std::uint32_t take_seat() noexcept;
  void leave(Block* block) noexcept;
  void link_last(Block* block) noexcept;
  void unlink(Block* block) noexcept;

  const std::uint64_t most_bytes_;
  /// Bytes of blocks that were read so far; how many they were.
  std::atomic<std::uint64_t> clock_{0};
  std::atomic<std::uint64_t> reads_{0};
  std::array<Stripe, kStripes> stripes_{};
  union Seat {
    Block* block;
    std::uint32_t next_free;
  };
  static constexpr std::uint32_t kNoSeat = ~std::uint32_t{0};
  const std::uint32_t most_seats_;
  /// By the numbers that marks name; memory of those that were never used was never touched. A mark
  /// that names one, and the seat, change under the mark's stripe.
  std::unique_ptr<Seat[]> seats_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::uint64_t bytes_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t evictions_ = 0;
  std::uint64_t fills_ = 0;
  std::uint32_t free_seat_ = kNoSeat;  ///< The first; each says which is the next.
  std::uint32_t used_seats_ = 0;       ///< Those behind were never used.
  // In the order in which they leave; what was asked for meanwhile goes round again.
  Block* first_ = nullptr;
  Block* last_ = nullptr;
};

}  // namespace callisto::kv
