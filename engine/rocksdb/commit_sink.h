#pragma once

#include <rocksdb/write_batch.h>

#include <span>
#include <string_view>

#include "callisto/result.h"
#include "engine/committer.h"
#include "engine/kv.h"

namespace callisto::kv {

class Database;

/// Puts a group of commits into one WriteBatch. The version of a commit is RocksDB's last sequence
/// number after it. A write that RocksDB answers with an error may be there or not after the store
/// is opened anew: unknown_outcome, and the gate shuts.
class RocksCommitSink final : public CommitSink {
 public:
  /// `database` must outlive it.
  explicit RocksCommitSink(Database& database);

  Result<Version> write(std::span<const WriteSet* const> sets, std::span<const CounterRow> rows,
                        Durability durability) override;
  Result<bool> read(std::string_view key, Value& value) override;

 private:
  /// batch_; an exception, too, is an unknown outcome.
  Result<Version> write_batch(Durability durability) noexcept;
  Result<void> fill(std::span<const WriteSet* const> sets, std::span<const CounterRow> rows);

  Database& database_;
  rocksdb::WriteBatch batch_;  ///< Reused; guarded by the database's write mutex.
};

}  // namespace callisto::kv
