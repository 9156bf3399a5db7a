#include "indexes/entries.h"

#include <algorithm>

namespace callisto::indexes {

void Entries::sort_from(std::size_t first) {
  if (places_.size() - first < 2) return;
  std::sort(places_.begin() + static_cast<std::ptrdiff_t>(first), places_.end(),
            [this](const Place& a, const Place& b) { return key_of(a) < key_of(b); });
}

void Entries::drop_repeats(std::size_t first) {
  sort_from(first);
  const auto is_same = [this](const Place& a, const Place& b) { return key_of(a) == key_of(b); };
  const auto from = places_.begin() + static_cast<std::ptrdiff_t>(first);
  places_.erase(std::unique(from, places_.end(), is_same), places_.end());
}

}  // namespace callisto::indexes
