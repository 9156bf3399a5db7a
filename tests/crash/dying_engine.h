#pragma once

#include <signal.h>

#include <memory>
#include <utility>

#include "engine/kv.h"

namespace callisto::testing {

/// Ends the process as a crash would, before the commit that is one too many.
class DyingEngine final : public kv::Store {
 public:
  explicit DyingEngine(std::unique_ptr<kv::Store> engine) : engine_(std::move(engine)) {}

  /// From now on: `commits` go through. Negative: all.
  void die_after(int commits) { commits_left_ = commits; }

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
    count();
    return engine_->apply(batch, durability);
  }
  Result<kv::Version> run(const kv::RunOptions& options,
                          const std::function<Result<void>(kv::Transaction&)>& function) override {
    count();
    return engine_->run(options, function);
  }
  Result<void> erase_range(kv::Family family, std::string_view lower,
                           std::string_view upper) override {
    count();
    return engine_->erase_range(family, lower, upper);
  }
  bool sole_writer() const override { return engine_->sole_writer(); }
  std::optional<kv::Version> committed_version(kv::Family family,
                                               std::string_view key) const override {
    return engine_->committed_version(family, key);
  }
  kv::EngineHealth health() const override { return engine_->health(); }
  kv::EngineStats stats() const override { return engine_->stats(); }
  std::uint64_t approximate_bytes(kv::Family family, std::string_view lower,
                                  std::string_view upper) override {
    return engine_->approximate_bytes(family, lower, upper);
  }
  Result<void> sync() override { return engine_->sync(); }
  Result<void> compact(const kv::Limits* limits) override { return engine_->compact(limits); }
  Result<void> verify_checksums() override { return engine_->verify_checksums(); }
  Result<void> refresh() override { return engine_->refresh(); }
  Result<void> close() override { return engine_->close(); }

 private:
  void count() {
    if (commits_left_ == 0) ::raise(SIGKILL);
    if (commits_left_ > 0) --commits_left_;
  }

  std::unique_ptr<kv::Store> engine_;
  int commits_left_ = -1;
};

}  // namespace callisto::testing
