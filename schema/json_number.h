#pragma once

// Doubles of JSON: which text a double keeps, and its canonical text.

#include <optional>
#include <string>
#include <string_view>

namespace callisto::schema {

/// The double for the text of a JSON number with a fraction or an exponent; nullopt when it would
/// change: out of range, nothing left of it (1e-400), or digits that the double does not keep. Kept
/// are up to 15 significant digits always, and more where they are what the double prints, as its
/// shortest text or rounded to as many digits.
std::optional<double> exact_double(std::string_view text);

/// The shortest text that reads back equal (std::to_chars), with ".0" where it would look like an
/// integer. Requires a finite value.
void append_double(std::string& out, double value);

}  // namespace callisto::schema
