#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

namespace callisto::kv {

/// Looks at what RocksDB parses of a table file, opening it, before it compares a checksum: the
/// block of properties. A flipped bit there can meet an assertion, which ends the process.
/// Corruption where the block is damaged. OK where it cannot be found, as the footer or the index
/// of such blocks is damaged: RocksDB checks these first. Costs reading about 1 KiB.
rocksdb::IOStatus check_table_tail(const rocksdb::FSRandomAccessFile& file,
                                   std::uint64_t file_bytes, const std::string& path);
/// Opens a file of `files`, and checks it where its name is that of a table file; its size is what
/// `sizes` says.
rocksdb::IOStatus open_checked(rocksdb::FileSystem& files, rocksdb::FileSystem& sizes,
                               const std::string& path, const rocksdb::FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               rocksdb::IODebugContext* debug);

}  // namespace callisto::kv
