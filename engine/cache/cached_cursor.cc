#include "engine/cache/cached_cursor.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "schema/keys.h"

namespace callisto::kv {

namespace {

std::optional<std::string> upper_position(const Bounds& bounds) {
  const std::string_view prefix = bounds.lower.substr(0, bounds.prefix_bytes);
  if (!bounds.upper.starts_with(prefix)) return std::nullopt;
  return std::string(bounds.upper.substr(prefix.size()));
}

/// Of what lies at `bytes`, or beside it: it may be shorter.
void prefetch_lines(const void* bytes, std::size_t lines) noexcept {
  constexpr std::size_t kCacheLine = 64;
  if (bytes == nullptr) return;
  const auto address = reinterpret_cast<std::uintptr_t>(bytes);
  for (std::size_t i = 0; i < lines; ++i) {
    __builtin_prefetch(reinterpret_cast<const void*>(address + i * kCacheLine));
  }
}

}  // namespace

CachedCursor::CachedCursor(CachedReader& reader, Family family, const Bounds& bounds)
    : reader_(reader),
      family_(family),
      reverse_(bounds.reverse),
      is_record_(reader.cache().shape().is_record_list(family)),
      leads_to_rows_(bounds.leads_to_rows),
      signature_(bounds.signature),
      prefix_(bounds.lower.substr(0, bounds.prefix_bytes)),
      name_(ListCache::Name::of(family, prefix_)),
      lower_(position_of(bounds.lower)),
      upper_(upper_position(bounds)),
      fills_(bounds.fill_cache),
      is_recording_(bounds.fill_cache),
      key_(prefix_) {
  if (reverse_) {
    start(upper_);
  } else {
    start(lower_);
  }
}

CachedCursor::~CachedCursor() { flush(false); }

bool CachedCursor::valid() const {
  if (at_end_ || failure_) return false;
  return is_in_segment() || below_->valid();
}

std::string_view CachedCursor::key() const {
  if (!is_in_segment()) return below_->key();
  key_.resize(prefix_.size());
  key_.append(entry().position());
  return key_;
}

std::string_view CachedCursor::value() const {
  return is_in_segment() ? entry().value() : below_->value();
}

Result<void> CachedCursor::status() const {
  if (failure_) return *failure_;
  return is_in_segment() || at_end_ ? Result<void>() : below_->status();
}

Result<Bytes> CachedCursor::row(RowCheck check) const {
  const ListEntry* const found = is_in_segment()     ? &entry()
                                 : recorded_.empty() ? nullptr
                                                     : recorded_.back().get();
  if (found == nullptr || !found->record) return Cursor::row(check);
  if (!found->is_checked.load(std::memory_order_relaxed)) {
    if (!check(found->record)) return Bytes();
    found->is_checked.store(true, std::memory_order_relaxed);
  }
  return found->record;
}

ListEntry* CachedCursor::remembered() const {
  if (is_in_segment()) return segment_->entries[place_].get();
  return recorded_.empty() ? nullptr : recorded_.back().get();
}

std::string_view CachedCursor::position(std::size_t prefix_bytes) const {
  if (is_in_segment() && prefix_bytes == prefix_.size()) return entry().position();
  return key().substr(prefix_bytes);
}

void CachedCursor::prefetch_entry(std::size_t steps) const noexcept {
  const ListEntry* const entry = ahead(steps);
  if (entry != nullptr) prefetch_lines(entry, 2);
}

void CachedCursor::prefetch_rows(std::size_t steps) const noexcept {
  if (!leads_to_rows_) return;
  const ListEntry* const entry = ahead(steps);
  if (entry == nullptr) return;
  if (is_record_) {
    prefetch_lines(entry->record.data(), kRecordLines);
    return;
  }
  for (const auto& row : entry->rows) __builtin_prefetch(row.load(std::memory_order_relaxed));
  for (const auto& bytes : entry->bytes) {
    prefetch_lines(bytes.load(std::memory_order_relaxed), kRecordLines);
  }
}

void CachedCursor::prefetch() const noexcept {
  prefetch_entry(kEntriesAhead);
  prefetch_rows(kRowsAhead);
}

void CachedCursor::begin_prefetch() const noexcept {
  for (std::size_t i = 0; i < kEntriesAhead; ++i) prefetch_entry(i);
  for (std::size_t i = 0; i < kRowsAhead; ++i) prefetch_rows(i);
}

void CachedCursor::next() {
  if (is_in_segment()) {
    // Entries lie by falling position.
    place_ = reverse_ ? place_ + 1 : place_ - 1;
    settle();
    return;
  }
  below_->next();
  record();
}

std::size_t CachedCursor::next_signed(std::size_t most) {
  if (signature_ == 0 || !is_in_segment()) {
    next();
    return 0;
  }
  const std::size_t first = reverse_ ? place_ + 1 : place_ - 1;
  place_ = first;
  if (is_at_entry()) {
    const std::size_t within = reverse_ ? last_ - first : first - first_ + 1;
    place_ = segment_->entries.place_with(signature_, first, reverse_, std::min(most, within));
  }
  const std::size_t passed = reverse_ ? place_ - first : first - place_;
  settle();
  return passed;
}

void CachedCursor::seek(std::string_view key) {
  if (!valid()) return;
  const std::string_view here = this->position(prefix_.size());
  const std::string_view there = position_of(key);
  if (reverse_ ? here <= there : here >= there) return;
  if (!is_in_segment()) {
    // What lies between is not read: what comes is another part, and rarely a long one.
    stop_recording(false);
    below_->seek(key);
    return;
  }
  if (seek_in_segment(there)) return;
  std::string position(there);
  if (reverse_) position.push_back('\0');  // the position itself counts
  start(std::move(position));
}

// One part after the other: many in a row may have nothing within the bounds.
void CachedCursor::start(std::optional<std::string> position) {
  while (start_in_cache(position)) {
    if (is_at_entry()) return prefetch();
    at_end_ = is_last_part();
    if (at_end_) return;
    position = onward();
  }
  start_below(std::move(position));
}

bool CachedCursor::start_in_cache(const std::optional<std::string>& position) {
  const bool is_here =
      segment_ && position &&
      (reverse_ ? segment_->from < *position && (segment_->is_to_end || segment_->to >= *position)
                : segment_->from <= *position && segment_->ends_after(*position));
  if (!is_here) {
    const auto at = reader_.cache_version();
    ListCache& lists = reader_.cache().lists();
    segment_ = Ref<ListSegment>();
    if (!at) return false;
    segment_ = reverse_ ? lists.find_before(name_, position.value_or(std::string()),
                                            !position.has_value(), *at)
                        : lists.find(name_, *position, *at);
    if (!segment_) return false;
    first_ = upper_ ? segment_->entries.count_from(*upper_) : 0;
    last_ = lower_.empty() ? segment_->entries.size() : segment_->entries.count_from(lower_);
  }
  // Entries lie by falling position.
  place_ = position ? segment_->entries.count_from(*position, reverse_ ? first_ : last_ - 1) : 0;
  if (!reverse_) --place_;
  begin_prefetch();
  return true;
}

bool CachedCursor::seek_in_segment(std::string_view position) noexcept {
  const ListEntries& entries = segment_->entries;
  std::size_t place = entries.count_from(position, place_);
  if (!reverse_ || (place > 0 && entries[place - 1]->position() == position)) --place;
  if (place < first_ || place >= last_) return false;
  place_ = place;
  return true;
}

bool CachedCursor::is_last_part() const {
  if (reverse_) return segment_->from <= lower_;
  return segment_->is_to_end || !is_within_upper(segment_->to);
}

void CachedCursor::settle() {
  if (is_at_entry()) return prefetch();
  at_end_ = is_last_part();
  if (!at_end_) start(onward());
}

void CachedCursor::start_below(std::optional<std::string> position) {
  segment_ = Ref<ListSegment>();
  begun_at_ = std::move(position);
  std::string lower = prefix_ + (reverse_ ? lower_ : *begun_at_);
  const std::optional<std::string>& end = reverse_ ? begun_at_ : upper_;
  std::string upper = end ? prefix_ + *end : schema::prefix_end(prefix_);
  if (lower >= upper) {
    at_end_ = true;
    return;
  }
  if (is_recording_) {
    is_recording_ = reader_.cache().lists().wants(name_, begun_at_.value_or(std::string()));
  }
  auto scan = reader_.scan_below(
      family_, {.lower = lower, .upper = upper, .reverse = reverse_, .fill_cache = fills_});
  if (!scan) {
    failure_ = std::move(scan).error();
    return;
  }
  below_ = std::move(*scan);
  record();
}

void CachedCursor::record() {
  if (!is_recording_) return;
  if (!below_->valid()) {
    if (below_->status()) flush(true);
    is_recording_ = false;
    return;
  }
  const std::string_view key = below_->key();
  const bool belongs_here =
      reader_.cache().shape().place_of(family_, key).prefix_bytes == prefix_.size();
  if (recorded_.size() == kMaxRecorded || !belongs_here) {
    if (!belongs_here) recorded_.clear();
    stop_recording(false);
    return;
  }
  const std::string_view position = position_of(key);
  recorded_.push_back(is_record_ ? ListEntry::make(position, Bytes::copy_of(below_->value()), false)
                                 : ListEntry::make(position, below_->value()));
}

void CachedCursor::stop_recording(bool is_at_end) {
  flush(is_at_end);
  recorded_.clear();
  is_recording_ = false;
}

std::string CachedCursor::end_of_record(bool is_at_end) const {
  if (reverse_) return is_at_end ? lower_ : std::string(recorded_.back()->position());
  if (is_at_end) return upper_.value_or(std::string());
  std::string end(recorded_.back()->position());
  end.push_back('\0');
  return end;
}

void CachedCursor::flush(bool is_at_end) {
  if (!is_recording_ || below_ == nullptr || (recorded_.empty() && !is_at_end)) return;
  const auto at = reader_.cache_version();
  if (!at) return;
  Ref<ListSegment> part(new ListSegment);
  if (reverse_) {
    part->from = end_of_record(is_at_end);
    part->to = begun_at_.value_or(std::string());
    part->is_to_end = !begun_at_;
  } else {
    part->from = *begun_at_;
    part->to = end_of_record(is_at_end);
    part->is_to_end = is_at_end && !upper_;
    std::reverse(recorded_.begin(), recorded_.end());
  }
  part->entries.reserve(recorded_.size());
  const SignatureOf signature = reader_.cache().shape().signature_of(family_, prefix_);
  for (Ref<ListEntry>& entry : recorded_) {
    const std::uint64_t signed_by = entry->signature(signature);
    part->entries.push_back(std::move(entry), signed_by);
  }
  recorded_.clear();
  reader_.cache().lists().fill(name_, std::move(part), *at);
}

std::optional<DamagedRange> CachedCursor::skip_damage(std::string_view read) {
  if (is_in_segment() || failure_ || below_ == nullptr) return std::nullopt;
  recorded_.clear();
  is_recording_ = false;
  return below_->skip_damage(read);
}

}  // namespace callisto::kv
