#pragma once

#include <rocksdb/listener.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "callisto/stats.h"

namespace rocksdb {
class DB;
}

namespace callisto::kv {

/// What a database does with its files, counted since it was opened: flushes, compactions and
/// stalls as RocksDB tells of them, reads and log writes as the file system sees them. Thread-safe.
class DiskActivity final : public rocksdb::EventListener {
 public:
  /// Read bytes of one table file, shared by all that have it open.
  using Counter = std::shared_ptr<std::atomic<std::uint64_t>>;

  // Of CountingFileSystem.
  Counter reads_of(std::uint64_t table_file);
  void forget(std::uint64_t table_file);
  void log_written(std::uint64_t bytes) noexcept {
    log_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void log_synced() noexcept { log_syncs_.fetch_add(1, std::memory_order_relaxed); }

  void OnTableFileCreated(const rocksdb::TableFileCreationInfo& info) override;
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& info) override;
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override;

  /// With what `db` says of itself: files by level, what was committed, how long writers waited.
  DiskStats read(rocksdb::DB& db) const;
  /// Files and bytes by level only.
  static DiskStats files_of(rocksdb::DB& db);

 private:
  static constexpr std::size_t kLevels = 16;  ///< RocksDB's default has 7.

  std::atomic<std::uint64_t> log_bytes_{0};
  std::atomic<std::uint64_t> log_syncs_{0};
  std::atomic<std::uint64_t> slowdowns_{0};
  std::atomic<std::uint64_t> stops_{0};

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<std::uint64_t, Counter> reads_;
  /// Reads of files that compactions took away, by the level where they lay.
  std::array<std::uint64_t, kLevels> past_reads_{};
  std::array<std::uint64_t, kLevels> written_{};
  DiskStats sums_;
};

}  // namespace callisto::kv
