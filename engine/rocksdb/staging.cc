#include "engine/rocksdb/staging.h"

#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

#include <utility>
#include <vector>

#include "engine/rocksdb/database.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {
namespace {

using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr const char* kWork = "bulk load";

/// A full disk is refused and leaves the store as it is; any other failure is a disk that fails.
Error staging_failed(Database& database, const IOStatus& status) {
  Error error = to_error(status, kWork);
  if (error.code() != Code::no_space) database.gate().shut(error);
  return error;
}

class RocksStagedFile final : public StagedFile {
 public:
  RocksStagedFile(Database& database, const RocksStaging::Admit& admit, std::string path,
                  std::unique_ptr<rocksdb::FSWritableFile> file)
      : database_(database), admit_(admit), path_(std::move(path)), writer_(std::move(file)) {}

  ~RocksStagedFile() override {
    writer_.reset();
    reader_.reset();
    database_.db().GetFileSystem()->DeleteFile(path_, IOOptions(), nullptr).PermitUncheckedError();
  }

  Result<void> append(std::string_view bytes) override {
    if (auto admitted = admit_(bytes.size()); !admitted) return admitted;
    return checked(writer_->Append(rocksdb::Slice(bytes), IOOptions(), nullptr));
  }

  Result<void> finish() override {
    IOStatus status = writer_->Close(IOOptions(), nullptr);
    writer_.reset();
    if (status.ok()) {
      status = database_.db().GetFileSystem()->NewRandomAccessFile(
          path_, rocksdb::FileOptions(database_.db().GetDBOptions()), &reader_, nullptr);
    }
    return checked(status);
  }

  Result<void> read(std::uint64_t offset, std::span<char> out) override {
    while (!out.empty()) {
      rocksdb::Slice got;
      const IOStatus status =
          reader_->Read(offset, out.size(), IOOptions(), &got, out.data(), nullptr);
      if (!status.ok()) return to_error(status, kWork);
      if (got.empty()) return Error(Code::corruption, "a file of the bulk load is cut");
      if (got.data() != out.data()) got.ToStringView().copy(out.data(), got.size());
      offset += got.size();
      out = out.subspan(got.size());
    }
    return {};
  }

 private:
  Result<void> checked(const IOStatus& status) {
    if (status.ok()) return {};
    return staging_failed(database_, status);
  }

  Database& database_;
  const RocksStaging::Admit& admit_;
  const std::string path_;
  std::unique_ptr<rocksdb::FSWritableFile> writer_;
  std::unique_ptr<rocksdb::FSRandomAccessFile> reader_;
};

}  // namespace

IOStatus StagingFolder::enter(rocksdb::FileSystem& files) {
  const std::lock_guard lock(mutex_);
  IOStatus status;
  if (loads_ == 0) status = files.CreateDirIfMissing(path_, IOOptions(), nullptr);
  if (status.ok()) ++loads_;
  return status;
}

void StagingFolder::leave(rocksdb::FileSystem& files) noexcept {
  const std::lock_guard lock(mutex_);
  if (--loads_ > 0) return;
  // Where it stays, behind a disk that failed, the next opening removes it.
  files.DeleteDir(path_, IOOptions(), nullptr).PermitUncheckedError();
}

Result<void> StagingFolder::clear(rocksdb::FileSystem& files) {
  if (!files.FileExists(path_, IOOptions(), nullptr).ok()) return {};
  std::vector<std::string> names;
  IOStatus status = files.GetChildren(path_, IOOptions(), &names, nullptr);
  for (const std::string& name : names) {
    if (!status.ok()) break;
    if (name == "." || name == "..") continue;
    status = files.DeleteFile(path_ + "/" + name, IOOptions(), nullptr);
  }
  if (status.ok()) status = files.DeleteDir(path_, IOOptions(), nullptr);
  if (!status.ok()) return to_error(status, "what a bulk load left");
  return {};
}

std::string StagingFolder::next_path(const char* suffix) {
  return path_ + "/" + std::to_string(next_.fetch_add(1, std::memory_order_relaxed)) + suffix;
}

RocksStaging::RocksStaging(std::shared_ptr<Database> database, Admit admit)
    : database_(std::move(database)), admit_(std::move(admit)) {}

Result<std::unique_ptr<RocksStaging>> RocksStaging::open(std::shared_ptr<Database> database,
                                                         Admit admit) {
  const rocksdb::IOStatus status = database->staging().enter(*database->db().GetFileSystem());
  if (!status.ok()) return staging_failed(*database, status);
  return std::unique_ptr<RocksStaging>(new RocksStaging(std::move(database), std::move(admit)));
}

RocksStaging::~RocksStaging() { database_->staging().leave(*database_->db().GetFileSystem()); }

Result<std::unique_ptr<StagedFile>> RocksStaging::make_file() {
  std::string path = database_->staging().next_path(".run");
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const IOStatus status = database_->db().GetFileSystem()->NewWritableFile(
      path, rocksdb::FileOptions(database_->db().GetDBOptions()), &file, nullptr);
  if (!status.ok()) return staging_failed(*database_, status);
  return std::unique_ptr<StagedFile>(
      std::make_unique<RocksStagedFile>(*database_, admit_, std::move(path), std::move(file)));
}

}  // namespace callisto::kv
