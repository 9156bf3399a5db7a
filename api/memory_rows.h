#pragma once

// What the calls on memories share: a query run to its rows.

#include <cstdint>
#include <vector>

#include "api/core.h"
#include "callisto/bytes.h"
#include "callisto/memory.h"

namespace callisto::detail {

/// Entries that one query reads at most; beyond it answers limit_exceeded (query).
inline constexpr std::uint64_t kMaxScannedEntries = 1'000'000;

/// Input rules of a query; the limit as check_limit() gives it.
Result<std::uint32_t> check_query(const MemoryQuery& query);

/// Checked rows that match, in the query's order; the query was checked. At most `limit` rows are
/// held, and as many as one chunk of fetches.
Result<std::vector<Bytes>> find_rows(ReadContext& context, const MemoryQuery& query,
                                     std::uint32_t limit,
                                     std::uint64_t max_scanned = kMaxScannedEntries);

}  // namespace callisto::detail
