#pragma once

#include <memory>
#include <string>

#include "callisto/environment.h"
#include "engine/kv.h"

namespace callisto::testing {

/// RocksDB on disk with a plan far below the smallest that a caller may ask for: memtables of 64
/// KiB (RocksDB's least), a cache of one byte, so that everything is flushed, compacted and read
/// from files all the time.
std::unique_ptr<kv::Store> open_tiny_engine(const std::string& directory, Environment& environment);

}  // namespace callisto::testing
