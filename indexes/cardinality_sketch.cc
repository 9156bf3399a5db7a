#include "indexes/cardinality_sketch.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "schema/hash.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using kv::Family;

constexpr auto kRelaxed = std::memory_order_relaxed;

/// What a crash may lose: so many changes, and an eighth of what there is, but never more than the
/// last. A save of all cells writes about a megabyte.
constexpr std::uint64_t kSaveAfterAtLeast = 512;
constexpr std::uint64_t kSaveAfterPart = 8;
constexpr std::uint64_t kSaveAfterAtMost = 262'144;

std::size_t cell_of(std::uint64_t hash, std::size_t row) noexcept {
  constexpr unsigned kBitsPerRow = 16;
  return row * CardinalitySketch::kRowCells + ((hash >> (kBitsPerRow * row)) & 0xFFFFU);
}

/// The part of an entry's key that is counted; nullopt where the index itself is the prefix.
std::optional<std::string_view> prefix_of(const IndexDefinition& index, std::string_view key) {
  if (index.order_bytes == kNotCounted) return std::nullopt;
  if (key.size() <= schema::kKeyHeadBytes + index.order_bytes) return std::nullopt;
  return key.substr(0, key.size() - index.order_bytes);
}

const IndexDefinition* find_index(const Catalogue& catalogue, std::uint16_t number) {
  for (const TableDefinition& table : catalogue.tables) {
    for (const IndexDefinition& index : table.indexes) {
      if (static_cast<std::uint16_t>(index.id) == number && !index.part) return &index;
    }
  }
  return nullptr;
}

/// X of a key.
std::uint16_t number_of(std::string_view key) {
  schema::KeyReader reader(key);
  reader.u32();
  return reader.u16();
}

}  // namespace

// CardinalityChanges ----------------------------------------------------------------------------

void CardinalityChanges::add(const IndexDefinition& index, std::string_view entry_key,
                             std::int32_t delta) {
  if (const auto prefix = prefix_of(index, entry_key)) {
    changes_.push_back({schema::hash64(*prefix), delta});
  }
}

// CardinalitySketch -----------------------------------------------------------------------------

CardinalitySketch::CardinalitySketch() : cells_(std::make_unique<Cells>()) { set_save_after(); }

void CardinalitySketch::add(Cells& cells, const CardinalityChanges::Change& change) noexcept {
  for (std::size_t row = 0; row < kRows; ++row) {
    cells[cell_of(change.hash, row)].fetch_add(change.delta, kRelaxed);
  }
}

void CardinalitySketch::add_all(Cells& cells, const CardinalityChanges& changes) noexcept {
  for (const auto& change : changes.all()) add(cells, change);
}

void CardinalitySketch::apply(const CardinalityChanges& changes) noexcept {
  if (changes.all().empty()) return;
  if (is_rebuilding_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(since_mutex_);
    if (since_ != nullptr) add_all(*since_, changes);
    add_all(*cells_, changes);
  } else {
    add_all(*cells_, changes);
  }
  // Behind the cells, so that a save which lowers the flag has seen them.
  for (const auto& change : changes.all()) {
    for (std::size_t row = 0; row < kRows; ++row) {
      auto& changed = changed_[cell_of(change.hash, row) / kChunkCells];
      if (!changed.load(kRelaxed)) changed.store(true, std::memory_order_release);
    }
  }
  unsaved_.fetch_add(changes.all().size(), kRelaxed);
}

void CardinalitySketch::apply(const CardinalitySketch& more) noexcept {
  const auto add_cells = [&](Cells& cells) {
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      const std::int32_t count = (*more.cells_)[cell].load(kRelaxed);
      if (count != 0) cells[cell].fetch_add(count, kRelaxed);
    }
  };
  if (is_rebuilding_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(since_mutex_);
    if (since_ != nullptr) add_cells(*since_);
  }
  add_cells(*cells_);
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    if (more.changed_[chunk].load(kRelaxed)) changed_[chunk].store(true, std::memory_order_release);
  }
  unsaved_.fetch_add(more.unsaved_.load(kRelaxed), kRelaxed);
}

std::uint64_t CardinalitySketch::estimate(std::string_view prefix) const noexcept {
  const std::uint64_t hash = schema::hash64(prefix);
  std::int32_t lowest = std::numeric_limits<std::int32_t>::max();
  for (std::size_t row = 0; row < kRows; ++row) {
    lowest = std::min(lowest, (*cells_)[cell_of(hash, row)].load(kRelaxed));
  }
  // Below 0 where a crash lost entries that went later.
  return static_cast<std::uint64_t>(std::max(lowest, 0));
}

