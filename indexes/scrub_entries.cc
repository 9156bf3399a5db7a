#include "indexes/scrub_entries.h"

#include <algorithm>
#include <array>
#include <boost/endian/conversion.hpp>
#include <string>
#include <utility>

#include "indexes/aligned_bytes.h"
#include "indexes/row_entries.h"
#include "indexes/scrub_walk.h"
#include "schema/hash.h"

namespace callisto::indexes {

namespace {

/// Buckets per index. One damaged entry makes a thousandth of its index be read into memory.
constexpr std::size_t kBuckets = 1024;

std::size_t bucket_of(std::string_view key) {
  return boost::endian::load_big_u16(schema::hash128(key).data()) % kBuckets;
}

std::array<std::uint64_t, 2> fingerprint(std::string_view key, std::string_view value) {
  const schema::Hash128 hash = schema::hash128(key, value);
  return {boost::endian::load_big_u64(hash.data()), boost::endian::load_big_u64(hash.data() + 8)};
}

}  // namespace

/// One round of the second stage: some buckets of some indexes.
class ComparisonRound final : public Visitor {
 public:
  ComparisonRound(const EntryCheck& check, DifferenceSink& sink)
      : check_(check), sink_(sink), modes_(check.slots_.size()) {}

  /// Every record's entry, or every entry, of the bucket is shown as it is met: nothing is there on
  /// the other side.
  void show(std::size_t slot, std::size_t bucket) { set(slot, bucket, Mode::show); }
  void hold(std::size_t slot, std::size_t bucket) { set(slot, bucket, Mode::hold); }
  bool is_empty() const noexcept { return is_empty_; }

  Result<void> run(kv::Reader& reader) {
    for (const Phase phase : {Phase::rows, Phase::entries}) {
      phase_ = phase;
      if (auto done = walk(reader, check_.catalogue_, check_.state_.space(), *this); !done) {
        return done;
      }
    }
    for (const auto& [key, held] : held_) {
      if (auto done = missing(held.slot, key, held.value); !done) return done;
    }
    return {};
  }

  bool wants(const TableDefinition& table) const override {
    return phase_ == Phase::rows &&
           std::any_of(table.indexes.begin(), table.indexes.end(),
                       [&](const IndexDefinition& index) { return has_modes(table, index); });
  }

  bool wants(const IndexDefinition& index) const override {
    if (phase_ != Phase::entries) return false;
    for (std::size_t slot = 0; slot < modes_.size(); ++slot) {
      if (check_.slots_[slot].place.index == &index) return !modes_[slot].empty();
    }
    return false;
  }

  Result<void> on_row(const TableDefinition& table, const Row& row, bool is_intact) override {
    if (!is_intact) return {};
    const CoveredRow covered(table, row.space, row.key, row.bytes);
    for (const IndexDefinition& index : table.indexes) {
      if (!has_modes(table, index)) continue;
      entries_.clear();
      index.extract(covered.row(), entries_);
      const std::size_t slot = check_.slot_of(table, index);
      for (const EntryView entry : entries_) {
        if (auto done = take_expected(slot, entry); !done) return done;
      }
    }
    return {};
  }

  Result<void> on_entry(const TableDefinition& table, const IndexDefinition& index,
                        std::string_view key, std::string_view value) override {
    const std::size_t slot = check_.slot_of(table, index);
    const Mode mode = modes_[slot][bucket_of(key)];
    if (mode == Mode::none) return {};
    const auto found = held_.find(key);
    if (found == held_.end()) return sink_.on_stale(check_.slots_[slot].place, key, value);
    Result<void> done;
    if (found->second.value != value) {
      done = sink_.on_wrong(check_.slots_[slot].place, key, found->second.value);
    }
    held_.erase(found);
    return done;
  }

  Result<void> on_unknown(const TableDefinition&, std::string_view) override { return {}; }

 private:
  enum class Mode : std::uint8_t { none, show, hold };
  enum class Phase : std::uint8_t { rows, entries };
  struct Held {
    std::size_t slot = 0;
    std::string value;
  };

  void set(std::size_t slot, std::size_t bucket, Mode mode) {
    if (modes_[slot].empty()) modes_[slot].resize(kBuckets, Mode::none);
    modes_[slot][bucket] = mode;
    is_empty_ = false;
  }

  bool has_modes(const TableDefinition& table, const IndexDefinition& index) const {
    return !modes_[check_.slot_of(table, index)].empty();
  }

  Result<void> missing(std::size_t slot, std::string_view key, std::string_view expected) {
    const IndexPlace& place = check_.slots_[slot].place;
    const bool is_ready = is_complete(check_.state_.index_state(place.index->id));
    return is_ready ? sink_.on_missing(place, key, expected) : sink_.on_unbuilt(place);
  }

  Result<void> take_expected(std::size_t slot, const EntryView& entry) {
    const Mode mode = modes_[slot][bucket_of(entry.key)];
    if (mode == Mode::none) return {};
    if (mode == Mode::show) return missing(slot, entry.key, entry.value);
    const auto [place, is_new] =
        held_.try_emplace(std::string(entry.key), Held{slot, std::string(entry.value)});
    if (is_new) return {};
    return sink_.on_twice(check_.slots_[slot].place, place->first);
  }

