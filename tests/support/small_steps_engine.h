#pragma once

#include "tests/support/wrapped_engine.h"

namespace callisto::testing {

/// A transaction that says it is nearly full: large work ends each step after a few rows.
class SmallStepTransaction final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  std::size_t key_count() const override {
    return base_.key_count() * (kv::kMaxTransactionKeys / kKeys);
  }

 private:
  static constexpr std::size_t kKeys = 6;
};

/// An engine on which rebuilds, merges and removals take many steps though the store is small.
using SmallStepsEngine = WrappedEngine<SmallStepTransaction>;

}  // namespace callisto::testing
