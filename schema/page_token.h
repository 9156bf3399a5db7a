#pragma once

// Where a page of a query ended, as opaque text for the caller. FORMAT.md section 11 has the bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/id.h"

namespace callisto::schema {

/// The place after which the next page begins: values of the order, then an id.
struct PageToken {
  std::uint64_t query = 0;  ///< Fingerprint of the query, its order included.
  std::uint8_t order = 0;
  std::vector<std::int64_t> values;  ///< At most kMaxPageValues.
  UuidBytes id{};

  bool operator==(const PageToken&) const = default;
};
inline constexpr std::size_t kMaxPageValues = 4;

/// base64url without padding.
std::string encode(const PageToken& token);
/// nullopt for what encode() did not write: cut, changed, of another version.
std::optional<PageToken> decode_page_token(std::string_view text);

/// Fingerprint of a query's normal form.
std::uint64_t query_fingerprint(std::string_view normal_form) noexcept;

}  // namespace callisto::schema
