#pragma once

#include <rocksdb/file_checksum.h>

#include <memory>

namespace callisto::kv {

/// Checksums of table files, the same as RocksDB's own under the same name. Debian's build computes
/// them without the instruction, at a sixth of its speed.
std::shared_ptr<rocksdb::FileChecksumGenFactory> make_checksum_factory();

}  // namespace callisto::kv
