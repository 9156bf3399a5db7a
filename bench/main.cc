// callisto-bench: loads the data once for each engine, runs the workloads, writes the results.

#include <benchmark/benchmark.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <regex>

#include "bench/callisto_engine.h"
#include "bench/driver.h"
#include "bench/failure.h"
#include "bench/report.h"
#include "bench/rocksdb_engine.h"
#include "bench/settings.h"
#include "bench/sqlite_engine.h"

namespace callisto::bench {

namespace {

namespace fs = std::filesystem;

/// Says what goes on, and how long it took.
template <class F>
void timed(const std::string& what, F&& function) {
  std::cout << what << " ..." << std::flush;
  const auto start = std::chrono::steady_clock::now();
  function();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::cout << ' ' << taken.count() << " s" << std::endl;
}

/// The data as each engine loaded it, and the copies that the runs change. Callisto's files are
/// what bare RocksDB and the scribe get too, so that the entries are the same to the byte.
class Stage {
 public:
  Stage(const Settings& settings, const Data& data)
      : settings_(settings),
        loaded_(fs::path(settings.directory) /
                ("loaded-" + std::to_string(settings.scale) + "-" + std::to_string(settings.seed))),
        run_(fs::path(settings.directory) / "run") {
    fs::remove_all(run_);
    if (!fs::exists(loaded_ / "complete")) load(data);
    fs::create_directories(run_);
    for (const char* copy : {"callisto", "rocksdb", "scribe"}) {
      fs::copy(loaded_ / "callisto", run_ / copy, fs::copy_options::recursive);
    }
    fs::copy(loaded_ / "sqlite.db", run_ / "sqlite.db");
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    std::error_code ignored;
    fs::remove_all(run_, ignored);
    if (!settings_.keep_data) fs::remove_all(loaded_, ignored);
  }

  std::string path(const char* name) const { return (run_ / name).string(); }

 private:
  void load(const Data& data) {
    fs::remove_all(loaded_);
    fs::create_directories(loaded_);
    timed("load callisto", [&] {
      CallistoEngine::load((loaded_ / "callisto").string(), data, settings_.memory_bytes);
    });
    timed("load sqlite", [&] {
      SqliteEngine::load((loaded_ / "sqlite.db").string(), data, settings_.memory_bytes);
    });
    fs::create_directory(loaded_ / "complete");
  }

  const Settings& settings_;
  const fs::path loaded_;
  const fs::path run_;
};

void run_all(Driver& driver, const Settings& settings) {
  const std::regex wanted(settings.filter);
  for (const Workload& workload : workloads()) {
    for (const Pattern pattern : workload.patterns) {
      const std::string name = std::string(workload.id) + "/" + std::string(to_string(pattern));
      if (!std::regex_search(name, wanted)) continue;
      timed(name + "  " + std::string(workload.title), [&] { driver.run(workload, pattern); });
    }
  }
}

void run(const Settings& settings) {
  const Data data(settings.seed, settings.scale);
  Facts machine = describe_machine();
  std::cout << "scale " << settings.scale << ", seed " << settings.seed << std::endl;
  fs::create_directories(settings.directory);
  const Stage stage(settings, data);
  Scribe scribe(stage.path("scribe"), settings.memory_bytes);
  CallistoEngine callisto(stage.path("callisto"), settings.memory_bytes);
  RocksEngine rocksdb(stage.path("rocksdb"), settings.memory_bytes, scribe);
  SqliteEngine sqlite(stage.path("sqlite.db"), settings.memory_bytes);

  std::vector<Engine*> engines;
  for (Engine* engine : std::initializer_list<Engine*>{&callisto, &rocksdb, &sqlite}) {
    const std::string name(engine->name());
    if (std::regex_search(name, std::regex(settings.engines))) engines.push_back(engine);
  }
  if (engines.empty()) fail("no engine matches --engines");
  Driver driver(data, engines, settings.repetitions);
  run_all(driver, settings);
  timed("compare the state after the writes",
        [&] { std::cout << ' ' << driver.compare_state() << " answers are equal," << std::flush; });
  machine.emplace_back("load_after", load_average());
  write_json(settings.directory + "/results.json", machine, describe_settings(settings, data),
             driver.rows());
  std::cout << '\n';
  print_table(std::cout, driver.rows());
}

}  // namespace

}  // namespace callisto::bench

int main(int argc, char** argv) {
  try {
    const auto settings = callisto::bench::parse_settings(argc, argv);
    int none = 1;
    benchmark::Initialize(&none, argv);
    callisto::bench::run(settings);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "\ncallisto-bench: " << error.what() << '\n';
    return 1;
  }
}
