#include "engine/rocksdb/activity.h"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

namespace callisto::kv {
namespace {

std::uint64_t number_of(const std::map<std::string, std::string>& properties, const char* name) {
  const auto found = properties.find(name);
  if (found == properties.end()) return 0;
  std::uint64_t number = 0;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

LevelStats& level_of(DiskStats& stats, std::size_t level) {
  if (stats.levels.size() <= level) stats.levels.resize(level + 1);
  return stats.levels[level];
}

LevelStats& add_file(DiskStats& stats, const rocksdb::LiveFileMetaData& file) {
  LevelStats& level = level_of(stats, static_cast<std::size_t>(file.level));
  ++level.files;
  level.bytes += file.size;
  return level;
}

}  // namespace

DiskActivity::Counter DiskActivity::reads_of(std::uint64_t table_file) {
  const std::lock_guard lock(mutex_);
  Counter& counter = reads_[table_file];
  if (counter == nullptr) counter = std::make_shared<std::atomic<std::uint64_t>>(0);
  return counter;
}

void DiskActivity::forget(std::uint64_t table_file) {
  const std::lock_guard lock(mutex_);
  reads_.erase(table_file);
}

// What a compaction writes is counted at its end, with its level.
void DiskActivity::OnTableFileCreated(const rocksdb::TableFileCreationInfo& info) {
  const bool is_flush = info.reason == rocksdb::TableFileCreationReason::kFlush ||
                        info.reason == rocksdb::TableFileCreationReason::kRecovery;
  if (!is_flush || !info.status.ok() || info.file_size == 0) return;
  const std::lock_guard lock(mutex_);
  ++sums_.flushes;
  sums_.flushed_bytes += info.file_size;
  written_[0] += info.file_size;
}

void DiskActivity::OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) {
  if (!info.status.ok()) return;
  const std::lock_guard lock(mutex_);
  for (const rocksdb::CompactionFileInfo& file : info.input_file_infos) {
    const auto reads = reads_.find(file.file_number);
    if (reads == reads_.end() || static_cast<std::size_t>(file.level) >= kLevels) continue;
    // The file may stay: it may have been moved to the next level as it is.
    past_reads_[static_cast<std::size_t>(file.level)] += reads->second->exchange(0);
  }
  if (info.stats.total_input_bytes == 0) return;  // Files that were moved or dropped.
  ++sums_.compactions;
  sums_.compaction_read_bytes += info.stats.total_input_bytes;
  sums_.compaction_written_bytes += info.stats.total_output_bytes;
  const auto level = static_cast<std::size_t>(std::max(info.output_level, 0));
  if (level < kLevels) written_[level] += info.stats.total_output_bytes;
}

void DiskActivity::OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) {
  if (info.condition.cur == rocksdb::WriteStallCondition::kDelayed) {
    slowdowns_.fetch_add(1, std::memory_order_relaxed);
  } else if (info.condition.cur == rocksdb::WriteStallCondition::kStopped) {
    stops_.fetch_add(1, std::memory_order_relaxed);
  }
}

DiskStats DiskActivity::files_of(rocksdb::DB& db) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  DiskStats stats;
  for (const rocksdb::LiveFileMetaData& file : files) add_file(stats, file);
  return stats;
}

DiskStats DiskActivity::read(rocksdb::DB& db) const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  std::map<std::string, std::string> properties;
  db.GetMapProperty(rocksdb::DB::Properties::kDBStats, &properties);

  const std::lock_guard lock(mutex_);
  DiskStats stats = sums_;
  for (std::size_t level = 0; level < kLevels; ++level) {
    if (past_reads_[level] == 0 && written_[level] == 0) continue;
    LevelStats& of_level = level_of(stats, level);
    of_level.read_bytes = past_reads_[level];
    of_level.written_bytes = written_[level];
  }
  for (const rocksdb::LiveFileMetaData& file : files) {
    LevelStats& of_level = add_file(stats, file);
    const auto reads = reads_.find(file.file_number);
    if (reads != reads_.end())
      of_level.read_bytes += reads->second->load(std::memory_order_relaxed);
  }
  stats.committed_bytes = number_of(properties, "db.user_bytes_written");
  stats.stall_micros = number_of(properties, "db.user_write_stall_micros");
  stats.log_bytes = log_bytes_.load(std::memory_order_relaxed);
  stats.log_syncs = log_syncs_.load(std::memory_order_relaxed);
  stats.slowdowns = slowdowns_.load(std::memory_order_relaxed);
  stats.stops = stops_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace callisto::kv
