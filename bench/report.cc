#include "bench/report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <thread>

#include "bench/failure.h"
#include "bench/format.h"
#include "bench/lmdb_engine.h"
#include "bench/rocksdb_engine.h"
#include "bench/sqlite_engine.h"
#include "bench/statistics.h"

namespace callisto::bench {

namespace {

/// What stands behind `name` and `separator` in a file of lines; "?" where it does not.
std::string field_of(const char* path, std::string_view name, char separator) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t at = line.find(separator);
    if (!line.starts_with(name) || at == std::string::npos) continue;
    std::string value = line.substr(at + 1);
    value.erase(0, value.find_first_not_of(" \t\""));
    while (!value.empty() && (value.back() == '"' || value.back() == ' ')) value.pop_back();
    return value;
  }
  return "?";
}

boost::json::object object_of(const Facts& facts) {
  boost::json::object object;
  for (const auto& [name, value] : facts) object[name] = value;
  return object;
}

boost::json::object object_of(const Row& row) {
  boost::json::object object{
      {"workload", row.workload},   {"title", row.title},          {"pattern", row.pattern},
      {"engine", row.engine},       {"indexes", row.indexes},      {"threads", row.threads},
      {"median_ns", row.median_ns}, {"cpu_ns", row.cpu_ns},        {"spread", row.spread},
      {"runs", row.runs},           {"operations", row.operations}};
  std::vector<double> sorted = row.latencies;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, part] : {std::pair{"p10_ns", 0.1},
                                   {"p50_ns", 0.5},
                                   {"p90_ns", 0.9},
                                   {"p99_ns", 0.99},
                                   {"p999_ns", 0.999}}) {
    object[name] = quantile(sorted, part);
  }
  if (row.per_second > 0) object["per_second"] = row.per_second;
  if (row.appends_per_second > 0) object["appends_per_second"] = row.appends_per_second;
  return object;
}

boost::json::object object_of(const Measure& measure) {
  boost::json::object object{
      {"what", measure.what}, {"engine", measure.engine}, {"indexes", measure.indexes}};
  for (const auto& [name, value] : measure.values) object[name] = value;
  return object;
}

/// One to a line.
template <class T>
void write_array(std::ostream& out, const std::vector<T>& all) {
  out << '[';
  const char* separator = "\n  ";
  for (const T& one : all) {
    out << separator << boost::json::serialize(object_of(one));
    separator = ",\n  ";
  }
  out << "\n ]";
}

void close(std::ofstream& out, const std::string& file) {
  out.close();
  if (!out) fail("cannot write " + file);
}

}  // namespace

std::string load_average() {
  double loads[1] = {0};
  return getloadavg(loads, 1) == 1 ? number(loads[0], 2) : "?";
}

Facts describe_machine() {
  utsname system{};
  uname(&system);
  const auto pages = static_cast<double>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {{"cpu", field_of("/proc/cpuinfo", "model name", ':')},
          {"cores", std::to_string(std::thread::hardware_concurrency())},
          {"memory_gib", number(pages * page_bytes / (1024.0 * 1024 * 1024), 1)},
          {"os", field_of("/etc/os-release", "PRETTY_NAME", '=')},
          {"kernel", system.release},
          {"load_before", load_average()},
          {"compiler", "g++ " __VERSION__},
          {"callisto", CALLISTO_BENCH_VERSION},
          {"rocksdb", RocksEngine::version() + " (" CALLISTO_BENCH_ROCKSDB ")"},
          {"sqlite", SqliteEngine::version()},
          {"lmdb", LmdbEngine::version()}};
}

Facts describe_settings(const Settings& settings, const Data& data) {
  const Counts& counts = data.counts();
  return {{"scale", number(settings.scale, 4)},
          {"seed", std::to_string(settings.seed)},
          {"repetitions", std::to_string(settings.repetitions)},
          {"memory_bytes", std::to_string(settings.memory_bytes)},
          {"users", std::to_string(counts.users)},
          {"conversations", std::to_string(counts.conversations)},
          {"messages", std::to_string(counts.messages())},
          {"memories", std::to_string(counts.memories)},
          {"durability",
           "buffered (SQLite: WAL, synchronous=NORMAL; LMDB: NOSYNC); 10 and 10w8: on disk"}};
}

void write_json(const std::string& file, const Facts& machine, const Facts& settings,
                const std::vector<Row>& rows, const std::vector<Measure>& measures) {
  std::ofstream out(file);
  out << "{\"machine\": " << boost::json::serialize(object_of(machine))
      << ",\n \"settings\": " << boost::json::serialize(object_of(settings)) << ",\n \"results\": ";
  write_array(out, rows);
  out << ",\n \"measures\": ";
  write_array(out, measures);
  out << "\n}\n";
  close(out, file);
}

void write_measures(const std::string& file, const std::vector<Measure>& measures) {
  std::ofstream out(file);
  write_array(out, measures);
  close(out, file);
}

}  // namespace callisto::bench
