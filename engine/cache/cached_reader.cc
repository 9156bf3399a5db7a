#include "engine/cache/cached_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/cache/cached_cursor.h"
#include "engine/ended_cursor.h"
#include "engine/write_set.h"

namespace callisto::kv {

namespace {

Error moved_error() { return Error(Code::conflict, "a commit came while the call began"); }

bool is_intact(RowCheck check, const Bytes& bytes) { return check == nullptr || check(bytes); }

/// Of an index, what is not there is asked for when it is about to be written.
bool is_kept(Family family, const Bytes& row) { return row || family != Family::indexes; }

void remember(ListEntry* entry, std::size_t place, const Ref<CachedRow>& row) {
  if (entry == nullptr || !row) return;
  CachedRow* none = nullptr;
  row->holds.add();
  if (!entry->rows[place].compare_exchange_strong(none, row.get(), std::memory_order_acq_rel)) {
    row->holds.drop();  // never the last one: the caller has its own
  }
}

Ref<CachedRow> hinted(const ListEntry* entry, std::size_t place) {
  if (entry == nullptr) return {};
  return Ref<CachedRow>(entry->rows[place].load(std::memory_order_acquire));
}

}  // namespace

CachedReader::CachedReader(Store& engine, StateCache& cache)
    : engine_(&engine), cache_(cache), loads_(cache.loads()), begun_(cache.clock()) {
  if (cache.shown() <= begun_.followed()) {
    at_ = begun_.followed();
  } else {
    own_ = engine.snapshot();
    below_ = own_.get();
    note_shown();
  }
}

CachedReader::CachedReader(std::unique_ptr<Reader> below, StateCache& cache)
    : own_(std::move(below)), below_(own_.get()), cache_(cache), begun_(0) {
  note_shown();
}

CachedReader::CachedReader(Reader& below, StateCache& cache)
    : below_(&below), cache_(cache), begun_(0) {
  note_shown();
}

CachedReader::~CachedReader() {
  if (hint_hits_ != 0) cache_.count_hits(hint_hits_);
}

Version CachedReader::version() const { return below_ != nullptr ? below_->version() : *at_; }

Result<Reader*> CachedReader::below() {
  if (moved_) return moved_error();
  if (below_ != nullptr) return below_;
  own_ = engine_->snapshot();
  // Neither begun nor followed since: so what the snapshot shows is what the cache is of.
  if (!cache_.has_stood_at(begun_)) {
    moved_ = true;
    return moved_error();
  }
  below_ = own_.get();
  return below_;
}

template <class Read>
auto CachedReader::read_below(Read&& read) -> decltype(read(std::declval<Reader&>())) {
  if (below_ == nullptr && !moved_ && reads_without_snapshot_ == 0 && cache_.is_busy()) {
    reads_without_snapshot_ = kReadsWithoutSnapshot;
  }
  if (below_ == nullptr && !moved_ && reads_without_snapshot_ < kReadsWithoutSnapshot) {
    ++reads_without_snapshot_;
    auto answer = read(*engine_);
    if (cache_.has_stood_at(begun_)) return answer;
    moved_ = true;
    cache_.note_lost_read();
    return moved_error();
  }
  auto reader = below();
  if (!reader) return std::move(reader).error();
  return read(**reader);
}

bool CachedReader::has_read_at() const noexcept {
  std::atomic_thread_fence(std::memory_order_acquire);
  return cache_.loads() == loads_;
}

Result<std::unique_ptr<Cursor>> CachedReader::scan_below(Family family, const Bounds& bounds) {
  if (reads_at()) {
    auto scan = engine_->scan_at(family, bounds, *at_);
    if (scan != nullptr && has_read_at()) return scan;
  }
  return read_below(
      [&](Reader& reader) { return Result<std::unique_ptr<Cursor>>(reader.scan(family, bounds)); });
}

std::optional<Version> CachedReader::cache_version() {
  if (at_ || below_ == nullptr) return at_;
  // Where no commit is under way, every one that the reader sees has been followed.
  const StateCache::Clock clock = cache_.clock();
  const Version seen = below_->version();
  if (!clock.is_pending() || clock.followed() >= seen) at_ = std::min(clock.followed(), seen);
  return at_;
}

void CachedReader::note_shown() {
  if (!cache_version()) cache_.note_shown(below_->version());
}

Result<Bytes> CachedReader::load(Family family, std::string_view key, std::uint64_t hash,
                                 RowCheck check, bool is_row) {
  Result<Bytes> row = Bytes();
  if (reads_at() && engine_->get_row_at(family, key, *at_, *row) && has_read_at()) {
    if (*row && check != nullptr && !check(*row)) return damaged_row(family, key);
  } else {
    row = read_below([&](Reader& reader) { return reader.get_row(family, key, check); });
  }
  if (!row || !is_row || !is_kept(family, *row)) return row;
  if (const auto at = cache_version()) {
    cache_.rows().fill(family, key, hash, *row, check != nullptr, *at);
  }
  return row;
}

Result<bool> CachedReader::find_listed(Family family, std::string_view key, RowCheck check,
                                       Version at, Bytes& row) {
  const CacheShape::Place place = cache_.shape().place_of(family, key);
  if (place.kind != CacheShape::Kind::list || !place.is_record) return false;
  const auto name = ListCache::Name::of(family, key.substr(0, place.prefix_bytes));
  const std::string_view position = key.substr(place.prefix_bytes);
  const Ref<ListSegment> part = cache_.lists().find(name, position, at);
  if (!part) return false;
  const ListEntries& entries = part->entries;
  const std::size_t found = entries.place_of(position);
  if (found == entries.size() || entries[found]->position() != position) return true;
  const ListEntry& entry = *entries[found];
  if (check != nullptr && !entry.is_checked.load(std::memory_order_relaxed)) {
    if (!check(entry.record)) return damaged_row(family, key);
    entry.is_checked.store(true, std::memory_order_relaxed);
  }
  row = entry.record;
  return true;
}

Result<Bytes> CachedReader::get_row(Family family, std::string_view key, RowCheck check) {
  const bool is_row = cache_.shape().is_row(family, key);
  const std::uint64_t hash = is_row ? hash_key(family, key) : 0;
  const auto at = cache_version();
  RowCache::Hit hit;
  if (!is_row || !at || !cache_.rows().find(family, key, hash, *at, hit, false)) {
    if (is_row && at) {
      Bytes row;
      auto known = find_listed(family, key, check, *at, row);
      if (!known) return std::move(known).error();
      if (*known) return row;
    }
    return load(family, key, hash, check, is_row);
  }
  if (hit.value && !hit.is_checked && check != nullptr) {
    if (!check(hit.value)) return damaged_row(family, key);
    cache_.rows().note_checked(*hit.row, hit.value);
  }
  return std::move(hit.value);
}

Result<bool> CachedReader::get(Family family, std::string_view key, Value& value) {
  if (!cache_.shape().is_row(family, key)) {
    return read_below([&](Reader& reader) { return reader.get(family, key, value); });
  }
  auto row = get_row(family, key, nullptr);
  if (!row) return std::move(row).error();
  if (!*row) return false;
  value.hold(std::move(*row));
  return true;
}

Result<void> CachedReader::multi_get(
    Family family, std::span<const std::string> keys,
    const std::function<void(std::size_t, std::string_view)>& each) {
  std::vector<Bytes> rows(keys.size());
  if (auto done = get_rows(family, keys, nullptr, rows, {}, 0); !done) return done;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]) each(i, rows[i].view());
  }
  return {};
}

