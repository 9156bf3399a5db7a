#include "engine/rocksdb/reader.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "engine/ended_cursor.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/direct_reads.h"
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
    constexpr bool kIsSorted = true;
    database.db().MultiGet(options, database.handle(family), wanted.size(), keys.data(),
                           values.data(), statuses.data(), kIsSorted);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!statuses[i].ok() && !statuses[i].IsNotFound())
        return read_error(statuses[i], family, wanted[i]);
    }
    return {};
  }
};

/// Rows are asked for because they are there.
bool is_read_directly(const Database& database, Family family, std::string_view key) {
  return database.direct() != nullptr && !is_looked_up(family, key);
}

DirectReads::State state_of(const rocksdb::Snapshot* snapshot) {
  if (snapshot == nullptr) return DirectReads::State::latest();
  return DirectReads::State::kept(snapshot->GetSequenceNumber());
}

/// Whether the row is in table files, and `take` has had it; nullopt where RocksDB is to say.
template <class Take>
std::optional<bool> read_row_directly(const Database& database, DirectReads::State state,
                                      Family family, std::string_view key, const Take& take) {
  if (!is_read_directly(database, family, key)) return std::nullopt;
  const ScratchLease scratch;
  const MemtableRows& recent = (*scratch).recent;
  const DirectReads::Pin tables = database.direct()->pin(family, state, key, (*scratch).recent);
  if (tables == nullptr) return std::nullopt;
  if (!recent.empty()) {
    database.direct()->note_read();
    const TableEntry newest = recent.entry(0);
    if (!newest.is_deletion) take(newest.value);
    return !newest.is_deletion;
  }
  std::string_view value;
  const auto answer = tables->find(key, state.sequence, *scratch, value);
  if (answer == DirectReads::Answer::unknown) return std::nullopt;
  database.direct()->note_read();
  const bool is_there = answer == DirectReads::Answer::found;
  if (is_there) take(value);
  return is_there;
}

/// Reads of the keys as many as table files tell, from the first on; how many. Of a state that
/// nothing keeps for another attempt, none where it is known before that not all will be told.
std::size_t read_directly(const Database& database, DirectReads::State state, Family family,
                          std::span<const std::string> keys,
                          const std::function<void(std::size_t, std::string_view)>& each) {
  if (keys.empty()) return 0;
  const auto is_direct = [&](const std::string& key) {
    return is_read_directly(database, family, key);
  };
  if (!std::all_of(keys.begin(), keys.end(), is_direct)) return 0;
  const ScratchLease scratch;
  MemtableRows& recent = (*scratch).recent;
  const DirectReads::Pin tables = database.direct()->pin(family, state, keys, recent);
  if (tables == nullptr) return 0;
  const auto can_find = [&](const std::string& key) { return tables->can_find(key); };
  if (!state.is_kept && !std::all_of(keys.begin(), keys.end(), can_find)) return 0;
  std::size_t read = 0;
  std::size_t in_memory = 0;
  for (; read < keys.size(); ++read) {
    if (in_memory < recent.size() && recent.asked(in_memory) == read) {
      const TableEntry newest = recent.entry(in_memory++);
      if (!newest.is_deletion) each(read, newest.value);
    } else {
      std::string_view value;
      const auto answer = tables->find(keys[read], state.sequence, *scratch, value);
      if (answer == DirectReads::Answer::unknown) break;
      if (answer == DirectReads::Answer::found) each(read, value);
    }
    database.direct()->note_read();
  }
  return read;
}

/// As read_one, by RocksDB.
Result<bool> read_one_below(const Database& database, const rocksdb::Snapshot* snapshot,
                            Family family, std::string_view key, Value& value) {
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

}  // namespace

Result<bool> read_one(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                      std::string_view key, Value& value) {
  if (database.is_closed()) return Database::closed_error();
  const auto take = [&](std::string_view found) { value.assign(found); };
  if (const auto found = read_row_directly(database, state_of(snapshot), family, key, take))
    return *found;
  return read_one_below(database, snapshot, family, key, value);
}

