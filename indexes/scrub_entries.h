#pragma once

// Inside of scrub and repair: the entries that records give against the entries that are there.

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/scrub_findings.h"
#include "indexes/space_state.h"

namespace callisto::indexes {

/// An index in its table.
struct IndexPlace {
  const TableDefinition* table = nullptr;
  const IndexDefinition* index = nullptr;
};

/// What a comparison shows. An error ends it.
class DifferenceSink {
 public:
  virtual ~DifferenceSink() = default;
  /// A record gives the entry; it is not there.
  virtual Result<void> on_missing(const IndexPlace& place, std::string_view key,
                                  std::string_view expected) = 0;
  /// It is there, with another value than the record gives.
  virtual Result<void> on_wrong(const IndexPlace& place, std::string_view key,
                                std::string_view expected) = 0;
  /// It is there; no record gives it.
  virtual Result<void> on_stale(const IndexPlace& place, std::string_view key,
                                std::string_view value) = 0;
  /// A record gives an entry of an index that is being built; it is not there yet.
  virtual Result<void> on_unbuilt(const IndexPlace& /*place*/) { return {}; }
  /// A second record gives the same entry.
  virtual Result<void> on_twice(const IndexPlace& place, std::string_view key) = 0;
};

/// Compares, in one state of a space, in two stages. The first takes every row and every entry
/// once, in any order, and keeps per index an order-free fingerprint: per bucket of keys the count
/// and the sum of XXH3-128 of key and value. The second reads again only what lies in buckets that
/// differ, as many of them at a time as memory allows.
class EntryCheck {
 public:
  static constexpr std::uint64_t kHeldEntries = 1u << 17;  // about 26 MB

  EntryCheck(const Catalogue& catalogue, const SpaceState& state);

  /// False for indexes that nobody keeps: nothing is promised of them.
  bool wants(const IndexDefinition& index) const;
  void add_row(const TableDefinition& table, const Row& row, bool is_intact);
  void add_entry(const TableDefinition& table, const IndexDefinition& index, std::string_view key,
                 std::string_view value);

  /// The second stage. An index that is being built has no missing entries. `held_entries` is what
  /// a round of it holds at most, or one bucket where that has more.
  Result<void> compare(kv::Reader& reader, DifferenceSink& sink,
                       std::uint64_t held_entries = kHeldEntries) const;

  /// Whether the entries of an index were exactly what the records give.
  bool is_equal(schema::IndexId index) const;
  bool is_ready(schema::IndexId index) const;
  /// Rows that are there, undecodable ones too; entries that records give, and of indexes that are
  /// being built those that are there. By TableId and IndexId.
  std::map<std::uint16_t, std::int64_t> counts() const;

 private:
  friend class ComparisonRound;

  struct Bucket {
    std::uint64_t expected = 0;
    std::uint64_t actual = 0;
    std::uint64_t sums[2] = {0, 0};  // of what is expected, less of what is there

    bool differs() const noexcept { return expected != actual || sums[0] != 0 || sums[1] != 0; }
  };
  struct Slot {
    IndexPlace place;
    std::vector<Bucket> buckets;
  };

  std::size_t slot_of(const TableDefinition& table, const IndexDefinition& index) const;
  std::size_t table_place(const TableDefinition& table) const;

  const Catalogue& catalogue_;
  const SpaceState& state_;
  std::vector<std::size_t> first_slots_;  // per table
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> row_counts_;  // per table
  Entries entries_;                        // scratch
};

/// Turns differences into findings, and says how many entries could not be judged because their
/// record cannot be decoded.
class FindingsSink final : public DifferenceSink {
 public:
  FindingsSink(kv::Reader& reader, Findings& findings) : reader_(reader), findings_(findings) {}

  Result<void> on_missing(const IndexPlace& place, std::string_view key,
                          std::string_view expected) override;
  Result<void> on_wrong(const IndexPlace& place, std::string_view key,
                        std::string_view expected) override;
  Result<void> on_stale(const IndexPlace& place, std::string_view key,
                        std::string_view value) override;
  Result<void> on_unbuilt(const IndexPlace& place) override;
  Result<void> on_twice(const IndexPlace& place, std::string_view key) override;

  const std::map<std::uint16_t, std::int64_t>& unjudged() const noexcept { return unjudged_; }

 private:
  kv::Reader& reader_;
  Findings& findings_;
  std::map<std::uint16_t, std::int64_t> unjudged_;
};

}  // namespace callisto::indexes
