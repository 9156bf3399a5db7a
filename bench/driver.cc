#include "bench/driver.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "bench/failure.h"
#include "bench/statistics.h"

namespace callisto::bench {

namespace {

using Clock = std::chrono::steady_clock;

/// A read's warm-up is so many times as long as a run: caches that learn what is asked for are as
/// they are after a while.
constexpr std::size_t kReadWarmUp = 40;

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
    digests.reserve(operations->size());
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

void Driver::compare(const Series& one, const Series& other, std::size_t repetition) {
  for (std::size_t i = 0; i < one.digests.size(); ++i) {
    if (one.digests[i] == other.digests.at(i)) continue;
    fail(one.name + " and " + other.name + " answer operation " + std::to_string(i) +
         " of repetition " + std::to_string(repetition) + " differently");
  }
}

Driver::Driver(const Data& data, std::vector<Engine*> engines, Scribe* scribe,
               std::size_t repetitions, IndexChoice indexes)
    : data_(data),
      engines_(std::move(engines)),
      scribe_(scribe),
      repetitions_(repetitions),
      indexes_(indexes),
      chooser_(data) {}
Driver::~Driver() = default;

void Driver::begin(std::string_view workload, Pattern pattern, std::size_t repetition) {
  std::uint64_t seed = mix(data_.seed(), 1000 + repetition, pattern == Pattern::recent ? 1 : 0);
  for (const char c : workload) seed = mix(seed, static_cast<unsigned char>(c));
  chooser_.begin(seed, pattern);
}

std::vector<Engine*> Driver::shuffled(std::size_t repetition) const {
  std::vector<Engine*> order = engines_;
  Random random(mix(data_.seed(), 2000 + repetition, rows_.size()));
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

void Driver::prepare(const std::vector<Operation>& operations) {
  if (operations.empty() || !is_write(operations.front())) return;
  if (scribe_ != nullptr) scribe_->prepare(operations);
  for (const Operation& operation : operations) {
    // What was appended to one conversation is asked for at once.
    const auto* append = std::get_if<AppendMessage>(&operation);
    if (append != nullptr && !appended_to_.insert(append->message.conversation).second) continue;
    written_.push_back(operation);
  }
}

void Driver::set_durable(bool durable) const {
  for (Engine* engine : engines_) engine->set_durable(durable);
}

Row Driver::row_of(const Workload& workload, Pattern pattern, const Engine& engine) const {
  const bool all = indexes_ == IndexChoice::all;
  return {.workload = std::string(workload.id) + (all ? "-all" : ""),
          .title = std::string(workload.title) + (all ? ", all indexes" : ""),
          .pattern = std::string(to_string(pattern)),
          .engine = std::string(engine.name()),
          .indexes = all ? "all" : "rows"};
}

std::vector<Operation> Driver::make(const Workload& workload, Pattern pattern,
                                    std::size_t repetition, std::size_t count) {
  begin(workload.id, pattern, repetition);
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < count; ++i) operations.push_back(workload.make(chooser_));
  return operations;
}

void Driver::run(const Workload& workload, Pattern pattern) {
  std::size_t count = workload.operations;
  if (workload.available != nullptr) {
    // The patterns that come after this one need as many.
    const auto patterns = static_cast<std::size_t>(
        workload.patterns.end() -
        std::find(workload.patterns.begin(), workload.patterns.end(), pattern));
    count = std::min(count, workload.available(chooser_) / ((repetitions_ + 1) * patterns));
  }
  if (count == 0) return;
  AllSeries series;
  for (Engine* engine : engines_) {
    auto one = std::make_unique<Series>();
    one->engine = engine;
    one->name = std::string(workload.id) + "/" + std::string(to_string(pattern)) + "/" +
                std::string(engine->name());
    benchmark::RegisterBenchmark(one->name.c_str(),
                                 [of = one.get()](benchmark::State& state) { of->run(state); })
        ->Iterations(static_cast<benchmark::IterationCount>(count))
        ->UseManualTime();
    series.push_back(std::move(one));
  }
  set_durable(workload.is_durable);
  const std::vector<Operation> first = make(workload, pattern, 0, count);
  const bool writes = is_write(first.front());
  warm_up(writes ? first : make(workload, pattern, 0, kReadWarmUp * count), series);
  for (std::size_t repetition = 1; repetition <= repetitions_; ++repetition) {
    repeat(repetition, make(workload, pattern, repetition, count), series);
  }
  set_durable(false);
  benchmark::ClearRegisteredBenchmarks();
  for (const auto& one : series) {
    Row row = row_of(workload, pattern, *one->engine);
    row.median_ns = median(one->means);
    row.cpu_ns = median(one->cpu_means);
    row.latencies = std::move(one->latencies);
    row.spread = spread(one->means);
    row.runs = one->means.size();
    row.operations = count;
    add(std::move(row));
  }
}

/// Compared, but not counted.
void Driver::warm_up(const std::vector<Operation>& operations, const AllSeries& series) {
  prepare(operations);
  for (const auto& one : series) {
    one->digests.clear();
    for (const Operation& operation : operations) {
      one->digests.push_back(one->engine->run(operation));
    }
    compare(*one, *series.front(), 0);
  }
}

void Driver::repeat(std::size_t repetition, const std::vector<Operation>& operations,
                    const AllSeries& series) {
  prepare(operations);
  for (const Engine* engine : shuffled(repetition)) {
    Series& one = **std::find_if(series.begin(), series.end(),
                                 [&](const auto& other) { return other->engine == engine; });
    one.operations = &operations;
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector, "^" + one.name + "/");
    if (one.failure) std::rethrow_exception(one.failure);
    one.means.push_back(collector.mean_ns);
    one.cpu_means.push_back(collector.cpu_ns);
  }
  for (const auto& one : series) compare(*one, *series.front(), repetition);
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
