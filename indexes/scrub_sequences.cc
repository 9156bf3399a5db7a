#include "indexes/scrub_sequences.h"

#include <algorithm>

namespace callisto::indexes {

void RepeatCheck::begin_pass() {
  numbers_.clear();
  is_cut_ = false;
}

void RepeatCheck::add(std::uint64_t number) {
  if (number < floor_ || (is_cut_ && number > ceiling_)) return;
  numbers_.push_back(number);
  if (numbers_.size() >= 2 * held_) cut();
}

void RepeatCheck::cut() {
  const auto last = numbers_.begin() + static_cast<std::ptrdiff_t>(held_ - 1);
  std::nth_element(numbers_.begin(), last, numbers_.end());
  ceiling_ = *last;
  is_cut_ = true;
  numbers_.resize(held_);
}

bool RepeatCheck::end_pass() {
  std::sort(numbers_.begin(), numbers_.end());
  auto end = numbers_.end();
  // Some that are equal to the ceiling may have been cut off: the next pass judges them, unless
  // nothing else would be judged now.
  const bool is_all_ceiling = is_cut_ && numbers_.front() == ceiling_;
  if (is_cut_ && !is_all_ceiling) end = std::lower_bound(numbers_.begin(), end, ceiling_);
  for (auto it = numbers_.begin(); it != end; ++it) {
    if (it != numbers_.begin() && *it == *(it - 1)) ++repeats_;
  }
  floor_ = is_all_ceiling ? ceiling_ + 1 : ceiling_;
  return is_cut_;
}

void RepeatCheck::reset() {
  numbers_.clear();
  floor_ = 0;
  ceiling_ = 0;
  is_cut_ = false;
  repeats_ = 0;
}

}  // namespace callisto::indexes
