#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace callisto::bench {

/// `part` of the values (0 .. 1) are not above it; 0 of none.
inline double quantile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = part * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
}

inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

/// Distance of the quartiles, as a part of the median.
inline double spread(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}

}  // namespace callisto::bench
