#pragma once

// What a run found, as it is written to results.json.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace callisto::bench {

/// One row of the results: a workload, by a pattern, in an engine. Times in nanoseconds.
struct Row {
  std::string workload;
  std::string title;
  std::string pattern;
  std::string engine;
  std::string indexes = "rows";  ///< Which the peers have: those of the rows, or all of Callisto's.
  std::size_t threads = 1;
  double median_ns = 0;  ///< Of the repetitions' means.
  double cpu_ns = 0;  ///< The same by the time of the calling thread: what others do counts less.
  std::vector<double> latencies{};  ///< Of single operations, all repetitions together.
  double spread = 0;  ///< Distance of the repetitions' quartiles, as a part of the median.
  std::size_t runs = 0;
  std::size_t operations = 0;     ///< Of one run.
  double per_second = 0;          ///< Operations of all threads; 0 where it was not measured.
  double appends_per_second = 0;  ///< Of the thread beside: workload 24.
};

/// Something that is not a workload: load, size, open, memory. Values by name, units in the names.
struct Measure {
  std::string what;
  std::string engine;
  std::string indexes;
  std::vector<std::pair<std::string, double>> values;
};

}  // namespace callisto::bench
