#include "engine/rocksdb/key_filter.h"

#include <xxhash.h>

namespace callisto::kv {
namespace {

constexpr std::size_t kBitsPerKey = 10;
constexpr std::size_t kLineBits = 512;
constexpr int kProbes = 6;
/// Bits of a hash that say which bit of a line; the others say which line.
constexpr int kProbeBits = 9;

std::size_t lines_for(std::size_t keys) noexcept { return keys * kBitsPerKey / kLineBits + 1; }

std::size_t line_of(std::uint64_t hash, std::size_t lines) noexcept {
  return static_cast<std::size_t>((static_cast<unsigned __int128>(hash) * lines) >> 64);
}

}  // namespace

std::uint64_t KeyFilter::hash(std::string_view key, std::size_t prefix_bytes) noexcept {
  if (prefix_bytes != 0) key = key.substr(0, prefix_bytes);
  return XXH3_64bits(key.data(), key.size());
}

std::size_t KeyFilter::bytes_for(std::size_t keys) noexcept {
  return lines_for(keys) * sizeof(Line);
}

KeyFilter::KeyFilter(std::size_t keys) : lines_(lines_for(keys)) {}

void KeyFilter::add(std::uint64_t hash) noexcept {
  Line& line = lines_[line_of(hash, lines_.size())];
  for (int i = 0; i < kProbes; ++i, hash >>= kProbeBits) {
    const std::uint64_t bit = hash % kLineBits;
    line.words[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
}

bool KeyFilter::may_hold(std::uint64_t hash) const noexcept {
  const Line& line = lines_[line_of(hash, lines_.size())];
  for (int i = 0; i < kProbes; ++i, hash >>= kProbeBits) {
    const std::uint64_t bit = hash % kLineBits;
    if ((line.words[bit / 64] >> (bit % 64) & 1) == 0) return false;
  }
  return true;
}

}  // namespace callisto::kv
