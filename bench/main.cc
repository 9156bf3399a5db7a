// callisto-bench: loads the data once for each engine, runs the workloads, writes the results.

#include <benchmark/benchmark.h>

#include <fstream>
#include <iostream>
#include <regex>

#include "bench/callisto_engine.h"
#include "bench/child.h"
#include "bench/driver.h"
#include "bench/failure.h"
#include "bench/lmdb_engine.h"
#include "bench/opening.h"
#include "bench/page.h"
#include "bench/report.h"
#include "bench/rocksdb_engine.h"
#include "bench/settings.h"
#include "bench/sqlite_engine.h"
#include "bench/stage.h"
#include "bench/table.h"
#include "bench/threads.h"

namespace callisto::bench {

namespace {

/// All engines open on one set of files.
class Engines {
 public:
  Engines(const Settings& settings, const Stage& stage, IndexChoice indexes)
      : scribe_(stage.path("scribe"), settings.memory_bytes),
        callisto_(stage.path("callisto"), settings.memory_bytes),
        rocksdb_(stage.path("rocksdb"), settings.memory_bytes, scribe_),
        sqlite_(stage.path("sqlite"), settings.memory_bytes),
        lmdb_(stage.path("lmdb"), indexes, scribe_) {
    for (Engine* engine : std::initializer_list<Engine*>{&callisto_, &rocksdb_, &sqlite_, &lmdb_}) {
      const std::string name(engine->name());
      if (std::regex_search(name, std::regex(settings.engines))) chosen_.push_back(engine);
    }
    if (chosen_.empty()) fail("no engine matches --engines");
    const bool only_callisto = chosen_.size() == 1 && chosen_.front() == &callisto_;
    needed_scribe_ = only_callisto ? nullptr : &scribe_;
  }

  const std::vector<Engine*>& chosen() const noexcept { return chosen_; }
  Scribe* scribe() noexcept { return needed_scribe_; }

 private:
  Scribe scribe_;
  CallistoEngine callisto_;
  RocksEngine rocksdb_;
  SqliteEngine sqlite_;
  LmdbEngine lmdb_;
  std::vector<Engine*> chosen_;
  Scribe* needed_scribe_ = nullptr;
};

/// Runs what the filter lets through, and says so.
class Run {
 public:
  Run(const Settings& settings, const Data& data, Stage& stage)
      : settings_(settings), data_(data), stage_(stage), wanted_(settings.filter) {}

  void rows_with(IndexChoice indexes) {
    stage_.set(indexes);
    if (indexes == IndexChoice::rows) measure_files();
    Engines engines(settings_, stage_, indexes);
    Driver driver(data_, engines.chosen(), engines.scribe(), settings_.repetitions, indexes);
    const bool all = indexes == IndexChoice::all;
    for (const Workload& workload : workloads()) {
      if (all && !workload.has_all_indexes_row) continue;
      // A merge takes users away whom those rows' appends name.
      if (workload.id == "20") threads(driver);
      for (const Pattern pattern : workload.patterns) {
        const std::string id = std::string(workload.id) + (all ? "-all" : "");
        if_wanted(id, pattern, workload.title, [&] { driver.run(workload, pattern); });
      }
    }
    timed("compare the state after the writes", [&] {
      std::cout << ' ' << driver.compare_state() << " answers are equal," << std::flush;
    });
    rows_.insert(rows_.end(), driver.rows().begin(), driver.rows().end());
  }

  const std::vector<Row>& rows() const noexcept { return rows_; }
  const std::vector<Measure>& measures() const noexcept { return measures_; }

 private:
  template <class F>
  void if_wanted(const std::string& id, Pattern pattern, std::string_view title, F&& function) {
    const std::string name = id + "/" + std::string(to_string(pattern));
    if (std::regex_search(name, wanted_)) timed(name + "  " + std::string(title), function);
  }

  void threads(Driver& driver) {
    for (const Pattern pattern : {Pattern::uniform, Pattern::recent}) {
      for (const char* id : {"2", "4a", "14"}) {
        if_wanted(std::string(id) + "@", pattern, "on 1 and 2 threads",
                  [&] { run_scaling(driver, id, pattern); });
      }
    }
    if_wanted("10w8", Pattern::uniform, "durable appends by 8 writers",
              [&] { run_durable_writers(driver); });
    for (const Pattern pattern : {Pattern::uniform, Pattern::recent}) {
      if_wanted("24", pattern, "reads beside a thread that appends",
                [&] { run_beside_appender(driver, pattern); });
    }
  }

  void measure_files() {
    if (!std::regex_search("open memory", wanted_)) return;
    timed("open every engine", [&] {
      for (Measure& measure : measure_opening(settings_, data_, stage_)) {
        measures_.push_back(std::move(measure));
      }
    });
    timed("mixed work in Callisto, in a process of its own", [&] {
      Values values = work_in_child(settings_, stage_.path("memory"));
      values.emplace_back("budget_bytes", static_cast<double>(settings_.memory_bytes));
      measures_.push_back({"work", "callisto", "all", std::move(values)});
    });
    measures_.push_back({"machine", "", "", {{"scaling", scaling_of_machine()}}});
  }

  const Settings& settings_;
  const Data& data_;
  Stage& stage_;
  const std::regex wanted_;
  std::vector<Row> rows_;
  std::vector<Measure> measures_;
};

std::string results_file(const Settings& settings) { return settings.directory + "/results.json"; }

/// A run with a tenth of the data tells how costs grow.
constexpr const char* kTenth = "/results-tenth.json";

void show(const Settings& settings, const std::string& file) {
  const Book book = read_book(file);
  std::optional<Book> tenth;
  if (std::ifstream(settings.directory + kTenth) && book.setting("scale") == "1.0000") {
    tenth = read_book(settings.directory + kTenth);
  }
  const std::vector<Target> targets = check_targets(book, tenth ? &*tenth : nullptr);
  std::cout << '\n';
  print_tables(std::cout, book, targets);
  write_page(settings.directory + "/index.html", book, targets);
}

void run(const Settings& settings) {
  const Data data(settings.seed, settings.scale);
  Facts machine = describe_machine();
  std::cout << "scale " << settings.scale << ", seed " << settings.seed << std::endl;
  const Stopwatch watch;
  std::filesystem::create_directories(settings.directory);
  Stage stage(settings, data);
  Run run(settings, data, stage);
  run.rows_with(IndexChoice::rows);
  run.rows_with(IndexChoice::all);
  machine.emplace_back("load_after", load_average());
  std::vector<Measure> measures = stage.measures();
  measures.insert(measures.end(), run.measures().begin(), run.measures().end());
  const Facts facts = describe_settings(settings, data);
  write_json(results_file(settings), machine, facts, run.rows(), measures);
  if (settings.scale == 0.1) {
    write_json(settings.directory + kTenth, machine, facts, run.rows(), measures);
  }
  std::cout << "the whole run: " << watch.seconds() << " s" << std::endl;
  show(settings, results_file(settings));
}

}  // namespace

}  // namespace callisto::bench

int main(int argc, char** argv) {
  try {
    const auto settings = callisto::bench::parse_settings(argc, argv);
    if (!settings.child.empty()) {
      callisto::bench::run_child(settings);
      return 0;
    }
    if (!settings.draw.empty()) {
      callisto::bench::show(settings, settings.draw);
      return 0;
    }
    int none = 1;
    benchmark::Initialize(&none, argv);
    callisto::bench::run(settings);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "\ncallisto-bench: " << error.what() << '\n';
    return 1;
  }
}
