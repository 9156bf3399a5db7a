#pragma once

// Under which entity types an entity id is there: for queries that name only the id.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core.h"
#include "indexes/query/list.h"

namespace callisto::detail {

/// The entity types, as they compare, of memories with this entity id. The index by entity is
/// skipped through from type to type, with two seeks each; nullopt when there are more than
/// `max_types` of them, or the index is not ready.
Result<std::optional<std::vector<std::string>>> types_of_entity(ReadContext& context,
                                                                std::string_view entity_id,
                                                                std::uint64_t max_types,
                                                                indexes::query::Meter& meter);

}  // namespace callisto::detail
