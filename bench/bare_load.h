#pragma once

// Callisto's entries put into the bare engines: how they are loaded.

#include <string>

#include "bench/engine.h"
#include "bench/load.h"
#include "bench/rocksdb_database.h"

namespace callisto::bench {

/// Makes an LMDB file with the chosen keys of `source`, appended in their order; the times leave
/// out the reading of `source`.
LoadTimes load_lmdb(const RocksDatabase& source, const std::string& file, IndexChoice indexes);

/// Makes a RocksDB database with all keys of `source`: table files that are taken in as they are.
LoadTimes load_rocksdb(const RocksDatabase& source, const std::string& path,
                       std::uint64_t memory_bytes);

}  // namespace callisto::bench
