#pragma once

// Results as they are read back from results.json, for the table, the targets and the page.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/report.h"

namespace callisto::bench {

struct Entry {
  std::string workload;
  std::string title;
  std::string pattern;
  std::string engine;
  double median_ns = 0;
  double cpu_ns = 0;
  double p10_ns = 0;
  double p50_ns = 0;
  double p90_ns = 0;
  double p99_ns = 0;
  double p999_ns = 0;
  double spread = 0;
  double per_second = 0;
  double appends_per_second = 0;
};

/// A workload by a pattern: what the engines are compared in.
struct RowName {
  std::string workload;
  std::string title;
  std::string pattern;
  bool operator==(const RowName&) const = default;
};

struct Book {
  Facts machine;
  Facts settings;
  std::vector<Entry> entries;
  std::vector<Measure> measures;

  /// In the order in which they ran.
  std::vector<RowName> rows() const;
  const Entry* find(std::string_view workload, std::string_view pattern,
                    std::string_view engine) const;
  /// `value` of engine `a` by that of engine `b`.
  std::optional<double> ratio(const RowName& row, double Entry::*value, std::string_view a,
                              std::string_view b) const;
  /// `indexes` empty: whichever there is.
  std::optional<double> measure(std::string_view what, std::string_view engine,
                                std::string_view indexes, std::string_view value) const;
  std::string_view setting(std::string_view name) const;
};

Book read_book(const std::string& file);

/// Reads, buffered writes, or what is neither (durable, threads): by the workload's id.
enum class RowKind { read, write, other };
RowKind kind_of(std::string_view workload);

}  // namespace callisto::bench
