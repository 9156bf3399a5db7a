#pragma once

#include <atomic>
#include <memory>

#include "engine/committer.h"
#include "engine/kv.h"
#include "engine/queue_locks.h"
#include "engine/right_of_way.h"
#include "engine/rocksdb/commit_sink.h"
#include "engine/rocksdb/space_guard.h"

namespace callisto::kv {

class Database;

/// The writer's store: RocksDB below the committer. The only one that can commit to its files, so
/// sole_writer() holds.
class RocksStore final : public Store {
 public:
  explicit RocksStore(std::shared_ptr<Database> database);
  ~RocksStore() override;

  Result<bool> get(Family family, std::string_view key, Value& value) override;
  Result<Bytes> get_row(Family family, std::string_view key, RowCheck check) override;
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override;
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override;
  Version version() const override;
  bool get_row_at(Family family, std::string_view key, Version version, Bytes& row) override;
  bool multi_get_at(Family family, std::span<const std::string> keys, Version version,
                    const std::function<void(std::size_t, std::string_view)>& each) override;
  std::unique_ptr<Cursor> scan_at(Family family, const Bounds& bounds, Version version) override;

  std::unique_ptr<Snapshot> snapshot() override;
  Result<Version> apply(const Batch& batch, Durability durability) override;
  Result<Version> run(const RunOptions& options,
                      const std::function<Result<void>(Transaction&)>& function) override;
  Result<void> erase_range(Family family, std::string_view lower, std::string_view upper) override;

  Result<std::unique_ptr<Staging>> stage() override;
  Result<Version> bulk_load(const LoadRequest& request) override;

  bool sole_writer() const override { return true; }
  std::optional<Version> committed_version(Family family, std::string_view key) const override;

  bool attach(StateCache& cache) override;

  EngineHealth health() const override;
  EngineStats stats() const override;
  std::uint64_t approximate_bytes(Family family, std::string_view lower,
                                  std::string_view upper) override;
  Result<void> sync() override;
  Result<void> compact(const Limits* limits) override;
  Result<void> verify_checksums(const Limits* limits) override;
  Result<void> refresh() override;
  Result<void> close() override;

 private:
  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// What keeps the store from writing: closed, unavailable, no_space.
  Result<void> admit_write(std::size_t bytes);
  Result<void> admit_change();

  std::atomic<bool> closed_{false};
  std::shared_ptr<Database> database_;  ///< Null once closed.
  SpaceGuard space_guard_;
  RocksCommitSink sink_;
  Committer committer_;
  QueueLocks queue_locks_;
  RightOfWay right_of_way_;
  StateCache* cache_ = nullptr;
};

}  // namespace callisto::kv
