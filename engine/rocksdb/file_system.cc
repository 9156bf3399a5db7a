#include "engine/rocksdb/file_system.h"

#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/rocksdb/counting_file_system.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/table_tail.h"
#include "engine/rocksdb/write_gate.h"

namespace callisto::kv {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

IOStatus from_errno(int error_number, const std::string& path) {
  const std::string text = std::generic_category().message(error_number);
  return error_number == ENOSPC ? IOStatus::NoSpace(path, text) : IOStatus::IOError(path, text);
}

class GuardedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  /// `watched` is null where the watermark does not care.
  GuardedFile(std::unique_ptr<rocksdb::FSWritableFile> target, std::string path,
              GuardedFileSystem& files, std::shared_ptr<Watermark::Writing> watched)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(target)),
        path_(std::move(path)),
        log_file_(log_file_number(path_)),
        files_(files),
        watched_(std::move(watched)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    return append(data, [&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& checksum, IODebugContext* debug) override {
    return append(data, [&] { return target()->Append(data, options, checksum, debug); });
  }
  IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset,
                            const IOOptions& options, IODebugContext* debug) override {
    return append(data, [&] { return target()->PositionedAppend(data, offset, options, debug); });
  }
  IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset,
                            const IOOptions& options, const rocksdb::DataVerificationInfo& checksum,
                            IODebugContext* debug) override {
    return append(
        data, [&] { return target()->PositionedAppend(data, offset, options, checksum, debug); });
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return guard(FileOperation::truncate, [&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return sync([&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return sync([&] { return target()->Fsync(options, debug); });
  }
  IOStatus RangeSync(std::uint64_t offset, std::uint64_t size, const IOOptions& options,
                     IODebugContext* debug) override {
    return guard(FileOperation::sync,
                 [&] { return target()->RangeSync(offset, size, options, debug); });
  }

 private:
  template <class Work>
  IOStatus guard(FileOperation operation, Work&& work) {
    IOStatus status = files_.permit(operation, path_);
    if (status.ok()) status = work();
    if (!status.ok() && log_file_) status = files_.log_file_failed(*log_file_, status);
    return status;
  }

  // RocksDB writes one after the other without direct I/O, so that PositionedAppend is not used.
  template <class Work>
  IOStatus append(const rocksdb::Slice& data, Work&& work) {
    return guard(FileOperation::append, [&] {
      IOStatus status = work();
      if (status.ok() && watched_) files_.watermark()->appended(*watched_, data.ToStringView());
      return status;
    });
  }
  template <class Work>
  IOStatus sync(Work&& work) {
    return guard(FileOperation::sync, [&] {
      const FileMark mark = watched_ ? files_.watermark()->written(*watched_) : FileMark{};
      IOStatus status = work();
      if (status.ok() && watched_) files_.watermark()->synced(*watched_, mark);
      return status;
    });
  }

  const std::string path_;
  const std::optional<std::uint64_t> log_file_;
  GuardedFileSystem& files_;
  const std::shared_ptr<Watermark::Writing> watched_;
};

class GuardedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  GuardedDirectory(std::unique_ptr<rocksdb::FSDirectory> target, std::string path,
                   GuardedFileSystem& files)
      : rocksdb::FSDirectoryWrapper(std::move(target)), path_(std::move(path)), files_(files) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return sync([&] { return rocksdb::FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& reason) override {
    return sync(
        [&] { return rocksdb::FSDirectoryWrapper::FsyncWithDirOptions(options, debug, reason); });
  }

 private:
  template <class Work>
  IOStatus sync(Work&& work) {
    IOStatus status = files_.permit(FileOperation::sync_directory, path_);
    if (!status.ok()) return status;
    Watermark* const watermark = files_.watermark();
    if (watermark == nullptr) return work();
    const auto made = watermark->made();
    status = work();
    if (status.ok()) watermark->directory_synced(made);
    return status;
  }

  const std::string path_;
  GuardedFileSystem& files_;
};

}  // namespace

GuardedFileSystem::GuardedFileSystem(std::shared_ptr<rocksdb::FileSystem> target, FileHook hook,
                                     WriteGate& gate, Watermark* watermark)
    : rocksdb::FileSystemWrapper(std::move(target)),
      hook_(std::move(hook)),
      gate_(gate),
      watermark_(watermark) {}

// RocksDB is not exception-safe: what a hook throws ends here.
IOStatus GuardedFileSystem::permit(FileOperation operation, const std::string& path) {
  if (!gate_.is_open()) return IOStatus::IOError(path, "stopped after an earlier failure");
  if (!hook_) return IOStatus::OK();
  int error_number = EIO;
  try {
    error_number = hook_(operation, path);
  } catch (...) {
  }
  return error_number == 0 ? IOStatus::OK() : from_errno(error_number, path);
}

IOStatus GuardedFileSystem::begin_log_file(std::uint64_t number) {
  const std::lock_guard lock(log_files_mutex_);
  if (!gate_.is_open()) return IOStatus::IOError("log file", "stopped after an earlier failure");
  if (number > newest_log_file_) newest_log_file_ = number;
  return IOStatus::OK();
}

// Under the lock that begin_log_file() takes: the newest file either stays the newest, because the
// gate is shut, or is not the newest any more.
IOStatus GuardedFileSystem::log_file_failed(std::uint64_t number, const IOStatus& failure) {
  const std::lock_guard lock(log_files_mutex_);
  gate_.shut(to_error(failure, "log file"));
  return number == newest_log_file_ ? failure : IOStatus::OK();
}

IOStatus GuardedFileSystem::wrap(const std::string& path, IOStatus status,
                                 std::shared_ptr<Watermark::Writing> watched,
                                 std::unique_ptr<rocksdb::FSWritableFile>* file) {
  if (!status.ok()) return status;
  *file = std::make_unique<GuardedFile>(std::move(*file), path, *this, std::move(watched));
  return status;
}

IOStatus GuardedFileSystem::forget(const std::string& path) {
  if (watermark_ == nullptr) return IOStatus::OK();
  const auto forgotten = watermark_->removing(path);
  return forgotten ? IOStatus::OK() : IOStatus::IOError(path, "the watermark cannot be written");
}

IOStatus GuardedFileSystem::NewRandomAccessFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext* debug) {
  return open_checked(*target_, *this, path, options, result, debug);
}

IOStatus GuardedFileSystem::NewWritableFile(const std::string& path,
                                            const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* result,
                                            IODebugContext* debug) {
  IOStatus status = permit(FileOperation::create, path);
  if (status.ok()) {
    if (const auto number = log_file_number(path)) status = begin_log_file(*number);
  }
  if (!status.ok()) return status;
  std::shared_ptr<Watermark::Writing> watched;
  if (watermark_ != nullptr) {
    auto begun = watermark_->begin(path);
    if (!begun) return IOStatus::IOError(path, "the watermark cannot be written");
    watched = std::move(*begun);
  }
  status = target_->NewWritableFile(path, options, result, debug);
  return wrap(path, std::move(status), std::move(watched), result);
}

IOStatus GuardedFileSystem::ReopenWritableFile(const std::string& path,
                                               const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSWritableFile>* result,
                                               IODebugContext* debug) {
  IOStatus status = permit(FileOperation::create, path);
  if (status.ok()) status = forget(path);
  if (!status.ok()) return status;
  return wrap(path, target_->ReopenWritableFile(path, options, result, debug), nullptr, result);
}

IOStatus GuardedFileSystem::ReuseWritableFile(const std::string& path, const std::string& old_path,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                                              IODebugContext* debug) {
  IOStatus status = permit(FileOperation::rename, old_path);
  if (status.ok()) status = forget(old_path);
  if (!status.ok()) return status;
  return wrap(path, target_->ReuseWritableFile(path, old_path, options, result, debug), nullptr,
              result);
}

IOStatus GuardedFileSystem::NewRandomRWFile(const std::string& path,
                                            const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                            IODebugContext* debug) {
  IOStatus status = permit(FileOperation::create, path);
  return status.ok() ? target_->NewRandomRWFile(path, options, result, debug) : status;
}

IOStatus GuardedFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                         std::unique_ptr<rocksdb::FSDirectory>* result,
                                         IODebugContext* debug) {
  IOStatus status = target_->NewDirectory(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<GuardedDirectory>(std::move(*result), path, *this);
  return status;
}

IOStatus GuardedFileSystem::RenameFile(const std::string& from, const std::string& to,
                                       const IOOptions& options, IODebugContext* debug) {
  IOStatus status = permit(FileOperation::rename, from);
  if (status.ok()) status = forget(from);
  return status.ok() ? target_->RenameFile(from, to, options, debug) : status;
}

IOStatus GuardedFileSystem::LinkFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  IOStatus status = permit(FileOperation::create, to);
  return status.ok() ? target_->LinkFile(from, to, options, debug) : status;
}