  const EntryCheck& check_;
  DifferenceSink& sink_;
  std::vector<std::vector<Mode>> modes_;  // per slot; empty: nothing of it
  Phase phase_ = Phase::rows;
  bool is_empty_ = true;
  std::map<std::string, Held, std::less<>> held_;
  Entries entries_;  // scratch
};

EntryCheck::EntryCheck(const Catalogue& catalogue, const SpaceState& state)
    : catalogue_(catalogue), state_(state), row_counts_(catalogue.tables.size()) {
  for (const TableDefinition& table : catalogue.tables) {
    first_slots_.push_back(slots_.size());
    for (const IndexDefinition& index : table.indexes) {
      slots_.push_back({{&table, &index}, {}});
      if (wants(index)) slots_.back().buckets.resize(kBuckets);
    }
  }
}

bool EntryCheck::wants(const IndexDefinition& index) const {
  return is_maintained(state_.index_state(index.id));
}

std::size_t EntryCheck::table_place(const TableDefinition& table) const {
  return static_cast<std::size_t>(&table - catalogue_.tables.data());
}

std::size_t EntryCheck::slot_of(const TableDefinition& table, const IndexDefinition& index) const {
  return first_slots_[table_place(table)] + static_cast<std::size_t>(&index - table.indexes.data());
}

void EntryCheck::add_row(const TableDefinition& table, const Row& row, bool is_intact) {
  ++row_counts_[table_place(table)];
  if (!is_intact) return;
  const CoveredRow covered(table, row.space, row.key, row.bytes);
  for (const IndexDefinition& index : table.indexes) {
    if (!wants(index)) continue;
    entries_.clear();
    index.extract(covered.row(), entries_);
    Slot& slot = slots_[slot_of(table, index)];
    for (const EntryView entry : entries_) {
      Bucket& bucket = slot.buckets[bucket_of(entry.key)];
      const auto sums = fingerprint(entry.key, entry.value);
      ++bucket.expected;
      bucket.sums[0] += sums[0];
      bucket.sums[1] += sums[1];
    }
  }
}

void EntryCheck::add_entry(const TableDefinition& table, const IndexDefinition& index,
                           std::string_view key, std::string_view value) {
  Bucket& bucket = slots_[slot_of(table, index)].buckets[bucket_of(key)];
  const auto sums = fingerprint(key, value);
  ++bucket.actual;
  bucket.sums[0] -= sums[0];
  bucket.sums[1] -= sums[1];
}

Result<void> EntryCheck::compare(kv::Reader& reader, DifferenceSink& sink,
                                 std::uint64_t held_entries) const {
  auto round = std::make_unique<ComparisonRound>(*this, sink);
  std::uint64_t held = 0;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    const std::vector<Bucket>& buckets = slots_[slot].buckets;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      if (!buckets[i].differs()) continue;
      if (buckets[i].expected == 0 || buckets[i].actual == 0) {
        round->show(slot, i);
        continue;
      }
      if (held > 0 && held + buckets[i].expected > held_entries) {
        if (auto done = round->run(reader); !done) return done;
        round = std::make_unique<ComparisonRound>(*this, sink);
        held = 0;
      }
      round->hold(slot, i);
      held += buckets[i].expected;
    }
  }
  return round->is_empty() ? Result<void>{} : round->run(reader);
}

bool EntryCheck::is_equal(schema::IndexId index) const {
  return std::all_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.place.index->id != index ||
           (!slot.buckets.empty() &&
            std::none_of(slot.buckets.begin(), slot.buckets.end(),
                         [](const Bucket& bucket) { return bucket.differs(); }));
  });
}

bool EntryCheck::is_ready(schema::IndexId index) const {
  return is_complete(state_.index_state(index));
}

std::map<std::uint16_t, std::int64_t> EntryCheck::counts() const {
  std::map<std::uint16_t, std::int64_t> counts;
  for (const TableDefinition& table : catalogue_.tables) {
    counts[static_cast<std::uint16_t>(table.id)] =
        static_cast<std::int64_t>(row_counts_[table_place(table)]);
  }
  for (const Slot& slot : slots_) {
    if (!wants(*slot.place.index)) continue;
    const bool is_built = is_ready(slot.place.index->id);
    std::int64_t& count = counts[static_cast<std::uint16_t>(slot.place.index->id)];
    for (const Bucket& bucket : slot.buckets) {
      count += static_cast<std::int64_t>(is_built ? bucket.expected : bucket.actual);
    }
  }
  return counts;
}

Result<void> FindingsSink::on_missing(const IndexPlace& place, std::string_view key,
                                      std::string_view /*expected*/) {
  findings_.missing(place.index->name, key, "a record gives this entry, and it is not there");
  return {};
}

Result<void> FindingsSink::on_wrong(const IndexPlace& place, std::string_view key,
                                    std::string_view /*expected*/) {
  findings_.wrong(place.index->name, key, "another value than the record gives");
  return {};
}

Result<void> FindingsSink::on_stale(const IndexPlace& place, std::string_view key,
                                    std::string_view value) {
  const std::string_view name = place.index->name;
  const auto row_key = place.index->row_key(key, value);
  if (!row_key) {
    findings_.undecodable(name, key, "an entry that leads to no record");
    return {};
  }
  kv::Value row;
  auto found = reader_.get(place.table->family, *row_key, row);
  if (!found) return std::move(found).error();
  AlignedBytes bytes;
  if (!*found) {
    findings_.dangling(name, key, "its record is not there");
  } else if (place.table->is_intact(bytes.assign(row.view()))) {
    findings_.wrong(name, key, "its record does not give this entry");
  } else {
    ++unjudged_[static_cast<std::uint16_t>(place.index->id)];
  }
  return {};
}

Result<void> FindingsSink::on_unbuilt(const IndexPlace& /*place*/) {
  findings_.pending();
  return {};
}

Result<void> FindingsSink::on_twice(const IndexPlace& place, std::string_view key) {
  findings_.wrong(place.index->name, key, "two records give this entry");
  return {};
}

}  // namespace callisto::indexes
