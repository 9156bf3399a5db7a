#pragma once

// JSON as it is stored: FlexBuffers built from text parsed by Boost.JSON. FORMAT.md has the
// canonical form.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/result.h"

namespace callisto::schema {

inline constexpr std::size_t kMaxJsonBytes = 1u << 20;
inline constexpr std::size_t kMaxJsonDepth = 64;

/// FlexBuffers bytes for JSON text; empty for empty text. Equal values give equal bytes.
/// invalid_argument naming `field`: does not parse; not UTF-8; deeper than 64; longer than 1 MiB,
/// as given or in canonical form; not an object when `object_only`; a number that would change
/// silently (an integer outside int64/uint64, a double that is not finite or has more digits than
/// it can keep); a name twice in one object; a name with U+0000. "-0" is the double -0.0.
Result<std::vector<std::uint8_t>> json_to_flex(std::string_view text, const char* field,
                                               bool object_only = false);

/// An object that carries records rather than being a value of one (a line of an import): by the
/// same rules, but up to `max_bytes` and a little deeper, so that a value of the greatest depth fits.
inline constexpr std::size_t kMaxLineDepth = kMaxJsonDepth + 8;
Result<std::vector<std::uint8_t>> json_line_to_flex(std::string_view text, std::size_t max_bytes);

/// Whether bytes are well-formed FlexBuffers within the limits above.
bool is_intact_flex(const std::uint8_t* data, std::size_t size);

/// The canonical text of checked bytes: members in byte order of their names, no white space,
/// shortest numbers that read back equal, doubles always with a point or an exponent. "" for none.
std::string flex_to_json(const std::uint8_t* data, std::size_t size);

/// Appends UTF-8 text as a JSON string, with the escapes of the canonical form.
void append_json_string(std::string& out, std::string_view text);

/// Joins two objects per path: objects are joined member by member, anything else is taken from
/// `winner`. Both checked bytes; empty counts as absent. too_large naming `field` when the text of
/// the join is above 1 MiB.
Result<std::vector<std::uint8_t>> join_flex(const std::vector<std::uint8_t>& winner,
                                            const std::vector<std::uint8_t>& loser,
                                            const char* field);

/// The string at member `text` of an object, or "" (seed 004: text_content).
std::string_view flex_text_member(const std::vector<std::uint8_t>& bytes);

}  // namespace callisto::schema
