#pragma once

#include <rocksdb/memtablerep.h>

#include <memory>

namespace callisto::kv {

class DirectReads;

/// What RocksDB keeps new entries in: a skip list, as its own is, for one writer at a time and keys
/// in the order of their bytes. Why not its own: engine/README.md. `direct`, which may be null, is
/// told of each; it outlives them.
std::shared_ptr<rocksdb::MemTableRepFactory> make_memtable_factory(
    std::shared_ptr<DirectReads> direct);

}  // namespace callisto::kv
