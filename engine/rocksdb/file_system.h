#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "callisto/environment.h"
#include "engine/rocksdb/watermark.h"

namespace callisto::kv {

class WriteGate;

/// The file system that a writer's RocksDB stands on. Before each changing operation it asks
///  - the write gate: once that is shut nothing on disk changes any more;
///  - the environment's FileHook, if there is one.
///
/// It also keeps RocksDB from a failed sync of a log file that is not the newest. A flush syncs
/// such files in the background, and a commit that waits for that sync would go on with a writer
/// that has failed: an assertion in Debian's build, so the end of the process. Here the gate shuts,
/// which refuses everything that the flush and the commit do next, and the sync itself is said to
/// be done.
///
/// It tells the watermark, if there is one, of all that happens to logs and manifests.
class GuardedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  /// `gate` and `watermark`, which may be null, must outlive it.
  GuardedFileSystem(std::shared_ptr<rocksdb::FileSystem> target, FileHook hook, WriteGate& gate,
                    Watermark* watermark);

  const char* Name() const override { return "CallistoGuarded"; }

  /// Refuses a table file whose tail RocksDB must not see (table_tail.h).
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteDir(const std::string& path, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, std::size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

  /// What gate and hook say to an operation.
  rocksdb::IOStatus permit(FileOperation operation, const std::string& path);
  /// Ends the use of log file `number` after `failure`: what RocksDB is to be told.
  rocksdb::IOStatus log_file_failed(std::uint64_t number, const rocksdb::IOStatus& failure);
  Watermark* watermark() const noexcept { return watermark_; }

 private:
  rocksdb::IOStatus begin_log_file(std::uint64_t number);
  rocksdb::IOStatus wrap(const std::string& path, rocksdb::IOStatus status,
                         std::shared_ptr<Watermark::Writing> watched,
                         std::unique_ptr<rocksdb::FSWritableFile>* file);
  /// Has the watermark forget a file that is removed, renamed or cut.
  rocksdb::IOStatus forget(const std::string& path);

  FileHook hook_;
  WriteGate& gate_;
  Watermark* const watermark_;
  std::mutex log_files_mutex_;
  std::uint64_t newest_log_file_ = 0;  ///< Guarded by log_files_mutex_.
};

}  // namespace callisto::kv
