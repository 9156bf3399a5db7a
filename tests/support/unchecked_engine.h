#pragma once

#include "tests/support/wrapped_engine.h"

namespace callisto::testing {

/// A transaction that forgets what it has read: only writes conflict, as under snapshot isolation.
class UncheckedTransaction final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<bool> get_for_update(kv::Family family, std::string_view key, kv::Value& value) override {
    return base_.get(family, key, value);
  }
  void guard(kv::Family, std::string_view) override {}
};

/// A wrong engine, as a control for tests of isolation: commits do not look at what was read.
using UncheckedEngine = WrappedEngine<UncheckedTransaction>;

}  // namespace callisto::testing
