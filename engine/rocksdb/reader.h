#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "callisto/result.h"
#include "engine/kv.h"

namespace rocksdb {
class Snapshot;
}

namespace callisto::kv {

class Database;

// Reads of one state of a database: that of `snapshot`, or the latest where it is null. They answer
// `closed` once the database is closed.

/// As Reader::get. What is found in a table file is pinned in the block cache, not copied.
Result<bool> read_one(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                      std::string_view key, Value& value);

/// As Reader::get_row: one copy, nothing pinned.
Result<Bytes> read_row(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                       std::string_view key, RowCheck check);

/// As Reader::multi_get, also where a snapshot is not given: all keys are read at one state.
Result<void> read_many(const Database& database, const rocksdb::Snapshot* snapshot, Family family,
                       std::span<const std::string> keys,
                       const std::function<void(std::size_t, std::string_view)>& each);

/// As Reader::scan.
std::unique_ptr<Cursor> open_scan(std::shared_ptr<const Database> database,
                                  const rocksdb::Snapshot* snapshot, Family family,
                                  const Bounds& bounds);

/// The same, by RocksDB wholly; bounds that are in order.
std::unique_ptr<Cursor> open_scan_below(std::shared_ptr<const Database> database,
                                        const rocksdb::Snapshot* snapshot, Family family,
                                        const Bounds& bounds);

// The same at a sequence number that was the latest, without a snapshot (Store::get_row_at).

bool read_row_at(const Database& database, std::uint64_t sequence, Family family,
                 std::string_view key, Bytes& row);
bool read_many_at(const Database& database, std::uint64_t sequence, Family family,
                  std::span<const std::string> keys,
                  const std::function<void(std::size_t, std::string_view)>& each);
std::unique_ptr<Cursor> open_scan_at(const std::shared_ptr<const Database>& database,
                                     std::uint64_t sequence, Family family, const Bounds& bounds);

/// A snapshot of a writer's database. Lives as long as it is held, also beyond the store.
std::unique_ptr<Snapshot> take_snapshot(std::shared_ptr<const Database> database);
/// A snapshot whose reads answer this error.
std::unique_ptr<Snapshot> failed_snapshot(Error error);

}  // namespace callisto::kv
