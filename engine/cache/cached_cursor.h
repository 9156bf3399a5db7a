#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cache/cached_reader.h"
#include "engine/cache/list_cache.h"
#include "engine/kv.h"

namespace callisto::kv {

/// A scan of a list: over the parts that the cache has, and over the engine between them. What it
/// reads of the engine becomes a part of the cache when the scan ends.
class CachedCursor final : public Cursor {
 public:
  /// `bounds` say how long the list's prefix is. The reader must outlive it.
  CachedCursor(CachedReader& reader, Family family, const Bounds& bounds);
  ~CachedCursor() override;

  bool valid() const override;
  std::string_view key() const override;
  std::string_view value() const override;
  void next() override;
  std::size_t next_signed(std::size_t most) override;
  void seek(std::string_view key) override;
  Result<void> status() const override;
  std::optional<DamagedRange> skip_damage(std::string_view read) override;
  Result<Bytes> row(RowCheck check) const override;
  std::string_view position(std::size_t prefix_bytes) const override;
  ListEntry* remembered() const override;

 private:
  /// More of one scan than this is not remembered.
  static constexpr std::size_t kMaxRecorded = ListCache::kMaxSegmentEntries;

  /// An end of the bounds, as a position; for the upper one nullopt is the end of the list.
  std::string_view position_of(std::string_view key) const { return key.substr(prefix_.size()); }
  bool is_within_upper(std::string_view position) const { return !upper_ || position < *upper_; }

  /// To the first position at or after `position`; in reverse to the last one before it, or before
  /// the end of the list.
  void start(std::optional<std::string> position);
  bool start_in_cache(const std::optional<std::string>& position);
  void start_below(std::optional<std::string> position);
  /// Whether the segment has what a seek is for, to which it then goes.
  bool seek_in_segment(std::string_view position) noexcept;
  /// Goes on where the segment has no further entry, or ends where the bounds do.
  void settle();
  /// Forward, the place before the first entry is one below zero.
  bool is_at_entry() const noexcept { return place_ >= first_ && place_ < last_; }
  /// Whether nothing of the bounds lies behind the segment.
  bool is_last_part() const;
  /// Where it goes on behind the segment.
  std::string onward() const { return reverse_ ? segment_->from : segment_->to; }
  const ListEntry& entry() const { return *segment_->entries[place_]; }
  // Asks the processor for the next entries and what they lead to, while the caller looks at this
  // one. Entries first: what they lead to is read of them.
  static constexpr std::size_t kEntriesAhead = 8;
  static constexpr std::size_t kRowsAhead = 4;
  static constexpr std::size_t kRecordLines = 6;
  void begin_prefetch() const noexcept;
  void prefetch() const noexcept;
  void prefetch_entry(std::size_t steps) const noexcept;
  void prefetch_rows(std::size_t steps) const noexcept;
  const ListEntry* ahead(std::size_t steps) const noexcept {
    const std::size_t place = reverse_ ? place_ + steps : place_ - steps;
    const ListEntries& entries = segment_->entries;
    return place < entries.size() && entries.has(place, signature_) ? entries[place].get()
                                                                    : nullptr;
  }
  bool is_in_segment() const noexcept { return static_cast<bool>(segment_); }

  void record();
  /// Gives the cache what was recorded; it reaches to the end of the bounds if `is_at_end`.
  void flush(bool is_at_end);
  void stop_recording(bool is_at_end);
  std::string end_of_record(bool is_at_end) const;

  CachedReader& reader_;
  const Family family_;
  const bool reverse_;
  const bool is_record_;
  const bool leads_to_rows_;
  const std::uint64_t signature_;
  const std::string prefix_;
  const ListCache::Name name_;
  const std::string lower_;
  std::optional<std::string> upper_;

  // In the cache.
  Ref<ListSegment> segment_{};
  std::size_t place_ = 0;
  std::size_t first_ = 0;  ///< Places within the bounds: [first_, last_).
  std::size_t last_ = 0;
  bool at_end_ = false;

  // In the engine.
  std::unique_ptr<Cursor> below_{};
  std::optional<Error> failure_{};
  const bool fills_;  ///< False: what is read leaves the caches as they are.
  bool is_recording_;
  std::optional<std::string> begun_at_{};  ///< nullopt: from the end of the list.
  std::vector<Ref<ListEntry>> recorded_{};
  mutable std::string key_;
};

}  // namespace callisto::kv