IOStatus GuardedFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                       IODebugContext* debug) {
  IOStatus status = permit(FileOperation::remove, path);
  if (status.ok()) status = forget(path);
  return status.ok() ? target_->DeleteFile(path, options, debug) : status;
}

IOStatus GuardedFileSystem::DeleteDir(const std::string& path, const IOOptions& options,
                                      IODebugContext* debug) {
  IOStatus status = permit(FileOperation::remove, path);
  return status.ok() ? target_->DeleteDir(path, options, debug) : status;
}

IOStatus GuardedFileSystem::CreateDir(const std::string& path, const IOOptions& options,
                                      IODebugContext* debug) {
  IOStatus status = permit(FileOperation::create, path);
  return status.ok() ? target_->CreateDir(path, options, debug) : status;
}

IOStatus GuardedFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions& options,
                                               IODebugContext* debug) {
  if (target_->FileExists(path, options, debug).ok()) {
    return target_->CreateDirIfMissing(path, options, debug);
  }
  IOStatus status = permit(FileOperation::create, path);
  return status.ok() ? target_->CreateDirIfMissing(path, options, debug) : status;
}

IOStatus GuardedFileSystem::Truncate(const std::string& path, std::size_t size,
                                     const IOOptions& options, IODebugContext* debug) {
  IOStatus status = permit(FileOperation::truncate, path);
  if (status.ok()) status = forget(path);
  return status.ok() ? target_->Truncate(path, size, options, debug) : status;
}

}  // namespace callisto::kv
