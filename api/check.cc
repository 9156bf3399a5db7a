#include "api/check.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "api/uuid7.h"

namespace callisto::detail {

namespace {

constexpr std::uint32_t kDefaultListed = 100;

Error out_of_range(const char* field) {
  return Error(Code::invalid_argument, field, kMinTime.to_string() + " to " + kMaxTime.to_string());
}

/// An end of a range, named by its place: "created.from".
Result<void> check_end(const std::optional<Time>& end, const char* field, const char* name) {
  if (!end || end->in_range()) return {};
  return out_of_range(name).in(std::string(field) + ".");
}

}  // namespace

Result<void> check_time(Time time, const char* field) {
  if (!time.in_range()) return out_of_range(field);
  return {};
}

Result<void> check_time(const std::optional<Time>& time, const char* field) {
  if (!time) return {};
  return check_time(*time, field);
}

Result<void> check_range(const TimeRange& range, const char* field) {
  CALLISTO_TRY(check_end(range.from, field, "from"));
  CALLISTO_TRY(check_end(range.to, field, "to"));
  if (range.from && range.to && *range.from > *range.to) {
    return Error(Code::invalid_argument, field, "from is not after to");
  }
  return {};
}

Result<void> check_importance(float importance, const char* field) {
  // Written so that NaN fails.
  if (importance >= 0.0F && importance <= 1.0F) return {};
  return Error(Code::invalid_argument, field, "0 to 1");
}

Result<void> check_priority(std::uint8_t priority, const char* field) {
  if (priority >= 1 && priority <= 10) return {};
  return Error(Code::invalid_argument, field, "1 to 10");
}

Result<std::uint32_t> check_limit(std::uint32_t limit) {
  if (limit == 0) return kDefaultListed;
  if (limit <= kMaxListed) return limit;
  return Error(Code::invalid_argument, "limit", "at most " + std::to_string(kMaxListed));
}

Result<std::vector<std::uint8_t>> check_json(std::string_view text, const char* field,
                                             bool object_only) {
  if (text.empty()) return std::vector<std::uint8_t>();
  return schema::json_to_flex(text, field, object_only);
}

Result<void> check_durability(std::optional<Durability> durability) {
  if (!durability || *durability <= Durability::synced) return {};
  return Error(Code::invalid_argument, "durability", "buffered or synced");
}

Result<void> check_caller(const Caller& caller) {
  CALLISTO_TRY(schema::check_text(caller.agent, "caller.agent", kMaxAgent));
  CALLISTO_TRY(schema::check_text(caller.module, "caller.module", kMaxModule));
  return schema::check_text(caller.task, "caller.task", kMaxTask);
}

Result<void> check_envelope(const Envelope& envelope) {
  CALLISTO_TRY(check_time(envelope.created_at, "created_at"));
  CALLISTO_TRY(schema::check_text(envelope.external_id, "external_id", kMaxExternalId));
  CALLISTO_TRY(schema::check_text(envelope.external_source, "external_source", kMaxExternalId));
  if (auto metadata = check_json(envelope.metadata, "metadata", true); !metadata) {
    return std::move(metadata).error();
  }
  if (envelope.origin == nullptr || !envelope.origin->has_value()) return {};
  const Origin& origin = **envelope.origin;
  CALLISTO_TRY(check_time(origin.updated_at, "origin.updated_at"));
  if (origin.version == 0) return Error(Code::invalid_argument, "origin.version", "at least 1");
  return {};
}

Result<void> check_version(const CallOptions& options, std::uint64_t version) {
  if (!options.if_version || *options.if_version == version) return {};
  return Error(Code::version_mismatch, "if_version",
               "the stored version is " + std::to_string(version));
}

namespace {

schema::fb::Uuid to_uuid(const UuidBytes& bytes) {
  return schema::fb::Uuid(flatbuffers::make_span(bytes));
}

bool is_nil(const UuidBytes& bytes) { return bytes == UuidBytes{}; }

}  // namespace

schema::fb::Stamp make_stamp(const Envelope& envelope, MadeIds& ids, Time now,
                             std::optional<Time> default_created) {
  const UuidBytes id = is_nil(envelope.id) ? ids.next() : envelope.id;
  const Time created = envelope.created_at.value_or(default_created.value_or(now));
  Origin origin{created, 1};
  if (envelope.origin != nullptr && envelope.origin->has_value()) origin = **envelope.origin;
  return {to_uuid(id), origin.version, created.micros(), now.micros(), origin.updated_at.micros()};
}

template <class Fields>
Result<void> fill_envelope(Fields& fields, const Envelope& envelope, MadeIds& ids, Time now,
                           std::optional<Time> default_created) {
  auto metadata = check_json(envelope.metadata, "metadata", true);
  if (!metadata) return std::move(metadata).error();
  fields.stamp =
      std::make_unique<schema::fb::Stamp>(make_stamp(envelope, ids, now, default_created));
  fields.metadata = std::move(*metadata);
  fields.external_id = envelope.external_id;
  fields.external_source = envelope.external_source;
  return {};
}

template <class Fields>
void touch_envelope(Fields& fields, Time now) {
  const schema::fb::Stamp& old = *fields.stamp;
  *fields.stamp = schema::fb::Stamp(old.id(), old.version() + 1, old.created_at(),
                                    old.recorded_at(), std::max(now.micros(), old.updated_at()));
}

template <class Table>
bool has_equal_content(const Bytes& stored, typename Table::NativeTableType fresh,
                       const Envelope& given) {
  const auto there = schema::unpack<Table>(stored);
  const schema::fb::Stamp& old = *there.stamp;
  const schema::fb::Stamp& made = *fresh.stamp;
  const bool has_origin = given.origin != nullptr && given.origin->has_value();
  *fresh.stamp = schema::fb::Stamp(
      is_nil(given.id) ? old.id() : made.id(), has_origin ? made.version() : old.version(),
      given.created_at ? made.created_at() : old.created_at(), old.recorded_at(),
      has_origin ? made.updated_at() : old.updated_at());
  // Both are encoded here: the stored bytes may be those of an older layout.
  const auto stored_bytes = schema::encode<Table>(there);
  const auto fresh_bytes = schema::encode<Table>(fresh);
  return stored_bytes && fresh_bytes && *stored_bytes == *fresh_bytes;
}

#define CALLISTO_INSTANTIATE(Table)                                                    \
  template Result<void> fill_envelope<Table::NativeTableType>(                         \
      Table::NativeTableType&, const Envelope&, MadeIds&, Time, std::optional<Time>);  \
  template void touch_envelope<Table::NativeTableType>(Table::NativeTableType&, Time); \
  template bool has_equal_content<Table>(const Bytes&, Table::NativeTableType, const Envelope&)
CALLISTO_INSTANTIATE(schema::fb::User);
CALLISTO_INSTANTIATE(schema::fb::PlatformIdentifier);
CALLISTO_INSTANTIATE(schema::fb::UserDatum);
CALLISTO_INSTANTIATE(schema::fb::Conversation);
CALLISTO_INSTANTIATE(schema::fb::Message);
CALLISTO_INSTANTIATE(schema::fb::Memory);
#undef CALLISTO_INSTANTIATE

}  // namespace callisto::detail
