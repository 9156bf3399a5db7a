#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/rocksdb/file_patch.h"

namespace callisto::kv {

/// The file system that a follower's RocksDB stands on. Every changing operation is refused, so
/// that a follower leaves its directory alone whatever RocksDB would tidy up. And it decides
/// whether RocksDB gets to see the log files that are there (FollowerView says when). Of a damaged
/// store it shows what the patch says.
class FollowerFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FollowerFileSystem(std::shared_ptr<rocksdb::FileSystem> target, FilePatch patch = {})
      : rocksdb::FileSystemWrapper(std::move(target)), patch_(std::move(patch)) {}

  const char* Name() const override { return "CallistoFollower"; }

  /// Asked after a directory was listed, whether the log files in it are to be seen; by default
  /// they are not.
  void set_log_filter(std::function<bool()> show_logs);
  /// How many log files could not be opened, ever since.
  std::uint64_t missing_log_files() const noexcept {
    return missing_log_files_.load(std::memory_order_relaxed);
  }

  rocksdb::IOStatus GetChildren(const std::string& path, const rocksdb::IOOptions& options,
                                std::vector<std::string>* names,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus FileExists(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  /// Of a table file that the patch cuts: what is left.
  rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions& options,
                                std::uint64_t* size, rocksdb::IODebugContext* debug) override;
  /// Refuses a table file whose tail RocksDB must not see (table_tail.h).
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string&, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSWritableFile>*,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>*,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string&, const std::string&,
                                      const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSWritableFile>*,
                                      rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string&, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>*,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus RenameFile(const std::string&, const std::string&, const rocksdb::IOOptions&,
                               rocksdb::IODebugContext*) override;
  rocksdb::IOStatus LinkFile(const std::string&, const std::string&, const rocksdb::IOOptions&,
                             rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteFile(const std::string&, const rocksdb::IOOptions&,
                               rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteDir(const std::string&, const rocksdb::IOOptions&,
                              rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDir(const std::string&, const rocksdb::IOOptions&,
                              rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string&, const rocksdb::IOOptions&,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus Truncate(const std::string&, std::size_t, const rocksdb::IOOptions&,
                             rocksdb::IODebugContext*) override;

 private:
  /// Whether the patch says what is read as this file.
  bool is_patched(const std::string& path) const;

  const FilePatch patch_;
  std::mutex mutex_;
  std::function<bool()> show_logs_;  ///< Guarded by mutex_.
  std::atomic<std::uint64_t> missing_log_files_{0};
};

}  // namespace callisto::kv
