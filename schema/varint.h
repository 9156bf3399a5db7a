#pragma once

// Numbers in as few bytes as they need. FORMAT.md, "counters", says how.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace callisto::schema {

inline constexpr std::size_t kMaxVarintBytes = 10;

/// Writes at `out`, which has room for kMaxVarintBytes; where it ends.
inline char* put_varint(char* out, std::uint64_t value) noexcept {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>((value & 0x7f) | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

/// Takes one number off the front; nullopt when it is cut, above 64 bits or longer than needed.
inline std::optional<std::uint64_t> take_varint(std::string_view& bytes) noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return byte == 0 && shift > 0 ? std::nullopt : std::optional(value);
  }
  return std::nullopt;
}

/// Numbers near 0 become small ones: 0, -1, 1, -2 are 0, 1, 2, 3.
inline std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

inline std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// How far `value` is above `from`, modulo 2^64: any two times have a distance.
inline std::uint64_t distance(std::int64_t from, std::int64_t value) noexcept {
  return zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) -
                                          static_cast<std::uint64_t>(from)));
}
inline std::int64_t at_distance(std::int64_t from, std::uint64_t distance) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) +
                                   static_cast<std::uint64_t>(unzigzag(distance)));
}

}  // namespace callisto::schema
