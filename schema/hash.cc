#include "schema/hash.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <cstring>

namespace callisto::schema {

namespace {

Hash128 canonical(const XXH128_hash_t& hash) noexcept {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Hash128 result;
  static_assert(sizeof(bytes.digest) == std::tuple_size_v<Hash128>);
  std::memcpy(result.data(), bytes.digest, result.size());
  return result;
}

}  // namespace

Hash128 hash128(std::string_view bytes) noexcept {
  return canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

Hash128 hash128(std::string_view a, std::string_view b) noexcept {
  const std::uint64_t border = boost::endian::native_to_big(std::uint64_t{a.size()});
  // Short texts in one piece: to begin and end a state costs more than the hash.
  constexpr std::size_t kShortBytes = 512;
  char whole[sizeof(border) + kShortBytes];
  if (a.size() <= kShortBytes && b.size() <= kShortBytes - a.size()) {
    std::memcpy(whole, &border, sizeof(border));
    std::copy(a.begin(), a.end(), whole + sizeof(border));
    std::copy(b.begin(), b.end(), whole + sizeof(border) + a.size());
    return hash128({whole, sizeof(border) + a.size() + b.size()});
  }
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, &border, sizeof(border));
  XXH3_128bits_update(&state, a.data(), a.size());
  XXH3_128bits_update(&state, b.data(), b.size());
  return canonical(XXH3_128bits_digest(&state));
}

std::uint64_t hash64(std::string_view bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace callisto::schema
