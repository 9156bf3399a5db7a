#include "engine/counter_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/committer.h"
#include "engine/write_set.h"

namespace callisto::kv {
namespace {

using Sums = std::vector<std::pair<std::uint16_t, std::int64_t>>;

/// Adds to one group in a row share the bytes of its key (WriteSet::add), so that most need no look
/// into the table.
bool is_same(std::string_view key, std::string_view known) noexcept {
  return key.data() == known.data() && key.size() == known.size();
}

void add_to(Sums& sums, std::uint16_t counter, std::int64_t delta) {
  auto place =
      std::lower_bound(sums.begin(), sums.end(), counter,
                       [](const auto& sum, std::uint16_t sought) { return sum.first < sought; });
  if (place == sums.end() || place->first != counter) place = sums.insert(place, {counter, 0});
  // Through unsigned numbers, whose overflow is defined.
  place->second = static_cast<std::int64_t>(static_cast<std::uint64_t>(place->second) +
                                            static_cast<std::uint64_t>(delta));
}

}  // namespace

Result<void> CounterTable::load(const WriteSet& set, CommitSink& sink) {
  std::string_view known;
  for (const auto* add = set.last_add(); add != nullptr; add = set.previous_add(*add)) {
    if (is_same(add->key, known)) continue;
    known = add->key;
    if (groups_.find(add->key) != groups_.end()) continue;
    Value stored;
    auto found = sink.read(add->key, stored);
    if (!found) return std::move(found).error();
    auto sums = decode_counters(*found ? stored.view() : std::string_view{});
    if (!sums) return Error{Code::corruption, "system: a row of counters does not parse"};
    groups_.emplace(add->key, Group{std::move(*sums), false});
  }
  return {};
}

void CounterTable::apply(const WriteSet& set) {
  if (groups_.empty()) return;
  for (std::size_t i = set.lower_bound(Family::system, {}); i < set.key_count(); ++i) {
    const WriteSet::Operation& operation = set.at(i);
    const auto group = groups_.find(operation.key);
    if (group == groups_.end()) continue;
    // An erased row is an empty one.
    auto sums = decode_counters(operation.value);
    if (!sums) damaged_ = true;
    group->second = {std::move(sums).value_or(Sums{}), false};
  }
  auto group = groups_.end();
  std::string_view known;
  for (const auto* add = set.last_add(); add != nullptr; add = set.previous_add(*add)) {
    if (!is_same(add->key, known)) group = groups_.find(add->key);
    known = add->key;
    add_to(group->second.sums, add->counter, add->delta);
    if (!std::exchange(group->second.changed, true)) changed_.push_back(&*group);
  }
}

void CounterTable::take_rows(std::vector<CounterRow>& rows) {
  rows.clear();
  for (Groups::value_type* group : changed_) {
    if (std::exchange(group->second.changed, false)) {
      rows.push_back({group->first, encode_counters(group->second.sums)});
    }
  }
  changed_.clear();
  if (damaged_) clear();
}

void CounterTable::clear() {
  groups_.clear();
  changed_.clear();
  damaged_ = false;
}

}  // namespace callisto::kv
