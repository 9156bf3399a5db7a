#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/bytes.h"
#include "engine/cache/cache_room.h"
#include "engine/cache/eviction.h"
#include "engine/cache/followed_value.h"
#include "engine/cache/list_entries.h"
#include "engine/cache/recent_changes.h"
#include "engine/cache/ref.h"
#include "engine/cache/row_cache.h"
#include "engine/kv.h"

namespace callisto::kv {

/// One key behind a list's prefix. Its bytes never change; a changed value is a new entry.
struct ListEntry final {
  Holds holds;
  const std::uint32_t position_bytes;
  const std::uint32_t value_bytes;
  /// What the key holds where that is a record, which readers keep: then value_bytes is 0.
  const Bytes record;
  mutable std::atomic<bool> is_checked;  ///< The record was found intact.
  /// Rows that the entry leads to, remembered by who fetched them. Set once, each a hold.
  mutable std::array<std::atomic<CachedRow*>, HintRef::kPlaces> rows{};
  /// Where their bytes lay when they were last seen: to be asked for early, never to be looked at.
  mutable std::array<std::atomic<const void*>, HintRef::kPlaces> bytes{};

  /// What follows the prefix.
  std::string_view position() const noexcept { return {text(), position_bytes}; }
  std::string_view value() const noexcept {
    return record ? record.view() : std::string_view{text() + position_bytes, value_bytes};
  }
  static Ref<ListEntry> make(std::string_view position, std::string_view value);
  static Ref<ListEntry> make(std::string_view position, Bytes record, bool is_checked);
  static void destroy(ListEntry* entry) noexcept;
  std::size_t charge_bytes() const noexcept;
  std::uint64_t signature(SignatureOf of) const {
    return of == nullptr ? ListEntries::kAnySignature : of(value());
  }

 private:
  ListEntry(std::size_t position, std::size_t value, Bytes of, bool checked) noexcept
      : position_bytes(static_cast<std::uint32_t>(position)),
        value_bytes(static_cast<std::uint32_t>(value)),
        record(std::move(of)),
        is_checked(checked) {}
  ~ListEntry() = default;
  const char* text() const noexcept { return reinterpret_cast<const char*>(this + 1); }
};

/// A part of a list: every key whose position is in [from, to) is known. A reader may hold it for
/// as long as it likes; it does not change under it.
struct ListSegment {
  Holds holds;
  std::string from{};
  std::string to{};
  bool is_to_end = false;  ///< Up to the end of the list; `to` means nothing.
  Version version = 0;     ///< It has been as it is since then.
  ListEntries entries{};

  static void destroy(ListSegment* segment) noexcept { delete segment; }
  /// Whether it knows what is at `position`, if that is not before it.
  bool ends_after(std::string_view position) const noexcept { return is_to_end || position < to; }
};

/// Lists of the committed state: the keys behind one prefix, in order, in parts that know where
/// they begin and end. The same rule of validity as RowCache, for each part. Thread-safe.
class ListCache {
 public:
  /// More entries than this are not read into one part, and no part grows above twice as many: a
  /// commit that changes one in the middle moves those behind it.
  static constexpr std::size_t kMaxSegmentEntries = 512;
  /// Parts that meet are joined up to this size: joining copies.
  static constexpr std::size_t kMaxJoinedEntries = 256;

  /// In rooms that it shares with others; both must outlive it.
  ListCache(CacheRooms& rooms, const RecentChanges& recent);
  ~ListCache();
  ListCache(const ListCache&) = delete;
  ListCache& operator=(const ListCache&) = delete;

  /// A list's name: its family and prefix.
  struct Name {
    Family family = Family::indexes;
    std::string_view prefix{};
    std::uint64_t hash = 0;
    static Name of(Family family, std::string_view prefix) noexcept;
  };

  /// The part that holds the first position at or after `position`, whatever is there; none when
  /// nothing is known of it at `at`.
  Ref<ListSegment> find(const Name& name, std::string_view position, Version at);
  /// The part that holds the last position before `position`, or before the end of the list.
  Ref<ListSegment> find_before(const Name& name, std::string_view position, bool is_end,
                               Version at);
  /// Whether a part that begins at `position` is worth being read into one.
  bool wants(const Name& name, std::string_view position);
  /// What was read at `at`, entries by falling position. Nothing happens when it may not be so any
  /// more; of what is known already only what is new is kept.
  void fill(const Name& name, Ref<ListSegment> part, Version at);

  /// Follows a commit, which left `value` at a position; of a list of records the entry holds it.
  /// `signature`: of the list's values, or null.
  void apply(const Name& name, std::string_view position, FollowedValue& value, bool is_record,
             SignatureOf signature, Version version);
  void erase_range(Family family, std::string_view lower, std::string_view upper);
  void clear();

  CacheStats stats() const;

 private:
  struct Part;
  struct List;
  struct Shard;
  Shard& shard_of(const Name& name) noexcept;

  const RecentChanges& recent_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace callisto::kv
