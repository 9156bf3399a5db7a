#include "tests/support/map_engine.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/load.h"
#include "engine/ended_cursor.h"
#include "engine/retry.h"
#include "tests/support/map_state.h"

namespace callisto::testing {
namespace {

using kv::Bounds;
using kv::Family;
using kv::Value;
using kv::Version;

Error closed_error() { return {Code::closed, "the store is closed"}; }

bool is_bad(const Bounds& bounds) { return bounds.lower.empty() || bounds.upper.empty(); }

/// Walks over the rows of one version.
class MapCursor final : public kv::Cursor {
 public:
  MapCursor(MapState& state, Version version, Family family, const Bounds& bounds)
      : pin_(state, version),
        family_(family),
        lower_(bounds.lower),
        upper_(bounds.upper),
        reverse_(bounds.reverse) {
    load(std::nullopt);
  }
  bool valid() const override { return row_.has_value(); }
  std::string_view key() const override { return row_->first; }
  std::string_view value() const override { return row_->second; }
  void next() override { load(std::string(row_->first)); }
  void seek(std::string_view key) override {
    while (row_ && (reverse_ ? key < row_->first : row_->first < key)) next();
  }
  Result<void> status() const override { return {}; }

 private:
  void load(const std::optional<std::string>& after) {
    row_ = pin_.state().next(family_, {lower_, upper_, reverse_, true}, after, pin_.version());
  }

  MapState::Pin pin_;
  Family family_;
  std::string lower_;
  std::string upper_;
  bool reverse_;
  std::optional<std::pair<std::string, std::string>> row_;
};

/// Reads of one pinned version.
Result<bool> get_at(const MapState::Pin& pin, Family family, std::string_view key, Value& value) {
  if (pin.state().closed()) return closed_error();
  auto found = pin.state().get({family, std::string(key)}, pin.version());
  if (found) value.assign(*found);
  return found.has_value();
}

Result<void> multi_get_of(const MapState::Pin& pin, Family family,
                          std::span<const std::string> keys,
                          const std::function<void(std::size_t, std::string_view)>& each) {
  if (pin.state().closed()) return closed_error();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (auto found = pin.state().get({family, keys[i]}, pin.version())) each(i, *found);
  }
  return {};
}

std::unique_ptr<kv::Cursor> scan_of(const MapState::Pin& pin, Family family, const Bounds& bounds) {
  if (pin.state().closed()) return kv::ended_cursor(closed_error());
  if (is_bad(bounds)) {
    return kv::ended_cursor(Error{Code::invalid_argument, "bounds", "not empty"});
  }
  return std::make_unique<MapCursor>(pin.state(), pin.version(), family, bounds);
}

class MapSnapshot final : public kv::Snapshot {
 public:
  explicit MapSnapshot(MapState& state) : pin_(state) {}
  Result<bool> get(Family family, std::string_view key, Value& value) override {
    return get_at(pin_, family, key, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return multi_get_of(pin_, family, keys, each);
  }
  std::unique_ptr<kv::Cursor> scan(Family family, const Bounds& bounds) override {
    return scan_of(pin_, family, bounds);
  }
  Version version() const override { return pin_.version(); }

 private:
  MapState::Pin pin_;
};

/// A scan of rows that were gathered before.
class GatheredCursor final : public kv::Cursor {
 public:
  using Rows = std::vector<std::pair<std::string, std::string>>;
  GatheredCursor(Rows rows, bool reverse) : rows_(std::move(rows)), reverse_(reverse) {
    if (reverse) std::reverse(rows_.begin(), rows_.end());
  }
  bool valid() const override { return at_ < rows_.size(); }
  std::string_view key() const override { return rows_[at_].first; }
  std::string_view value() const override { return rows_[at_].second; }
  void next() override { ++at_; }
  void seek(std::string_view key) override {
    while (valid() && (reverse_ ? key < this->key() : this->key() < key)) next();
  }
  Result<void> status() const override { return {}; }

 private:
  Rows rows_;
  std::size_t at_ = 0;
  bool reverse_;
};

class MapTransaction final : public kv::Transaction {
 public:
  explicit MapTransaction(MapState& state) : pin_(state) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override {
    const auto own = writes_.find({family, std::string(key)});
    if (own == writes_.end()) return get_at(pin_, family, key, value);
    if (own->second) value.assign(*own->second);
    return own->second.has_value();
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    Value value;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      auto found = get(family, keys[i], value);
      if (!found) return std::move(found).error();
      if (*found) each(i, value.view());
    }
    return {};
  }
  std::unique_ptr<kv::Cursor> scan(Family family, const Bounds& bounds) override;
  Version version() const override { return pin_.version(); }

