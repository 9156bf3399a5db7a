#include "engine/rocksdb/upkeep.h"

#include <rocksdb/cache.h>
#if __has_include(<rocksdb/advanced_cache.h>)  // 8.1 and later
#include <rocksdb/advanced_cache.h>
#endif
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/experimental.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/file_system.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/limits.h"
#include "engine/rocksdb/activity.h"
#include "engine/rocksdb/block_counters.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/direct_reads.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/watermark.h"

namespace callisto::kv {
namespace {

/// An erased range with this much in table files is worth a hint.
constexpr std::uint64_t kHintBytes = 4ULL << 20;

Family family_at(std::size_t i) { return static_cast<Family>(i); }

/// The error of a change that failed; shuts the gate. What was refused because the gate had just
/// shut is told with the failure that did it.
Error change_failed(Database& database, const rocksdb::Status& status, std::string_view what) {
  database.gate().shut(to_error(status, what));
  return *database.gate().health().failure;
}

Result<void> check(const Limits* limits) {
  return limits == nullptr ? Result<void>{} : limits->check();
}

/// Before 9.0 it had to be said that others may still forbid it.
template <class Db>
void allow_file_deletions(Db& db) {
  if constexpr (requires { db.EnableFileDeletions(false); }) {
    db.EnableFileDeletions(/*force=*/false).PermitUncheckedError();
  } else {
    db.EnableFileDeletions().PermitUncheckedError();
  }
}

/// Table files that are listed stay where they are meanwhile. A follower cannot keep its writer
/// from removing them.
class FilesStay {
 public:
  explicit FilesStay(rocksdb::DB& db) : db_(db), is_on_(db.DisableFileDeletions().ok()) {}
  ~FilesStay() {
    if (is_on_) allow_file_deletions(db_);
  }
  FilesStay(const FilesStay&) = delete;
  FilesStay& operator=(const FilesStay&) = delete;

 private:
  rocksdb::DB& db_;
  const bool is_on_;
};

/// A table file as it is read to be checked.
class FileCheck {
 public:
  FileCheck(rocksdb::DB& db, const rocksdb::LiveFileMetaData& file, const Limits* limits)
      : db_(db), file_(file), path_(file.db_path + file.name), limits_(limits) {}

  /// The whole against what the manifest says, then its blocks against what they say.
  Result<void> run() {
    if (auto whole = check_whole(); !whole) return whole;
    rocksdb::Options options;
    options.env = db_.GetEnv();
    return answer(rocksdb::VerifySstFileChecksum(options, {}, rocksdb::ReadOptions(), path_));
  }

  bool is_gone() const noexcept { return is_gone_; }

 private:
  static constexpr std::size_t kChunkBytes = 1u << 20;

  Result<void> check_whole() {
    const auto factory = rocksdb::GetFileChecksumGenCrc32cFactory();
    const auto sum = factory->CreateFileChecksumGenerator({file_.name, ""});
    if (file_.file_checksum_func_name != sum->Name()) return {};  // made without one
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    rocksdb::Status status =
        db_.GetFileSystem()->NewSequentialFile(path_, rocksdb::FileOptions(), &file, nullptr);
    std::string buffer(kChunkBytes, '\0');
    rocksdb::Slice chunk("x");
    while (status.ok() && !chunk.empty()) {
      if (auto within = check(limits_); !within) return within;
      status = file->Read(kChunkBytes, rocksdb::IOOptions(), &chunk, buffer.data(), nullptr);
      if (status.ok()) sum->Update(chunk.data(), chunk.size());
    }
    if (!status.ok()) return answer(status);
    sum->Finalize();
    const bool is_right = sum->GetChecksum() == file_.file_checksum;
    return answer(is_right ? rocksdb::Status::OK()
                           : rocksdb::Status::Corruption("another checksum than the manifest's"));
  }

  Result<void> answer(const rocksdb::Status& status) {
    if (status.ok()) return {};
    if (status.IsPathNotFound()) is_gone_ = true;
    const bool is_default = file_.column_family_name == rocksdb::kDefaultColumnFamilyName;
    const std::string family =
        is_default ? std::string(to_string(Family::system)) : file_.column_family_name;
    return to_error(status, "table file " + file_.name.substr(1) + " of " + family);
  }

