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
      chooser.begin(mix(data.seed(), 5000 + round),
                    round % 2 == 0 ? Pattern::recent : Pattern::uniform);
      for (std::size_t i = 0; i < 20; ++i, ++operations) engine.run(workload.make(chooser));
    }
  }
  put("seconds", watch.seconds());
  put("operations", operations);
  put("after_bytes", memory_of_process("VmRSS"));
}

/// Runs this program with a task, and reads what it prints.
Values spawn(const Settings& settings, const std::string& task, const std::string& store) {
  const std::string answer = store + "." + task + ".out";
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
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, answer.c_str(),
                                   O_CREAT | O_WRONLY | O_TRUNC, 0644);
  pid_t child = 0;
  const int started =
      posix_spawn(&child, "/proc/self/exe", &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (started != 0 || waitpid(child, &status, 0) != child || status != 0) {
    fail("the child that should " + task + " failed");
  }
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
  return spawn(settings, "load", store);
}

Values work_in_child(const Settings& settings, const std::string& store) {
  return spawn(settings, "work", store);
}

void run_child(const Settings& settings) {
  if (settings.child == "load") {
    load_store(settings);
  } else if (settings.child == "work") {
    work_on_store(settings);
  } else {
    fail("no task " + settings.child);
  }
  put("peak_bytes", memory_of_process("VmHWM"));
}

}  // namespace callisto::bench
