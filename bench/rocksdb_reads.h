#pragma once

#include "bench/engine.h"
#include "bench/rocksdb_database.h"

namespace callisto::bench {

/// The answer to a reading operation, with as few lookups as the entries allow.
Digest read_bare(const RocksDatabase& database, const Operation& operation);

}  // namespace callisto::bench
