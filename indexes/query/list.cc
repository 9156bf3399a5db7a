#include "indexes/query/list.h"

#include <algorithm>
#include <utility>

namespace callisto::indexes::query {

Result<void> Meter::look() {
  if (keys_read_ > max_keys_) return over_limit();
  if (keys_read_ % kCheckEvery == 0 && check_) {
    if (auto done = check_(); !done) return done;
  }
  if (watch_ && keys_read_ >= watch_at_) {
    const std::optional<std::uint64_t> again = watch_();
    if (!again) {
      has_given_up_ = true;
      return Error(Code::scan_limit_exceeded, "plan", "a walk that reads less than another way");
    }
    watch_at_ = std::max(*again, keys_read_ + 1);
  }
  set_next_look();
  return {};
}

void Meter::set_next_look() noexcept {
  next_look_ = (keys_read_ / kCheckEvery + 1) * kCheckEvery;
  if (watch_) next_look_ = std::min(next_look_, watch_at_);
  if (max_keys_ < next_look_) next_look_ = max_keys_ + 1;
}

void Meter::watch(std::uint64_t at, Watch watch) {
  watch_ = std::move(watch);
  watch_at_ = at;
  has_given_up_ = false;
  set_next_look();
}

void Meter::end_watch() {
  watch_ = nullptr;
  has_given_up_ = false;
  set_next_look();
}

Error Meter::over_limit() const {
  return Error(Code::scan_limit_exceeded, "max_scanned",
               "at most " + std::to_string(max_keys_) + " index entries read");
}

void List::add(std::string prefix) {
  KeyRange range = range_of(prefix);
  add(std::move(prefix), std::move(range));
}

void List::add(std::string prefix, KeyRange range) {
  const auto is_same = [&](const Part& part) { return part.prefix == prefix; };
  if (std::any_of(parts.begin(), parts.end(), is_same)) return;
  parts.push_back({std::move(prefix), std::move(range)});
}

bool ListCursor::Later::operator()(std::size_t a, std::size_t b) const {
  const int order = cursor.position_of(a).compare(cursor.position_of(b));
  if (order != 0) return (order > 0) != cursor.reverse_;
  return a > b;
}

ListCursor::ListCursor(kv::Reader& reader, const List& list, bool reverse, Meter& meter,
                       bool leads_to_rows, std::uint64_t signature)
    : reader_(reader),
      list_(list),
      reverse_(reverse),
      meter_(meter),
      leads_to_rows_(leads_to_rows),
      signature_(signature) {}

std::string_view ListCursor::position_of(std::size_t part) const {
  // Ranges lie behind their prefix, so every key has it.
  return cursors_[part]->position(list_.parts[part].prefix.size());
}

Result<void> ListCursor::open(const std::string_view* position) {
  is_open_ = true;
  cursors_.resize(list_.parts.size());
  for (std::size_t i = 0; i < list_.parts.size(); ++i) {
    const List::Part& part = list_.parts[i];
    std::string at;
    std::string_view lower = part.range.lower;
    std::string_view upper = part.range.upper;
    if (position != nullptr) {
      at = part.prefix;
      at.append(*position);
      if (reverse_) {
        at.push_back('\0');  // the position itself counts
        upper = std::min<std::string_view>(upper, at);
      } else {
        lower = std::max<std::string_view>(lower, at);
      }
    }
    if (lower >= upper) continue;
    cursors_[i] = reader_.scan(list_.family, {.lower = lower,
                                              .upper = upper,
                                              .reverse = reverse_,
                                              .prefix_bytes = part.prefix.size(),
                                              .leads_to_rows = leads_to_rows_,
                                              .signature = signature_});
    if (auto done = enter(i); !done) return done;
  }
  return {};
}

Result<void> ListCursor::enter(std::size_t part) {
  if (!cursors_[part]->valid()) return cursors_[part]->status();
  if (auto done = meter_.key_read(); !done) return done;
  heap_.push_back(part);
  std::push_heap(heap_.begin(), heap_.end(), Later{*this});
  return {};
}

std::size_t ListCursor::leave() {
  std::pop_heap(heap_.begin(), heap_.end(), Later{*this});
  const std::size_t part = heap_.back();
  heap_.pop_back();
  return part;
}

Result<void> ListCursor::first() { return is_open_ ? Result<void>() : open(nullptr); }

Result<std::size_t> ListCursor::next_signed(std::size_t most) {
  if (signature_ == 0 || cursors_.size() != 1) {
    if (auto done = next(); !done) return std::move(done).error();
    return std::size_t{0};
  }
  kv::Cursor& cursor = *cursors_.front();
  const std::size_t passed =
      cursor.next_signed(std::min<std::uint64_t>(most, meter_.keys_until_look()));
  const bool is_there = cursor.valid();
  if (auto done = meter_.keys_read(passed + (is_there ? 1 : 0)); !done) {
    return std::move(done).error();
  }
  if (is_there) return passed;
  heap_.clear();
  if (auto done = cursor.status(); !done) return std::move(done).error();
  return passed;
}

Result<void> ListCursor::next() {
  if (cursors_.size() == 1) {  // the usual list needs no heap
    kv::Cursor& cursor = *cursors_.front();
    cursor.next();
    if (cursor.valid()) return meter_.key_read();
    heap_.clear();
    return cursor.status();
  }
  const bool may_repeat = heap_.size() > 1;
  if (may_repeat) last_ = position();
  do {
    const std::size_t part = leave();
    cursors_[part]->next();
    if (auto done = enter(part); !done) return done;
  } while (may_repeat && !at_end() && position() == last_);
  return {};
}

Result<void> ListCursor::seek(std::string_view position) {
  if (!is_open_) return open(&position);
  while (!at_end() && is_before(this->position(), position)) {
    const std::size_t part = leave();
    kv::Cursor& cursor = *cursors_[part];
    // Lists that are about as dense walk in step; a step costs a fraction of a seek.
    cursor.next();
    if (cursor.valid() && is_before(position_of(part), position)) {
      if (auto done = meter_.key_read(); !done) return done;
      target_ = list_.parts[part].prefix;
      target_.append(position);
      cursor.seek(target_);
    }
    if (auto done = enter(part); !done) return done;
  }
  return {};
}

Intersection::Intersection(kv::Reader& reader, const List& driver, const std::vector<List>& others,
                           const std::vector<List>& skips, Admits admits, bool reverse,
                           Meter& meter, std::uint64_t signature)
    : admits_(std::move(admits)) {
  cursors_.reserve(1 + others.size());
  cursors_.emplace_back(reader, driver, reverse, meter, others.empty() && skips.empty(), signature);
  for (const List& list : others) cursors_.emplace_back(reader, list, reverse, meter);
  skips_.reserve(skips.size());
  for (const List& list : skips) skips_.emplace_back(reader, list, reverse, meter);
}

Result<bool> Intersection::next() {
  ListCursor& driver = cursors_.front();
  if (auto done = has_begun_ ? walk_on() : driver.first(); !done) {
    return std::move(done).error();
  }
  has_begun_ = true;
  while (!driver.at_end()) {
    auto wanted = is_wanted();
    if (!wanted) return wanted;
    if (!*wanted) continue;
    auto met = meet();
    if (!met || *met) return met;
  }
  return false;
}

Result<bool> Intersection::is_wanted() {
  // Alone it is looked at by who asked for it.
  if (is_alone() || !admits_) return true;
  ListCursor& driver = cursors_.front();
  auto admitted = admits_(driver);
  if (!admitted) return admitted;
  if (*admitted) {
    walked_ = 0;
    return true;
  }
  auto moved = ++walked_ < kWalked ? walk_on() : skip_ahead();
  if (!moved) return std::move(moved).error();
  return false;
}

Result<void> Intersection::walk_on() {
  // Else what is passed over is walked past like what is not wanted.
  constexpr std::size_t kAny = std::size_t{1} << 20;
  const std::size_t most = is_alone() ? kAny : kWalked - 1 - std::min(walked_, kWalked - 1);
  auto passed = cursors_.front().next_signed(most);
  if (!passed) return std::move(passed).error();
  walked_ += *passed;
  return {};
}

Result<void> Intersection::skip_ahead() {
  ListCursor& driver = cursors_.front();
  walked_ = 0;
  if (auto done = driver.next(); !done) return done;
  for (ListCursor& list : skips_) {
    if (driver.at_end()) return {};
    if (auto done = list.seek(driver.position()); !done) return done;
    if (list.at_end()) {
      driver.finish();
    } else if (list.position() != driver.position()) {
      if (auto done = driver.seek(list.position()); !done) return done;
    }
  }
  if (driver.at_end()) return {};
  auto met = meet();
  return met ? Result<void>() : std::move(met).error();
}

Result<bool> Intersection::meet() {
  ListCursor& driver = cursors_.front();
  for (std::size_t i = 1; i < cursors_.size(); ++i) {
    ListCursor& other = cursors_[i];
    if (auto done = other.seek(driver.position()); !done) return std::move(done).error();
    if (other.at_end()) {
      // Nothing further is common: the driver goes to its end without reading on.
      driver.finish();
      return false;
    }
    if (other.position() != driver.position()) {
      if (auto done = driver.seek(other.position()); !done) return std::move(done).error();
      return false;
    }
  }
  return true;
}

Result<bool> probe(kv::Reader& reader, const List& list, std::string_view position, Meter& meter) {
  constexpr std::size_t kTimeBytes = 8;
  kv::Value value;
  std::string key;
  for (const List::Part& part : list.parts) {
    key = part.prefix;
    const std::size_t begin = key.size();
    key.append(position);
    if (list.is_time_rising) {
      for (std::size_t i = begin; i < begin + kTimeBytes && i < key.size(); ++i) {
        key[i] = static_cast<char>(~static_cast<unsigned char>(key[i]));
      }
    }
    if (key < part.range.lower || key >= part.range.upper) continue;
    if (auto done = meter.key_read(); !done) return std::move(done).error();
    Result<bool> found = reader.get(list.family, key, value);
    if (!found || *found) return found;
  }
  return false;
}

}  // namespace callisto::indexes::query
