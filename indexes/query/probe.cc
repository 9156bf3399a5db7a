#include "indexes/query/probe.h"

#include <algorithm>

namespace callisto::indexes::query {

Result<bool> ListProbe::has(std::string_view position) {
  if (cursor_) return follow(position);
  if (!is_kept_ && is_worth_walking()) {
    if (auto done = walk(); !done) return std::move(done).error();
  }
  if (is_kept_) return find_kept(position);
  if (order_ == Order::other || lookups_ < kFewLookups) return look_up(position);
  cursor_.emplace(reader_, list_, order_ == Order::reverse, meter_);
  return follow(position);
}

Result<bool> ListProbe::look_up(std::string_view position) {
  ++lookups_;
  return probe(reader_, list_, position, meter_);
}

Result<bool> ListProbe::follow(std::string_view position) {
  const std::uint64_t before = meter_.keys_read();
  if (auto done = cursor_->seek(position); !done) return std::move(done).error();
  const bool is_there = !cursor_->at_end() && cursor_->position() == position;
  const bool has_sought = meter_.keys_read() - before > list_.parts.size();
  steps_ = std::min(steps_ + (has_sought ? -1 : 1), kMostSeeks);
  if (steps_ < -kMostSeeks) {
    cursor_.reset();
    order_ = Order::other;
  }
  return is_there;
}

bool ListProbe::find_kept(std::string_view position) const {
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
  // A walk must leave enough for what it is done for.
  return entries_ && *entries_ <= std::min<std::uint64_t>(kMostKept, meter_.keys_left() / 2) &&
         !list_.is_time_rising &&
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
