#pragma once

#include <string>
#include <vector>

#include "bench/book.h"
#include "bench/targets.h"

namespace callisto::bench {

/// Writes the results as one HTML file that needs nothing else.
void write_page(const std::string& file, const Book& book, const std::vector<Target>& targets);

}  // namespace callisto::bench
