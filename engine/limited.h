#pragma once

// Readers and stores under the limits of one call. What reads through them gives up in the middle
// of a scan without having to know of limits.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/forwarded.h"
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
class LimitedTransaction final : public ForwardedTransaction {
 public:
  LimitedTransaction(Transaction& base, const Limits& limits) noexcept
      : ForwardedTransaction(base, reader_), reader_(base, limits), sampled_(limits) {}

  Result<bool> get_for_update(Family family, std::string_view key, Value& value) override {
    if (auto checked = sampled_.check(); !checked) return std::move(checked).error();
    return base_.get_for_update(family, key, value);
  }

 private:
  LimitedReader reader_;
  SampledLimits sampled_;
};

/// A store whose snapshots and transactions are under one call's limits; the rest is as it was.
/// Both must outlive it. Reads through snapshot() and run() only are limited.
class LimitedStore final : public ForwardedStore {
 public:
  LimitedStore(Store& base, const Limits& limits) noexcept
      : ForwardedStore(base), limits_(limits) {}

  std::unique_ptr<Snapshot> snapshot() override {
    return std::make_unique<LimitedReader>(base_.snapshot(), limits_);
  }
  Result<Version> run(const RunOptions& options,
                      const std::function<Result<void>(Transaction&)>& function) override {
    RunOptions limited = options;
    limited.limits = &limits_;
    return base_.run(limited, function);
  }
  Result<void> compact(const Limits* limits) override {
    return base_.compact(limits != nullptr ? limits : &limits_);
  }
  Result<void> verify_checksums(const Limits* limits) override {
    return base_.verify_checksums(limits != nullptr ? limits : &limits_);
  }

 private:
  const Limits& limits_;
};

}  // namespace callisto::kv
