#pragma once

// What the calls on memories share: a query run to its rows.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/core.h"
#include "callisto/bytes.h"
#include "callisto/memory.h"
#include "callisto/query.h"

namespace callisto::detail {

/// Input rules of a query but for its limit, which means nothing to a count.
Result<void> check_conditions(const MemoryQuery& query);

/// Input rules of a query; the limit as check_limit() gives it.
Result<std::uint32_t> check_query(const MemoryQuery& query);

/// Checked rows of a query that was checked, in its order.
struct MemoryRows {
  std::vector<Bytes> rows;
  /// Place of the last row, for the next page; "" when there is none, or was not asked for.
  std::string end;
};
struct MemoryPageLimits {
  std::uint32_t limit = 100;
  std::string after{};  ///< A place, "" for the first page.
  bool wants_more = false;
};
/// `plan`: where to tell what was done, or null.
Result<MemoryRows> run_query(ReadContext& context, const MemoryQuery& query,
                             const MemoryPageLimits& limits, QueryPlan* plan = nullptr);
Result<std::vector<Bytes>> find_rows(ReadContext& context, const MemoryQuery& query,
                                     std::uint32_t limit);
/// The newest row of a query that has category, key, and user or without_user, and nothing else.
Result<std::optional<Bytes>> newest_of_name(ReadContext& context, const MemoryQuery& name);
Result<std::uint64_t> count_rows(ReadContext& context, const MemoryQuery& query);

}  // namespace callisto::detail
