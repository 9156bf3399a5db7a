#include "indexes/scrub_pass.h"

#include <algorithm>

#include "indexes/scrub_owners.h"
#include "indexes/scrub_walk.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

class FirstWalk final : public Visitor {
 public:
  FirstWalk(kv::Reader& reader, const SpaceState& state, bool owners, EntryCheck& check,
            Findings& findings)
      : state_(state), check_(check), findings_(findings), is_report_(owners) {
    if (owners) owners_.emplace(reader, state, findings);
  }

  bool wants(const TableDefinition&) const override { return true; }
  bool wants(const IndexDefinition& index) const override { return check_.wants(index); }

  Result<void> on_row(const TableDefinition& table, const Row& row, bool is_intact) override {
    findings_.checked();
    check_.add_row(table, row, is_intact);
    if (!is_intact) {
      findings_.undecodable(table.name, row.key, "its bytes are not a record");
      return {};
    }
    if (table.is_at_home != nullptr && !table.is_at_home(row)) {
      findings_.wrong(table.name, row.key, "the record names another key");
    }
    return check_owners([&] { return owners_->add_row(table, row); });
  }

  Result<void> on_entry(const TableDefinition& table, const IndexDefinition& index,
                        std::string_view key, std::string_view value) override {
    findings_.checked();
    check_.add_entry(table, index, key, value);
    return {};
  }

  Result<void> on_unknown(const TableDefinition& table, std::string_view key) override {
    findings_.checked();
    if (is_going(table, key)) {
      findings_.pending();
    } else {
      findings_.undecodable(table.name, key, "a key of no known form");
    }
    return {};
  }

  /// A repair must not take what it cannot read for gone.
  bool on_unreadable(std::string_view name, const kv::DamagedRange& range,
                     const Error& error) override {
    if (!is_report_) return false;
    findings_.unreadable(name, range.from,
                         "up to key " + schema::to_hex(range.to) + ": " + error.message());
    return true;
  }

  Result<void> finish() {
    return check_owners([&] { return owners_->flush(); });
  }

 private:
  /// Owners that a damaged file hides: the others are not looked up either, the rest goes on.
  template <class Check>
  Result<void> check_owners(Check&& check) {
    if (!owners_) return {};
    Result<void> done = check();
    if (done || done.error().code() != Code::corruption) return done;
    findings_.unreadable("owners", "", "not all can be looked up: " + done.error().message());
    owners_.reset();
    return {};
  }

  /// Whether a key among the messages may be an entry of an index that is being removed.
  bool is_going(const TableDefinition& table, std::string_view key) const {
    constexpr std::size_t kPartAt = schema::kKeyHeadBytes + sizeof(UuidBytes);
    const auto& held = state_.indexes().held();
    return key.size() > kPartAt &&
           std::any_of(held.begin(), held.end(), [&](const HeldIndex& index) {
             return index.state == IndexState::dropping && index.family == table.family &&
                    index.part != 0 && static_cast<char>(index.part) == key[kPartAt];
           });
  }

  const SpaceState& state_;
  EntryCheck& check_;
  Findings& findings_;
  const bool is_report_;
  std::optional<OwnerCheck> owners_;
};

}  // namespace

Result<void> first_walk(kv::Reader& reader, const Catalogue& catalogue, const SpaceState& state,
                        bool owners, EntryCheck& check, Findings& findings) {
  FirstWalk visitor(reader, state, owners, check, findings);
  if (auto done = walk(reader, catalogue, state.space(), visitor); !done) return done;
  return visitor.finish();
}

Counts right_counts(const EntryCheck& check, const FindingsSink& sink) {
  Counts counts = check.counts();
  for (const auto& [index, unjudged] : sink.unjudged()) {
    const auto found = counts.find(index);
    if (found == counts.end() || !check.is_ready(static_cast<schema::IndexId>(index))) continue;
    found->second += unjudged;
  }
  return counts;
}

Result<std::optional<Counts>> stored_counts(kv::Reader& reader, schema::SpaceNumber space) {
  kv::Value value;
  auto found = reader.get(kv::Family::system, schema::counters_key(space), value);
  if (!found) return std::move(found).error();
  const auto rows = kv::decode_counters(value.view());
  if (!rows) return std::optional<Counts>();
  return std::optional<Counts>(std::in_place, rows->begin(), rows->end());
}

}  // namespace callisto::indexes
