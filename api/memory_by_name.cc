// The newest memory of a name, which is asked for before many a reply: by the entries of that name,
// as a plan would do it, without making one.

#include <optional>
#include <string>
#include <utility>

#include "api/check.h"
#include "api/memory_filter.h"
#include "api/memory_rows.h"
#include "api/query_support.h"
#include "api/rows.h"
#include "indexes/index_change.h"
#include "indexes/index_keys.h"

namespace callisto::detail {

namespace {

using schema::IndexId;

/// Whether the entries of the asked user's names, of this version, are all that is to be looked at.
bool are_names_plain(const ReadContext& context) {
  const SpaceState& state = context.state();
  if (!state.aliases().empty() || !state.work().empty()) return false;
  const auto& catalogue = context.core().maintainer().catalogue();
  return indexes::ready_version(catalogue, state, IndexId::memory_by_name) ==
         IndexId::memory_by_name;
}

/// What an entry leads to; an empty hold when the memory is out.
Result<Bytes> row_of(ReadContext& context, const MemoryFilter& filter, const kv::Cursor& entry,
                     std::size_t prefix_bytes) {
  constexpr std::size_t kPlaceBytes = sizeof(std::int64_t) + std::tuple_size_v<UuidBytes>;
  const std::string_view place = entry.position(prefix_bytes);
  schema::MemoryCover cover;
  if (place.size() != kPlaceBytes || !schema::read_memory_cover(entry.value(), cover)) {
    return damaged(index_name(IndexId::memory_by_name), entry.key());
  }
  schema::KeyReader reader(place);
  const std::int64_t created_at = reader.time_down();
  if (!filter.admits(cover, created_at)) return Bytes();
  Bytes row;
  if (!context.reader().peek(entry.remembered(), 0, row)) {
    const std::string key = schema::memory_key(context.space(), reader.id_at<MemoryId>(created_at));
    const kv::HintRef hint(entry.remembered());
    auto rows = fetch_rows<schema::fb::Memory>(context.reader(), {&key, 1}, {&hint, 1});
    if (!rows) return std::move(rows).error();
    if (!rows->front()) return damaged("memories", key);
    row = std::move(rows->front());
  }
  return filter.matches(*schema::root<schema::fb::Memory>(row)) ? std::move(row) : Bytes();
}

}  // namespace

Result<std::optional<Bytes>> newest_of_name(ReadContext& context, const MemoryQuery& name) {
  if (!are_names_plain(context)) {
    auto rows = find_rows(context, name, 1);
    if (!rows) return std::move(rows).error();
    return rows->empty() ? std::optional<Bytes>() : std::move(rows->front());
  }
  const MemoryFilter filter(name, context.state(), context.now());
  const std::string prefix = indexes::memory_by_name_prefix(
      context.space(), name.user.value_or(UserId()), *name.category, *name.key);
  const indexes::KeyRange range = indexes::range_of(prefix);
  const auto entries = context.reader().scan(
      kv::Family::indexes,
      {.lower = range.lower, .upper = range.upper, .prefix_bytes = prefix.size()});
  indexes::query::Meter meter = meter_for(context, name.max_scanned);
  for (; entries->valid(); entries->next()) {
    CALLISTO_TRY(meter.key_read());
    auto row = row_of(context, filter, *entries, prefix.size());
    if (!row) return std::move(row).error();
    if (*row) return std::optional<Bytes>(std::move(*row));
  }
  CALLISTO_TRY(entries->status());
  return std::optional<Bytes>();
}

}  // namespace callisto::detail
