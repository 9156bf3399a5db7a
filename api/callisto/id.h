#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "callisto/export.h"

namespace callisto {

/// The 16 bytes of a UUID, in network order.
using UuidBytes = std::array<std::uint8_t, 16>;

namespace detail {
CALLISTO_API std::string format_uuid(const UuidBytes& bytes);
CALLISTO_API std::optional<UuidBytes> parse_uuid(std::string_view text) noexcept;
CALLISTO_API UuidBytes name_based_uuid(std::string_view source, std::string_view name);
}  // namespace detail

/// A record's identifier: a 16-byte UUID, a type of its own per record kind, so that a user's id
/// cannot be passed for a conversation's. The default value is nil and names no record.
/// Order is that of the bytes and means nothing in time.
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(const UuidBytes& bytes) : bytes_(bytes) {}

  /// Reads "0190b6d2-7a1c-7c3e-8f00-123456789abc" (either case, hyphens required).
  static std::optional<Id> parse(std::string_view text) noexcept {
    auto bytes = detail::parse_uuid(text);
    if (!bytes) return std::nullopt;
    return Id(*bytes);
  }
  /// The identifier for a foreign one: UUID version 5 in the namespace of `source` (DESIGN.md 2).
  static Id from_external(std::string_view source, std::string_view name) {
    return Id(detail::name_based_uuid(source, name));
  }

  constexpr bool is_nil() const noexcept { return bytes_ == UuidBytes{}; }
  constexpr explicit operator bool() const noexcept { return !is_nil(); }
  constexpr const UuidBytes& bytes() const noexcept { return bytes_; }
  std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  /// Lower-case text with hyphens, 36 characters.
  std::string to_string() const { return detail::format_uuid(bytes_); }

  friend constexpr auto operator<=>(const Id&, const Id&) = default;

 private:
  UuidBytes bytes_{};
};

using UserId = Id<struct UserTag>;
using PlatformIdentifierId = Id<struct PlatformIdentifierTag>;
using UserDatumId = Id<struct UserDatumTag>;
using PersonaId = Id<struct PersonaTag>;
using ConversationId = Id<struct ConversationTag>;
using MessageId = Id<struct MessageTag>;
using MemoryId = Id<struct MemoryTag>;

}  // namespace callisto

template <class Tag>
struct std::hash<callisto::Id<Tag>> {
  std::size_t operator()(const callisto::Id<Tag>& id) const noexcept {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::memcpy(&a, id.bytes().data(), 8);
    std::memcpy(&b, id.bytes().data() + 8, 8);
    return static_cast<std::size_t>((a ^ (b * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL);
  }
};
