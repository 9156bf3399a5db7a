#include "api/entity_types.h"

#include <utility>

#include "api/check.h"
#include "api/conversation_rows.h"
#include "indexes/index_keys.h"

namespace callisto::detail {

namespace {

using schema::IndexId;

/// The type in a key of memory_by_entity.
std::optional<std::string> type_in(std::string_view key) {
  schema::KeyReader reader(key.substr(schema::kKeyHeadBytes));
  std::string type = reader.text();
  if (!reader.ok()) return std::nullopt;
  return type;
}

}  // namespace

Result<std::optional<std::vector<std::string>>> types_of_entity(ReadContext& context,
                                                                std::string_view entity_id,
                                                                std::uint64_t max_types,
                                                                indexes::query::Meter& meter) {
  using Types = std::optional<std::vector<std::string>>;
  const auto version = readable_version(context, IndexId::memory_by_entity);
  if (!version) return Types();
  const std::string index = schema::KeyWriter(context.space(), *version).take();
  const std::string end = schema::prefix_end(index);
  Types types(std::in_place);
  std::uint64_t seen = 0;
  auto cursor = context.reader().scan(kv::Family::indexes, {.lower = index, .upper = end});
  while (cursor->valid()) {
    if (++seen > max_types) return Types();
    CALLISTO_TRY(meter.key_read());
    const auto type = type_in(cursor->key());
    if (!type) return damaged("memory_by_entity", cursor->key());
    const std::string list = indexes::in_version(
        indexes::memory_by_entity_prefix(context.space(), *type, entity_id), *version);
    if (cursor->key() < list) {
      CALLISTO_TRY(meter.key_read());
      cursor->seek(list);
    }
    if (cursor->valid() && cursor->key().starts_with(list)) types->push_back(*type);
    const std::string behind =
        schema::prefix_end(std::move(schema::KeyWriter(index).text(*type)).take());
    if (cursor->valid() && cursor->key() < behind) cursor->seek(behind);
  }
  if (auto done = cursor->status(); !done) return std::move(done).error();
  return types;
}

}  // namespace callisto::detail
