#include "schema/json_number.h"

#include <algorithm>
#include <array>
#include <cfloat>
#include <charconv>
#include <cmath>
#include <system_error>

namespace callisto::schema {

namespace {

// No double has more significant digits than this in its exact decimal form.
constexpr std::size_t kMaxSignificantDigits = 767;
using NumberText = std::array<char, kMaxSignificantDigits + 32>;

// The digits before the exponent, without point, leading and trailing zeros.
std::string significant_digits(std::string_view text) {
  std::string digits;
  for (char c : text.substr(0, text.find_first_of("eE"))) {
    if (c >= '0' && c <= '9' && !(c == '0' && digits.empty())) digits += c;
  }
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

std::string_view written(const NumberText& buffer, const std::to_chars_result& end) {
  return {buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())};
}

// Text and value are less than a unit of the value's last bit apart, so equal digits are an equal
// number.
bool keeps_digits(double value, const std::string& digits) {
  if (digits.size() <= DBL_DIG && std::abs(value) >= DBL_MIN) return true;
  if (digits.size() > kMaxSignificantDigits) return false;
  NumberText buffer;
  char* const first = buffer.data();
  char* const last = first + buffer.size();
  const auto shortest = std::to_chars(first, last, value, std::chars_format::scientific);
  if (significant_digits(written(buffer, shortest)) == digits) return true;
  const auto rounded = std::to_chars(first, last, value, std::chars_format::scientific,
                                     static_cast<int>(digits.size()) - 1);
  return significant_digits(written(buffer, rounded)) == digits;
}

}  // namespace

std::optional<double> exact_double(std::string_view text) {
  const std::string digits = significant_digits(text);
  if (digits.empty()) return text.front() == '-' ? -0.0 : 0.0;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [ptr, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || ptr != end) return std::nullopt;
  if (!std::isfinite(value) || value == 0 || !keeps_digits(value, digits)) return std::nullopt;
  return value;
}

void append_double(std::string& out, double value) {
  NumberText buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  const std::string_view text = written(buffer, end);
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace callisto::schema
