#pragma once

#include <cmath>
#include <iomanip>
#include <sstream>
#include <string>

namespace callisto::bench {

inline std::string number(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

/// 12345678 as 12,345,678.
inline std::string grouped(double value) {
  std::string digits = std::to_string(std::llround(value));
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

/// A ratio with three digits that count: 0.85, 3.21, 32.1, 321.
inline std::string factor(double value) {
  return number(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

/// 850 ns, 12.3 us, 1.25 ms, 2.1 s.
inline std::string duration(double ns) {
  if (ns < 1e3) return number(ns, 0) + " ns";
  if (ns < 1e6) return number(ns / 1e3, 1) + " \u00b5s";
  if (ns < 1e9) return number(ns / 1e6, 1) + " ms";
  return number(ns / 1e9, 1) + " s";
}

}  // namespace callisto::bench
