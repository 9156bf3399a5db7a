#pragma once

// Rules of input that every repository shares: the envelope, JSON, times, numbers, limits of lists.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core.h"
#include "callisto/record.h"
#include "schema/json.h"
#include "schema/records.h"
#include "schema/text.h"

namespace callisto::detail {

// Limits in code points (DESIGN.md section 2).
inline constexpr std::size_t kMaxPlatform = 20;
inline constexpr std::size_t kMaxType = 32;
inline constexpr std::size_t kMaxCategory = 50;
inline constexpr std::size_t kMaxTag = 64;
inline constexpr std::size_t kMaxAgent = 64;
inline constexpr std::size_t kMaxExternalId = 64;
inline constexpr std::size_t kMaxEntityType = 64;
inline constexpr std::size_t kMaxEntityId = 255;
inline constexpr std::size_t kMaxModule = 64;
inline constexpr std::size_t kMaxTask = 255;
inline constexpr std::size_t kMaxSourceKind = 32;
inline constexpr std::size_t kMaxSourceId = 255;
inline constexpr std::size_t kMaxName = 100;
inline constexpr std::size_t kMaxKey = 255;
inline constexpr std::size_t kMaxTags = 256;
inline constexpr std::size_t kMaxParticipants = 1024;
inline constexpr std::size_t kMaxSources = 1024;
inline constexpr std::size_t kMaxDataRows = 2000;
inline constexpr std::size_t kMaxDatumBytes = 1u << 20;
inline constexpr std::uint32_t kMaxListed = 10'000;

Result<void> check_time(Time time, const char* field);
Result<void> check_time(const std::optional<Time>& time, const char* field);
/// Both ends in range, from <= to.
Result<void> check_range(const TimeRange& range, const char* field);
Result<void> check_importance(float importance, const char* field);
Result<void> check_priority(std::uint8_t priority, const char* field);
/// 0 becomes 100; above kMaxListed is invalid_argument (limit).
Result<std::uint32_t> check_limit(std::uint32_t limit);
/// Text or nothing: JSON bytes for a record.
Result<std::vector<std::uint8_t>> check_json(std::string_view text, const char* field, bool object_only);
Result<void> check_caller(const Caller& caller);
/// A value of the enum, or none.
Result<void> check_durability(std::optional<Durability> durability);

/// The shared part of every New...: what goes into the record's stamp and its foreign id.
struct Envelope {
  UuidBytes id{};
  std::optional<Time> created_at{};
  std::string_view metadata{};
  std::string_view external_id{};
  std::string_view external_source{};
  const std::optional<Origin>* origin = nullptr;
};
template <class New>
Envelope envelope_of(const New& record) {
  return {record.id.bytes(), record.created_at, record.metadata, record.external_id,
          record.external_source, &record.origin};
}
Result<void> check_envelope(const Envelope& envelope);
/// The stamp of a new record: makes an id where it is nil, times where they are empty.
schema::fb::Stamp make_stamp(const Envelope& envelope, MadeIds& ids, Time now,
                             std::optional<Time> default_created = {});
/// Checked input into a record's fields: makes an id where it is nil, times where they are empty.
/// `default_created` is what an empty created_at means (now; a message's timestamp).
template <class Fields>
Result<void> fill_envelope(Fields& fields, const Envelope& envelope, MadeIds& ids, Time now,
                           std::optional<Time> default_created = {});
/// For an update: version + 1, updated_at = max(now, updated_at).
template <class Fields>
void touch_envelope(Fields& fields, Time now);
/// Whether changed fields are those of a stored record still; then nothing is written.
template <class Fields>
Result<bool> is_same_record(const Bytes& stored, const Fields& fields) {
  auto bytes = schema::encode<typename Fields::TableType>(fields);
  if (!bytes) return std::move(bytes).error();
  return *bytes == stored.view();
}
/// For an importer's update: version and updated_at are those of the source.
template <class Fields>
void impose_origin(Fields& fields, const std::optional<Origin>& origin) {
  if (!origin) return;
  const schema::fb::Stamp& own = *fields.stamp;
  *fields.stamp = schema::fb::Stamp(own.id(), origin->version, own.created_at(), own.recorded_at(),
                                    origin->updated_at.micros());
}
/// For `create` with an id that is there: whether two records differ in nothing that a caller gives
/// (recorded_at, and times and ids that the store made up, do not count).
template <class Table>
bool has_equal_content(const Bytes& stored, typename Table::NativeTableType fresh, const Envelope& given);
/// version_mismatch when options.if_version is set and differs.
Result<void> check_version(const CallOptions& options, std::uint64_t version);

/// Passes the error of an expression that is a Result<void> on.
#define CALLISTO_TRY(expression)                                  \
  do {                                                            \
    if (auto try_result = (expression); !try_result) {            \
      return std::move(try_result).error();                       \
    }                                                             \
  } while (false)

}  // namespace callisto::detail
