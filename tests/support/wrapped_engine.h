#pragma once

#include <memory>
#include <utility>

#include "engine/kv.h"
#include "engine/load.h"

namespace callisto::testing {

/// A transaction that hands on every call, to be derived from.
class ForwardedTransaction : public kv::Transaction {
 public:
  explicit ForwardedTransaction(kv::Transaction& inner) : inner_(inner) {}

  Result<bool> get(kv::Family family, std::string_view key, kv::Value& value) override {
    return inner_.get(family, key, value);
  }
  Result<bool> get_for_update(kv::Family family, std::string_view key, kv::Value& value) override {
    return inner_.get_for_update(family, key, value);
  }
  void guard(kv::Family family, std::string_view key) override { inner_.guard(family, key); }
  void touch(kv::Family family, std::string_view key) override { inner_.touch(family, key); }
  Result<void> multi_get(kv::Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return inner_.multi_get(family, keys, each);
  }
  std::unique_ptr<kv::Cursor> scan(kv::Family family, const kv::Bounds& bounds) override {
    return inner_.scan(family, bounds);
  }
  kv::Version version() const override { return inner_.version(); }
  Result<void> put(kv::Family family, std::string_view key, std::string_view value) override {
    return inner_.put(family, key, value);
  }
  Result<void> erase(kv::Family family, std::string_view key) override {
    return inner_.erase(family, key);
  }
  Result<void> add(const kv::CounterDelta& delta) override { return inner_.add(delta); }
  std::size_t savepoint() const override { return inner_.savepoint(); }
  void rollback_to(std::size_t savepoint) override { inner_.rollback_to(savepoint); }
  std::size_t size_bytes() const override { return inner_.size_bytes(); }
  std::size_t key_count() const override { return inner_.key_count(); }
  bool has_writes() const override { return inner_.has_writes(); }

 protected:
  kv::Transaction& inner_;
};

/// An engine that hands on every call, to be derived from.
class ForwardedEngine : public kv::Store {
 public:
  explicit ForwardedEngine(std::unique_ptr<kv::Store> engine) : engine_(std::move(engine)) {}

  Result<bool> get(kv::Family family, std::string_view key, kv::Value& value) override {
    return engine_->get(family, key, value);
  }
  Result<void> multi_get(kv::Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return engine_->multi_get(family, keys, each);
  }
  std::unique_ptr<kv::Cursor> scan(kv::Family family, const kv::Bounds& bounds) override {
    return engine_->scan(family, bounds);
  }
  kv::Version version() const override { return engine_->version(); }
  std::unique_ptr<kv::Snapshot> snapshot() override { return engine_->snapshot(); }
  Result<kv::Version> apply(const kv::Batch& batch, Durability durability) override {
    return engine_->apply(batch, durability);
  }
  Result<kv::Version> run(const kv::RunOptions& options,
                          const std::function<Result<void>(kv::Transaction&)>& function) override {
    return engine_->run(options, function);
  }
  Result<void> erase_range(kv::Family family, std::string_view lower,
                           std::string_view upper) override {
    return engine_->erase_range(family, lower, upper);
  }
  Result<std::unique_ptr<kv::Staging>> stage() override { return engine_->stage(); }
  Result<kv::Version> bulk_load(const kv::LoadRequest& request) override {
    return engine_->bulk_load(request);
  }
  bool sole_writer() const override { return engine_->sole_writer(); }
  std::optional<kv::Version> committed_version(kv::Family family,
                                               std::string_view key) const override {
    return engine_->committed_version(family, key);
  }
  bool attach(kv::StateCache& cache) override { return engine_->attach(cache); }
  kv::EngineHealth health() const override { return engine_->health(); }
  kv::EngineStats stats() const override { return engine_->stats(); }
  std::uint64_t approximate_bytes(kv::Family family, std::string_view lower,
                                  std::string_view upper) override {
    return engine_->approximate_bytes(family, lower, upper);
  }
  Result<void> sync() override { return engine_->sync(); }
  Result<void> compact(const kv::Limits* limits) override { return engine_->compact(limits); }
  Result<void> verify_checksums(const kv::Limits* limits) override {
    return engine_->verify_checksums(limits);
  }
  Result<void> refresh() override { return engine_->refresh(); }
  Result<void> close() override { return engine_->close(); }

 protected:
  std::unique_ptr<kv::Store> engine_;
};

/// An engine whose transactions are wrapped, each in a `Wrapped`.
template <class Wrapped>
class WrappedEngine final : public ForwardedEngine {
 public:
  using ForwardedEngine::ForwardedEngine;

  Result<kv::Version> run(const kv::RunOptions& options,
                          const std::function<Result<void>(kv::Transaction&)>& function) override {
    return engine_->run(options, [&](kv::Transaction& transaction) {
      Wrapped wrapped(transaction);
      return function(wrapped);
    });
  }
};

}  // namespace callisto::testing
