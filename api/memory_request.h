#pragma once

// A query on memories as lists of index entries, and where a memory stands in an order.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/query_support.h"
#include "callisto/memory.h"
#include "schema/tails.h"

namespace callisto::detail {

/// What must hold, as lists; `limit` 0 for a count. The query is checked, and its user, if any,
/// stands for itself. `entity_types`: of an entity id that is asked for without its type, those
/// that it is there under; where they are not known, records decide it.
indexes::query::Request memory_request(
    const MemoryQuery& query, const SpaceState& state, Time now, std::uint64_t limit,
    const std::optional<std::vector<std::string>>& entity_types = {});
/// Whether it asks for an entity id without its type.
bool lacks_entity_type(const MemoryQuery& query) noexcept;

/// Places in Request::none: tags first, in the order of tags_none, each once. (Then conversations
/// that are being removed or stored.)
std::vector<std::string> excluded_tags(const MemoryQuery& query);

/// Whether reading up through the keys gives the query's order turned round.
bool is_reverse(MemoryOrder order, bool oldest_first) noexcept;

/// What of a memory orders it.
struct MemoryPlace {
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::int64_t expires_at = 0;
  std::uint8_t priority = 0;
  MemoryId id;
};
/// What follows the prefix in the index of an order.
std::string place_bytes(const MemoryPlace& place, MemoryOrder order);

/// The cursor of the page that ended at a place.
std::string page_cursor(std::uint64_t fingerprint, MemoryOrder order, std::string_view place);
/// The place after which the next page begins; "" for the first.
Result<std::string> place_after(std::string_view cursor, std::uint64_t fingerprint,
                                MemoryOrder order);
/// Of everything that decides which rows a query has, and in which order.
std::uint64_t fingerprint_of(const MemoryQuery& query, SpaceNumber space);

}  // namespace callisto::detail
