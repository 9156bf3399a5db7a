#include "callisto/id.h"

#include <array>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>
#include <cstring>

namespace callisto::detail {

namespace {

// 2e440f62-5fcd-4e43-a2cb-949dd85cf5a8, drawn once: the namespace of all sources. Never changed,
// since foreign ids are found again through it (schema/FORMAT.md, "Identifiers").
constexpr boost::uuids::uuid kCallistoNamespace = {{0x2e, 0x44, 0x0f, 0x62, 0x5f, 0xcd, 0x4e, 0x43,
                                                    0xa2, 0xcb, 0x94, 0x9d, 0xd8, 0x5c, 0xf5,
                                                    0xa8}};

boost::uuids::uuid name_based(const boost::uuids::uuid& name_space, std::string_view name) {
  return boost::uuids::name_generator_sha1(name_space)(name.data(), name.size());
}

// A hyphen stands before bytes 4, 6, 8 and 10.
constexpr bool has_hyphen_before(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

constexpr std::int8_t kNoHex = -1;

/// By byte, since random digits mispredict any branch on them.
constexpr auto kHexValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(kNoHex);
  for (std::uint8_t i = 0; i < 10; ++i) values['0' + i] = static_cast<std::int8_t>(i);
  for (std::uint8_t i = 0; i < 6; ++i) {
    values['a' + i] = values['A' + i] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}();

int hex_value(char digit) noexcept { return kHexValues[static_cast<unsigned char>(digit)]; }

constexpr std::size_t kTextSize = 36;

}  // namespace

std::string format_uuid(const UuidBytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(kTextSize);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (has_hyphen_before(i)) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::optional<UuidBytes> parse_uuid(std::string_view text) noexcept {
  if (text.size() != kTextSize) return std::nullopt;
  UuidBytes bytes{};
  const char* at = text.data();
  int wrong = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (has_hyphen_before(i) && *at++ != '-') return std::nullopt;
    const int high = hex_value(*at++);
    const int low = hex_value(*at++);
    wrong |= high | low;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (wrong < 0) return std::nullopt;
  return bytes;
}

UuidBytes name_based_uuid(std::string_view source, std::string_view name) {
  const boost::uuids::uuid id = name_based(name_based(kCallistoNamespace, source), name);
  UuidBytes bytes{};
  std::memcpy(bytes.data(), id.data, bytes.size());
  return bytes;
}

}  // namespace callisto::detail
