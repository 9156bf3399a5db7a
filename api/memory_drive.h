#pragma once

// Which index a query on memories reads.

#include <cstddef>
#include <vector>

#include "api/rows.h"
#include "callisto/memory.h"

namespace callisto::detail {

/// Ranges of one index that together hold every memory which a query can match.
struct MemoryDrive {
  schema::IndexId index = schema::IndexId::memory_by_created;
  std::vector<KeyRange> ranges;
  /// Bytes before what the entries of each range are ordered by; see for_each_merged().
  std::vector<std::size_t> skip;
  /// The order that merging the ranges gives, in one direction or the other.
  MemoryOrder order = MemoryOrder::created;
};

/// The narrowest index by rule: a name before a key, an entity, a source, a tag, a task, a
/// conversation, a user; then what many share: entity type, category, type, agent; then the ranges
/// of times and the order. The query is checked; its user, if any, stands for itself.
MemoryDrive choose_drive(const MemoryQuery& query, const SpaceState& state, Time now);

/// Whether a scan that runs up through the keys must run down to give the query's order.
bool is_reverse(MemoryOrder order, bool oldest_first) noexcept;

}  // namespace callisto::detail
