#include "bench/threads.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <latch>
#include <map>
#include <span>
#include <thread>

#include "bench/failure.h"
#include "bench/load.h"
#include "bench/statistics.h"

namespace callisto::bench {

namespace {

constexpr std::size_t kWriters = 8;
constexpr std::size_t kAppendsOfWriter = 250;
constexpr std::size_t kMostRepetitions = 5;
/// Of workload 24: as many as one engine at least needs a good part of a second for.
constexpr std::size_t kAppendsBeside = 8'000;
constexpr std::size_t kQuestionsBeside = 20'000;

std::size_t repetitions_of(const Driver& driver) {
  return std::min(driver.repetitions(), kMostRepetitions);
}

/// What one thread does, and what it took.
struct Lane {
  Engine* engine = nullptr;
  std::vector<const Operation*> operations;
  std::vector<Digest> digests;
  std::vector<double> latencies;
  std::exception_ptr failure;

  void run() {
    digests.clear();
    latencies.clear();
    digests.reserve(operations.size());
    latencies.reserve(operations.size());
    try {
      for (const Operation* operation : operations) {
        const Stopwatch watch;
        digests.push_back(engine->run(*operation));
        latencies.push_back(watch.seconds() * 1e9);
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
};

/// Runs every function in a thread of its own, all from the same moment. The seconds until the last
/// has ended.
double run_together(const std::vector<std::function<void()>>& functions) {
  std::latch ready(static_cast<std::ptrdiff_t>(functions.size()) + 1);
  std::vector<std::jthread> threads;
  for (const auto& function : functions) {
    threads.emplace_back([&] {
      ready.arrive_and_wait();
      function();
    });
  }
  ready.arrive_and_wait();
  const Stopwatch watch;
  for (std::jthread& thread : threads) thread.join();
  return watch.seconds();
}

double run_lanes(std::vector<Lane>& lanes) {
  std::vector<std::function<void()>> functions;
  for (Lane& lane : lanes) functions.emplace_back([&lane] { lane.run(); });
  const double seconds = run_together(functions);
  for (const Lane& lane : lanes) {
    if (lane.failure) std::rethrow_exception(lane.failure);
  }
  return seconds;
}

/// Seconds of all repetitions of one engine, and latencies of all threads.
struct Taken {
  std::vector<double> seconds;
  std::vector<double> latencies;

  void add(double run_seconds, const std::vector<Lane>& lanes) {
    seconds.push_back(run_seconds);
    for (const Lane& lane : lanes) {
      latencies.insert(latencies.end(), lane.latencies.begin(), lane.latencies.end());
    }
  }
  void fill(Row& row, std::size_t threads, std::size_t operations) const {
    row.threads = threads;
    row.operations = operations;
    row.runs = seconds.size();
    row.spread = spread(seconds);
    row.median_ns = median(seconds) * 1e9 / static_cast<double>(operations);
    row.per_second = static_cast<double>(operations) / median(seconds);
    row.latencies = latencies;
  }
};

/// Conversations are spread over the writers by the last byte of their id.
std::size_t writer_of(const Operation& append) {
  const ConversationId id = std::get<AppendMessage>(append).message.conversation;
  return static_cast<unsigned char>(id.view().back()) % kWriters;
}

/// As many appends for every writer, those of each one together.
std::vector<Operation> make_appends(Driver& driver, std::size_t repetition) {
  const Workload& append = workload_of("10");
  driver.begin("10w8", Pattern::uniform, repetition);
  std::vector<std::vector<Operation>> of_writer(kWriters);
  for (std::size_t missing = kWriters * kAppendsOfWriter; missing > 0;) {
    Operation operation = append.make(driver.chooser());
    auto& operations = of_writer[writer_of(operation)];
    if (operations.size() == kAppendsOfWriter) continue;
    operations.push_back(std::move(operation));
    --missing;
  }
  std::vector<Operation> all;
  for (auto& operations : of_writer) {
    for (Operation& operation : operations) all.push_back(std::move(operation));
  }
  return all;
}

/// For every engine what each of so many threads works with, kept over all repetitions.
class Sessions {
 public:
  Sessions(const Driver& driver, std::size_t threads) {
    for (Engine* engine : driver.engines()) {
      for (std::size_t i = 0; i < threads; ++i) of_[engine].push_back(engine->another());
    }
  }
  Engine& of(const Engine* engine, std::size_t thread) { return *of_.at(engine).at(thread); }

 private:
  std::map<const Engine*, std::vector<std::unique_ptr<Engine>>> of_;
};

std::vector<Lane> lanes_for(Sessions& sessions, const Engine* engine,
                            const std::vector<Operation>& operations, std::size_t threads) {
  std::vector<Lane> lanes(threads);
  const std::size_t each = operations.size() / threads;
  for (std::size_t i = 0; i < threads; ++i) {
    lanes[i].engine = &sessions.of(engine, i);
    for (std::size_t at = i * each; at < (i + 1) * each; ++at) {
      lanes[i].operations.push_back(&operations[at]);
    }
  }
  return lanes;
}

std::vector<Digest> answers_of(const std::vector<Lane>& lanes) {
  std::vector<Digest> answers;
  for (const Lane& lane : lanes) {
    answers.insert(answers.end(), lane.digests.begin(), lane.digests.end());
  }
  return answers;
}

}  // namespace

double scaling_of_machine() {
  std::atomic<std::uint64_t> sink{0};
  const auto spin = [&] {
    std::uint64_t sum = 1;
    for (std::uint64_t i = 0; i < 60'000'000; ++i) sum = mix(sum, i);
    sink += sum;
  };
  std::vector<double> factors;
  for (std::size_t i = 0; i < kMostRepetitions; ++i) {
    const double one = run_together({spin});
    factors.push_back(2 * one / run_together({spin, spin}));
  }
  return median(factors);
}

namespace {

/// The same operations by so many threads, in every engine.
class Scaling {
 public:
  Scaling(Driver& driver, const Workload& workload, std::size_t threads)
      : driver_(driver), workload_(workload), threads_(threads), sessions_(driver, threads) {}

  void run(std::span<Engine* const> engines, bool is_counted) {
    std::vector<Operation> operations;
    for (std::size_t i = 0; i < count(); ++i) {
      operations.push_back(workload_.make(driver_.chooser()));
    }
    std::vector<Digest> expected;
    for (Engine* engine : engines) {
      std::vector<Lane> lanes = lanes_for(sessions_, engine, operations, threads_);
      const double seconds = run_lanes(lanes);
      const std::vector<Digest> answers = answers_of(lanes);
      if (expected.empty()) expected = answers;
      if (answers != expected) fail(std::string(engine->name()) + " differs by threads");
      if (is_counted) taken_[engine].add(seconds, lanes);
    }
  }

  void report(Pattern pattern) {
    for (const Engine* engine : driver_.engines()) {
      Row row = driver_.row_of(workload_, pattern, *engine);
      row.workload += "@" + std::to_string(threads_);
      row.title += threads_ == 1 ? ", 1 thread" : ", 2 threads";
      taken_[engine].fill(row, threads_, count());
      driver_.add(std::move(row));
    }
  }

 private:
  /// Enough that starting threads does not count.
  std::size_t count() const { return 12 * workload_.operations; }

  Driver& driver_;
  const Workload& workload_;
  const std::size_t threads_;
  Sessions sessions_;
  std::map<const Engine*, Taken> taken_;
};

}  // namespace

void run_scaling(Driver& driver, std::string_view id, Pattern pattern) {
  // What the threads of a new kind of work bring along, memory above all, is there after some runs.
  constexpr std::size_t kWarmUps = 5;
  const Workload& workload = workload_of(id);
  // Each draws its own: what one thread has just asked for is no measure of two.
  Scaling one(driver, workload, 1);
  Scaling two(driver, workload, 2);
  for (std::size_t repetition = 0; repetition < kWarmUps + repetitions_of(driver); ++repetition) {
    const bool is_counted = repetition >= kWarmUps;
    driver.begin(std::string(id) + "@", pattern, repetition);
    const std::vector<Engine*> engines = driver.shuffled(repetition);
    Scaling* const in_turn[] = {&one, &two};
    in_turn[repetition % 2]->run(engines, is_counted);
    in_turn[1 - repetition % 2]->run(engines, is_counted);
  }
  one.report(pattern);
  two.report(pattern);
}

void run_durable_writers(Driver& driver) {
  std::map<const Engine*, Taken> taken;
  driver.set_durable(true);
  Sessions sessions(driver, kWriters);
  for (std::size_t repetition = 0; repetition <= repetitions_of(driver); ++repetition) {
    const std::vector<Operation> operations = make_appends(driver, repetition);
    driver.prepare(operations);
    for (Engine* engine : driver.shuffled(repetition)) {
      std::vector<Lane> lanes = lanes_for(sessions, engine, operations, kWriters);
      const double seconds = run_lanes(lanes);
      if (repetition > 0) taken[engine].add(seconds, lanes);
    }
  }
  driver.set_durable(false);
  for (const Engine* engine : driver.engines()) {
    Row row = driver.row_of(workload_of("10"), Pattern::uniform, *engine);
    row.workload = "10w8";
    row.title += ", 8 writers";
    taken[engine].fill(row, kWriters, kWriters * kAppendsOfWriter);
    driver.add(std::move(row));
  }
}

namespace {

/// Workload 24 in one engine.
struct Beside {
  std::vector<double> latencies;
  std::vector<double> means;
  std::vector<double> reads_per_second;
  std::vector<double> appends_per_second;

  /// The reader goes round its questions until the writer has done all of its appends.
  void run(std::vector<Lane> writer, Engine& reader, const std::vector<Operation>& reads,
           bool is_counted) {
    const std::size_t appends = writer.front().operations.size();
    std::vector<double> taken;
    std::atomic<bool> done{false};
    std::exception_ptr failure;
    const auto write = [&] {
      writer.front().run();
      done = true;
    };
    const auto read = [&] {
      try {
        for (std::size_t i = 0; !done; i = (i + 1) % reads.size()) {
          const Stopwatch watch;
          if (reader.run(reads[i]) == 1) fail("24: a conversation without messages");
          taken.push_back(watch.seconds() * 1e9);
        }
      } catch (...) {
        failure = std::current_exception();
      }
    };
    const double seconds = run_together({write, read});
    if (writer.front().failure) std::rethrow_exception(writer.front().failure);
    if (failure) std::rethrow_exception(failure);
    if (!is_counted) return;
    means.push_back(seconds * 1e9 / static_cast<double>(taken.size()));
    reads_per_second.push_back(static_cast<double>(taken.size()) / seconds);
    appends_per_second.push_back(static_cast<double>(appends) / seconds);
    latencies.insert(latencies.end(), taken.begin(), taken.end());
  }

  void fill(Row& row) const {
    row.workload = "24";
    row.title = "last 20 messages beside a thread that appends";
    row.threads = 2;
    row.median_ns = median(means);
    row.spread = spread(means);
    row.runs = means.size();
    row.operations = latencies.size() / means.size();
    row.per_second = median(reads_per_second);
    row.appends_per_second = median(appends_per_second);
    row.latencies = latencies;
  }
};

std::vector<Operation> make_many(Driver& driver, const Workload& workload, std::size_t count) {
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < count; ++i) operations.push_back(workload.make(driver.chooser()));
  return operations;
}

}  // namespace

void run_beside_appender(Driver& driver, Pattern pattern) {
  Sessions sessions(driver, 2);
  std::map<const Engine*, Beside> taken;
  for (std::size_t repetition = 0; repetition <= repetitions_of(driver); ++repetition) {
    driver.begin("24", pattern, repetition);
    const std::vector<Operation> writes = make_many(driver, workload_of("9"), kAppendsBeside);
    const std::vector<Operation> reads = make_many(driver, workload_of("4a"), kQuestionsBeside);
    driver.prepare(writes);
    for (Engine* engine : driver.shuffled(repetition)) {
      taken[engine].run(lanes_for(sessions, engine, writes, 1), sessions.of(engine, 1), reads,
                        repetition > 0);
    }
  }
  for (const Engine* engine : driver.engines()) {
    Row row = driver.row_of(workload_of("4a"), pattern, *engine);
    taken[engine].fill(row);
    driver.add(std::move(row));
  }
}

}  // namespace callisto::bench
