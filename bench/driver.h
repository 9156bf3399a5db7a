#pragma once

// Runs workloads: the engines in turn, in a new order each time, by Google Benchmark.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bench/engine.h"
#include "bench/results.h"
#include "bench/scribe.h"
#include "bench/workloads.h"

namespace callisto::bench {

class Driver {
 public:
  /// All outlive it. `scribe` may be null where no engine needs it.
  Driver(const Data& data, std::vector<Engine*> engines, Scribe* scribe, std::size_t repetitions,
         IndexChoice indexes);
  ~Driver();

  /// Throws when engines differ in an answer.
  void run(const Workload& workload, Pattern pattern);
  /// Asks all engines about everything that was written. The number of answers compared.
  std::size_t compare_state();
  const std::vector<Row>& rows() const noexcept { return rows_; }

  // For rows that are run otherwise (threads.h).

  const Data& data() const noexcept { return data_; }
  const std::vector<Engine*>& engines() const noexcept { return engines_; }
  std::size_t repetitions() const noexcept { return repetitions_; }
  Chooser& chooser() noexcept { return chooser_; }
  /// The same operations for a workload, a pattern and a repetition, in every run of one seed.
  void begin(std::string_view workload, Pattern pattern, std::size_t repetition);
  /// Engines in an order of the repetition's own.
  std::vector<Engine*> shuffled(std::size_t repetition) const;
  /// Before operations are run, and where they write, remembered for compare_state().
  void prepare(const std::vector<Operation>& operations);
  void set_durable(bool durable) const;
  void add(Row row) { rows_.push_back(std::move(row)); }
  /// What every engine's row of a workload begins as.
  Row row_of(const Workload& workload, Pattern pattern, const Engine& engine) const;

 private:
  struct Series;
  using AllSeries = std::vector<std::unique_ptr<Series>>;
  static void compare(const Series& one, const Series& other, std::size_t repetition);
  void warm_up(const std::vector<Operation>& operations, const AllSeries& series);
  void repeat(std::size_t repetition, const std::vector<Operation>& operations,
              const AllSeries& series);
  std::vector<Operation> make(const Workload& workload, Pattern pattern, std::size_t repetition,
                              std::size_t count);

  const Data& data_;
  const std::vector<Engine*> engines_;
  Scribe* const scribe_;
  const std::size_t repetitions_;
  const IndexChoice indexes_;
  Chooser chooser_;
  std::vector<Row> rows_;
  std::vector<Operation> written_;
  std::set<ConversationId> appended_to_;
};

}  // namespace callisto::bench
