#pragma once

#include <memory>
#include <string>

#include "bench/engine.h"
#include "bench/load.h"
#include "callisto/store.h"

namespace callisto::bench {

/// Background work is off.
Options bench_options(std::uint64_t memory_bytes);

/// Callisto through its public API, with all that it checks.
class CallistoEngine final : public Engine {
 public:
  /// Background work is off: what a merge leaves to it is done inside the measured call.
  CallistoEngine(const std::string& directory, std::uint64_t memory_bytes);

  /// Makes a store with the data, settled: compacted, closed.
  static LoadTimes load(const std::string& directory, const Data& data, std::uint64_t memory_bytes);

  std::string_view name() const override { return "callisto"; }
  Digest run(const Operation& operation) override;
  std::unique_ptr<Engine> another() override { return std::make_unique<CallistoEngine>(*this); }
  void set_durable(bool durable) override {
    durability_ = durable ? Durability::synced : Durability::buffered;
  }
  /// The version of the last commit.
  std::uint64_t version() const;

 private:
  std::shared_ptr<const Store> store_;
  Durability durability_ = Durability::buffered;
};

}  // namespace callisto::bench
