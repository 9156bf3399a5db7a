#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/kv.h"
#include "engine/write_set.h"

namespace callisto::kv {

class Committer;
class QueueLocks;
class RightOfWay;

/// A transaction over any reader of a fixed state: reads are the reader's, seen through the pending
/// writes; conflict checks are the committer's. What get() finds among the own writes is copied
/// into the Value. Adds are not seen before the commit.
class OptimisticTransaction final : public Transaction {
 public:
  /// `base` must outlive it.
  explicit OptimisticTransaction(Reader& base) : base_(&base) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override;
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override;
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override;
  Version version() const override { return base_->version(); }
  Result<Bytes> get_row(Family family, std::string_view key, RowCheck check) override;
  Result<void> get_rows(Family family, std::span<const std::string> keys, RowCheck check,
                        std::span<Bytes> rows, std::span<const HintRef> hints,
                        std::size_t place) override;
  bool peek(const ListEntry* entry, std::size_t place, Bytes& row) override;

  Result<bool> get_for_update(Family family, std::string_view key, Value& value) override;
  void guard(Family family, std::string_view key) override;
  void touch(Family family, std::string_view key) override { writes_.touch(family, key); }
  Result<void> put(Family family, std::string_view key, std::string_view value) override;
  Result<void> erase(Family family, std::string_view key) override;
  Result<void> add(const CounterDelta& delta) override { return writes_.add(delta); }

  std::size_t savepoint() const override { return writes_.savepoint(); }
  void rollback_to(std::size_t savepoint) override { writes_.rollback_to(savepoint); }
  std::size_t size_bytes() const override { return writes_.size_bytes(); }
  std::size_t key_count() const override { return writes_.key_count(); }
  bool has_writes() const override { return !writes_.empty(); }

  /// Begins anew at another state, with nothing written; keeps memory.
  void restart(Reader& base);
  const WriteSet& writes() const noexcept { return writes_; }
  /// hash_key() of what was read for update or guarded.
  const std::vector<std::uint64_t>& guards() const noexcept { return guards_; }

 private:
  Reader* base_;
  WriteSet writes_;
  std::vector<std::uint64_t> guards_;
};

/// What run_transaction stands on.
struct RunContext {
  /// A new reader of the latest state that stays as it is; an error ends the run.
  std::function<Result<std::unique_ptr<Reader>>()> snapshot;
  Committer& committer;
  QueueLocks& queue_locks;
  RightOfWay& right_of_way;
  Environment& environment;
};

/// Store::run for an engine whose commits go through a Committer. A run that writes and touches
/// nothing checks nothing and answers its snapshot's version.
Result<Version> run_transaction(const RunContext& context, const RunOptions& options,
                                const std::function<Result<void>(Transaction&)>& function);

}  // namespace callisto::kv
