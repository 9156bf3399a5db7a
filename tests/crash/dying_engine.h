#pragma once

#include <signal.h>

#include <memory>
#include <utility>

#include "tests/support/wrapped_engine.h"

namespace callisto::testing {

/// Ends the process as a crash would, before the commit that is one too many.
class DyingEngine final : public ForwardedEngine {
 public:
  using ForwardedEngine::ForwardedEngine;

  /// From now on: `commits` go through. Negative: all.
  void die_after(int commits) { commits_left_ = commits; }

  Result<kv::Version> apply(const kv::Batch& batch, Durability durability) override {
    count();
    return ForwardedEngine::apply(batch, durability);
  }
  Result<kv::Version> run(const kv::RunOptions& options,
                          const std::function<Result<void>(kv::Transaction&)>& function) override {
    count();
    return ForwardedEngine::run(options, function);
  }
  Result<void> erase_range(kv::Family family, std::string_view lower,
                           std::string_view upper) override {
    count();
    return ForwardedEngine::erase_range(family, lower, upper);
  }

 private:
  void count() {
    if (commits_left_ == 0) ::raise(SIGKILL);
    if (commits_left_ > 0) --commits_left_;
  }

  int commits_left_ = -1;
};

}  // namespace callisto::testing
