#include "engine/rocksdb/follower_file_system.h"

#include <algorithm>
#include <string_view>

#include "engine/rocksdb/table_tail.h"

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
std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

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

bool FollowerFileSystem::is_patched(const std::string& path) const {
  if (patch_.current.empty()) return false;
  return last_part(path) == "CURRENT" || last_part(path) == patch_.current;
}

IOStatus FollowerFileSystem::FileExists(const std::string& path, const IOOptions& options,
                                        IODebugContext* debug) {
  return is_patched(path) ? IOStatus::OK() : target_->FileExists(path, options, debug);
}

IOStatus FollowerFileSystem::GetFileSize(const std::string& path, const IOOptions& options,
                                         std::uint64_t* size, IODebugContext* debug) {
  IOStatus status = target_->GetFileSize(path, options, size, debug);
  const auto cut = patch_.table_bytes.find(std::string(last_part(path)));
  if (status.ok() && cut != patch_.table_bytes.end()) *size = std::min(*size, cut->second);
  return status;
}

IOStatus FollowerFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext* debug) {
  return open_checked(*target_, *this, path, options, result, debug);
}

IOStatus FollowerFileSystem::NewSequentialFile(const std::string& path, const FileOptions& options,
                                               std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                               IODebugContext* debug) {
  if (is_patched(path) && last_part(path) == "CURRENT") {
    *result = joined_file(nullptr, 0, patch_.current + '\n');
    return IOStatus::OK();
  }
  const bool is_manifest = is_patched(path);
  IOStatus status =
      target_->NewSequentialFile(is_manifest ? patch_.manifest : path, options, result, debug);
  if (status.ok() && is_manifest) {
    *result = joined_file(std::move(*result), patch_.manifest_bytes, patch_.manifest_tail);
  }
  if (status.ok() && is_log_file(path) && patch_.mends_logs) {
    *result = mended_log(std::move(*result));
  }
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
