#pragma once

// Lists of index entries in one order, walked and skipped through: what every query stands on. It
// knows nothing of record kinds.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/kv.h"
#include "indexes/index_keys.h"
#include "schema/ids.h"

namespace callisto::indexes::query {

/// Counts what a query reads and ends it in time. One per call; single-threaded.
class Meter {
 public:
  /// `check` is called every kCheckEvery keys; its error (deadline, cancellation) ends the query.
  Meter(std::uint64_t max_keys, std::function<Result<void>()> check)
      : max_keys_(max_keys), check_(std::move(check)) {
    set_next_look();
  }
  static constexpr std::uint64_t kCheckEvery = 1024;

  /// Of an index. scan_limit_exceeded (max_scanned); the same (plan) where a watch gives up.
  Result<void> key_read() { return keys_read(1); }
  Result<void> keys_read(std::uint64_t count) {
    keys_read_ += count;
    return keys_read_ < next_look_ ? Result<void>() : look();
  }
  /// So many can be read before something is due: who reads several at once takes no more.
  std::uint64_t keys_until_look() const noexcept { return next_look_ - keys_read_ - 1; }

  /// Says at how many keys read it wants to be asked again; nullopt: it gives up.
  using Watch = std::function<std::optional<std::uint64_t>()>;
  /// Asks `watch` once `at` keys are read, so that a walk can be given up wherever it reads. One at
  /// a time, until end_watch().
  void watch(std::uint64_t at, Watch watch);
  void end_watch();
  /// Whether the watch has given up; until end_watch().
  bool has_given_up() const noexcept { return has_given_up_; }

  void records_fetched(std::size_t count) noexcept { records_fetched_ += count; }

  std::uint64_t keys_read() const noexcept { return keys_read_; }
  /// That may still be read.
  std::uint64_t keys_left() const noexcept { return max_keys_ - std::min(keys_read_, max_keys_); }
  std::uint64_t records_fetched() const noexcept { return records_fetched_; }

 private:
  Result<void> look();
  void set_next_look() noexcept;
  Error over_limit() const;

  const std::uint64_t max_keys_;
  const std::function<Result<void>()> check_;
  std::uint64_t keys_read_ = 0;
  std::uint64_t next_look_ = 0;  ///< At so many keys something is due: one comparison per key.
  Watch watch_;
  std::uint64_t watch_at_ = 0;
  bool has_given_up_ = false;
  std::uint64_t records_fetched_ = 0;
};

/// Entries of one index behind one or several prefixes. What follows the prefix is an entry's
/// *position*; parts agree in its form, so that their union is a list in one order. Lists that are
/// intersected have the same positions: ~created id for memories and conversations.
struct List {
  struct Part {
    std::string prefix;
    KeyRange range;  ///< Within what lies behind the prefix.
  };
  schema::IndexId index{};
  kv::Family family = kv::Family::indexes;
  std::vector<Part> parts;
  /// The positions begin with a time that rises where others fall. Such a list drives or is probed;
  /// it is not intersected by seeking.
  bool is_time_rising = false;

  /// Everything behind `prefix`; one that is there already is not added.
  void add(std::string prefix);
  void add(std::string prefix, KeyRange range);
};

/// Walks through a list, in either direction. An entry with the position of another is passed over.
/// Reader, list and meter must outlive it.
class ListCursor {
 public:
  /// `leads_to_rows`: most entries are not passed over, and their records are asked for soon.
  /// `signature`: entries without these bits are of no use (kv::Bounds).
  ListCursor(kv::Reader& reader, const List& list, bool reverse, Meter& meter,
             bool leads_to_rows = false, std::uint64_t signature = 0);

  /// To the first entry.
  Result<void> first();
  /// To the first entry at or after `position`, in the cursor's direction. Never moves back.
  Result<void> seek(std::string_view position);
  Result<void> next();
  /// The same, past up to `most` entries that the signature excludes; how many of them. They count
  /// as read, so that a query reads as much whether a cache has its lists or not.
  Result<std::size_t> next_signed(std::size_t most);

  /// To the end, reading nothing.
  void finish() noexcept { heap_.clear(); }

  bool at_end() const noexcept { return heap_.empty(); }
  // Valid until the cursor moves; not at the end.
  std::string_view position() const { return position_of(heap_.front()); }
  std::string_view value() const { return cursors_[heap_.front()]->value(); }
  /// What a cache remembers of it, until the cursor moves.
  kv::ListEntry* remembered() const { return cursors_[heap_.front()]->remembered(); }
  /// Of the entry, whole: for reports of damage.
  std::string_view key() const { return cursors_[heap_.front()]->key(); }

 private:
  struct Later {
    const ListCursor& cursor;
    bool operator()(std::size_t a, std::size_t b) const;
  };
  std::string_view position_of(std::size_t part) const;
  /// Opens every part, at `position` where one is given.
  Result<void> open(const std::string_view* position);
  /// Takes a part's new entry into the heap, or finds why the part has ended.
  Result<void> enter(std::size_t part);
  std::size_t leave();
  bool is_before(std::string_view a, std::string_view b) const { return reverse_ ? b < a : a < b; }

  kv::Reader& reader_;
  const List& list_;
  const bool reverse_;
  Meter& meter_;
  const bool leads_to_rows_;
  const std::uint64_t signature_;
  bool is_open_ = false;
  std::vector<std::unique_ptr<kv::Cursor>> cursors_;
  std::vector<std::size_t> heap_;  // parts, the next position on top
  std::string last_;
  std::string target_;
};

/// The positions that all lists have, by leapfrog: whoever lags behind seeks to who leads.
///
/// Entries of the driver that are not wanted (`admits`) are walked past: to look at one costs less
/// than a seek in another list. Of `skips` the entries tell so too whether they can be in them.
/// Only after kWalked such entries in a row do the other lists say how far the driver may skip:
/// dense ones are never sought, disjoint ones read in leaps.
class Intersection {
 public:
  using Admits = std::function<Result<bool>(const ListCursor& entry)>;
  static constexpr std::size_t kWalked = 64;

  /// The entries of `driver` are the ones that are seen; those without the bits of `signature` need
  /// not be. Lists must outlive it. `admits` may be empty where there are no skips.
  Intersection(kv::Reader& reader, const List& driver, const std::vector<List>& others,
               const std::vector<List>& skips, Admits admits, bool reverse, Meter& meter,
               std::uint64_t signature = 0);

  /// To the next common position; false when there is none.
  Result<bool> next();
  const ListCursor& driver() const noexcept { return cursors_.front(); }

 private:
  /// Moves every list to where the driver stands; false when one is elsewhere, and then the driver
  /// has moved there.
  Result<bool> meet();
  /// Whether the driver's entry is wanted as far as it tells; when not, the driver has moved on.
  Result<bool> is_wanted();
  Result<void> skip_ahead();
  /// The driver, past what its signature excludes, as far as it is walked anyway.
  Result<void> walk_on();
  /// Whether there are lists that tell how far it may skip.
  bool is_alone() const noexcept { return cursors_.size() == 1 && skips_.empty(); }

  std::vector<ListCursor> cursors_;
  std::vector<ListCursor> skips_;
  const Admits admits_;
  std::size_t walked_ = 0;
  bool has_begun_ = false;
};

/// Whether an entry with a position is in a list, by point lookups. `position` is as in lists whose
/// time falls.
Result<bool> probe(kv::Reader& reader, const List& list, std::string_view position, Meter& meter);

}  // namespace callisto::indexes::query
