#include "bench/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "bench/callisto_engine.h"
#include "bench/failure.h"
#include "bench/load.h"
#include "bench/workloads.h"
#include "tools/bulk_import.h"
#include "tools/command_line.h"

namespace callisto::bench {

namespace {

/// A line of /proc/self/status in kB: VmRSS is what is resident now, VmHWM the most so far.
double memory_of_process(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stod(line.substr(name.size() + 1)) * 1024;
  }
  fail("no " + std::string(name) + " in /proc/self/status");
}

void put(const char* name, double value) { std::printf("%s %.17g\n", name, value); }

void load_store(const Settings& settings) {
  const Data data(settings.seed, settings.scale);
  put("before_bytes", memory_of_process("VmRSS"));
  const LoadTimes times = CallistoEngine::load(settings.child_store, data, settings.memory_bytes);
  put("seconds", times.load);
  put("settle_seconds", times.settle);
}

std::string export_file(const std::string& store) { return store + ".jsonl"; }

/// What `callisto export` prints is the child's output.
void export_store(const Settings& settings) {
  const char* const arguments[] = {"callisto", "--store", settings.child_store.c_str(), "export"};
  if (tools::run_command_line(4, arguments) != 0) fail("export");
}

/// As `callisto import` does it, with the memory that all engines have.
void import_store(const Settings& settings) {
  put("before_bytes", memory_of_process("VmRSS"));
  const Stopwatch watch;
  Store store =
      require(Store::open(settings.child_store, bench_options(settings.memory_bytes)), "open");
  const auto counts =
      require(tools::import_in_bulk(export_file(settings.child_store), store, {}), "import");
  if (!counts) fail("the export was not imported in bulk");
  const double seconds = watch.seconds();
  require(store.close(), "close");
  put("seconds", seconds);
  put("settle_seconds", watch.seconds() - seconds);
}

/// Merges are left out: they are few, and used up.
void work_on_store(const Settings& settings) {
  const Data data(settings.seed, settings.scale);
  Chooser chooser(data);
  // The tables that the choosing by recency makes are not the store's.
  for (const Workload& workload : workloads()) {
    if (workload.available != nullptr) continue;
    chooser.begin(0, Pattern::recent);
    workload.make(chooser);
  }
  put("before_bytes", memory_of_process("VmRSS"));
  CallistoEngine engine(settings.child_store, settings.memory_bytes);
  const Stopwatch watch;
  double operations = 0;
  for (std::uint64_t round = 0; watch.seconds() < settings.mixed_seconds; ++round) {
    for (const Workload& workload : workloads()) {
      if (workload.available != nullptr || workload.is_durable) continue;
      // A user has 2,000 values at most, and a favourite one would have them soon.
      const bool is_recent = round % 2 == 0 && workload.id != "19a";
      chooser.begin(mix(data.seed(), 5000 + round),
                    is_recent ? Pattern::recent : Pattern::uniform);
      for (std::size_t i = 0; i < 20; ++i, ++operations) engine.run(workload.make(chooser));
    }
  }
  put("seconds", watch.seconds());
  put("operations", operations);
  put("after_bytes", memory_of_process("VmRSS"));
}

/// Runs this program with a task; what it prints goes to a file.
void spawn(const Settings& settings, const std::string& task, const std::string& store,
           const std::string& output) {
  std::vector<std::string> arguments{"callisto-bench",
                                     "--child=" + task,
                                     "--child-store=" + store,
                                     "--scale=" + std::to_string(settings.scale),
                                     "--seed=" + std::to_string(settings.seed),
                                     "--mixed-seconds=" + std::to_string(settings.mixed_seconds)};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_CREAT | O_WRONLY | O_TRUNC, 0644);
  pid_t child = 0;
  const int started =
      posix_spawn(&child, "/proc/self/exe", &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (started != 0 || waitpid(child, &status, 0) != child || status != 0) {
    fail("the child that should " + task + " failed");
  }
}

/// The values that a task prints.
Values ask(const Settings& settings, const std::string& task, const std::string& store) {
  const std::string answer = store + "." + task + ".out";
  spawn(settings, task, store, answer);
  Values values;
  std::ifstream lines(answer);
  std::string name;
  double value = 0;
  while (lines >> name >> value) values.emplace_back(name, value);
  std::remove(answer.c_str());
  return values;
}

}  // namespace

Values load_in_child(const Settings& settings, const std::string& store) {
  return ask(settings, "load", store);
}

Values work_in_child(const Settings& settings, const std::string& store) {
  return ask(settings, "work", store);
}

Values import_in_child(const Settings& settings, const std::string& from, const std::string& to) {
  spawn(settings, "export", from, export_file(to));
  Values values = ask(settings, "import", to);
  std::remove(export_file(to).c_str());
  return values;
}

void run_child(const Settings& settings) {
  if (settings.child == "load") {
    load_store(settings);
  } else if (settings.child == "work") {
    work_on_store(settings);
  } else if (settings.child == "import") {
    import_store(settings);
  } else if (settings.child == "export") {
    return export_store(settings);
  } else {
    fail("no task " + settings.child);
  }
  put("peak_bytes", memory_of_process("VmHWM"));
}

}  // namespace callisto::bench
