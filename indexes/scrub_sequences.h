#pragma once

// Inside of scrub: whether numbers repeat, in bounded memory.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace callisto::indexes {

/// Takes numbers in any order, over as many passes as they need: each pass judges the lowest that
/// none has judged, as many as are held.
class RepeatCheck {
 public:
  /// `held`: numbers kept at once, at least 2, and as many again while they come in. A number that
  /// is there more often than that may be counted too low, but is counted.
  explicit RepeatCheck(std::size_t held = kUsualHeld) : held_(held) {}

  /// Between begin_pass() and end_pass(), every number once.
  void begin_pass();
  void add(std::uint64_t number);
  /// True when another pass is needed.
  bool end_pass();
  /// How many numbers were equal to one before, so far.
  std::uint64_t repeats() const noexcept { return repeats_; }
  /// For another set of numbers; keeps its memory.
  void reset();

 private:
  static constexpr std::size_t kUsualHeld = std::size_t{1} << 19;

  void cut();

  std::size_t held_;
  std::vector<std::uint64_t> numbers_;
  std::uint64_t floor_ = 0;    // what is below was judged
  std::uint64_t ceiling_ = 0;  // what is at or above waits for another pass
  bool is_cut_ = false;
  std::uint64_t repeats_ = 0;
};

}  // namespace callisto::indexes
