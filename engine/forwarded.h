#pragma once

// Readers, transactions and stores that hand every call on, to be derived from: what is derived
// says only what it does in another way.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/kv.h"
#include "engine/load.h"

namespace callisto::kv {

/// The reads of another reader, which must outlive it. `Interface`: what it is beside a reader.
template <class Interface>
class ForwardedReads : public Interface {
 public:
  explicit ForwardedReads(Reader& reads) noexcept : reads_(reads) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override {
    return reads_.get(family, key, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return reads_.multi_get(family, keys, each);
  }
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override {
    return reads_.scan(family, bounds);
  }
  Version version() const override { return reads_.version(); }
  Result<Bytes> get_row(Family family, std::string_view key, RowCheck check) override {
    return reads_.get_row(family, key, check);
  }
  Result<void> get_rows(Family family, std::span<const std::string> keys, RowCheck check,
                        std::span<Bytes> rows, std::span<const HintRef> hints,
                        std::size_t place) override {
    return reads_.get_rows(family, keys, check, rows, hints, place);
  }
  bool peek(const ListEntry* entry, std::size_t place, Bytes& row) override {
    return reads_.peek(entry, place, row);
  }

 private:
  Reader& reads_;
};

/// `base` must outlive it.
class ForwardedTransaction : public ForwardedReads<Transaction> {
 public:
  explicit ForwardedTransaction(Transaction& base) noexcept : ForwardedTransaction(base, base) {}
  /// Reads through `reads`, which stands on `base`; may not be made yet.
  ForwardedTransaction(Transaction& base, Reader& reads) noexcept
      : ForwardedReads(reads), base_(base) {}

  Result<bool> get_for_update(Family family, std::string_view key, Value& value) override {
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

 protected:
  Transaction& base_;
};

/// `base` must outlive it.
class ForwardedStore : public ForwardedReads<Store> {
 public:
  explicit ForwardedStore(Store& base) noexcept : ForwardedReads(base), base_(base) {}

  std::unique_ptr<Snapshot> snapshot() override { return base_.snapshot(); }
  Result<Version> apply(const Batch& batch, Durability durability) override {
    return base_.apply(batch, durability);
  }
  Result<Version> run(const RunOptions& options,
                      const std::function<Result<void>(Transaction&)>& function) override {
    return base_.run(options, function);
  }
  Result<void> erase_range(Family family, std::string_view lower, std::string_view upper) override {
    return base_.erase_range(family, lower, upper);
  }
  Result<std::unique_ptr<Staging>> stage() override { return base_.stage(); }
  Result<Version> bulk_load(const LoadRequest& request) override {
    return base_.bulk_load(request);
  }
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
  Result<void> compact(const Limits* limits) override { return base_.compact(limits); }
  Result<void> verify_checksums(const Limits* limits) override {
    return base_.verify_checksums(limits);
  }
  Result<void> refresh() override { return base_.refresh(); }
  Result<void> close() override { return base_.close(); }

 protected:
  Store& base_;
};

}  // namespace callisto::kv
