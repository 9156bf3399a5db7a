#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <string>

namespace callisto::kv {

/// Looks at what RocksDB parses of a table file, opening it, before it compares a checksum: the
/// block of properties. A flipped bit there can meet an assertion, which ends the process.
/// Corruption where the block is damaged. OK where it cannot be found, as the footer or the index
/// of such blocks is damaged: RocksDB checks these first. Costs reading about 1 KiB.
rocksdb::IOStatus check_table_tail(const rocksdb::FSRandomAccessFile& file,
                                   std::uint64_t file_bytes, const std::string& path);
/// The same of a file of `files` that has been opened; of the size that `files` says.
rocksdb::IOStatus check_table(rocksdb::FileSystem& files, const std::string& path,
                              const rocksdb::FSRandomAccessFile& file,
                              rocksdb::IODebugContext* debug);

}  // namespace callisto::kv