  Result<bool> get_for_update(Family family, std::string_view key, Value& value) override {
    guard(family, key);
    return get(family, key, value);
  }
  void guard(Family family, std::string_view key) override {
    guards_.insert({family, std::string(key)});
  }
  void touch(Family family, std::string_view key) override {
    touches_.insert({family, std::string(key)});
  }
  Result<void> put(Family family, std::string_view key, std::string_view value) override {
    if (value.size() > kv::kMaxValueBytes) return too_large("value", kv::kMaxValueBytes, " bytes");
    return write(
        {{family, std::string(key)}, std::string(value), std::nullopt, key.size() + value.size()});
  }
  Result<void> erase(Family family, std::string_view key) override {
    return write({{family, std::string(key)}, std::nullopt, std::nullopt, key.size()});
  }
  Result<void> add(const kv::CounterDelta& delta) override {
    return write({{Family::system, delta.group_key}, std::nullopt, delta, 32});
  }

  std::size_t savepoint() const override { return log_.size(); }
  void rollback_to(std::size_t savepoint) override {
    if (savepoint >= log_.size()) return;
    log_.resize(savepoint);
    writes_.clear();
    for (const Entry& entry : log_) {
      if (!entry.delta) writes_[entry.key] = entry.value;
    }
  }
  std::size_t size_bytes() const override {
    std::size_t sum = 0;
    for (const Entry& entry : log_) sum += entry.bytes;
    return sum;
  }
  std::size_t key_count() const override { return writes_.size(); }
  bool has_writes() const override { return !log_.empty() || !touches_.empty(); }

  MapState::Commit commit() const;

 private:
  struct Entry {
    MapKey key;
    std::optional<std::string> value;
    std::optional<kv::CounterDelta> delta;
    std::size_t bytes = 0;
  };

  static Error too_large(const char* field, std::size_t limit, const char* unit) {
    return {Code::too_large, field, "at most " + std::to_string(limit) + unit};
  }
  Result<void> write(Entry entry);

