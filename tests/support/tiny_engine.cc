#include "tests/support/tiny_engine.h"

#include <utility>

#include "engine/rocksdb/database.h"
#include "engine/rocksdb/options.h"
#include "engine/rocksdb/store.h"
#include "engine/rocksdb/store_directory.h"
#include "engine/rocksdb/store_env.h"

namespace callisto::testing {

std::unique_ptr<kv::Store> open_tiny_engine(const std::string& directory,
                                            Environment& environment) {
  kv::MemoryPlan plan;
  plan.cache_bytes = 1;
  plan.memtable_bytes = 256u << 10;
  plan.write_buffer_bytes = 64u << 10;
  plan.table_file_bytes = 64u << 10;
  plan.level_base_bytes = 128u << 10;
  plan.log_bytes = 64u << 10;
  plan.open_files = 64;
  auto opened = kv::open_writer_directory(directory, true, environment.file_hook()).value();
  auto database = kv::Database::open_writer(std::move(opened), false, plan, {}, environment,
                                            environment.file_hook())
                      .value();
  return std::make_unique<kv::RocksStore>(std::move(database));
}

}  // namespace callisto::testing
