#include "bench/rocksdb_database.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/write_buffer_manager.h>

#include <vector>

#include "engine/rocksdb/options.h"
#include "engine/rocksdb/store_env.h"

namespace callisto::bench {

RocksDatabase::RocksDatabase(const std::string& path, std::uint64_t memory_bytes, Mode mode) {
  const kv::MemoryPlan plan = require(kv::plan_memory(memory_bytes), "memory");
  kv::OptionParts parts;
  parts.env = rocksdb::Env::Default();
  parts.cache = kv::make_cache(plan.cache_bytes);
  parts.write_buffers = kv::make_write_buffers(plan);
  rocksdb::DBOptions options =
      kv::writer_options(plan, kv::ThreadPlan{}, parts, mode == Mode::make);
  options.listeners.clear();
  options.create_missing_column_families = mode == Mode::make;
  const bool read_only = mode == Mode::read;
  // Beside a writer: what it removes stays open.
  if (read_only) options.max_open_files = -1;
  const auto settings = kv::family_options(plan, parts);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
    const auto family = static_cast<kv::Family>(i);
    families.emplace_back(family == kv::Family::system ? rocksdb::kDefaultColumnFamilyName
                                                       : std::string(kv::to_string(family)),
                          settings[i]);
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  require(read_only ? rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &db)
                    : rocksdb::DB::Open(options, path, families, &handles, &db),
          "open");
  db_.reset(db);
  for (std::size_t i = 0; i < handles.size(); ++i) handles_[i] = handles[i];
}

RocksDatabase::~RocksDatabase() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) delete handle;
  // What is not closed cleanly is thrown away with its directory.
  static_cast<void>(db_->Close());
}

}  // namespace callisto::bench
