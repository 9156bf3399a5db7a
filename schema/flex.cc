#include "schema/flex.h"

#include <flatbuffers/flexbuffers.h>

namespace callisto::schema {

static_assert(static_cast<int>(FlexType::null) == flexbuffers::FBT_NULL);
static_assert(static_cast<int>(FlexType::int64) == flexbuffers::FBT_INT);
static_assert(static_cast<int>(FlexType::uint64) == flexbuffers::FBT_UINT);
static_assert(static_cast<int>(FlexType::number) == flexbuffers::FBT_FLOAT);
static_assert(static_cast<int>(FlexType::string) == flexbuffers::FBT_STRING);
static_assert(static_cast<int>(FlexType::map) == flexbuffers::FBT_MAP);
static_assert(static_cast<int>(FlexType::vector) == flexbuffers::FBT_VECTOR);
static_assert(static_cast<int>(FlexType::keys) == flexbuffers::FBT_VECTOR_KEY);
static_assert(static_cast<int>(FlexType::boolean) == flexbuffers::FBT_BOOL);

FlexValue FlexValue::root(const std::uint8_t* data, std::size_t size) noexcept {
  const std::uint8_t slot_width = data[size - 1];
  return {data + size - 2 - slot_width, slot_width, data[size - 2]};
}

std::int64_t FlexValue::as_int64() const noexcept {
  switch (slot_width_) {
    case 1:
      return load<std::int8_t>(slot_);
    case 2:
      return load<std::int16_t>(slot_);
    case 4:
      return load<std::int32_t>(slot_);
    default:
      return load<std::int64_t>(slot_);
  }
}

std::string_view FlexValue::as_string() const noexcept {
  return {reinterpret_cast<const char*>(target()), size()};
}

std::size_t FlexValue::size() const noexcept { return read_flex_uint(target() - width(), width()); }

FlexValue FlexValue::element(std::size_t i) const noexcept {
  const std::uint8_t* const elements = target();
  const std::uint8_t* const types = elements + size() * width();
  return {elements + i * width(), static_cast<std::uint8_t>(width()), types[i]};
}

std::string_view FlexValue::name(std::size_t i) const noexcept {
  const std::uint8_t* const keys_slot = target() - 3 * width();
  const std::uint8_t* const keys = keys_slot - read_flex_uint(keys_slot, width());
  const std::size_t keys_width = read_flex_uint(keys_slot + width(), width());
  const std::uint8_t* const slot = keys + i * keys_width;
  return reinterpret_cast<const char*>(slot - read_flex_uint(slot, keys_width));
}

std::optional<FlexValue> FlexValue::member(std::string_view name) const noexcept {
  std::size_t low = 0;
  std::size_t high = size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const int order = this->name(middle).compare(name);
    if (order == 0) return element(middle);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::nullopt;
}

}  // namespace callisto::schema
