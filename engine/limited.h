#pragma once

// Readers and stores under the limits of one call. What reads through them gives up in the middle
// of a scan without having to know of limits.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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

 private:
  std::unique_ptr<Reader> own_{};
  Reader& base_;
  const Limits& limits_;
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
  Result<void> verify_checksums() override { return base_.verify_checksums(); }
  Result<void> refresh() override { return base_.refresh(); }
  Result<void> close() override { return base_.close(); }

 private:
  Store& base_;
  const Limits& limits_;
};

}  // namespace callisto::kv
