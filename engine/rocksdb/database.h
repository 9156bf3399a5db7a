#pragma once

#include <rocksdb/db.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/kv.h"
#include "engine/rocksdb/options.h"
#include "engine/rocksdb/staging.h"
#include "engine/rocksdb/store_directory.h"
#include "engine/rocksdb/write_gate.h"

namespace callisto::kv {

class BlockCounters;
class DirectReads;
class DiskActivity;
class FollowerFileSystem;
struct ThreadPlan;
class Watermark;
struct FilePatch;

/// A state of the database: equal marks, of which neither was taken while a load links its files
/// in, are of one state.
struct StateMark {
  std::uint64_t sequence = 0;
  std::uint64_t loads = 0;
  bool operator==(const StateMark&) const = default;
};

/// An open rocksdb::DB with the families, and everything that must live as long. Readers, snapshots
/// and cursors share it, so that none of them ever touches a database that is gone: the files are
/// closed, and the directory's lock given back, with the last holder.
class Database {
 public:
  /// A writer's database in `directory`; a directory that is not complete is made a store.
  /// data_loss where it lost what was committed, corruption where files of it cannot be used;
  /// nothing is given up then. With `accept_data_loss` it opens with what is left.
  /// `statistics`: reads of files and of the block cache are counted.
  static Result<std::shared_ptr<Database>> open_writer(
      WriterDirectory directory, bool accept_data_loss, const MemoryPlan& plan,
      const ThreadPlan& threads, Environment& environment, const FileHook& hook,
      bool statistics = true);
  /// A writer's database in memory of its own.
  static Result<std::shared_ptr<Database>> open_in_memory(const MemoryPlan& plan,
                                                          const ThreadPlan& threads,
                                                          Environment& environment,
                                                          const FileHook& hook,
                                                          bool statistics = true);
  /// RocksDB's secondary instance on the files in `path`, as the patch has them.
  static Result<std::shared_ptr<Database>> open_follower(
      const std::string& path, const FilePatch& patch, const MemoryPlan& plan,
      Environment& environment, std::shared_ptr<rocksdb::Cache> cache,
      std::shared_ptr<rocksdb::WriteBufferManager> write_buffers);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const noexcept { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) const noexcept {
    return handles_[static_cast<std::size_t>(family)];
  }
  const std::shared_ptr<rocksdb::Cache>& cache() const noexcept { return cache_; }
  const rocksdb::WriteBufferManager& write_buffers() const noexcept { return *write_buffers_; }
  /// Of RocksDB's files.
  const std::string& path() const noexcept { return path_; }
  const MemoryPlan& plan() const noexcept { return plan_; }
  bool in_memory() const noexcept { return memory_env_ != nullptr; }
  bool is_follower() const noexcept { return follower_files_ != nullptr; }
  Environment& environment() const noexcept { return environment_; }

  WriteGate& gate() noexcept { return gate_; }
  const WriteGate& gate() const noexcept { return gate_; }
  /// Null for followers and in memory.
  Watermark* watermark() const noexcept { return watermark_.get(); }
  /// RocksDB's state, as far as commits that returned; `is_synced` where a sync followed.
  void note_commits(bool is_synced);
  /// Held around everything that writes to the log: RocksDB must not sync a log file while another
  /// thread writes to it, since a failed sync would end the process in that thread's write.
  std::mutex& write_mutex() noexcept { return write_mutex_; }

  /// Tells states apart that were not changed in between.
  StateMark state_mark() const { return {db_->GetLatestSequenceNumber(), loads_.load()}; }
  /// Rises when a load begins, and when it ends.
  std::uint64_t loads() const noexcept { return loads_.load(); }
  /// The state now, which stays as it is: never that of the middle of a load.
  const rocksdb::Snapshot* take_snapshot() const;
  /// Links table files in, as a change that no snapshot of before shows. Requires write_mutex().
  rocksdb::Status ingest(const std::vector<rocksdb::IngestExternalFileArg>& files);
  StagingFolder& staging() noexcept { return staging_; }

  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// From now on reads of snapshots answer `closed`.
  void begin_close() noexcept { closed_.store(true, std::memory_order_release); }
  static Error closed_error() { return Error(Code::closed, "the store is closed"); }

  /// Null for followers.
  DirectReads* direct() const noexcept { return direct_.get(); }
  /// Null for followers.
  const DiskActivity* activity() const noexcept { return activity_.get(); }
  /// Null where they are not counted.
  const BlockCounters* block_counters() const noexcept { return block_counters_.get(); }

  /// Followers only.
  FollowerFileSystem& follower_files() const noexcept { return *follower_files_; }

 private:
  Database(Environment& environment, const MemoryPlan& plan, std::string path,
           std::shared_ptr<rocksdb::Cache> cache,
           std::shared_ptr<rocksdb::WriteBufferManager> write_buffers);
  /// Of a writer: what it stands on, above `target`.
  std::shared_ptr<rocksdb::FileSystem> writer_files(std::shared_ptr<rocksdb::FileSystem> target,
                                                    const FileHook& hook, bool statistics);
  OptionParts parts() const;
  std::vector<rocksdb::ColumnFamilyDescriptor> families() const;
  /// That each table file of level 0 can be opened.
  Result<void> check_level_0() const;
  Result<void> open_db(const rocksdb::DBOptions& options,
                       const std::vector<rocksdb::ColumnFamilyDescriptor>& families);
  Result<void> create_db(const rocksdb::DBOptions& options,
                         const std::vector<rocksdb::ColumnFamilyDescriptor>& families);
  /// Makes or opens the watermark, after what a salvage does.
  Result<void> watch(bool accept_data_loss, const FileHook& hook);
  Result<void> open_watched(const rocksdb::DBOptions& options,
                            const std::vector<rocksdb::ColumnFamilyDescriptor>& families);
  Result<void> finish_opening(const FileHook& hook);
  void keep(const std::vector<rocksdb::ColumnFamilyHandle*>& handles);

  Environment& environment_;
  const MemoryPlan plan_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
  WriterDirectory directory_;  ///< Its lock goes last.
  const std::string path_;     ///< RocksDB's.
  WriteGate gate_;
  std::mutex write_mutex_;
  std::atomic<bool> closed_{false};
  std::shared_ptr<DiskActivity> activity_;
  std::shared_ptr<BlockCounters> block_counters_;
  std::shared_ptr<DirectReads> direct_;
  StagingFolder staging_;
  mutable std::mutex load_mutex_;        ///< Held while files are linked in.
  std::atomic<std::uint64_t> loads_{0};  ///< Odd while files are linked in.

  std::unique_ptr<Watermark> watermark_;
  std::unique_ptr<rocksdb::Env> memory_env_;
  std::shared_ptr<FollowerFileSystem> follower_files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<rocksdb::Logger> info_log_;
  std::shared_ptr<rocksdb::EventListener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_{};
};

}  // namespace callisto::kv
