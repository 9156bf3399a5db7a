#pragma once

// How many entries lie behind a prefix of an index, roughly: kept in memory beside the commits, for
// the planner of queries. Never a reason to leave a row out.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/cardinality.h"
#include "indexes/catalogue.h"

namespace callisto::indexes {

/// What one attempt at a transaction changes: collected by the maintainer, applied to the sketch
/// once the commit stands, thrown away otherwise. Not thread-safe.
class CardinalityChanges {
 public:
  struct Change {
    std::uint64_t hash = 0;  ///< Of the prefix.
    std::int32_t delta = 0;
  };

  /// An entry that comes (1) or goes (-1). Indexes whose prefixes are not counted give nothing.
  void add(const IndexDefinition& index, std::string_view entry_key, std::int32_t delta);
  std::size_t savepoint() const noexcept { return changes_.size(); }
  void rollback_to(std::size_t savepoint) { changes_.resize(savepoint); }
  void clear() noexcept { changes_.clear(); }
  std::span<const Change> all() const noexcept { return changes_; }

 private:
  std::vector<Change> changes_;
};

/// A count-min sketch over the entries of every space: 1 MiB. It is an estimate: prefixes share
/// cells (what it says is then too high: with n entries in the store by about n / 65,536 where all
/// four cells are shared), a crash loses what was not saved, and the entries of a space that was
/// dropped stay in their cells until a repair counts anew. Thread-safe.
class CardinalitySketch {
 public:
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kRowCells = std::size_t{1} << 16;
  static constexpr std::size_t kCells = kRows * kRowCells;
  static constexpr std::size_t kChunkCells = 4096;
  static constexpr std::size_t kChunks = kCells / kChunkCells;
  static constexpr std::size_t kBytes = kCells * sizeof(std::int32_t);

  CardinalitySketch();

  /// After the commit that made the changes. Some 50 ns for each.
  void apply(const CardinalityChanges& changes) noexcept;
  /// All of them at once, as a sketch that nobody writes any more counted them.
  void apply(const CardinalitySketch& more) noexcept;
  /// Entries behind a prefix: S X and what stands before the order.
  std::uint64_t estimate(std::string_view prefix) const noexcept;

  /// The exact counts of a space, by counter: as they are, or as they were some thousand changes ago.
  /// What cannot be read counts as nothing.
  using Counts = std::vector<std::pair<std::uint16_t, std::int64_t>>;
  std::shared_ptr<const Counts> counts(kv::Store& engine, schema::SpaceNumber space) const;

  /// Takes over the rows that are stored; damaged ones count as nothing. For a follower also after
  /// a refresh: it reads the cells only when they were written since.
  Result<void> load(kv::Reader& reader);
  /// True when so much has changed since the last save that a crash would leave poor estimates.
  bool is_save_due() const noexcept;
  /// Writes the chunks that changed; nothing when none has. After an error they are still to be
  /// saved.
  Result<void> save(kv::Store& store);
  /// Counts the entries of all spaces anew, in a snapshot, while writers go on. What they do just
  /// when it begins may count twice.
  Result<void> rebuild(kv::Store& store, const Catalogue& catalogue);

 private:
  using Cells = std::array<std::atomic<std::int32_t>, kCells>;

  static void add(Cells& cells, const CardinalityChanges::Change& change) noexcept;
  void add_all(Cells& cells, const CardinalityChanges& changes) noexcept;
  void set_save_after() noexcept;
  void take_chunk(std::size_t chunk, std::string_view value);

  std::unique_ptr<Cells> cells_;
  std::array<std::atomic<bool>, kChunks> changed_{};
  std::atomic<std::uint64_t> unsaved_{0};     ///< Changes since the last save.
  std::atomic<std::uint64_t> save_after_{0};  ///< So many are due to be saved.

  std::mutex rows_mutex_;  ///< load, save and rebuild, one at a time.
  std::int64_t revision_ = 0;
  /// While a rebuild runs: what was applied since it began, guarded by the mutex, which apply()
  /// takes only then.
  std::atomic<bool> is_rebuilding_{false};
  std::mutex since_mutex_;
  std::unique_ptr<Cells> since_;

  struct KnownCounts {
    kv::Version version = 0;
    kv::Version fresh_for = 0;
    std::shared_ptr<const Counts> counts;
  };
  mutable std::mutex counts_mutex_;
  mutable std::unordered_map<schema::SpaceNumber, KnownCounts> known_counts_;
};

/// The estimates of one space: a whole index by its exact count, what lies behind a prefix by the
/// sketch but never above the whole, a part of that by how its bytes are to those of all. They are
/// of the latest state, whatever a reader sees, and take no part in conflicts. Not thread-safe.
class SpaceCardinality final : public CardinalitySource {
 public:
  SpaceCardinality(const CardinalitySketch& sketch, kv::Store& engine, const Catalogue& catalogue,
                   schema::SpaceNumber space);
  std::uint64_t entries(std::string_view index_prefix) const override;
  std::uint64_t entries(std::string_view index_prefix, const KeyRange& part) const override;

 private:
  std::uint64_t whole(std::uint16_t index) const;

  const CardinalitySketch& sketch_;
  kv::Store& engine_;
  const Catalogue& catalogue_;
  const schema::SpaceNumber space_;
  mutable std::shared_ptr<const CardinalitySketch::Counts> counts_;  ///< Asked for on first use.
};

}  // namespace callisto::indexes
