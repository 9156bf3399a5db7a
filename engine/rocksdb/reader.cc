#include "engine/rocksdb/reader.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "engine/ended_cursor.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {
namespace {

/// Keys that are read, and so values that are pinned, at once.
constexpr std::size_t kReadTogether = 64;

Error read_error(const rocksdb::Status& status, Family family, std::string_view key) {
  return to_error(status, "read of " + std::string(to_string(family)) + " at " + key_in_words(key));
}

/// Keeps what RocksDB pinned, and the cache that holds it. There are two, used in turn: a read that
/// finds nothing leaves the value as it is.
struct CachePin final : Value::Pin {
  std::shared_ptr<rocksdb::Cache> cache;
  std::array<rocksdb::PinnableSlice, 2> slices;
  unsigned used = 0;

  explicit CachePin(std::shared_ptr<rocksdb::Cache> of) : cache(std::move(of)) {}
  rocksdb::PinnableSlice& idle() { return slices[1 - used]; }
  std::string_view take_idle() {
    used = 1 - used;
    idle().Reset();
    return slices[used].ToStringView();
  }
};

class DatabaseSnapshot final : public Snapshot {
 public:
  explicit DatabaseSnapshot(std::shared_ptr<const Database> database)
      : database_(std::move(database)), snapshot_(database_->take_snapshot()) {}
  DatabaseSnapshot(const DatabaseSnapshot&) = delete;
  DatabaseSnapshot& operator=(const DatabaseSnapshot&) = delete;
  ~DatabaseSnapshot() override { database_->db().ReleaseSnapshot(snapshot_); }

  Result<bool> get(Family family, std::string_view key, Value& value) override {
    return read_one(*database_, snapshot_, family, key, value);
  }
  Result<Bytes> get_row(Family family, std::string_view key, RowCheck check) override {
    return read_row(*database_, snapshot_, family, key, check);
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return read_many(*database_, snapshot_, family, keys, each);
  }
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override {
    return open_scan(database_, snapshot_, family, bounds);
  }
  Version version() const override { return snapshot_->GetSequenceNumber(); }

 private:
  std::shared_ptr<const Database> database_;
  const rocksdb::Snapshot* snapshot_;
};

class FailedSnapshot final : public Snapshot {
 public:
  explicit FailedSnapshot(Error error) : error_(std::move(error)) {}
  Result<bool> get(Family, std::string_view, Value&) override { return error_; }
  Result<void> multi_get(Family, std::span<const std::string>,
                         const std::function<void(std::size_t, std::string_view)>&) override {
    return error_;
  }
  std::unique_ptr<Cursor> scan(Family, const Bounds&) override { return ended_cursor(error_); }
  Version version() const override { return 0; }

 private:
  Error error_;
};

/// Room for the keys that are read together, and what became of them.
struct ReadBatch {
  std::vector<rocksdb::Slice> keys;
  std::vector<rocksdb::PinnableSlice> values;
  std::vector<rocksdb::Status> statuses;

  explicit ReadBatch(std::size_t size) : keys(size), values(size), statuses(size) {}

  Result<void> read(const Database& database, const rocksdb::ReadOptions& options, Family family,
                    std::span<const std::string> wanted) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      keys[i] = wanted[i];
      values[i].Reset();
    }
    // An assertion of RocksDB's holds callers to what they say about the order.
    const bool sorted = std::is_sorted(wanted.begin(), wanted.end());
    database.db().MultiGet(options, database.handle(family), wanted.size(), keys.data(),
                           values.data(), statuses.data(), sorted);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!statuses[i].ok() && !statuses[i].IsNotFound())
        return read_error(statuses[i], family, wanted[i]);
    }
    return {};
  }
};

}  // namespace

Result<bool> read_one(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                      std::string_view key, Value& value) {
  if (database.is_closed()) return Database::closed_error();
  auto* pin = dynamic_cast<CachePin*>(value.pin());
  std::unique_ptr<CachePin> fresh;
  if (pin == nullptr || pin->cache != database.cache()) {
    fresh = std::make_unique<CachePin>(database.cache());
    pin = fresh.get();
  }
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  const rocksdb::Status status =
      database.db().Get(options, database.handle(family), rocksdb::Slice(key), &pin->idle());
  if (!status.ok()) pin->idle().Reset();
  if (status.IsNotFound()) return false;
  if (!status.ok()) return read_error(status, family, key);
  value.set_view(pin->take_idle());
  if (fresh) value.set_pin(std::move(fresh));
  return true;
}