Result<Bytes> read_row(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                       std::string_view key, RowCheck check) {
  if (database.is_closed()) return Database::closed_error();
  Bytes row;
  const auto take = [&](std::string_view value) { row = Bytes::copy_of(value); };
  if (!read_row_directly(database, state_of(snapshot), family, key, take)) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    rocksdb::PinnableSlice value;
    const rocksdb::Status status =
        database.db().Get(options, database.handle(family), rocksdb::Slice(key), &value);
    if (!status.ok() && !status.IsNotFound()) return read_error(status, family, key);
    if (status.ok()) row = Bytes::copy_of(value.ToStringView());
  }
  if (!row) return row;
  if (check != nullptr && !check(row)) return damaged_row(family, key);
  return row;
}

namespace {

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
         keys.back().starts_with(first.substr(0, first.size() - kDifferent));
}

/// As read_many, by RocksDB, of sorted keys.
Result<void> read_many_below(const Database& database, const rocksdb::Snapshot* snapshot,
                             Family family, std::span<const std::string> keys,
                             const std::function<void(std::size_t, std::string_view)>& each) {
  if (keys.size() == 1) {  // a MultiGet of one costs more than a Get
    Value value;
    const auto found = read_one_below(database, snapshot, family, keys.front(), value);
    if (!found) return found.error();
    if (*found) each(0, value.view());
    return {};
  }
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

/// All but the first `read`, in the order in which they are cheapest.
Result<void> read_rest_below(const Database& database, const rocksdb::Snapshot* snapshot,
                             Family family, std::span<const std::string> keys, std::size_t read,
                             const std::function<void(std::size_t, std::string_view)>& each) {
  const std::span<const std::string> rest = keys.subspan(read);
  if (std::is_sorted(rest.begin(), rest.end())) {
    const auto each_of_rest = [&](std::size_t i, std::string_view value) { each(read + i, value); };
    return read_many_below(database, snapshot, family, rest, each_of_rest);
  }
  std::vector<std::size_t> places(rest.size());
  std::iota(places.begin(), places.end(), read);
  std::sort(places.begin(), places.end(),
            [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
  std::vector<std::string> sorted;
  sorted.reserve(places.size());
  for (const std::size_t place : places) sorted.push_back(keys[place]);
  return read_many_below(database, snapshot, family, sorted,
                         [&](std::size_t i, std::string_view value) { each(places[i], value); });
}

}  // namespace

Result<void> read_many(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                       std::span<const std::string> keys,
                       const std::function<void(std::size_t, std::string_view)>& each) {
  if (database.is_closed()) return Database::closed_error();
  const bool is_latest = snapshot == nullptr && !database.is_follower();
  const StateMark before = is_latest ? database.state_mark() : StateMark();
  const std::size_t read = read_directly(database, state_of(snapshot), family, keys, each);
  if (read == keys.size()) return {};
  auto done = read_rest_below(database, snapshot, family, keys, read, each);
  // Only where a file that could be read could not be read again.
  if (done && is_latest && read > 0 && database.state_mark() != before) {
    return Error(Code::conflict, "a commit came while rows were read");
  }
  return done;
}

bool read_row_at(const Database& database, std::uint64_t sequence, Family family,
                 std::string_view key, Bytes& row) {
  const auto take = [&](std::string_view value) { row = Bytes::copy_of(value); };
  const auto state = DirectReads::State::past(sequence);
  return read_row_directly(database, state, family, key, take).has_value();
}

bool read_many_at(const Database& database, std::uint64_t sequence, Family family,
                  std::span<const std::string> keys,
                  const std::function<void(std::size_t, std::string_view)>& each) {
  const auto state = DirectReads::State::past(sequence);
  return read_directly(database, state, family, keys, each) == keys.size();
}

std::unique_ptr<Snapshot> take_snapshot(std::shared_ptr<const Database> database) {
  return std::make_unique<DatabaseSnapshot>(std::move(database));
}

std::unique_ptr<Snapshot> failed_snapshot(Error error) {
  return std::make_unique<FailedSnapshot>(std::move(error));
}

}  // namespace callisto::kv
