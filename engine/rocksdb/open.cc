#include "engine/open.h"

#include <utility>

#include "callisto/environment.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/follower.h"
#include "engine/rocksdb/options.h"
#include "engine/rocksdb/store.h"
#include "engine/rocksdb/store_directory.h"
#include "engine/rocksdb/store_env.h"

namespace callisto::kv {
namespace {

Result<std::shared_ptr<Database>> open_database(const OpenOptions& options, const MemoryPlan& plan,
                                                Environment& environment) {
  const ThreadPlan threads{options.disk_threads, options.thread_name, options.disk_threads_nice};
  const FileHook hook = environment.file_hook();
  if (options.directory.empty()) {
    return Database::open_in_memory(plan, threads, environment, hook, options.statistics);
  }
  auto directory =
      open_writer_directory(options.directory, options.create, hook, options.accept_data_loss);
  if (!directory) return std::move(directory).error();
  return Database::open_writer(std::move(*directory), options.accept_data_loss, plan, threads,
                               environment, hook, options.statistics);
}

}  // namespace

// Everything is checked before RocksDB sees it: wrong options end the process there.
Result<std::unique_ptr<Store>> open_rocksdb(const OpenOptions& options) {
  if (options.environment == nullptr) {
    return Error(Code::invalid_argument, "environment", "not null");
  }
  auto plan = plan_memory(options.memory_budget_bytes, options.reserved_bytes);
  if (!plan) return std::move(plan).error();
  if (options.directory.find('\0') != std::string::npos) {
    return Error(Code::invalid_argument, "directory", "no zero bytes");
  }
  if (options.read_only) {
    if (options.directory.empty()) {
      return Error(Code::invalid_argument, "directory", "given, where a store is opened read-only");
    }
    auto directory = find_store_directory(options.directory, options.accept_data_loss);
    if (!directory) return std::move(directory).error();
    return open_follower(*directory, options.accept_data_loss, *plan, *options.environment);
  }
  auto database = open_database(options, *plan, *options.environment);
  if (!database) return std::move(database).error();
  return std::unique_ptr<Store>(std::make_unique<RocksStore>(std::move(*database)));
}

}  // namespace callisto::kv
