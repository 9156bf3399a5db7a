#pragma once

#include <string>
#include <vector>

#include "callisto/result.h"
#include "engine/rocksdb/file_patch.h"
#include "engine/rocksdb/options.h"

namespace callisto {
class Environment;
}

namespace callisto::kv {

/// How a store whose files are damaged can be opened with what is left.
struct SalvagePlan {
  /// What RocksDB is to read instead of the manifest and CURRENT.
  FilePatch patch{};
  /// What is given up, or put in place of what is damaged, a sentence each: file, table and keys.
  std::vector<std::string> losses{};
  /// Logs with damaged or cut records in them, which are to be passed over.
  std::vector<std::string> damaged_logs{};
  /// In DIR/db, those that RocksDB will remove or that are replaced.
  std::vector<std::string> given_up{};
};

/// Looks at CURRENT, the manifest and every table file; at the logs where the WATERMARK misses
/// something. The manifest is taken that the WATERMARK
/// proves, from DIR/db or from its copy; where there is none, the one that is there, if RocksDB can
/// read it. Table files that cannot be used are left out of it; of those with bytes behind their
/// end the patch cuts them off. Nothing is changed.
///
/// corruption where no manifest can be read; io_error.
Result<SalvagePlan> plan_salvage(const std::string& directory, const MemoryPlan& plan,
                                 Environment& environment);

/// The same beside a writer that goes on: looks again until the manifest stands still. busy where
/// it does not.
Result<SalvagePlan> plan_salvage_beside_writer(const std::string& directory, const MemoryPlan& plan,
                                               Environment& environment);

}  // namespace callisto::kv
