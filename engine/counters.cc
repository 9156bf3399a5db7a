#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/kv.h"
#include "schema/varint.h"

namespace callisto::kv {
namespace {

using schema::put_varint;
using schema::take_varint;

/// What a counter and its value take at most.
constexpr std::size_t kCounterBytes = 3 + schema::kMaxVarintBytes;

}  // namespace

std::string encode_counters(std::span<const std::pair<std::uint16_t, std::int64_t>> counters) {
  std::string bytes(counters.size() * kCounterBytes, '\0');
  char* end = bytes.data();
  for (const auto& [counter, value] : counters) {
    if (value != 0) end = put_varint(put_varint(end, counter), schema::zigzag(value));
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
    counters.emplace_back(static_cast<std::uint16_t>(*counter), schema::unzigzag(*value));
  }
  return counters;
}

}  // namespace callisto::kv
