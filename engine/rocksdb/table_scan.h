#pragma once

#include <memory>

#include "engine/kv.h"

namespace rocksdb {
class Snapshot;
}

namespace callisto::kv {

class Database;

/// A scan of table files past RocksDB, of the state of `snapshot` or the latest. Null where only
/// RocksDB can make it. Where it meets a file that it cannot read it goes on as RocksDB's.
std::unique_ptr<Cursor> open_table_scan(const std::shared_ptr<const Database>& database,
                                        const rocksdb::Snapshot* snapshot, Family family,
                                        const Bounds& bounds);

}  // namespace callisto::kv