bool CardinalitySketch::is_save_due() const noexcept {
  return unsaved_.load(kRelaxed) >= save_after_.load(kRelaxed);
}

void CardinalitySketch::set_save_after() noexcept {
  std::uint64_t total = 0;  // Every entry counts once in each row.
  for (std::size_t cell = 0; cell < kRowCells; ++cell) {
    total += static_cast<std::uint64_t>(std::max((*cells_)[cell].load(kRelaxed), 0));
  }
  save_after_.store(std::min(kSaveAfterAtLeast + total / kSaveAfterPart, kSaveAfterAtMost),
                    kRelaxed);
}

void CardinalitySketch::take_chunk(std::size_t chunk, std::string_view value) {
  std::array<std::int32_t, kChunkCells> taken{};
  if (const auto sums = kv::decode_counters(value)) {
    for (const auto& [place, sum] : *sums) {
      constexpr std::int64_t kLowest = std::numeric_limits<std::int32_t>::min();
      constexpr std::int64_t kHighest = std::numeric_limits<std::int32_t>::max();
      if (place < kChunkCells) {
        taken[place] = static_cast<std::int32_t>(std::clamp(sum, kLowest, kHighest));
      }
    }
  }
  for (std::size_t i = 0; i < kChunkCells; ++i) {
    (*cells_)[chunk * kChunkCells + i].store(taken[i], kRelaxed);
  }
}

Result<void> CardinalitySketch::load(kv::Reader& reader) {
  const std::lock_guard lock(rows_mutex_);
  kv::Value stored;
  auto found =
      reader.get(Family::system, schema::cardinality_key(schema::kCardinalityRevision), stored);
  if (!found) return std::move(found).error();
  const auto revision = kv::decode_counters(*found ? stored.view() : std::string_view());
  const std::int64_t now = revision && !revision->empty() ? revision->front().second : 0;
  if (now == revision_) return {};
  std::vector<std::string> keys;
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    keys.push_back(schema::cardinality_key(static_cast<std::uint8_t>(chunk)));
  }
  std::array<bool, kChunks> is_there{};
  auto read =
      reader.multi_get(Family::system, keys, [&](std::size_t chunk, std::string_view value) {
        is_there[chunk] = true;
        take_chunk(chunk, value);
      });
  if (!read) return read;
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    if (!is_there[chunk]) take_chunk(chunk, {});
  }
  revision_ = now;
  set_save_after();
  return {};
}

Result<void> CardinalitySketch::save(kv::Store& store) {
  const std::lock_guard lock(rows_mutex_);
  const std::uint64_t saved = unsaved_.load(kRelaxed);
  kv::Batch batch;
  std::vector<std::size_t> chunks;
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    if (!changed_[chunk].exchange(false, std::memory_order_acquire)) continue;
    chunks.push_back(chunk);
    std::vector<std::pair<std::uint16_t, std::int64_t>> sums;
    for (std::size_t i = 0; i < kChunkCells; ++i) {
      const std::int32_t sum = (*cells_)[chunk * kChunkCells + i].load(kRelaxed);
      if (sum != 0) sums.emplace_back(static_cast<std::uint16_t>(i), sum);
    }
    const std::string key = schema::cardinality_key(static_cast<std::uint8_t>(chunk));
    if (sums.empty()) {
      batch.erase(Family::system, key);
    } else {
      batch.put(Family::system, key, kv::encode_counters(sums));
    }
  }
  if (chunks.empty()) return {};
  const std::pair<std::uint16_t, std::int64_t> revision[] = {{0, revision_ + 1}};
  batch.put(Family::system, schema::cardinality_key(schema::kCardinalityRevision),
            kv::encode_counters(revision));
  auto written = store.apply(batch, Durability::buffered);
  if (!written) {
    for (const std::size_t chunk : chunks) changed_[chunk].store(true, kRelaxed);
    return std::move(written).error();
  }
  ++revision_;
  unsaved_.fetch_sub(saved, kRelaxed);
  set_save_after();
  return {};
}

