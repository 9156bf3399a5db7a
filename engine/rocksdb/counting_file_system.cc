#include "engine/rocksdb/counting_file_system.h"

#include <atomic>
#include <charconv>
#include <system_error>

#include "engine/rocksdb/activity.h"

namespace callisto::kv {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::optional<std::uint64_t> file_number(std::string_view path, std::string_view suffix) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(suffix)) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size() - suffix.size();
  const auto parsed = std::from_chars(name.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> table_file_number(std::string_view path) {
  return file_number(path, ".sst");
}

class CountedTable final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  CountedTable(std::unique_ptr<rocksdb::FSRandomAccessFile> target, DiskActivity::Counter bytes)
      : rocksdb::FSRandomAccessFileOwnerWrapper(std::move(target)), bytes_(std::move(bytes)) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    IOStatus status =
        FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
    if (status.ok()) add(result->size());
    return status;
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    IOStatus status = FSRandomAccessFileOwnerWrapper::MultiRead(requests, count, options, debug);
    for (std::size_t i = 0; i < count; ++i) {
      if (requests[i].status.ok()) add(requests[i].result.size());
    }
    return status;
  }

 private:
  void add(std::uint64_t bytes) const noexcept {
    bytes_->fetch_add(bytes, std::memory_order_relaxed);
  }
  const DiskActivity::Counter bytes_;
};

class CountedLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CountedLog(std::unique_ptr<rocksdb::FSWritableFile> target, DiskActivity& activity)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(target)), activity_(activity) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return count(data.size(), FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& checksum, IODebugContext* debug) override {
    return count(data.size(), FSWritableFileOwnerWrapper::Append(data, options, checksum, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    activity_.log_synced();
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    activity_.log_synced();
    return FSWritableFileOwnerWrapper::Fsync(options, debug);
  }

 private:
  IOStatus count(std::size_t bytes, IOStatus status) {
    if (status.ok()) activity_.log_written(bytes);
    return status;
  }
  DiskActivity& activity_;
};

}  // namespace

std::optional<std::uint64_t> log_file_number(std::string_view path) {
  return file_number(path, ".log");
}

IOStatus CountingFileSystem::NewRandomAccessFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext* debug) {
  IOStatus status = target_->NewRandomAccessFile(path, options, result, debug);
  const auto number = table_file_number(path);
  if (!status.ok() || !number) return status;
  *result = std::make_unique<CountedTable>(std::move(*result), activity_.reads_of(*number));
  return status;
}

IOStatus CountingFileSystem::NewWritableFile(const std::string& path,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                                             IODebugContext* debug) {
  IOStatus status = target_->NewWritableFile(path, options, result, debug);
  if (!status.ok() || !log_file_number(path)) return status;
  *result = std::make_unique<CountedLog>(std::move(*result), activity_);
  return status;
}

IOStatus CountingFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                        IODebugContext* debug) {
  IOStatus status = target_->DeleteFile(path, options, debug);
  if (const auto number = table_file_number(path); status.ok() && number) activity_.forget(*number);
  return status;
}

}  // namespace callisto::kv
