#include "tests/support/map_state.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace callisto::testing {

using kv::Bounds;
using kv::Family;
using kv::Version;

MapState::Pin::Pin(MapState& state) : state_(state) {
  const std::lock_guard lock(state.mutex_);
  version_ = state.version_;
  state.pinned_.insert(version_);
}

MapState::Pin::Pin(MapState& state, Version version) : state_(state), version_(version) {
  const std::lock_guard lock(state.mutex_);
  state.pinned_.insert(version_);
}

MapState::Pin::~Pin() {
  const std::lock_guard lock(state_.mutex_);
  state_.pinned_.erase(state_.pinned_.find(version_));
}

const std::string* MapState::seen_at(const History& history, Version version) {
  const auto later = history.upper_bound(version);
  if (later == history.begin()) return nullptr;
  const std::optional<std::string>& value = std::prev(later)->second;
  return value ? &*value : nullptr;
}

std::optional<std::string> MapState::get(const MapKey& key, Version version) {
  const std::lock_guard lock(mutex_);
  const auto row = rows_.find(key);
  if (row == rows_.end()) return std::nullopt;
  const std::string* value = seen_at(row->second, version);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::pair<std::string, std::string>> MapState::next(
    Family family, const Bounds& bounds, const std::optional<std::string>& after, Version version) {
  const std::lock_guard lock(mutex_);
  auto lower = rows_.lower_bound({family, std::string(bounds.lower)});
  auto upper = rows_.lower_bound({family, std::string(std::max(bounds.lower, bounds.upper))});
  if (after && !bounds.reverse) lower = rows_.upper_bound({family, *after});
  if (after && bounds.reverse) upper = rows_.lower_bound({family, *after});
  while (lower != upper) {
    const auto row = bounds.reverse ? --upper : lower++;
    if (const std::string* value = seen_at(row->second, version)) {
      return std::pair(row->first.second, *value);
    }
  }
  return std::nullopt;
}

bool MapState::conflicts(const Commit& commit) const {
  if (all_committed_ > *commit.snapshot) {
    return !commit.guards.empty() || !commit.touches.empty() || !commit.writes.empty();
  }
  const auto changed = [&](const MapKey& key) {
    const auto last = committed_.find(key);
    return last != committed_.end() && last->second > *commit.snapshot;
  };
  return std::any_of(commit.guards.begin(), commit.guards.end(), changed) ||
         std::any_of(commit.touches.begin(), commit.touches.end(), changed) ||
         std::any_of(commit.writes.begin(), commit.writes.end(),
                     [&](const auto& write) { return changed(write.first); });
}

// A delta comes on top of a row that the same commit writes.
Result<void> MapState::add(const std::string& group,
                           const std::map<std::uint16_t, std::int64_t>& deltas,
                           Overlay& rows) const {
  const MapKey key{Family::system, group};
  std::string_view bytes;
  if (const auto own = rows.find(key); own != rows.end()) {
    if (own->second) bytes = *own->second;
  } else if (const auto row = rows_.find(key); row != rows_.end()) {
    if (const std::string* stored = seen_at(row->second, version_)) bytes = *stored;
  }
  const auto stored = kv::decode_counters(bytes);
  if (!stored) return Error{Code::corruption, "system: a row of counters does not parse"};
  std::map<std::uint16_t, std::int64_t> sums(stored->begin(), stored->end());
  for (const auto& [counter, delta] : deltas) sums[counter] += delta;
  rows[key] = kv::encode_counters(
      std::vector<std::pair<std::uint16_t, std::int64_t>>(sums.begin(), sums.end()));
  return {};
}

std::optional<Result<Version>> MapState::commit(const Commit& commit) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Error{Code::closed, "the store is closed"};
  if (commit.snapshot && conflicts(commit)) {
    ++conflicts_;
    return std::nullopt;
  }
  Overlay rows = commit.writes;
  for (const auto& [group, deltas] : commit.deltas) {
    if (auto added = add(group, deltas, rows); !added) return std::move(added).error();
  }
  ++version_;
  ++commits_;
  for (const auto& [key, value] : rows) write(key, value);
  for (const MapKey& key : commit.touches) committed_[key] = version_;
  return version_;
}

std::optional<Result<Version>> MapState::load(Version before, const Overlay& rows) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Error{Code::closed, "the store is closed"};
  if (version_ != before) return std::nullopt;
  all_committed_ = ++version_;
  ++commits_;
  for (const auto& [key, value] : rows) write(key, value);
  return version_;
}

void MapState::write(const MapKey& key, std::optional<std::string> value) {
  committed_[key] = version_;
  History& history = rows_[key];
  history[version_] = std::move(value);
  // What no view can ask for any more goes.
  const Version oldest = pinned_.empty() ? version_ : *pinned_.begin();
  const auto needed = history.upper_bound(oldest);
  if (needed != history.begin()) history.erase(history.begin(), std::prev(needed));
  if (history.size() == 1 && !history.begin()->second) rows_.erase(key);
}

Version MapState::committed_version(const MapKey& key) {
  const std::lock_guard lock(mutex_);
  const auto last = committed_.find(key);
  return std::max(all_committed_, last == committed_.end() ? Version{0} : last->second);
}

void MapState::erase_range(Family family, std::string_view lower, std::string_view upper) {
  const std::lock_guard lock(mutex_);
  ++version_;
  std::vector<MapKey> keys;
  for (auto row = rows_.lower_bound({family, std::string(lower)});
       row != rows_.end() && row->first < MapKey{family, std::string(upper)}; ++row) {
    keys.push_back(row->first);
  }
  for (const MapKey& key : keys) write(key, std::nullopt);
}

bool MapState::closed() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void MapState::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

std::size_t MapState::bytes(Family family, std::string_view lower, std::string_view upper) {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (auto row = rows_.lower_bound({family, std::string(lower)});
       row != rows_.end() && row->first < MapKey{family, std::string(upper)}; ++row) {
    if (const std::string* value = seen_at(row->second, version_)) {
      sum += row->first.second.size() + value->size();
    }
  }
  return sum;
}

kv::EngineStats MapState::stats() {
  const std::lock_guard lock(mutex_);
  kv::EngineStats stats;
  stats.commits = commits_;
  stats.conflicts = conflicts_;
  return stats;
}

}  // namespace callisto::testing
