#include "engine/rocksdb/follower_file_system.h"

#include <string_view>

namespace callisto::kv {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

IOStatus refuse(const std::string& path) {
  return IOStatus::IOError(path, "a follower changes nothing");
}

bool is_log_file(std::string_view path) { return path.ends_with(".log"); }

}  // namespace

void FollowerFileSystem::set_log_filter(std::function<bool()> show_logs) {
  const std::lock_guard lock(mutex_);
  show_logs_ = std::move(show_logs);
}

IOStatus FollowerFileSystem::GetChildren(const std::string& path, const IOOptions& options,
                                         std::vector<std::string>* names, IODebugContext* debug) {
  IOStatus status = target_->GetChildren(path, options, names, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (!show_logs_ || !show_logs_()) std::erase_if(*names, is_log_file);
  return status;
}

IOStatus FollowerFileSystem::NewSequentialFile(const std::string& path, const FileOptions& options,
                                               std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                               IODebugContext* debug) {
  IOStatus status = target_->NewSequentialFile(path, options, result, debug);
  if (!status.ok() && is_log_file(path)) {
    missing_log_files_.fetch_add(1, std::memory_order_relaxed);
  }
  return status;
}

IOStatus FollowerFileSystem::NewWritableFile(const std::string& path, const FileOptions&,
                                             std::unique_ptr<rocksdb::FSWritableFile>*,
                                             IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::ReopenWritableFile(const std::string& path, const FileOptions&,
                                                std::unique_ptr<rocksdb::FSWritableFile>*,
                                                IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::ReuseWritableFile(const std::string& path, const std::string&,
                                               const FileOptions&,
                                               std::unique_ptr<rocksdb::FSWritableFile>*,
                                               IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::NewRandomRWFile(const std::string& path, const FileOptions&,
                                             std::unique_ptr<rocksdb::FSRandomRWFile>*,
                                             IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::RenameFile(const std::string& path, const std::string&,
                                        const IOOptions&, IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::LinkFile(const std::string& path, const std::string&, const IOOptions&,
                                      IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::DeleteFile(const std::string& path, const IOOptions&,
                                        IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::CreateDir(const std::string& path, const IOOptions&, IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions&,
                                                IODebugContext*) {
  return refuse(path);
}

IOStatus FollowerFileSystem::Truncate(const std::string& path, std::size_t, const IOOptions&,
                                      IODebugContext*) {
  return refuse(path);
}

}  // namespace callisto::kv
