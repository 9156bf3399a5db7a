#pragma once

// Stored JSON read in place: the part of the FlexBuffers format that Callisto writes (FORMAT.md,
// "JSON"). FlexBuffers' own reader wants zero-terminated names and hides where a value lies, which
// a view must keep; its verifier (2.0.8) lets names without an end pass. Writing is the library's.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace callisto::schema {

/// The low two bits of a packed type are the width (1, 2, 4, 8 bytes) as a power of two, the rest
/// is one of these. Others of the format are never written and count as damage.
enum class FlexType : std::uint8_t {
  null = 0,
  int64 = 1,
  uint64 = 2,
  number = 3,
  string = 5,
  map = 9,
  vector = 10,
  keys = 14,
  boolean = 26,
};

static_assert(std::endian::native == std::endian::little, "stored numbers are little-endian");

template <class T>
T load(const std::uint8_t* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// An unsigned number of 1, 2, 4 or 8 bytes.
inline std::uint64_t read_flex_uint(const std::uint8_t* at, std::size_t width) noexcept {
  switch (width) {
    case 1:
      return *at;
    case 2:
      return load<std::uint16_t>(at);
    case 4:
      return load<std::uint32_t>(at);
    default:
      return load<std::uint64_t>(at);
  }
}

/// A double, stored in 4 bytes where these keep it, else in 8.
inline double read_flex_double(const std::uint8_t* at, std::size_t width) noexcept {
  return width == sizeof(float) ? load<float>(at) : load<double>(at);
}

/// A value inside bytes that is_intact_flex() has passed: where its slot lies, and of which type it
/// is. Valid as long as the bytes; every call is free of allocation. Calls for another type than
/// the value's are not allowed, indexes must be below size().
class FlexValue {
 public:
  FlexValue(const std::uint8_t* slot, std::uint8_t slot_width, std::uint8_t packed_type) noexcept
      : slot_(slot), slot_width_(slot_width), packed_type_(packed_type) {}
  /// The value that fills checked bytes.
  static FlexValue root(const std::uint8_t* data, std::size_t size) noexcept;

  FlexType type() const noexcept { return static_cast<FlexType>(packed_type_ >> 2); }

  bool as_bool() const noexcept { return read_flex_uint(slot_, slot_width_) != 0; }
  std::int64_t as_int64() const noexcept;
  std::uint64_t as_uint64() const noexcept { return read_flex_uint(slot_, slot_width_); }
  double as_double() const noexcept { return read_flex_double(slot_, slot_width_); }
  std::string_view as_string() const noexcept;

  /// Elements of a vector, members of a map.
  std::size_t size() const noexcept;
  FlexValue element(std::size_t i) const noexcept;
  /// Of the i-th member; members are ordered by the bytes of their names.
  std::string_view name(std::size_t i) const noexcept;
  /// The member of a map, by binary search.
  std::optional<FlexValue> member(std::string_view name) const noexcept;

  // What a view keeps of it.
  const std::uint8_t* slot() const noexcept { return slot_; }
  std::uint8_t slot_width() const noexcept { return slot_width_; }
  std::uint8_t packed_type() const noexcept { return packed_type_; }

 private:
  std::size_t width() const noexcept { return std::size_t{1} << (packed_type_ & 3); }
  /// What the slot's offset leads to; the value's size stands before it.
  const std::uint8_t* target() const noexcept { return slot_ - read_flex_uint(slot_, slot_width_); }

  const std::uint8_t* slot_;
  std::uint8_t slot_width_;
  std::uint8_t packed_type_;
};

/// The canonical text of a value (schema/json.h).
std::string to_json(const FlexValue& value);

}  // namespace callisto::schema
