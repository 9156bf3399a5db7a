#pragma once

// Records as bytes: the one place that encodes and checks FlatBuffers. The object types (fb::UserT,
// ...) are what a writer fills; the table types (fb::User, ...) are what a view reads in place.

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "callisto/bytes.h"
#include "callisto/id.h"
#include "callisto/result.h"
#include "callisto/time.h"
#include "schema/generated/records_generated.h"

namespace callisto::schema {

/// Limit of one encoded record.
inline constexpr std::size_t kMaxRecordBytes = 4u << 20;

/// The bytes of a record: deterministic, so equal fields give equal bytes. Tables: fb::User,
/// fb::PlatformIdentifier, fb::UserDatum, fb::Conversation, fb::Message, fb::Memory.
/// too_large above kMaxRecordBytes.
template <class Table>
Result<std::string> encode(const typename Table::NativeTableType& fields);

/// Checks bytes before the first field is read: FlatBuffers verifier (bounds, alignment, depth),
/// every FlexBuffers vector, UTF-8 is not checked again. `data` must be aligned to 8.
template <class Table>
bool is_intact(const std::uint8_t* data, std::size_t size);

/// The table in checked bytes.
template <class Table>
const Table* root(const Bytes& bytes) noexcept {
  return flatbuffers::GetRoot<Table>(bytes.data());
}

/// Copies `bytes` into a counted, aligned hold and checks it. nullopt when it is damaged.
template <class Table>
std::optional<Bytes> take(std::string_view bytes);

/// Fields for a writer from checked bytes.
template <class Table>
typename Table::NativeTableType unpack(const Bytes& bytes);

/// Puts an id in the place of one that a record holds: `place` lies in `record`, `bytes` is a copy
/// of its bytes. What the record says of it otherwise, and its layout, stay.
template <class Tag>
void put_id(std::string& bytes, const Bytes& record, const fb::Uuid& place, const Id<Tag>& id) {
  const auto at = reinterpret_cast<const std::uint8_t*>(&place) - record.data();
  std::memcpy(bytes.data() + at, id.view().data(), id.view().size());
}

// Small conversions between the vocabulary and the stored forms.
template <class Tag>
fb::Uuid to_fb(const Id<Tag>& id) {
  return fb::Uuid(flatbuffers::make_span(id.bytes()));
}
template <class IdType>
IdType from_fb(const fb::Uuid* uuid) noexcept {
  UuidBytes bytes{};
  if (uuid != nullptr) std::memcpy(bytes.data(), uuid->bytes()->Data(), bytes.size());
  return IdType(bytes);
}
inline std::string_view text(const flatbuffers::String* string) noexcept {
  return string == nullptr ? std::string_view{} : std::string_view{string->c_str(), string->size()};
}

}  // namespace callisto::schema
