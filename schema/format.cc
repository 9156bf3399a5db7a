#include "schema/format.h"

#include <boost/endian/conversion.hpp>
#include <cstring>

namespace callisto::schema {

namespace {

constexpr std::size_t kFixedBytes = 4 + 3 * 8;

template <class T>
void append_little(std::string& bytes, T value) {
  const T little = boost::endian::native_to_little(value);
  bytes.append(reinterpret_cast<const char*>(&little), sizeof little);
}

template <class T>
T read_little(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return boost::endian::little_to_native(value);
}

}  // namespace

std::string encode_format() {
  std::string row;
  append_little(row, kFormatVersion);
  append_little(row, std::uint64_t{0});  // compatible
  append_little(row, kKnownReadOnlyFeatures);
  append_little(row, kKnownIncompatibleFeatures);
  row.append(CALLISTO_VERSION);
  return row;
}

Result<void> check_format(std::string_view row, bool for_writing) {
  if (row.size() < kFixedBytes) return Error(Code::corruption, "the format row is damaged");
  const auto version = read_little<std::uint32_t>(row, 0);
  const auto read_only = read_little<std::uint64_t>(row, 12);
  const auto incompatible = read_little<std::uint64_t>(row, 20);
  if (version > kFormatVersion || (incompatible & ~kKnownIncompatibleFeatures) != 0 ||
      (for_writing && (read_only & ~kKnownReadOnlyFeatures) != 0)) {
    return Error(Code::format_too_new, "the store has format " + std::to_string(version) +
                                           ", this library writes " + std::to_string(kFormatVersion));
  }
  if (version < kFormatVersion) {
    return Error(Code::format_unsupported,
                 "the store has draft format " + std::to_string(version) + ", which is not read any more");
  }
  return {};
}

}  // namespace callisto::schema