Result<Bytes> read_row(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                       std::string_view key, RowCheck check) {
  if (database.is_closed()) return Database::closed_error();
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      database.db().Get(options, database.handle(family), rocksdb::Slice(key), &value);
  if (status.IsNotFound()) return Bytes();
  if (!status.ok()) return read_error(status, family, key);
  Bytes row = Bytes::copy_of(value.ToStringView());
  if (check != nullptr && !check(row)) return damaged_row(family, key);
  return row;
}

/// Reads keys that lie close together with one iterator, as long as the next one is at most a few
/// steps away: a Next costs a fifth of what a MultiGet takes for a key (MEASURED.md). How many of
/// the first keys it has read.
Result<std::size_t> read_neighbours(
    const Database& database, const rocksdb::Snapshot* snapshot, Family family,
    std::span<const std::string> keys,
    const std::function<void(std::size_t, std::string_view)>& each) {
  constexpr int kSteps = 4;
  constexpr std::uint64_t kDeletions = 16;
  const std::string end = keys.back() + '\0';
  const rocksdb::Slice lower(keys.front());
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options = scan_options(family, lower, upper, false, true);
  options.snapshot = snapshot;
  options.max_skippable_internal_keys = kDeletions;
  const std::unique_ptr<rocksdb::Iterator> rows(
      database.db().NewIterator(options, database.handle(family)));
  rows->Seek(lower);
  std::size_t read = 0;
  for (; read < keys.size(); ++read) {
    const rocksdb::Slice key(keys[read]);
    for (int steps = 0; rows->Valid() && rows->key().compare(key) < 0; ++steps) {
      if (steps == kSteps) return read;
      rows->Next();
    }
    if (!rows->Valid()) break;
    if (rows->key() == key) each(read, rows->value().ToStringView());
  }
  if (rows->status().IsIncomplete()) return read;
  if (!rows->status().ok()) return read_error(rows->status(), family, keys[read]);
  return keys.size();
}

/// Whether sorted keys may lie close together: what they differ in is within the last so many
/// bytes.
bool may_be_neighbours(std::span<const std::string> keys) {
  constexpr std::size_t kFewest = 4;
  // Ids begin with six bytes of milliseconds: within some weeks.
  constexpr std::size_t kDifferent = 14;
  if (keys.size() < kFewest || keys.front().size() != keys.back().size()) return false;
  const std::string_view first = keys.front();
  return first.size() > kDifferent &&
         keys.back().starts_with(first.substr(0, first.size() - kDifferent)) &&
         std::is_sorted(keys.begin(), keys.end());
}

Result<void> read_many(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                       std::span<const std::string> keys,
                       const std::function<void(std::size_t, std::string_view)>& each) {
  if (keys.size() == 1) {  // a MultiGet of one costs more than a Get
    Value value;
    const auto found = read_one(database, snapshot, family, keys.front(), value);
    if (!found) return found.error();
    if (*found) each(0, value.view());
    return {};
  }
  if (database.is_closed()) return Database::closed_error();
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  std::optional<rocksdb::ManagedSnapshot> held;
  const bool tries_neighbours =
      may_be_neighbours(keys) && (snapshot != nullptr || !database.is_follower());
  if (snapshot == nullptr && (keys.size() > kReadTogether || tries_neighbours) &&
      !database.is_follower()) {
    options.snapshot = held.emplace(&database.db(), database.take_snapshot()).snapshot();
  }
  std::size_t first = 0;
  if (tries_neighbours) {
    const auto read = read_neighbours(database, options.snapshot, family, keys, each);
    if (!read) return read.error();
    first = *read;
  }
  ReadBatch batch(std::min(kReadTogether, keys.size() - first));
  for (; first < keys.size(); first += kReadTogether) {
    const auto wanted = keys.subspan(first, std::min(kReadTogether, keys.size() - first));
    if (auto done = batch.read(database, options, family, wanted); !done) return done;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (batch.statuses[i].ok()) each(first + i, batch.values[i].ToStringView());
    }
  }
  return {};
}

std::unique_ptr<Snapshot> take_snapshot(std::shared_ptr<const Database> database) {
  return std::make_unique<DatabaseSnapshot>(std::move(database));
}

std::unique_ptr<Snapshot> failed_snapshot(Error error) {
  return std::make_unique<FailedSnapshot>(std::move(error));
}

}  // namespace callisto::kv
