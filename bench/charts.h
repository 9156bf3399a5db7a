#pragma once

// The charts of the page, each a piece of HTML.

#include <string>
#include <string_view>

#include "bench/book.h"

namespace callisto::bench {

/// In the order in which they are shown.
inline constexpr std::string_view kEngines[] = {"callisto", "sqlite", "lmdb", "rocksdb"};
inline constexpr std::string_view kPeers[] = {"sqlite", "lmdb", "rocksdb"};
std::string_view title_of(std::string_view engine);

/// How many times as fast as its peers Callisto is in every row of one pattern.
std::string draw_ratios(const Book& book, std::string_view pattern);
/// From the fastest tenth to the slowest percent of single operations.
std::string draw_latencies(const Book& book, std::string_view pattern);
/// Operations per second by threads, a picture for every workload and pattern.
std::string draw_threads(const Book& book);
/// Bars of one number of one measure, or of one row.
std::string draw_measure(const Book& book, std::string_view what, std::string_view value,
                         std::string_view title, std::string (*show)(double));
std::string draw_rates(const Book& book, std::string_view workload, std::string_view pattern,
                       double Entry::*value, std::string_view title, std::string (*show)(double));

}  // namespace callisto::bench
