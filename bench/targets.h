#pragma once

// What issue 4 asks for, and whether a run shows it.

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bench/book.h"

namespace callisto::bench {

struct Target {
  std::string what;
  std::string pattern;  ///< "" where it has none.
  std::string wanted;
  std::string measured;  ///< "" when this run cannot tell.
  std::string worst;     ///< Rows that miss it, the worst first.
  bool holds = false;
};

/// `smaller`: a run with a tenth of the data, to tell how costs grow; may be null.
std::vector<Target> check_targets(const Book& book, const Book* smaller);

}  // namespace callisto::bench
