#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "callisto/environment.h"
#include "engine/kv.h"

namespace callisto::testing {

/// A way to make an empty engine, for suites that hold for every engine.
struct EngineFactory {
  std::string name;  ///< Letters, digits and underscores: part of the test's name.
  /// `environment` outlives the store. What the store leaves on disk goes with the store.
  std::function<std::unique_ptr<kv::Store>(Environment& environment)> make;
};

/// Every engine: the map engine, RocksDB on disk, RocksDB in memory.
const std::vector<EngineFactory>& engine_factories();

}  // namespace callisto::testing
