#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/kv.h"

namespace callisto::kv {
namespace {

/// What a counter and its value take at most.
constexpr std::size_t kCounterBytes = 3 + 10;

/// Writes at `out`; where it ends.
char* put_varint(char* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>((value & 0x7f) | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

/// Takes one number off the front; nullopt when it is cut, above 64 bits or longer than needed.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
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

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

}  // namespace

std::string encode_counters(std::span<const std::pair<std::uint16_t, std::int64_t>> counters) {
  std::string bytes(counters.size() * kCounterBytes, '\0');
  char* end = bytes.data();
  for (const auto& [counter, value] : counters) {
    if (value != 0) end = put_varint(put_varint(end, counter), zigzag(value));
  }
  bytes.resize(static_cast<std::size_t>(end - bytes.data()));
  return bytes;
}

std::optional<std::vector<std::pair<std::uint16_t, std::int64_t>>> decode_counters(
    std::string_view bytes) {
  std::vector<std::pair<std::uint16_t, std::int64_t>> counters;
  while (!bytes.empty()) {
    const auto counter = take_varint(bytes);
    if (!counter || *counter > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    if (!counters.empty() && *counter <= counters.back().first) return std::nullopt;
    const auto value = take_varint(bytes);
    if (!value || *value == 0) return std::nullopt;
    counters.emplace_back(static_cast<std::uint16_t>(*counter), unzigzag(*value));
  }
  return counters;
}

}  // namespace callisto::kv
