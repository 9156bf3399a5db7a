#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/bytes.h"
#include "callisto/export.h"

namespace callisto {

namespace schema {
class FlexValue;
}

/// Kinds of a JSON value. Integers and doubles are apart: 1 and 1.0 come back as they went in.
enum class JsonKind : std::uint8_t { absent, null, boolean, int64, uint64, number, string, array, object };

/// A stored JSON value, read in place: a path is followed without parsing the whole.
/// Cheap to copy; holds the record's bytes, so it outlives the view that it came from.
/// A default-constructed view, and one that a missing path gives, is of kind `absent`.
/// Thread-safe: immutable.
class CALLISTO_API JsonView {
 public:
  JsonView() = default;

  JsonKind kind() const noexcept;
  explicit operator bool() const noexcept { return kind() != JsonKind::absent; }

  /// The member of an object, or absent.
  JsonView operator[](std::string_view member) const;
  /// The element of an array, or absent.
  JsonView operator[](std::size_t index) const;
  /// Follows an RFC 6901 pointer ("/profile/langs/0"); "" is the value itself.
  JsonView at(std::string_view pointer) const;
  /// Members of an object or elements of an array; 0 otherwise.
  std::size_t size() const noexcept;
  /// Names of an object's members in byte order; empty otherwise.
  std::vector<std::string_view> names() const;

  std::optional<bool> as_bool() const noexcept;
  /// An integer of either sign that fits.
  std::optional<std::int64_t> as_int64() const noexcept;
  std::optional<std::uint64_t> as_uint64() const noexcept;
  /// Any number, rounded to double.
  std::optional<double> as_double() const noexcept;
  std::optional<std::string_view> as_string() const noexcept;

  /// The canonical text: members in byte order of their names, no white space, shortest numbers
  /// that read back equal (schema/FORMAT.md). "" when absent.
  std::string to_string() const;

  /// Internal: a root over verified FlexBuffers bytes [data, data + size) inside `hold`.
  JsonView(Bytes hold, const std::uint8_t* data, std::size_t size) noexcept;

 private:
  JsonView(const Bytes& hold, const schema::FlexValue& value) noexcept;
  schema::FlexValue value() const noexcept;  // requires a kind other than absent

  Bytes hold_;
  // Where the value lies inside hold_, and of which type it is (schema/flex.h).
  const std::uint8_t* slot_ = nullptr;  // null: absent
  std::uint8_t slot_width_ = 0;
  std::uint8_t packed_type_ = 0;
};

}  // namespace callisto
