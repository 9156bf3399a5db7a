#pragma once

#include <rocksdb/memtablerep.h>

#include <memory>

namespace callisto::kv {

/// What RocksDB keeps new entries in: a skip list, as its own is, for one writer at a time and keys
/// in the order of their bytes. Why not its own: engine/README.md.
std::shared_ptr<rocksdb::MemTableRepFactory> make_memtable_factory();

}  // namespace callisto::kv
