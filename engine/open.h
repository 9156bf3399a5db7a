#pragma once

#include <memory>
#include <string>

#include "callisto/options.h"
#include "callisto/result.h"
#include "engine/kv.h"

namespace callisto::kv {

/// How an engine is opened. `directory` empty: in memory.
struct OpenOptions {
  std::string directory{};
  /// False: `not_found` when there is none. Ignored by read_only.
  bool create = true;
  bool read_only = false;
  /// Opens also where commits were lost; health() and the log say what.
  bool accept_data_loss = false;
  std::uint64_t memory_budget_bytes = 256ULL << 20;
  /// What the caller takes of the budget for itself.
  std::uint64_t reserved_bytes = 0;
  Environment* environment = nullptr;  ///< Not null.
  /// Counts reads of files and of the block cache: EngineStats.
  bool statistics = true;
  std::uint32_t disk_threads = 2;        ///< See callisto::Options.
  std::uint32_t disk_threads_nice = 19;  ///< The same.
  std::string thread_name = "callisto";
};

/// Opens the RocksDB engine. Layout of the directory: engine/README.md.
/// busy (message names the holder's process id), not_found, corruption, data_loss, io_error,
/// invalid_argument.
Result<std::unique_ptr<Store>> open_rocksdb(const OpenOptions& options);

}  // namespace callisto::kv