Result<void> CardinalitySketch::rebuild(kv::Store& store, const Catalogue& catalogue) {
  const std::lock_guard lock(rows_mutex_);
  auto fresh = std::make_unique<Cells>();
  {
    const std::lock_guard since_lock(since_mutex_);
    since_ = std::make_unique<Cells>();
    is_rebuilding_.store(true, std::memory_order_release);
  }
  const auto counted = [&]() -> Result<void> {
    const auto snapshot = store.snapshot();
    // Space 0 has no entries; above the last one that can be, there is nothing.
    const std::string lower = schema::space_prefix(schema::kDefaultSpace);
    const std::string upper(schema::kKeyHeadBytes, '\xFF');
    auto cursor =
        snapshot->scan(Family::indexes, {.lower = lower, .upper = upper, .fill_cache = false});
    const IndexDefinition* index = nullptr;
    for (std::string head; cursor->valid(); cursor->next()) {
      const std::string_view key = cursor->key();
      if (!key.starts_with(head) || head.empty()) {
        head = key.substr(0, schema::kKeyHeadBytes);
        index = find_index(catalogue, number_of(key));
      }
      if (index == nullptr) continue;
      if (const auto prefix = prefix_of(*index, key)) add(*fresh, {schema::hash64(*prefix), 1});
    }
    return cursor->status();
  }();
  const std::lock_guard since_lock(since_mutex_);
  if (counted) {
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      (*cells_)[cell].store((*fresh)[cell].load(kRelaxed) + (*since_)[cell].load(kRelaxed),
                            kRelaxed);
    }
    for (auto& changed : changed_) changed.store(true, kRelaxed);
  }
  since_.reset();
  is_rebuilding_.store(false, std::memory_order_release);
  return counted;
}

std::shared_ptr<const CardinalitySketch::Counts> CardinalitySketch::counts(
    kv::Store& engine, schema::SpaceNumber space) const {
  // Reading and decoding the row costs as much as a small query. So many changes of one count move
  // it by an eighth at most.
  constexpr kv::Version kStaleAfter = 4096;
  constexpr std::int64_t kStalePart = 8;
  const kv::Version now = engine.version();
  const std::lock_guard lock(counts_mutex_);
  KnownCounts& known = known_counts_[space];
  const bool is_fresh = known.counts != nullptr && now >= known.version &&
                        now - known.version <= known.fresh_for && engine.sole_writer();
  if (is_fresh) return known.counts;
  kv::Value stored;
  const auto found = engine.get(Family::system, schema::counters_key(space), stored);
  auto counts = found && *found ? kv::decode_counters(stored.view()) : std::nullopt;
  known = {now, 0, std::make_shared<const Counts>(std::move(counts).value_or(Counts()))};
  std::int64_t most = 0;
  for (const auto& [counter, count] : *known.counts) most = std::max(most, count);
  known.fresh_for = std::min(kStaleAfter, static_cast<kv::Version>(most / kStalePart));
  return known.counts;
}

// SpaceCardinality ------------------------------------------------------------------------------

SpaceCardinality::SpaceCardinality(const CardinalitySketch& sketch, kv::Store& engine,
                                   const Catalogue& catalogue, schema::SpaceNumber space)
    : sketch_(sketch), engine_(engine), catalogue_(catalogue), space_(space) {}

std::uint64_t SpaceCardinality::whole(std::uint16_t index) const {
  if (counts_ == nullptr) counts_ = sketch_.counts(engine_, space_);
  for (const auto& [counter, count] : *counts_) {
    if (counter == index) return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  }
  return 0;
}

std::uint64_t SpaceCardinality::entries(std::string_view index_prefix) const {
  const std::uint16_t number = number_of(index_prefix);
  const std::uint64_t all = whole(number);
  const IndexDefinition* index = find_index(catalogue_, number);
  if (index_prefix.size() <= schema::kKeyHeadBytes || index == nullptr ||
      index->order_bytes == kNotCounted) {
    return all;
  }
  return std::min(all, sketch_.estimate(index_prefix));
}

std::uint64_t SpaceCardinality::entries(std::string_view index_prefix, const KeyRange& part) const {
  // So few are about as many as a seek costs: not worth asking the engine.
  constexpr std::uint64_t kFew = 64;
  if (part.lower >= part.upper) return 0;
  const std::uint64_t all = entries(index_prefix);
  if (all <= kFew) return all;
  const KeyRange whole = range_of(index_prefix);
  const auto bytes = [&](const KeyRange& range) {
    return static_cast<double>(
        engine_.approximate_bytes(Family::indexes, range.lower, range.upper));
  };
  const double bytes_of_all = bytes(whole);
  // The engine measures in blocks: a small part may count as nothing.
  if (bytes_of_all <= 0) return all;
  const double share = std::clamp(bytes(part) / bytes_of_all, 0.0, 1.0);
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(static_cast<double>(all) * share), 1);
}

}  // namespace callisto::indexes
