#pragma once

// Steps of index work: building one beside live writers, removing one. Each is bounded, and goes on
// where the row index_progress says, in this process or the next.

#include <optional>

#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/index_set.h"
#include "schema/ids.h"

namespace callisto::indexes {

/// One step for an index that is building, dropping or stale: at most kIndexStepRows rows and about
/// kv::kStepBytes; the removal of a range of its own is one step whatever its size. Steps of one
/// index may not run at the same time. False when nothing is left to do for the index. A record
/// that cannot be decoded is passed over: it gives no entries. `limits`: of who waits for it, or
/// null (kv::RunOptions::gives_way).
Result<bool> index_step(kv::Store& store, const Catalogue& catalogue, schema::SpaceNumber space,
                        schema::IndexId index, const kv::Limits* limits = nullptr);
inline constexpr std::size_t kIndexStepRows = 256;

/// nullopt when no step has run yet. corruption.
Result<std::optional<IndexProgress>> index_progress(kv::Reader& reader, schema::SpaceNumber space,
                                                    schema::IndexId index);

}  // namespace callisto::indexes
