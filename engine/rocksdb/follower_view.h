#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "callisto/result.h"
#include "engine/rocksdb/manifest_choice.h"
#include "engine/rocksdb/options.h"
#include "engine/rocksdb/salvage_plan.h"

namespace callisto {
class Environment;
}

namespace callisto::kv {

class Database;

/// Gets a follower's database to a whole state of the writer's. RocksDB 7.8.3's secondary instance
/// does not do so by itself beside a writer that flushes (DBImplSecondary::TryCatchUpWithPrimary):
///  - it reads the manifest first and the log files then. A log file that the writer removes in
///    between, after its contents went to table files that the manifest as read does not know,
///    leaves a hole, and nothing is said;
///  - a memtable that it filled from a log file stays when the writer flushes the same, and shadows
///    what the table files have newer.
/// A log file goes only after the manifest has changed. So RocksDB is shown the log files only when
/// the manifest, looked at after they were listed, is still as it was before it was read. And once
/// an instance has read log files it is moved only as long as the manifest stays the same;
/// afterwards another one is opened. Blocks that are cached serve all of them.
class FollowerView {
 public:
  /// `path` is the store's directory. `environment` must outlive it. With `salvages` it opens what
  /// is left of a damaged store.
  FollowerView(std::string path, bool salvages, const MemoryPlan& plan, Environment& environment);

  /// A database at the writer's present state.
  Result<std::shared_ptr<Database>> open();
  /// Moves a database that open() gave, or replaces it. After an error it is as it was where
  /// `keeps_state` is true; else it must not be read any more. `keeps_state` comes in true unless
  /// that was so before.
  Result<void> move(std::shared_ptr<Database>& database, bool& keeps_state);

  /// What the last opening gave up, as SalvagePlan::losses.
  const std::vector<std::string>& losses() const noexcept { return salvage_.losses; }

 private:
  /// As it is there, or as the salvage has it.
  std::optional<ManifestState> manifest_now() const;
  /// False when the manifest changed before the log files could be shown.
  Result<bool> catch_up(Database& database, const ManifestState& manifest) const;
  /// A secondary instance goes back to an older state, silently, where a table file cannot be used.
  Result<void> check_state(Database& database) const;
  Result<std::shared_ptr<Database>> open_once();

  const std::string path_;
  const bool salvages_;
  const MemoryPlan plan_;
  Environment& environment_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
  /// What the database stands on that open() gave last.
  std::optional<ManifestState> manifest_;
  SalvagePlan salvage_;
};

}  // namespace callisto::kv
