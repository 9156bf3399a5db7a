#pragma once

// The format row: which Callisto can read a store (FORMAT.md, "Versions").

#include <cstdint>
#include <string>
#include <string_view>

#include "callisto/result.h"

namespace callisto::schema {

/// A draft until the first tagged release: a store of another draft is refused.
inline constexpr std::uint32_t kFormatVersion = 4;
/// Bits that this version knows. A store with an unknown incompatible bit cannot be opened, with an
/// unknown read-only bit only read, with an unknown compatible bit used as if it were not there.
inline constexpr std::uint64_t kKnownReadOnlyFeatures = 0;
inline constexpr std::uint64_t kKnownIncompatibleFeatures = 0;

/// The value of the format row that this version writes.
std::string encode_format();
/// Whether this version can read the store, or with `for_writing` write it: format_too_new,
/// format_unsupported (an older draft), corruption.
Result<void> check_format(std::string_view row, bool for_writing);

}  // namespace callisto::schema