bool CachedReader::peek(const ListEntry* entry, std::size_t place, Bytes& row) {
  if (entry == nullptr || !cache_version()) return false;
  CachedRow* const known = entry->rows[place].load(std::memory_order_acquire);
  RowCache::Hit hit;
  if (known == nullptr || !cache_.rows().read(*known, *at_, hit)) return false;
  if (!hit.value || !hit.is_checked) return false;
  ++hint_hits_;
  if (entry->bytes[place].load(std::memory_order_relaxed) != hit.value.data()) {
    entry->bytes[place].store(hit.value.data(), std::memory_order_relaxed);
  }
  row = std::move(hit.value);
  return true;
}

Result<void> CachedReader::get_rows(Family family, std::span<const std::string> keys,
                                    RowCheck check, std::span<Bytes> rows,
                                    std::span<const HintRef> hints, std::size_t place) {
  struct Missing {
    std::size_t place;
    std::uint64_t hash;
  };
  std::vector<std::uint64_t> hashes(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = hash_key(family, keys[i]);
    cache_.rows().prefetch(hashes[i]);
  }
  std::vector<Missing> missing;
  const auto hint = [&](std::size_t i) { return hints.empty() ? nullptr : hints[i].get(); };
  const auto at = cache_version();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    RowCache::Hit hit;
    if (!at || !cache_.rows().find(family, keys[i], hashes[i], *at, hit, hint(i) != nullptr)) {
      auto known = at ? find_listed(family, keys[i], check, *at, rows[i]) : Result<bool>(false);
      if (!known) return std::move(known).error();
      if (!*known) missing.push_back({i, hashes[i]});
      continue;
    }
    if (hit.value && !hit.is_checked && check != nullptr) {
      if (!check(hit.value)) return damaged_row(family, keys[i]);
      cache_.rows().note_checked(*hit.row, hit.value);
    }
    remember(hint(i), place, hit.row);
    rows[i] = std::move(hit.value);
  }
  if (missing.empty()) return {};
  std::vector<std::string> some;
  std::span<const std::string> wanted = keys;
  if (missing.size() < keys.size()) {
    some.reserve(missing.size());
    for (const Missing& one : missing) some.push_back(keys[one.place]);
    wanted = some;
  }
  const Missing* damaged = nullptr;
  const auto take = [&](std::size_t i, std::string_view value) {
    Bytes& row = rows[missing[i].place];
    row = Bytes::copy_of(value);
    if (!is_intact(check, row) && damaged == nullptr) damaged = &missing[i];
  };
  if (!reads_at() || !engine_->multi_get_at(family, wanted, *at_, take) || !has_read_at()) {
    // Of the same state, or none: what was read so far is read again.
    damaged = nullptr;
    auto done = read_below([&](Reader& reader) { return reader.multi_get(family, wanted, take); });
    if (!done) return done;
  }
  if (damaged != nullptr) return damaged_row(family, keys[damaged->place]);
  const auto filled_at = cache_version();
  if (!filled_at) return {};
  for (const Missing& one : missing) cache_.rows().prefetch(one.hash);
  for (const Missing& one : missing) {
    if (!cache_.shape().is_row(family, keys[one.place])) continue;
    if (!is_kept(family, rows[one.place])) continue;
    remember(hint(one.place), place,
             cache_.rows().fill(family, keys[one.place], one.hash, rows[one.place],
                                check != nullptr, *filled_at, hinted(hint(one.place), place)));
  }
  return {};
}

std::unique_ptr<Cursor> CachedReader::scan(Family family, const Bounds& bounds) {
  if (bounds.prefix_bytes != 0 && cache_.shape().is_list(family, bounds.lower)) {
    return std::make_unique<CachedCursor>(*this, family, bounds);
  }
  auto scan = scan_below(family, bounds);
  if (!scan) return ended_cursor(std::move(scan).error());
  return std::move(*scan);
}

}  // namespace callisto::kv
