#include "tests/support/engine_factories.h"

#include <utility>

#include "engine/open.h"
#include "tests/support/map_engine.h"
#include "tests/support/owned_directory_store.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

std::unique_ptr<kv::Store> make_rocksdb_on_disk(Environment& environment) {
  auto directory = std::make_unique<TempDirectory>(TempDirectory::On::memory);
  auto store =
      kv::open_rocksdb({.directory = directory->path("store"), .environment = &environment});
  return std::make_unique<OwnedDirectoryStore>(std::move(directory), std::move(store).value());
}

std::unique_ptr<kv::Store> make_rocksdb_in_memory(Environment& environment) {
  return kv::open_rocksdb({.environment = &environment}).value();
}

}  // namespace

const std::vector<EngineFactory>& engine_factories() {
  static const std::vector<EngineFactory> factories = {
      {"map", [](Environment& environment) { return make_map_engine(environment); }},
      {"rocksdb_on_disk", make_rocksdb_on_disk},
      {"rocksdb_in_memory", make_rocksdb_in_memory},
  };
  return factories;
}

}  // namespace callisto::testing
