#pragma once

// What the accessors of every view stand on: checked bytes read in place. A view that was never
// filled reads as an empty record.

#include <memory>
#include <optional>

#include "callisto/bytes.h"
#include "callisto/json.h"
#include "schema/records.h"

namespace callisto::detail {

template <class Table>
Bytes empty_record() {
  typename Table::NativeTableType fields;
  fields.stamp = std::make_unique<schema::fb::Stamp>();
  // Required fields of a table.
  if constexpr (requires { fields.platform_id; } || requires { fields.kind; }) {
    fields.user = std::make_unique<schema::fb::Uuid>();
  }
  if constexpr (requires { fields.sequence; }) {
    fields.conversation = std::make_unique<schema::fb::Uuid>();
  }
  const auto bytes = schema::encode<Table>(fields);
  return Bytes::copy_of(bytes ? std::string_view(*bytes) : std::string_view());
}

template <class Table>
const Table& record_in(const Bytes& bytes) noexcept {
  if (bytes) return *schema::root<Table>(bytes);
  static const Bytes empty = empty_record<Table>();
  return *schema::root<Table>(empty);
}

inline JsonView json_in(const Bytes& bytes, const flatbuffers::Vector<std::uint8_t>* flex) noexcept {
  if (flex == nullptr || flex->size() == 0) return {};
  return JsonView(bytes, flex->data(), flex->size());
}

template <class IdType>
std::optional<IdType> present_id(const schema::fb::Uuid* stored) noexcept {
  const auto id = schema::from_fb<IdType>(stored);
  if (id.is_nil()) return std::nullopt;
  return id;
}

}  // namespace callisto::detail
