#include "indexes/cache_shape.h"

#include <algorithm>
#include <cstdint>

#include "schema/keys.h"
#include "schema/tails.h"

namespace callisto::indexes {

namespace {

using schema::IndexId;

/// Read by prefixes of one length only.
bool is_list(const IndexDefinition& index) {
  constexpr IndexId kOthers[] = {IndexId::memory_by_priority, IndexId::datum_newest};
  return index.order_bytes != kNotCounted && !index.part &&
         std::find(std::begin(kOthers), std::end(kOthers), index.id) == std::end(kOthers);
}

}  // namespace

kv::CacheShape cache_shape(const Catalogue& catalogue) {
  kv::CacheShape shape;
  for (const TableDefinition& table : catalogue.tables) {
    if (table.family == kv::Family::messages) {
      shape.add_record_list(table.family, schema::kMessagePartBytes,
                            static_cast<std::uint8_t>(schema::MessagePart::record));
    } else if (table.family == kv::Family::user_data) {
      shape.add_record_list(table.family, schema::kUserDataBytes);
    } else {
      shape.add_records(table.family);
    }
    for (const IndexDefinition& index : table.indexes) {
      const auto number = static_cast<std::uint16_t>(index.id);
      if (is_list(index)) {
        const bool has_tags = table.id == schema::TableId::memories;
        shape.add_list(number, index.order_bytes, has_tags ? schema::tags_signature : nullptr);
      } else if (index.id == IndexId::message_by_id) {
        shape.add_rows(number);
      }
    }
  }
  return shape;
}

}  // namespace callisto::indexes