  MapState::Pin pin_;
  std::vector<Entry> log_;
  MapState::Overlay writes_;
  std::set<MapKey> guards_;
  std::set<MapKey> touches_;
};

Result<void> MapTransaction::write(Entry entry) {
  if (entry.key.second.empty()) return Error{Code::invalid_argument, "key", "not empty"};
  if (entry.key.second.size() > kv::kMaxKeyBytes)
    return too_large("key", kv::kMaxKeyBytes, " bytes");
  if (size_bytes() + entry.bytes > kv::kMaxTransactionBytes) {
    return too_large("transaction", kv::kMaxTransactionBytes, " bytes");
  }
  if (entry.delta) {
    if (entry.delta->delta != 0) log_.push_back(std::move(entry));
    return {};
  }
  if (!writes_.contains(entry.key) && writes_.size() == kv::kMaxTransactionKeys) {
    return too_large("transaction", kv::kMaxTransactionKeys, " keys");
  }
  writes_[entry.key] = entry.value;
  log_.push_back(std::move(entry));
  return {};
}

std::unique_ptr<kv::Cursor> MapTransaction::scan(Family family, const Bounds& bounds) {
  Bounds forward = bounds;
  forward.reverse = false;
  auto base = scan_of(pin_, family, forward);
  if (!base->status()) return base;
  std::map<std::string, std::string> rows;
  for (; base->valid(); base->next()) rows[std::string(base->key())] = base->value();
  for (const auto& [key, value] : writes_) {
    if (key.first != family || key.second < bounds.lower || key.second >= bounds.upper) continue;
    if (value) {
      rows[key.second] = *value;
    } else {
      rows.erase(key.second);
    }
  }
  return std::make_unique<GatheredCursor>(GatheredCursor::Rows(rows.begin(), rows.end()),
                                          bounds.reverse);
}

MapState::Commit MapTransaction::commit() const {
  MapState::Commit commit{pin_.version(), guards_, touches_, writes_, {}};
  for (const Entry& entry : log_) {
    if (!entry.delta) continue;
    commit.deltas[entry.delta->group_key][entry.delta->counter] += entry.delta->delta;
  }
  return commit;
}

class MapFile final : public kv::StagedFile {
 public:
  Result<void> append(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  Result<void> finish() override { return {}; }
  Result<void> read(std::uint64_t offset, std::span<char> out) override {
    if (offset > bytes_.size() || bytes_.size() - offset < out.size()) {
      return Error{Code::corruption, "a read behind the end"};
    }
    bytes_.copy(out.data(), out.size(), offset);
    return {};
  }

 private:
  std::string bytes_;
};

class MapStaging final : public kv::Staging {
 public:
  Result<std::unique_ptr<kv::StagedFile>> make_file() override {
    return std::unique_ptr<kv::StagedFile>(std::make_unique<MapFile>());
  }
};

/// Everything that the sources of a load give.
Result<MapState::Overlay> read_sources(const kv::LoadRequest& request) {
  MapState::Overlay rows;
  for (const kv::LoadPart& part : request.parts) {
    std::string last;
    kv::SortedSource::Row row;
    while (true) {
      auto found = part.source->next(row);
      if (!found) return std::move(found).error();
      if (!*found) break;
      if (row.key < part.lower || row.key >= part.upper || row.key <= last) {
        return Error{Code::invalid_argument, "source", "rows in order, within their part"};
      }
      last = row.key;
      rows[{part.family, last}] = std::string(row.value);
    }
  }
  return rows;
}

class MapStore final : public kv::Store {
 public:
  explicit MapStore(Environment& environment) : environment_(environment) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override {
    return get_at(MapState::Pin(state_), family, key, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return multi_get_of(MapState::Pin(state_), family, keys, each);
  }
  std::unique_ptr<kv::Cursor> scan(Family family, const Bounds& bounds) override {
    return scan_of(MapState::Pin(state_), family, bounds);
  }
  Version version() const override { return MapState::Pin(state_).version(); }

  std::unique_ptr<kv::Snapshot> snapshot() override {
    return std::make_unique<MapSnapshot>(state_);
  }
  Result<Version> apply(const kv::Batch& batch, Durability durability) override;
  Result<Version> run(const kv::RunOptions& options,
                      const std::function<Result<void>(kv::Transaction&)>& function) override;
  Result<void> erase_range(Family family, std::string_view lower, std::string_view upper) override {
    if (state_.closed()) return closed_error();
    if (is_bad({lower, upper})) return Error{Code::invalid_argument, "bounds", "not empty"};
    state_.erase_range(family, lower, upper);
    return {};
  }

  Result<std::unique_ptr<kv::Staging>> stage() override {
    if (state_.closed()) return closed_error();
    return std::unique_ptr<kv::Staging>(std::make_unique<MapStaging>());
  }
  Result<Version> bulk_load(const kv::LoadRequest& request) override;

  bool sole_writer() const override { return true; }
  std::optional<Version> committed_version(Family family, std::string_view key) const override {
    return state_.committed_version({family, std::string(key)});
  }
  kv::EngineHealth health() const override { return {!state_.closed(), std::nullopt}; }
  kv::EngineStats stats() const override { return state_.stats(); }
  std::uint64_t approximate_bytes(Family family, std::string_view lower,
                                  std::string_view upper) override {
    return state_.bytes(family, lower, upper);
  }
  Result<void> sync() override { return open(); }
  Result<void> compact(const kv::Limits*) override { return open(); }
  Result<void> verify_checksums(const kv::Limits*) override { return open(); }
  Result<void> refresh() override { return Error{Code::unsupported, "refresh is for followers"}; }
  Result<void> close() override {
    state_.close();
    return {};
  }

 private:
  Result<void> open() const {
    if (state_.closed()) return closed_error();
    return {};
  }

  Environment& environment_;
  mutable MapState state_;
};

Result<Version> MapStore::apply(const kv::Batch& batch, Durability) {
  if (state_.closed()) return closed_error();
  MapTransaction transaction(state_);
  for (const kv::Batch::Operation& operation : batch.operations()) {
    auto done = operation.value ? transaction.put(operation.family, operation.key, *operation.value)
                                : transaction.erase(operation.family, operation.key);
    if (!done) return std::move(done).error();
  }
  MapState::Commit commit = transaction.commit();
  commit.snapshot.reset();
  return *state_.commit(commit);
}

Result<Version> MapStore::run(const kv::RunOptions& options,
                              const std::function<Result<void>(kv::Transaction&)>& function) {
  const kv::Limits own(environment_, options.deadline_ms);
  const kv::Limits& limits = options.limits != nullptr ? *options.limits : own;
  const auto attempt = [&]() -> std::optional<Result<Version>> {
    if (state_.closed()) return closed_error();
    MapTransaction transaction(state_);
    if (auto done = function(transaction); !done) return std::move(done).error();
    if (auto within = limits.check(); !within) return std::move(within).error();
    if (!transaction.has_writes()) return transaction.version();
    return state_.commit(transaction.commit());
  };
  return kv::retry_on_conflict(environment_, options.max_attempts, limits, attempt);
}

Result<Version> MapStore::bulk_load(const kv::LoadRequest& request) {
  if (state_.closed()) return closed_error();
  auto loaded = read_sources(request);
  if (!loaded) return std::move(loaded).error();
  while (true) {
    MapSnapshot before(state_);
    for (const kv::LoadPart& part : request.parts) {
      if (before.scan(part.family, {part.lower, part.upper})->valid()) {
        return Error{Code::invalid_argument, "range", "one that holds no row"};
      }
    }
    kv::Batch more;
    if (request.finish) {
      if (auto finished = request.finish(before, more); !finished) {
        return std::move(finished).error();
      }
    }
    MapState::Overlay rows = *loaded;
    for (const auto& row : more.operations()) rows[{row.family, row.key}] = row.value;
    auto done = state_.load(before.version(), rows);
    if (!done) continue;
    if (request.forget) request.forget();
    return *done;
  }
}

}  // namespace

std::unique_ptr<kv::Store> make_map_engine(Environment& environment) {
  return std::make_unique<MapStore>(environment);
}

}  // namespace callisto::testing
