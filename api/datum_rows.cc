#include "api/datum_rows.h"

#include <utility>

#include "indexes/index_keys.h"
#include "schema/keys.h"
#include "schema/text.h"

namespace callisto::detail {

namespace {

namespace fb = schema::fb;

using Fetch = std::function<Result<std::optional<Bytes>>(std::string_view key)>;

constexpr unsigned kProbes = 256;

/// A row may be of a mebibyte: what is read ahead ends with the one that passes these bytes.
constexpr std::size_t kRowsAhead = 16;
constexpr std::size_t kBytesAhead = std::size_t{16} << 10;

std::string probe_key(SpaceNumber space, const DatumPlace& place, unsigned probe) {
  return schema::datum_key(space, place.user, place.category, place.hash,
                           static_cast<std::uint8_t>(probe));
}

/// Probes are dense, so the first key without a row ends the search.
Result<FoundDatum> search(SpaceNumber space, const DatumPlace& place, std::string_view value,
                          const Fetch& fetch_row) {
  for (unsigned probe = 0; probe < kProbes; ++probe) {
    FoundDatum found{probe_key(space, place, probe), std::nullopt};
    auto row = fetch_row(found.key);
    if (!row) return std::move(row).error();
    if (!*row) return found;
    if (schema::text(schema::root<fb::UserDatum>(**row)->value()) == value) {
      found.row = std::move(*row);
      return found;
    }
  }
  return FoundDatum{};
}

/// Writes what lies in the last probe into the hole, so that probes stay dense.
Result<void> fill_hole(WriteContext& context, const DatumPlace& place, unsigned hole,
                       const Bytes& gone) {
  std::optional<Bytes> last;
  unsigned last_probe = hole;
  for (unsigned probe = hole + 1; probe < kProbes; ++probe) {
    auto row = fetch_for_update<fb::UserDatum>(context.transaction(),
                                               probe_key(context.space(), place, probe));
    if (!row) return std::move(row).error();
    if (!*row) break;
    last = std::move(*row);
    last_probe = probe;
  }
  const std::string hole_key = probe_key(context.space(), place, hole);
  if (!last) return context.write_row(TableId::user_data, hole_key, gone.view(), std::nullopt);
  const std::string last_key = probe_key(context.space(), place, last_probe);
  CALLISTO_TRY(context.write_row(TableId::user_data, last_key, last->view(), std::nullopt));
  return context.write_row(TableId::user_data, hole_key, gone.view(), last->view());
}

}  // namespace

DatumPlace place_of(const UserId& user, std::string_view category, std::string_view value) {
  return {user, schema::nfc(category), schema::hash128(value)};
}

Result<void> for_each_datum(
    kv::Reader& reader, std::string_view lower, std::string_view upper,
    const std::function<Result<bool>(std::string_view key, Bytes row)>& each) {
  const auto cursor =
      reader.scan(kv::Family::user_data,
                  {.lower = lower, .upper = upper, .prefix_bytes = schema::kUserDataBytes});
  for (; cursor->valid(); cursor->next()) {
    auto row = row_at<fb::UserDatum>(*cursor);
    if (!row) return std::move(row).error();
    Result<bool> go_on = each(cursor->key(), std::move(*row));
    if (!go_on) return std::move(go_on).error();
    if (!*go_on) return {};
  }
  return cursor->status();
}

Result<FoundDatum> find_datum(kv::Reader& reader, SpaceNumber space, const DatumPlace& place,
                              std::string_view value) {
  return search(space, place, value,
                [&](std::string_view key) { return fetch<fb::UserDatum>(reader, key); });
}

Result<FoundDatum> find_datum_for_update(WriteContext& context, const DatumPlace& place,
                                         std::string_view value) {
  auto found = search(context.space(), place, value, [&](std::string_view key) {
    return fetch_for_update<fb::UserDatum>(context.transaction(), key);
  });
  if (found && found->key.empty()) {
    return Error(Code::limit_exceeded, "value", "at most 256 values with one hash");
  }
  return found;
}

Result<void> check_preferred_name(std::string_view name, const char* field) {
  CALLISTO_TRY(schema::check_text(name, field, kMaxName, 1));
  // NFC makes some characters longer, so that a name within its limit could pass that of a key.
  const std::size_t longest = indexes::user_by_preferred_name_prefix(0, name).size() +
                              sizeof(UuidBytes) + sizeof(schema::Hash128) + 1;
  if (longest <= kv::kMaxKeyBytes) return {};
  return Error(Code::invalid_argument, field, "at most 983 bytes in folded normalisation form C");
}

Result<void> put_datum(WriteContext& context, std::string_view key, const UserId& user,
                       const NewDatum& datum, const DatumOrigin& origin) {
  fb::UserDatumT fields;
  CALLISTO_TRY(fill_envelope(fields, envelope_of(datum), context.made_ids(), context.now(),
                             Time(origin.created_at)));
  if (!datum.origin) *fields.stamp = with_version(*fields.stamp, origin.version);
  fields.user = std::make_unique<fb::Uuid>(schema::to_fb(user));
  fields.category = datum.category;
  fields.kind = static_cast<fb::CategoryKind>(origin.kind);
  fields.value = datum.value;
  return write_record(context, TableId::user_data, key, std::nullopt, fields);
}

Result<void> erase_datum(WriteContext& context, std::string_view key, const Bytes& row) {
  auto parts = schema::parse_datum_key(key);
  if (!parts) return damaged("user_data", key);
  return fill_hole(context, {parts->user, std::move(parts->category), parts->value_hash},
                   parts->probe, row);
}

Result<std::optional<DatumRow>> first_of_category(ReadContext& context, const UserId& user,
                                                  std::string_view category) {
  std::optional<DatumRow> first;
  const std::string prefix = schema::datum_prefix(context.space(), user, schema::nfc(category));
  std::size_t ahead = 0;
  std::size_t bytes = 0;
  // Some more than the first: what is read is remembered, and the others are asked for next.
  auto done = for_each_datum(context.reader(), prefix, schema::prefix_end(prefix),
                             [&](std::string_view key, Bytes row) -> Result<bool> {
                               bytes += row.size();
                               if (!first) first = DatumRow{std::string(key), std::move(row)};
                               return ++ahead <= kRowsAhead && bytes < kBytesAhead;
                             });
  if (!done) return std::move(done).error();
  return first;
}

CategoryKind kind_of(const Bytes& row) noexcept {
  return schema::root<fb::UserDatum>(row)->kind() == fb::CategoryKind::list ? CategoryKind::list
                                                                            : CategoryKind::single;
}

std::int64_t created_of(const Bytes& row) noexcept {
  return schema::root<fb::UserDatum>(row)->stamp()->created_at();
}

void guard_category(WriteContext& context, const UserId& user, std::string_view category) {
  context.transaction().guard(kv::Family::user_data,
                              schema::datum_prefix(context.space(), user, schema::nfc(category)));
}

void touch_category(WriteContext& context, const UserId& user, std::string_view category) {
  context.transaction().touch(kv::Family::user_data,
                              schema::datum_prefix(context.space(), user, schema::nfc(category)));
}

}  // namespace callisto::detail
