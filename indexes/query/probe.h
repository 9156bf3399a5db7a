#pragma once

// Whether a list has a position, for drivers that come in another order than the list.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "indexes/query/list.h"

namespace callisto::indexes::query {

/// What a lookup costs, in entries walked over.
inline constexpr double kProbeCost = 2.0;

/// Looks positions up in a list, until that has cost as much as walking over the list would: then
/// the list is walked over once, and its positions are kept. So it costs at most twice what the
/// better way does. Reader, list and meter must outlive it.
class ListProbe {
 public:
  /// `entries`: how many the list has, about; without it every position is looked up.
  ListProbe(kv::Reader& reader, const List& list, std::optional<std::uint64_t> entries,
            Meter& meter)
      : reader_(reader), list_(list), entries_(entries), meter_(meter) {}

  Result<bool> has(std::string_view position);

 private:
  /// At most so many positions are kept: 1.5 MB of those of memories and conversations.
  static constexpr std::size_t kMostKept = 1U << 16;

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
  std::uint64_t lookups_ = 0;
  bool is_kept_ = false;
  std::string positions_;  ///< Rising, of `width_` bytes each.
  std::size_t width_ = 0;
};

}  // namespace callisto::indexes::query
