#pragma once

// Readers and stores under the limits of one call. What reads through them gives up in the middle
// of a scan without having to know of limits.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/kv.h"
#include "engine/limits.h"

namespace callisto::kv {

/// A reader that answers `cancelled` or `deadline_exceeded` once its limits are passed: looked at
/// before the first read and in every 64th; cursors count for themselves. As thread-safe as a
/// transaction: one thread at a time.
class LimitedReader final : public Snapshot {
 public:
  /// Both must outlive it.
  LimitedReader(Reader& base, const Limits& limits) noexcept
      : base_(base), limits_(limits), sampled_(limits) {}
  LimitedReader(std::unique_ptr<Reader> base, const Limits& limits) noexcept
      : own_(std::move(base)), base_(*own_), limits_(limits), sampled_(limits) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override;
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override;
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override;
  Version version() const override { return base_.version(); }
  Result<Bytes> get_row(Family family, std::string_view key, RowCheck check) override;
  Result<void> get_rows(Family family, std::span<const std::string> keys, RowCheck check,
                        std::span<Bytes> rows, std::span<const HintRef> hints,
                        std::size_t place) override;
  bool peek(const ListEntry* entry, std::size_t place, Bytes& row) override {
    return base_.peek(entry, place, row);
  }

 private:
  std::unique_ptr<Reader> own_{};
  Reader& base_;
  const Limits& limits_;
  SampledLimits sampled_;
};

/// A transaction whose reads are limited so; what it writes is the base's. Both must outlive it.
class LimitedTransaction final : public Transaction {
 public:
  LimitedTransaction(Transaction& base, const Limits& limits) noexcept
      : base_(base), reader_(base, limits), sampled_(limits) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override {
    return reader_.get(family, key, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return reader_.multi_get(family, keys, each);
  }
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override {
    return reader_.scan(family, bounds);
  }
  Version version() const override { return base_.version(); }
  Result<bool> get_for_update(Family family, std::string_view key, Value& value) override {
    if (auto checked = sampled_.check(); !checked) return std::move(checked).error();
    return base_.get_for_update(family, key, value);
  }
  void guard(Family family, std::string_view key) override { base_.guard(family, key); }
  void touch(Family family, std::string_view key) override { base_.touch(family, key); }
  Result<void> put(Family family, std::string_view key, std::string_view value) override {
    return base_.put(family, key, value);
  }
  Result<void> erase(Family family, std::string_view key) override {
    return base_.erase(family, key);
  }
  Result<void> add(const CounterDelta& delta) override { return base_.add(delta); }
  std::size_t savepoint() const override { return base_.savepoint(); }
  void rollback_to(std::size_t savepoint) override { base_.rollback_to(savepoint); }
  std::size_t size_bytes() const override { return base_.size_bytes(); }
  std::size_t key_count() const override { return base_.key_count(); }
  bool has_writes() const override { return base_.has_writes(); }

 private:
  Transaction& base_;
  LimitedReader reader_;
  SampledLimits sampled_;
};

/// A store whose snapshots and transactions are under one call's limits; the rest is as it was.
/// Both must outlive it. Reads through snapshot() and run() only are limited.
class LimitedStore final : public Store {
 public:
  LimitedStore(Store& base, const Limits& limits) noexcept : base_(base), limits_(limits) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override {
    return base_.get(family, key, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return base_.multi_get(family, keys, each);
  }
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override {
    return base_.scan(family, bounds);
  }
  Version version() const override { return base_.version(); }

  std::unique_ptr<Snapshot> snapshot() override {
    return std::make_unique<LimitedReader>(base_.snapshot(), limits_);
  }
  Result<Version> apply(const Batch& batch, Durability durability) override {
    return base_.apply(batch, durability);
  }
  Result<Version> run(const RunOptions& options,
                      const std::function<Result<void>(Transaction&)>& function) override {
    RunOptions limited = options;
    limited.limits = &limits_;
    return base_.run(limited, function);
  }
  Result<void> erase_range(Family family, std::string_view lower, std::string_view upper) override {
    return base_.erase_range(family, lower, upper);
  }
  Result<std::unique_ptr<Staging>> stage() override;
  Result<Version> bulk_load(const LoadRequest& request) override;
  bool sole_writer() const override { return base_.sole_writer(); }
  std::optional<Version> committed_version(Family family, std::string_view key) const override {
    return base_.committed_version(family, key);
  }
  bool attach(StateCache& cache) override { return base_.attach(cache); }
  EngineHealth health() const override { return base_.health(); }
  EngineStats stats() const override { return base_.stats(); }
  std::uint64_t approximate_bytes(Family family, std::string_view lower,
                                  std::string_view upper) override {
    return base_.approximate_bytes(family, lower, upper);
  }
  Result<void> sync() override { return base_.sync(); }
  Result<void> compact(const Limits* limits) override {
    return base_.compact(limits != nullptr ? limits : &limits_);
  }
  Result<void> verify_checksums(const Limits* limits) override {
    return base_.verify_checksums(limits != nullptr ? limits : &limits_);
  }
  Result<void> refresh() override { return base_.refresh(); }
  Result<void> close() override { return base_.close(); }

 private:
  Store& base_;
  const Limits& limits_;
};

}  // namespace callisto::kv
