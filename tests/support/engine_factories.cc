#include "tests/support/engine_factories.h"

#include "tests/support/map_engine.h"

namespace callisto::testing {

const std::vector<EngineFactory>& engine_factories() {
  static const std::vector<EngineFactory> factories = {
      {"map", [](Environment& environment) { return make_map_engine(environment); }},
  };
  return factories;
}

}  // namespace callisto::testing
