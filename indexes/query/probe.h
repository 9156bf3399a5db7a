#pragma once

// Whether a list has a position, for drivers that come in another order than the list.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "indexes/query/list.h"

namespace callisto::indexes::query {

/// What a lookup costs, in entries walked over: in memory 2 us beside 0.15 us.
inline constexpr double kProbeCost = 8.0;

/// Looks positions up in a list, until that has cost as much as walking over the list would: then
/// the list is walked over once, and its positions are kept. So it costs at most twice what the
/// better way does. Positions that come in the list's order are followed through it instead, once a
/// few were looked up, for as long as most are at most an entry further. Reader, list and meter
/// must outlive it.
class ListProbe {
 public:
  /// How the positions come: which way through the list, or in another order.
  enum class Order : std::uint8_t { other, forward, reverse };

  /// `entries`: how many the list has, about; without it the list is not kept.
  ListProbe(kv::Reader& reader, const List& list, std::optional<std::uint64_t> entries,
            Meter& meter, Order order = Order::other)
      : reader_(reader), list_(list), entries_(entries), meter_(meter), order_(order) {}

  Result<bool> has(std::string_view position);

 private:
  /// So few are looked up before anything else: opening a cursor costs more.
  static constexpr std::uint64_t kFewLookups = 16;
  /// How many more seeks than steps end the following.
  static constexpr int kMostSeeks = 4;

  /// At most so many positions are kept: 1.5 MB of those of memories and conversations.
  static constexpr std::size_t kMostKept = 1U << 16;

  Result<bool> look_up(std::string_view position);
  Result<bool> follow(std::string_view position);
  bool find_kept(std::string_view position) const;
  bool is_worth_walking() const noexcept;
  /// Leaves positions_ empty and does not come again where they cannot be kept.
  Result<void> walk();
  std::string_view kept(std::size_t i) const {
    return std::string_view(positions_).substr(i * width_, width_);
  }

  kv::Reader& reader_;
  const List& list_;
  std::optional<std::uint64_t> entries_;
  Meter& meter_;
  Order order_;  ///< `other`, too, once following has not paid.
  std::uint64_t lookups_ = 0;
  std::optional<ListCursor> cursor_;  ///< That follows.
  int steps_ = 0;                     ///< Less the seeks; at most kMostSeeks.
  bool is_kept_ = false;
  std::string positions_;  ///< Rising, of `width_` bytes each.
  std::size_t width_ = 0;
};

}  // namespace callisto::indexes::query
