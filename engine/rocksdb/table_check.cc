#include "engine/rocksdb/table_check.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/metadata.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "engine/rocksdb/follower_file_system.h"
#include "engine/rocksdb/info_log.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {
namespace {

/// A database that is opened to look at its files. The log files are not shown, so that none is
/// replayed.
class LookedAt {
 public:
  LookedAt(const FilePatch& patch, const MemoryPlan& plan, Environment& environment)
      : plan_(plan),
        cache_(make_cache(plan.cache_bytes)),
        write_buffers_(make_write_buffers(plan)),
        info_log_(std::make_shared<InfoLog>(environment)),
        env_(rocksdb::NewCompositeEnv(
            std::make_shared<FollowerFileSystem>(rocksdb::FileSystem::Default(), patch))) {}
  LookedAt(const LookedAt&) = delete;
  LookedAt& operator=(const LookedAt&) = delete;
  ~LookedAt() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) delete handle;
  }

  /// Not `strict`: also where table files are missing or damaged. It must not be read then: scans
  /// of RocksDB end at a missing file as if nothing were behind it.
  rocksdb::Status open(const std::string& path, bool strict, int open_files = -1) {
    const OptionParts parts{
        .env = env_.get(), .info_log = info_log_, .cache = cache_, .write_buffers = write_buffers_};
    rocksdb::DBOptions options = follower_options(parts);
    options.max_open_files = open_files;
    options.paranoid_checks = strict;
    options.skip_checking_sst_file_sizes_on_db_open = !strict;
    options.verify_sst_unique_id_in_manifest = strict;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
        options, path, family_descriptors(plan_, parts), &handles_, &db);
    db_.reset(db);
    return status;
  }
  rocksdb::DB& db() { return *db_; }
  const std::vector<rocksdb::ColumnFamilyHandle*>& handles() const { return handles_; }

 private:
  const MemoryPlan plan_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
  const std::shared_ptr<rocksdb::Logger> info_log_;
  const std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

/// A disk that cannot read a sector says so by an IOError, as does a process that may open no more
/// files.
bool is_fault_of_file(const rocksdb::Status& status) {
  return !status.IsIOError() || status.IsPathNotFound() ||
         status.ToString().find("Input/output error") != std::string::npos;
}

/// What RocksDB says of the file's first `file.bytes` bytes: it finds a table's parts from its end.
rocksdb::Status open_cut(rocksdb::Options options, const std::string& path, const TableFile& file) {
  FilePatch patch;
  patch.table_bytes[file.name] = file.bytes;
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(
      std::make_shared<FollowerFileSystem>(rocksdb::FileSystem::Default(), std::move(patch)));
  options.env = env.get();
  return rocksdb::SstFileReader(options).Open(path);
}

/// Tells the file what is wrong with it.
Result<void> try_file(const rocksdb::Options& options, const std::string& path, TableFile& file) {
  std::error_code failure;
  const std::uint64_t there = std::filesystem::file_size(path, failure);
  if (failure == std::errc::no_such_file_or_directory) {
    file.damage = "is missing";
    return {};
  }
  if (failure) return errno_error(failure.value(), "cannot look at " + path);
  const std::string sizes =
      "has " + std::to_string(there) + " of " + std::to_string(file.bytes) + " bytes";
  if (there < file.bytes) {
    file.damage = sizes;
    return {};
  }
  const rocksdb::Status status = open_cut(options, path, file);
  if (status.ok()) {
    file.surplus_bytes = there - file.bytes;
    return {};
  }
  Error error = to_error(status, "cannot be opened");
  if (!is_fault_of_file(status)) return error;
  file.damage = there == file.bytes ? error.message() : sizes + " and " + error.message();
  return {};
}

}  // namespace

Result<void> check_tables(const std::string& path, const FilePatch& patch, const MemoryPlan& plan,
                          Environment& environment) {
  LookedAt database(patch, plan, environment);
  const rocksdb::Status status = database.open(path, true);
  if (status.ok()) return {};
  return open_error(status, true);
}

std::vector<std::uint64_t> table_numbers(rocksdb::DB& db) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  std::vector<std::uint64_t> numbers;
  for (const rocksdb::LiveFileMetaData& file : files) numbers.push_back(file.file_number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<std::vector<std::uint64_t>> table_numbers(const std::string& path, const MemoryPlan& plan,
                                                 Environment& environment) {
  // With few open files RocksDB opens next to none by itself.
  constexpr int kFewFiles = 20;
  LookedAt database({}, plan, environment);
  const rocksdb::Status status = database.open(path, false, kFewFiles);
  if (!status.ok()) return open_error(status, true);
  return table_numbers(database.db());
}

Result<std::vector<TableFile>> list_tables(const std::string& path, const FilePatch& patch,
                                           const MemoryPlan& plan, Environment& environment) {
  LookedAt database(patch, plan, environment);
  const rocksdb::Status status = database.open(path, false);
  if (!status.ok()) return open_error(status, true);
  std::vector<TableFile> files;
  for (rocksdb::ColumnFamilyHandle* const handle : database.handles()) {
    rocksdb::ColumnFamilyMetaData family;
    database.db().GetColumnFamilyMetaData(handle, &family);
    const rocksdb::Options options = database.db().GetOptions(handle);
    for (const rocksdb::LevelMetaData& level : family.levels) {
      for (const rocksdb::SstFileMetaData& file : level.files) {
        const std::string name = file.name.substr(file.name.rfind('/') + 1);
        files.push_back({.name = name,
                         .family = family_of_name(family.name),
                         .family_id = handle->GetID(),
                         .number = file.file_number,
                         .level = level.level,
                         .largest_sequence = file.largest_seqno,
                         .smallest_key = file.smallestkey,
                         .largest_key = file.largestkey,
                         .bytes = file.size});
        auto tried = try_file(options, path + "/" + name, files.back());
        if (!tried) return std::move(tried).error();
      }
    }
  }
  return files;
}

}  // namespace callisto::kv
