#pragma once

#include <iosfwd>

#include "bench/book.h"
#include "bench/targets.h"

namespace callisto::bench {

/// Medians of all engines and their ratios, loads and sizes, and the targets, as Markdown.
void print_tables(std::ostream& out, const Book& book, const std::vector<Target>& targets);

}  // namespace callisto::bench
