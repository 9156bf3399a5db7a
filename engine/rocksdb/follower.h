#pragma once

#include <memory>
#include <string>

#include "engine/kv.h"
#include "engine/rocksdb/options.h"

namespace callisto::kv {

/// A read-only store on the files of a writer that may be running, was killed, or is gone:
/// RocksDB's secondary instance. It needs no permission to write and takes no lock. Its view is a
/// whole state of the writer's and moves in refresh() only, never backwards.
///
/// Errors of open_follower: not_found, corruption, data_loss, io_error; busy when the writer
/// changed its files faster than they could be read.
Result<std::unique_ptr<Store>> open_follower(const std::string& directory, bool accept_data_loss,
                                             const MemoryPlan& plan, Environment& environment);

}  // namespace callisto::kv
