#pragma once

// Runs workloads: the engines in turn, in a new order each time, by Google Benchmark.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/engine.h"
#include "bench/workloads.h"

namespace callisto::bench {

/// One row of the results: a workload, by a pattern, in an engine. Times in nanoseconds.
struct Row {
  std::string workload;
  std::string title;
  std::string pattern;
  std::string engine;
  double median_ns = 0;  ///< Of the repetitions' means.
  double cpu_ns = 0;  ///< The same by the time of the calling thread: what others do counts less.
  double p50_ns = 0;  ///< Of single operations, all repetitions together.
  double p99_ns = 0;
  double spread = 0;  ///< Distance of the repetitions' quartiles, as a part of the median.
  std::size_t runs = 0;
  std::size_t operations = 0;  ///< Of one run.
};

class Driver {
 public:
  /// `engines` outlive it.
  Driver(const Data& data, std::vector<Engine*> engines, std::size_t repetitions);
  ~Driver();

  /// Throws when engines differ in an answer.
  void run(const Workload& workload, Pattern pattern);
  /// Asks all engines about everything that was written. The number of answers compared.
  std::size_t compare_state();
  const std::vector<Row>& rows() const noexcept { return rows_; }

 private:
  struct Series;
  std::vector<Operation> make(const Workload& workload, Pattern pattern, std::size_t repetition,
                              std::size_t count);
  void repeat(std::size_t repetition, const std::vector<Operation>& operations,
              const std::vector<std::unique_ptr<Series>>& series);

  const Data& data_;
  const std::vector<Engine*> engines_;
  const std::size_t repetitions_;
  Chooser chooser_;
  std::vector<Row> rows_;
  std::vector<Operation> written_;
};

}  // namespace callisto::bench
