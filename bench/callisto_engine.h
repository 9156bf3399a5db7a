#pragma once

#include <optional>
#include <string>

#include "bench/engine.h"
#include "callisto/store.h"

namespace callisto::bench {

/// Callisto through its public API, with all that it checks.
class CallistoEngine final : public Engine {
 public:
  /// Background work is off: what a merge leaves to it is done inside the measured call.
  CallistoEngine(const std::string& directory, std::uint64_t memory_bytes);

  /// Makes a store with the data, settled: compacted, closed.
  static void load(const std::string& directory, const Data& data, std::uint64_t memory_bytes);

  std::string_view name() const override { return "callisto"; }
  Digest run(const Operation& operation) override;
  /// The version of the last commit.
  std::uint64_t version() const;

 private:
  Store store_;
};

}  // namespace callisto::bench