  rocksdb::DB& db_;
  const rocksdb::LiveFileMetaData& file_;
  const std::string path_;
  const Limits* const limits_;
  bool is_gone_ = false;
};

std::uint64_t bytes_of_files(const Database& database) {
  std::vector<rocksdb::Env::FileAttributes> files;
  if (!database.db().GetEnv()->GetChildrenFileAttributes(database.path(), &files).ok()) return 0;
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.size_bytes;
  return bytes;
}

void hint_compaction(Database& database, Family family, const rocksdb::Slice& lower,
                     const rocksdb::Slice& upper) {
  const rocksdb::Range range(lower, upper);
  std::uint64_t bytes = 0;
  rocksdb::SizeApproximationOptions options;
  const auto status =
      database.db().GetApproximateSizes(options, database.handle(family), &range, 1, &bytes);
  if (!status.ok() || bytes < kHintBytes) return;
  // The tombstone has to be in a table file before a compaction can use it. Both are only hints: a
  // failure is told by the gate or by the next call.
  rocksdb::FlushOptions flush;
  flush.wait = false;
  database.db().Flush(flush, database.handle(family)).PermitUncheckedError();
  rocksdb::experimental::SuggestCompactRange(&database.db(), database.handle(family), &lower,
                                             &upper)
      .PermitUncheckedError();
}

}  // namespace

Result<void> sync_log(Database& database) {
  const std::lock_guard lock(database.write_mutex());
  if (!database.gate().is_open()) return database.gate().refusal();
  if (database.in_memory()) return {};
  const rocksdb::Status status = database.db().SyncWAL();
  if (!status.ok()) return change_failed(database, status, "sync");
  // A log file that is not the newest fails silently: GuardedFileSystem.
  if (!database.gate().is_open()) return *database.gate().health().failure;
  database.note_commits(true);
  // The commits are safe without it.
  ignore_error(database.watermark()->sync(), "health() tells it");
  return {};
}

Result<void> erase_keys(Database& database, Family family, std::string_view lower,
                        std::string_view upper) {
  if (lower.empty() || upper.empty()) {
    return Error(Code::invalid_argument, "range", "both ends, not empty");
  }
  if (lower >= upper) return {};
  const rocksdb::Slice lower_key(lower);
  const rocksdb::Slice upper_key(upper);
  {
    const std::lock_guard lock(database.write_mutex());
    if (!database.gate().is_open()) return database.gate().refusal();
    database.direct()->begin_change(family);
    const rocksdb::Status status = database.db().DeleteRange(
        write_options(Durability::buffered), database.handle(family), lower_key, upper_key);
    database.direct()->end_change(family, database.db().GetLatestSequenceNumber());
    if (!status.ok()) return change_failed(database, status, "erase of a range");
    database.note_commits(false);
  }
  hint_compaction(database, family, lower_key, upper_key);
  return {};
}

Result<void> flush_memtables(Database& database, const Limits* limits) {
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    if (auto within = check(limits); !within) return within;
    if (!database.gate().is_open()) return database.gate().refusal();
    rocksdb::FlushOptions options;
    options.allow_write_stall = true;
    const rocksdb::Status status = database.db().Flush(options, database.handle(family_at(i)));
    if (!status.ok()) return change_failed(database, status, "flush");
  }
  return {};
}

Result<void> compact_all(Database& database, const Limits* limits) {
  std::atomic<bool> is_stopped{false};
  const auto stop = [&is_stopped] { is_stopped.store(true); };
  const std::stop_callback on_cancel(limits ? limits->cancel() : std::stop_token(), stop);
  const std::stop_callback on_other(limits ? limits->other() : std::stop_token(), stop);
  if (auto flushed = flush_memtables(database, limits); !flushed) return flushed;
  rocksdb::CompactRangeOptions options;
  options.canceled = &is_stopped;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    if (!database.gate().is_open()) return database.gate().refusal();
    const rocksdb::Status status =
        database.db().CompactRange(options, database.handle(family_at(i)), nullptr, nullptr);
    const bool is_cut_off = status.IsIncomplete() && is_stopped.load();
    if (!status.ok() && !is_cut_off) return change_failed(database, status, "compaction");
    if (auto within = check(limits); !within) return within;
  }
  return {};
}

Result<void> verify_files(Database& database, const Limits* limits) {
  const FilesStay stay(database.db());
  std::vector<rocksdb::LiveFileMetaData> files;
  database.db().GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (auto within = check(limits); !within) return within;
    FileCheck file_check(database.db(), file, limits);
    auto checked = file_check.run();
    if (checked) continue;
    if (!database.is_follower() || !file_check.is_gone()) return checked;
    return Error(Code::busy, "the writer removed files that were to be checked: refresh first");
  }
  return {};
}

std::uint64_t approximate_range_bytes(const Database& database, Family family,
                                      std::string_view lower, std::string_view upper) {
  if (lower >= upper) return 0;
  const rocksdb::Slice lower_key(lower);
  const rocksdb::Slice upper_key(upper);
  const rocksdb::Range range(lower_key, upper_key);
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  std::uint64_t bytes = 0;
  const auto status =
      database.db().GetApproximateSizes(options, database.handle(family), &range, 1, &bytes);
  return status.ok() ? bytes : 0;
}

EngineStats database_stats(const Database& database) {
  EngineStats stats;
  stats.disk_bytes = bytes_of_files(database);
  stats.memtable_bytes = database.write_buffers().memory_usage();
  stats.block_cache_bytes = database.cache()->GetUsage();
  stats.disk = database.activity() != nullptr ? database.activity()->read(database.db())
                                              : DiskActivity::files_of(database.db());
  if (const DirectReads* const direct = database.direct()) {
    stats.disk.direct_reads = direct->reads();
    stats.disk.direct_index_bytes = direct->index_bytes();
    stats.direct_blocks = direct->block_stats();
  }
  stats.block_cache.bytes = stats.block_cache_bytes;
  if (const BlockCounters* const blocks = database.block_counters()) {
    stats.block_cache.hits = blocks->getTickerCount(rocksdb::BLOCK_CACHE_HIT);
    stats.block_cache.misses = blocks->getTickerCount(rocksdb::BLOCK_CACHE_MISS);
  }
  return stats;
}

}  // namespace callisto::kv
