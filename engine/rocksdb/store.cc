#include "engine/rocksdb/store.h"

#include <rocksdb/db.h>

#include <utility>

#include "callisto/environment.h"
#include "engine/cache/cached_reader.h"
#include "engine/cache/state_cache.h"
#include "engine/ended_cursor.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/reader.h"
#include "engine/rocksdb/staging.h"
#include "engine/rocksdb/table_load.h"
#include "engine/rocksdb/upkeep.h"
#include "engine/rocksdb/watermark.h"
#include "engine/transaction.h"
#include "engine/write_set.h"

namespace callisto::kv {
namespace {

/// What RocksDB may still write of what it has accepted: every memtable to a table file, and a
/// compaction of as much again.
std::uint64_t reserve_bytes(const Database& database) {
  constexpr std::uint64_t kLogsAndManifest = 16ULL << 20;
  return 2 * database.plan().memtable_bytes + kLogsAndManifest;
}

SpaceGuard make_space_guard(const Database& database) {
  if (database.in_memory()) return SpaceGuard([] { return DiskSpace{}; }, 0);
  return SpaceGuard([path = database.path()] { return look_at_disk(path); },
                    reserve_bytes(database));
}

}  // namespace

RocksStore::RocksStore(std::shared_ptr<Database> database)
    : database_(std::move(database)),
      space_guard_(make_space_guard(*database_)),
      sink_(*database_),
      committer_(sink_, database_->environment()) {}

RocksStore::~RocksStore() { ignore_error(close(), "nobody is left to be told"); }

Result<bool> RocksStore::get(Family family, std::string_view key, Value& value) {
  if (is_closed()) return Database::closed_error();
  return read_one(*database_, nullptr, family, key, value);
}

Result<Bytes> RocksStore::get_row(Family family, std::string_view key, RowCheck check) {
  if (is_closed()) return Database::closed_error();
  return read_row(*database_, nullptr, family, key, check);
}

Result<void> RocksStore::multi_get(Family family, std::span<const std::string> keys,
                                   const std::function<void(std::size_t, std::string_view)>& each) {
  if (is_closed()) return Database::closed_error();
  return read_many(*database_, nullptr, family, keys, each);
}

std::unique_ptr<Cursor> RocksStore::scan(Family family, const Bounds& bounds) {
  if (is_closed()) return ended_cursor(Database::closed_error());
  return open_scan(database_, nullptr, family, bounds);
}

bool RocksStore::get_row_at(Family family, std::string_view key, Version version, Bytes& row) {
  return !is_closed() && read_row_at(*database_, version, family, key, row);
}

bool RocksStore::multi_get_at(Family family, std::span<const std::string> keys, Version version,
                              const std::function<void(std::size_t, std::string_view)>& each) {
  return !is_closed() && read_many_at(*database_, version, family, keys, each);
}

std::unique_ptr<Cursor> RocksStore::scan_at(Family family, const Bounds& bounds, Version version) {
  return is_closed() ? nullptr : open_scan_at(database_, version, family, bounds);
}

Version RocksStore::version() const {
  return is_closed() ? 0 : database_->db().GetLatestSequenceNumber();
}

std::unique_ptr<Snapshot> RocksStore::snapshot() {
  if (is_closed()) return failed_snapshot(Database::closed_error());
  return take_snapshot(database_);
}

Result<void> RocksStore::admit_change() {
  if (is_closed()) return Database::closed_error();
  if (!database_->gate().is_open()) return database_->gate().refusal();
  return {};
}

Result<void> RocksStore::admit_write(std::size_t bytes) {
  if (auto admitted = admit_change(); !admitted) return admitted;
  return space_guard_.admit(bytes);
}

Result<Version> RocksStore::apply(const Batch& batch, Durability durability) {
  if (is_closed()) return Database::closed_error();
  WriteSet writes;
  if (auto taken = writes.append(batch); !taken) return std::move(taken).error();
  if (writes.empty()) return version();
  if (auto admitted = admit_write(writes.size_bytes()); !admitted) {
    return std::move(admitted).error();
  }
  return committer_.commit({.writes = &writes, .durability = durability});
}

Result<Version> RocksStore::run(const RunOptions& options,
                                const std::function<Result<void>(Transaction&)>& function) {
  if (is_closed()) return Database::closed_error();
  const RunContext context{.snapshot = [this]() -> Result<std::unique_ptr<Reader>> {
                             std::unique_ptr<Reader> snapshot = take_snapshot(database_);
                             if (cache_ == nullptr) return snapshot;
                             return std::make_unique<CachedReader>(std::move(snapshot), *cache_);
                           },
                           .committer = committer_,
                           .queue_locks = queue_locks_,
                           .right_of_way = right_of_way_,
                           .environment = database_->environment()};
  return run_transaction(context, options, [&](Transaction& transaction) -> Result<void> {
    if (auto done = function(transaction); !done) return done;
    return transaction.has_writes() ? admit_write(transaction.size_bytes()) : Result<void>();
  });
}

Result<void> RocksStore::erase_range(Family family, std::string_view lower,
                                     std::string_view upper) {
  if (auto admitted = admit_change(); !admitted) return admitted;
  auto erased = erase_keys(*database_, family, lower, upper);
  if (erased && family == Family::system) committer_.forget_counters();
  if (cache_ != nullptr) {
    cache_->forget_range(family, lower, upper, [this] { return version(); });
  }
  return erased;
}

bool RocksStore::attach(StateCache& cache) {
  cache.reset(version());
  committer_.attach(cache);
  cache_ = &cache;
  return true;
}

Result<std::unique_ptr<Staging>> RocksStore::stage() {
  if (auto admitted = admit_change(); !admitted) return std::move(admitted).error();
  auto staging =
      RocksStaging::open(database_, [this](std::size_t bytes) { return admit_write(bytes); });
  if (!staging) return std::move(staging).error();
  return std::unique_ptr<Staging>(std::move(*staging));
}

Result<Version> RocksStore::bulk_load(const LoadRequest& request) {
  if (auto admitted = admit_change(); !admitted) return std::move(admitted).error();
  TableLoad load(*database_);
  // What was linked in is one file in two folders for a moment, and the folder is a load's.
  const auto staging = stage();
  if (!staging) return staging.error();
  auto built = load.build(request, [this](std::size_t bytes) { return admit_write(bytes); });
  if (!built) return std::move(built).error();
  const auto prepare = [&]() -> Result<void> {
    if (auto empty = load.check_empty(request); !empty) return empty;
    Batch rows;
    if (request.finish) {
      if (auto finished = request.finish(*this, rows); !finished) return finished;
    }
    return load.add_rows(rows);
  };
  const auto write = [&]() -> Result<Version> {
    try {
      if (request.forget) request.forget();
      if (auto synced = sync_log(*database_); !synced) return std::move(synced).error();
      if (auto done = load.ingest(); !done) return std::move(done).error();
      return version();
    } catch (...) {
      database_->gate().shut(Error(Code::io_error, "an exception"));
      throw;  // The committer's answer is an unknown_outcome.
    }
  };
  return committer_.change_all(prepare, write, request.limits);
}

std::optional<Version> RocksStore::committed_version(Family family, std::string_view key) const {
  return committer_.committed_version(family, key);
}

EngineHealth RocksStore::health() const {
  if (is_closed()) return {.writable = false, .failure = Database::closed_error()};
  EngineHealth health = database_->gate().health();
  if (const Watermark* const watermark = database_->watermark()) {
    health.lost = watermark->lost();
    health.unguarded = watermark->failure();
  }
  return health;
}

EngineStats RocksStore::stats() const {
  EngineStats stats = is_closed() ? EngineStats{} : database_stats(*database_);
  stats.commits = committer_.commits();
  stats.conflicts = committer_.conflicts();
  if (cache_ != nullptr) {
    stats.row_cache = cache_->row_stats();
    stats.list_cache = cache_->list_stats();
  }
  return stats;
}

std::uint64_t RocksStore::approximate_bytes(Family family, std::string_view lower,
                                            std::string_view upper) {
  return is_closed() ? 0 : approximate_range_bytes(*database_, family, lower, upper);
}

Result<void> RocksStore::sync() {
  if (auto admitted = admit_change(); !admitted) return admitted;
  return sync_log(*database_);
}

Result<void> RocksStore::compact(const Limits* limits) {
  if (auto admitted = admit_change(); !admitted) return admitted;
  return compact_all(*database_, limits);
}

Result<void> RocksStore::verify_checksums(const Limits* limits) {
  if (is_closed()) return Database::closed_error();
  return verify_files(*database_, limits);
}

Result<void> RocksStore::refresh() {
  return Error(Code::unsupported, "only a read-only store is refreshed");
}

Result<void> RocksStore::close() {
  if (closed_.exchange(true)) return {};
  const std::shared_ptr<Database> database = std::move(database_);
  Result<void> closed;
  if (database->gate().is_open()) {
    closed = sync_log(*database);
    // A failed flush loses nothing: the log has it all.
    if (closed && !database->in_memory()) {
      ignore_error(flush_memtables(*database, nullptr), "only makes the next opening faster");
    }
  }
  database->begin_close();
  if (closed && database.use_count() > 1) {
    return Error(Code::busy, "snapshots or cursors are in use: the store closes with the last");
  }
  return closed;
}

}  // namespace callisto::kv
