#include "engine/rocksdb/file_patch.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/rocksdb/log_format.h"

namespace callisto::kv {
namespace {

using rocksdb::FSSequentialFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

/// A file that is read once, from its beginning to its end. fill() makes more of it.
class StreamedFile : public FSSequentialFile {
 public:
  IOStatus Read(std::size_t size, const IOOptions&, rocksdb::Slice* result, char* scratch,
                IODebugContext*) override {
    IOStatus status = take(size);
    if (!status.ok()) return status;
    const std::size_t length = std::min(size, ready_.size());
    std::memcpy(scratch, ready_.data(), length);
    ready_.erase(0, length);
    *result = rocksdb::Slice(scratch, length);
    return status;
  }
  IOStatus Skip(std::uint64_t size) override {
    IOStatus status = take(size);
    if (status.ok()) ready_.erase(0, size);
    return status;
  }

 protected:
  /// Appends some bytes; none at the end.
  virtual IOStatus fill(std::string& bytes) = 0;

 private:
  IOStatus take(std::uint64_t size) {
    while (ready_.size() < size) {
      const std::size_t before = ready_.size();
      IOStatus status = fill(ready_);
      if (!status.ok() || ready_.size() == before) return status;
    }
    return IOStatus::OK();
  }

  std::string ready_;
};

constexpr std::size_t kReadBytes = 64u << 10;

class JoinedFile final : public StreamedFile {
 public:
  JoinedFile(std::unique_ptr<FSSequentialFile> file, std::uint64_t most, std::string tail)
      : file_(std::move(file)), left_(most), tail_(std::move(tail)), buffer_(kReadBytes, '\0') {}

 protected:
  IOStatus fill(std::string& bytes) override {
    if (file_ != nullptr && left_ > 0) {
      rocksdb::Slice read;
      const std::size_t wanted = std::min<std::uint64_t>(left_, buffer_.size());
      IOStatus status = file_->Read(wanted, IOOptions(), &read, buffer_.data(), nullptr);
      if (!status.ok()) return status;
      left_ = read.empty() ? 0 : left_ - read.size();
      bytes.append(read.data(), read.size());
      if (!read.empty()) return status;
    }
    bytes += std::exchange(tail_, {});
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<FSSequentialFile> file_;
  std::uint64_t left_;
  std::string tail_;
  std::string buffer_;
};

class MendedLog final : public StreamedFile {
 public:
  explicit MendedLog(std::unique_ptr<FSSequentialFile> file) : file_(std::move(file)) {}

 protected:
  IOStatus fill(std::string& bytes) override {
    if (!records_.next(record_)) return status_;
    const std::string encoded = encode_log_record(size_, record_);
    size_ += encoded.size();
    bytes += encoded;
    return IOStatus::OK();
  }

 private:
  std::size_t read(char* to, std::size_t size) {
    rocksdb::Slice read;
    status_ = file_->Read(size, IOOptions(), &read, to, nullptr);
    if (!status_.ok()) return 0;
    if (read.data() != to) std::memmove(to, read.data(), read.size());
    return read.size();
  }

  std::unique_ptr<FSSequentialFile> file_;
  IOStatus status_;
  std::uint64_t size_ = 0;
  std::string record_;
  LogRecords records_{[this](char* to, std::size_t size) { return read(to, size); }};
};

}  // namespace

std::unique_ptr<FSSequentialFile> joined_file(std::unique_ptr<FSSequentialFile> file,
                                              std::uint64_t most, std::string tail) {
  return std::make_unique<JoinedFile>(std::move(file), most, std::move(tail));
}

std::unique_ptr<FSSequentialFile> mended_log(std::unique_ptr<FSSequentialFile> file) {
  return std::make_unique<MendedLog>(std::move(file));
}

}  // namespace callisto::kv
