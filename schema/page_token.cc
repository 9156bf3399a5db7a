#include "schema/page_token.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <cstring>

namespace callisto::schema {

namespace {

constexpr std::uint8_t kTokenVersion = 1;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

template <class T>
void append_little(std::string& out, T value) {
  value = boost::endian::native_to_little(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <class T>
T take_little(std::string_view& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(value));
  bytes.remove_prefix(sizeof(value));
  return boost::endian::little_to_native(value);
}

std::uint32_t checksum(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

std::string to_base64url(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text.push_back(kDigits[(bits >> (count - 6)) & 0x3F]);
  }
  if (count > 0) text.push_back(kDigits[(bits << (6 - count)) & 0x3F]);
  return text;
}

/// nullopt where a character is none of the digits, or bits are left over that are not zero.
std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : text) {
    const std::size_t value = kDigits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>((bits >> count) & 0xFF));
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string encode(const PageToken& token) {
  std::string bytes;
  append_little(bytes, kTokenVersion);
  append_little(bytes, token.query);
  append_little(bytes, token.order);
  append_little(bytes, static_cast<std::uint8_t>(token.values.size()));
  for (const std::int64_t value : token.values) append_little(bytes, value);
  bytes.append(reinterpret_cast<const char*>(token.id.data()), token.id.size());
  append_little(bytes, checksum(bytes));
  return to_base64url(bytes);
}

std::optional<PageToken> decode_page_token(std::string_view text) {
  constexpr std::size_t kHead = 1 + sizeof(std::uint64_t) + 1 + 1;
  constexpr std::size_t kFixed = kHead + std::tuple_size_v<UuidBytes> + kChecksumBytes;
  constexpr std::size_t kLongest = kFixed + kMaxPageValues * sizeof(std::int64_t);
  if (text.size() > kLongest * 2) return std::nullopt;
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() < kFixed) return std::nullopt;
  std::string_view rest = *bytes;
  std::string_view sum = rest.substr(rest.size() - kChecksumBytes);
  rest.remove_suffix(kChecksumBytes);
  if (take_little<std::uint32_t>(sum) != checksum(rest)) return std::nullopt;

  PageToken token;
  if (take_little<std::uint8_t>(rest) != kTokenVersion) return std::nullopt;
  token.query = take_little<std::uint64_t>(rest);
  token.order = take_little<std::uint8_t>(rest);
  const std::size_t count = take_little<std::uint8_t>(rest);
  if (count > kMaxPageValues || rest.size() != count * sizeof(std::int64_t) + token.id.size()) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < count; ++i) token.values.push_back(take_little<std::int64_t>(rest));
  std::memcpy(token.id.data(), rest.data(), token.id.size());
  return token;
}

std::uint64_t query_fingerprint(std::string_view normal_form) noexcept {
  return XXH3_64bits(normal_form.data(), normal_form.size());
}

}  // namespace callisto::schema
