#pragma once

#include <memory>
#include <utility>

#include "engine/forwarded.h"

namespace callisto::testing {

/// An engine of its own that hands on every call, to be derived from.
class ForwardedEngine : public kv::ForwardedStore {
 public:
  explicit ForwardedEngine(std::unique_ptr<kv::Store> engine)
      : ForwardedStore(*engine), engine_(std::move(engine)) {}

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
