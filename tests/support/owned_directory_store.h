#pragma once

#include <memory>
#include <utility>

#include "engine/kv.h"
#include "engine/load.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {

/// A store that takes its directory with it when it goes.
class OwnedDirectoryStore final : public kv::Store {
 public:
  OwnedDirectoryStore(std::unique_ptr<TempDirectory> directory, std::unique_ptr<kv::Store> store)
      : directory_(std::move(directory)), store_(std::move(store)) {}

  Result<bool> get(kv::Family family, std::string_view key, kv::Value& value) override {
    return store_->get(family, key, value);
  }
  Result<void> multi_get(kv::Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return store_->multi_get(family, keys, each);
  }
  std::unique_ptr<kv::Cursor> scan(kv::Family family, const kv::Bounds& bounds) override {
    return store_->scan(family, bounds);
  }
  kv::Version version() const override { return store_->version(); }
  std::unique_ptr<kv::Snapshot> snapshot() override { return store_->snapshot(); }
  Result<kv::Version> apply(const kv::Batch& batch, Durability durability) override {
    return store_->apply(batch, durability);
  }
  Result<kv::Version> run(const kv::RunOptions& options,
                          const std::function<Result<void>(kv::Transaction&)>& function) override {
    return store_->run(options, function);
  }
  Result<void> erase_range(kv::Family family, std::string_view lower,
                           std::string_view upper) override {
    return store_->erase_range(family, lower, upper);
  }
  Result<std::unique_ptr<kv::Staging>> stage() override { return store_->stage(); }
  Result<kv::Version> bulk_load(const kv::LoadRequest& request) override {
    return store_->bulk_load(request);
  }
  bool sole_writer() const override { return store_->sole_writer(); }
  std::optional<kv::Version> committed_version(kv::Family family,
                                               std::string_view key) const override {
    return store_->committed_version(family, key);
  }
  kv::EngineHealth health() const override { return store_->health(); }
  kv::EngineStats stats() const override { return store_->stats(); }
  std::uint64_t approximate_bytes(kv::Family family, std::string_view lower,
                                  std::string_view upper) override {
    return store_->approximate_bytes(family, lower, upper);
  }
  Result<void> sync() override { return store_->sync(); }
  Result<void> compact(const kv::Limits* limits) override { return store_->compact(limits); }
  Result<void> verify_checksums(const kv::Limits* limits) override {
    return store_->verify_checksums(limits);
  }
  Result<void> refresh() override { return store_->refresh(); }
  Result<void> close() override { return store_->close(); }

 private:
  std::unique_ptr<TempDirectory> directory_;
  std::unique_ptr<kv::Store> store_;  ///< Goes first.
};

}  // namespace callisto::testing
