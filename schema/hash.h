#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace callisto::schema {

/// XXH3-128, big-endian. Where unbounded text enters a key; the stored text is what is compared.
using Hash128 = std::array<std::uint8_t, 16>;
Hash128 hash128(std::string_view bytes) noexcept;
/// Of two texts, with their border: hash128(length of a, a, b).
Hash128 hash128(std::string_view a, std::string_view b) noexcept;
/// XXH3-64 with seed 0.
std::uint64_t hash64(std::string_view bytes) noexcept;
inline std::string_view view(const Hash128& hash) noexcept {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace callisto::schema
