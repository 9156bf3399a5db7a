#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace callisto::kv {

/// How many writers a synced group of commits may wait for, and how long. Writers that a sync has
/// just let go come back within less than the next sync takes: a group that begins without them
/// makes them wait for a whole one, and groups of seven and of one take turns. So a group waits for
/// as many as wrote in the last two groups, for as long as a sync takes at most; one writer alone
/// waits for nobody. Not thread-safe.
class GroupPace {
 public:
  using Duration = std::chrono::nanoseconds;
  static constexpr Duration kMostPatience = std::chrono::microseconds(500);

  /// A synced group was written: by whom (numbers of threads), and how long it took by a clock that
  /// need not be right.
  void note(const std::vector<std::uint32_t>& writers, Duration took) {
    before_last_.swap(last_);
    last_ = writers;
    // A slow sync now and then says nothing about the next one.
    const Duration part =
        std::clamp(took, Duration(0), 4 * average_ + std::chrono::microseconds(50));
    average_ += (part - average_) / 8;
    std::vector<std::uint32_t> all(last_);
    all.insert(all.end(), before_last_.begin(), before_last_.end());
    std::sort(all.begin(), all.end());
    expected_ = static_cast<std::size_t>(std::unique(all.begin(), all.end()) - all.begin());
  }
  std::size_t expected() const noexcept { return expected_; }
  Duration patience() const noexcept { return std::min(average_, kMostPatience); }

 private:
  std::vector<std::uint32_t> last_;
  std::vector<std::uint32_t> before_last_;
  std::size_t expected_ = 1;
  Duration average_{0};
};

}  // namespace callisto::kv
