#include "indexes/query/probe.h"

namespace callisto::indexes::query {

Result<bool> ListProbe::has(std::string_view position) {
  if (!is_kept_ && is_worth_walking()) {
    if (auto done = walk(); !done) return std::move(done).error();
  }
  if (!is_kept_) {
    ++lookups_;
    return probe(reader_, list_, position, meter_);
  }
  std::size_t low = 0;
  std::size_t high = width_ == 0 ? 0 : positions_.size() / width_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const int order = kept(middle).compare(position);
    if (order == 0) return true;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

bool ListProbe::is_worth_walking() const noexcept {
  return entries_ && *entries_ <= kMostKept && !list_.is_time_rising &&
         static_cast<double>(lookups_) * kProbeCost >= static_cast<double>(*entries_);
}

Result<void> ListProbe::walk() {
  ListCursor cursor(reader_, list_, false, meter_);
  auto moved = cursor.first();
  for (std::size_t count = 0; moved && !cursor.at_end(); ++count) {
    const std::string_view position = cursor.position();
    if (count == 0) width_ = position.size();
    if (count == kMostKept || position.size() != width_) {
      entries_.reset();
      positions_ = std::string();
      return {};
    }
    positions_.append(position);
    moved = cursor.next();
  }
  is_kept_ = moved.has_value();
  return moved;
}

}  // namespace callisto::indexes::query
