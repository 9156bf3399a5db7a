#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace callisto::kv {

class DiskActivity;

/// The number of a log file (000012.log), nullopt for any other file.
std::optional<std::uint64_t> log_file_number(std::string_view path);

/// Tells `activity`, which must outlive it, of reads of table files and of what is written to logs.
class CountingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  CountingFileSystem(std::shared_ptr<rocksdb::FileSystem> target, DiskActivity& activity)
      : rocksdb::FileSystemWrapper(std::move(target)), activity_(activity) {}

  const char* Name() const override { return "CallistoCounting"; }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  DiskActivity& activity_;
};

}  // namespace callisto::kv
