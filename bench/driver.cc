#include "bench/driver.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "bench/failure.h"

namespace callisto::bench {

namespace {

using Clock = std::chrono::steady_clock;

double quantile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = part * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
}

/// Takes what Google Benchmark measured, and prints nothing.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      mean_ns = run.GetAdjustedRealTime();
      cpu_ns = run.GetAdjustedCPUTime();
    }
  }
  double mean_ns = 0;
  double cpu_ns = 0;
};

}  // namespace

/// The runs of one engine on one workload.
struct Driver::Series {
  Engine* engine = nullptr;
  std::string name;
  const std::vector<Operation>* operations = nullptr;
  std::vector<Digest> digests;
  std::vector<double> latencies;
  std::vector<double> means;
  std::vector<double> cpu_means;
  std::exception_ptr failure;

  /// One run: every operation once.
  void run(benchmark::State& state) {
    digests.clear();
    auto operation = operations->begin();
    for (auto _ : state) {
      if (failure) continue;
      const auto start = Clock::now();
      try {
        digests.push_back(engine->run(*operation++));
      } catch (...) {
        failure = std::current_exception();
      }
      const std::chrono::duration<double> taken = Clock::now() - start;
      state.SetIterationTime(taken.count());
      latencies.push_back(taken.count() * 1e9);
    }
  }
};

Driver::Driver(const Data& data, std::vector<Engine*> engines, std::size_t repetitions)
    : data_(data), engines_(std::move(engines)), repetitions_(repetitions), chooser_(data) {}
Driver::~Driver() = default;

std::vector<Operation> Driver::make(const Workload& workload, Pattern pattern,
                                    std::size_t repetition, std::size_t count) {
  std::uint64_t seed = mix(data_.seed(), 1000 + repetition, pattern == Pattern::recent ? 1 : 0);
  for (const char c : workload.id) seed = mix(seed, static_cast<unsigned char>(c));
  chooser_.begin(seed, pattern);
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < count; ++i) operations.push_back(workload.make(chooser_));
  return operations;
}

void Driver::run(const Workload& workload, Pattern pattern) {
  std::size_t count = workload.operations;
  if (workload.available != nullptr) {
    count = std::min(count, workload.available(chooser_) / (repetitions_ + 1));
  }
  if (count == 0) return;
  const std::string name = std::string(workload.id) + "/" + std::string(to_string(pattern));
  std::vector<std::unique_ptr<Series>> series;
  for (Engine* engine : engines_) {
    auto one = std::make_unique<Series>();
    one->engine = engine;
    one->name = name + "/" + std::string(engine->name());
    benchmark::RegisterBenchmark(one->name.c_str(),
                                 [of = one.get()](benchmark::State& state) { of->run(state); })
        ->Iterations(static_cast<benchmark::IterationCount>(count))
        ->UseManualTime();
    series.push_back(std::move(one));
  }
  // Repetition 0 warms up: it is compared, but not counted.
  for (std::size_t repetition = 0; repetition <= repetitions_; ++repetition) {
    repeat(repetition, make(workload, pattern, repetition, count), series);
  }
  benchmark::ClearRegisteredBenchmarks();
  for (const auto& one : series) {
    Row row{.workload = std::string(workload.id),
            .title = std::string(workload.title),
            .pattern = std::string(to_string(pattern)),
            .engine = std::string(one->engine->name())};
    row.median_ns = quantile(one->means, 0.5);
    row.cpu_ns = quantile(one->cpu_means, 0.5);
    row.p50_ns = quantile(one->latencies, 0.5);
    row.p99_ns = quantile(one->latencies, 0.99);
    row.spread = (quantile(one->means, 0.75) - quantile(one->means, 0.25)) / row.median_ns;
    row.runs = one->means.size();
    row.operations = count;
    rows_.push_back(std::move(row));
  }
}

void Driver::repeat(std::size_t repetition, const std::vector<Operation>& operations,
                    const std::vector<std::unique_ptr<Series>>& series) {
  for (const auto& one : series) one->engine->prepare(operations);
  std::vector<Series*> order;
  for (const auto& one : series) order.push_back(one.get());
  Random random(mix(data_.seed(), 2000 + repetition, operations.size()));
  std::shuffle(order.begin(), order.end(), random);
  for (Series* one : order) {
    one->operations = &operations;
    if (repetition == 1) one->latencies.clear();
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector, "^" + one->name + "/");
    if (one->failure) std::rethrow_exception(one->failure);
    if (repetition == 0) continue;
    one->means.push_back(collector.mean_ns);
    one->cpu_means.push_back(collector.cpu_ns);
  }
  for (const auto& one : series) {
    for (std::size_t i = 0; i < operations.size(); ++i) {
      if (one->digests.at(i) == series.front()->digests.at(i)) continue;
      fail(one->name + " and " + series.front()->name + " answer operation " + std::to_string(i) +
           " of repetition " + std::to_string(repetition) + " differently");
    }
  }
  if (!operations.empty() && is_write(operations.front())) {
    written_.insert(written_.end(), operations.begin(), operations.end());
  }
}

std::size_t Driver::compare_state() {
  std::size_t compared = 0;
  for (const Operation& write : written_) {
    for (const Operation& question : questions_about(write, data_)) {
      const Digest expected = engines_.front()->run(question);
      for (Engine* engine : engines_) {
        if (engine->run(question) == expected) continue;
        fail(std::string(engine->name()) + " and " + std::string(engines_.front()->name()) +
             " differ after the writes, in an answer of kind " + std::to_string(question.index()) +
             " to a write of kind " + std::to_string(write.index()));
      }
      ++compared;
    }
  }
  return compared;
}

}  // namespace callisto::bench
