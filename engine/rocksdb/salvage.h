#pragma once

#include <string>
#include <vector>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/rocksdb/options.h"

namespace callisto::kv {

/// Makes RocksDB's files in DIR/db open with what is left of them, for who accepts the loss: plans
/// (plan_salvage) and carries it out. What is replaced or left out stays in DIR/lost/; what it was
/// is noted (loss_note) before the first change. The manifest changes at once (a rename), so that
/// the store is after a crash what it was before, or salvaged. Answers what was noted, nothing
/// where nothing is wrong; a sentence each.
///
/// Errors of plan_salvage; io_error, no_space.
Result<std::vector<std::string>> salvage(const std::string& directory, const MemoryPlan& plan,
                                         Environment& environment, const FileHook& hook);

/// An opening that failed, with what a salvage would give up where it could open the store.
Error explain_refusal(Error refusal, const std::string& directory, const MemoryPlan& plan,
                      Environment& environment);

}  // namespace callisto::kv
