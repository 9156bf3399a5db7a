#include "bench/report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <map>
#include <ostream>
#include <sstream>
#include <thread>

#include "bench/failure.h"
#include "bench/rocksdb_engine.h"
#include "bench/sqlite_engine.h"

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

std::string number(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

/// 12345678 as 12,345,678.
std::string grouped(double value) {
  std::string digits = std::to_string(std::llround(value));
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

boost::json::object object_of(const Facts& facts) {
  boost::json::object object;
  for (const auto& [name, value] : facts) object[name] = value;
  return object;
}

boost::json::object object_of(const Row& row) {
  return {{"workload", row.workload}, {"title", row.title},          {"pattern", row.pattern},
          {"engine", row.engine},     {"median_ns", row.median_ns},  {"cpu_ns", row.cpu_ns},
          {"p50_ns", row.p50_ns},     {"p99_ns", row.p99_ns},        {"spread", row.spread},
          {"runs", row.runs},         {"operations", row.operations}};
}

/// The engines' rows of one workload and pattern.
using Group = std::map<std::string, const Row*>;

std::string median_of(const Group& group, const std::string& engine) {
  const auto row = group.find(engine);
  return row == group.end() ? "" : grouped(row->second->median_ns);
}

/// 0 when one of them did not run.
double ratio_of(const Group& group, double Row::*time, const std::string& a, const std::string& b) {
  const auto above = group.find(a);
  const auto below = group.find(b);
  if (above == group.end() || below == group.end()) return 0;
  return above->second->*time / below->second->*time;
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
          {"sqlite", SqliteEngine::version()}};
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
          {"durability", "buffered (SQLite: WAL, synchronous=NORMAL)"}};
}

void write_json(const std::string& file, const Facts& machine, const Facts& settings,
                const std::vector<Row>& rows) {
  std::ofstream out(file);
  out << "{\"machine\": " << boost::json::serialize(object_of(machine))
      << ",\n \"settings\": " << boost::json::serialize(object_of(settings))
      << ",\n \"results\": [";
  const char* separator = "\n  ";
  for (const Row& row : rows) {
    out << separator << boost::json::serialize(object_of(row));
    separator = ",\n  ";
  }
  out << "\n ]}\n";
  out.close();
  if (!out) fail("cannot write " + file);
}

void print_table(std::ostream& out, const std::vector<Row>& rows) {
  std::vector<std::pair<std::string, Group>> groups;
  for (const Row& row : rows) {
    const std::string name = "| " + row.workload + " | " + row.title + " | " + row.pattern;
    if (groups.empty() || groups.back().first != name) groups.push_back({name, {}});
    groups.back().second[row.engine] = &row;
  }
  out << "| id | workload | pattern | SQLite | RocksDB | Callisto | C/R | C/R p50 | C/R cpu | S/C "
         "| "
         "spread |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  double log_sum = 0;
  std::size_t count = 0;
  for (const auto& [name, group] : groups) {
    const double to_rocksdb = ratio_of(group, &Row::median_ns, "callisto", "rocksdb");
    double spread = 0;
    for (const auto& [engine, row] : group) spread = std::max(spread, row->spread);
    out << name;
    for (const char* engine : {"sqlite", "rocksdb", "callisto"}) {
      out << " | " << median_of(group, engine);
    }
    out << " | " << number(to_rocksdb, 2);
    for (const auto time : {&Row::p50_ns, &Row::cpu_ns}) {
      out << " | " << number(ratio_of(group, time, "callisto", "rocksdb"), 2);
    }
    out << " | " << number(ratio_of(group, &Row::median_ns, "sqlite", "callisto"), 2) << " | "
        << number(100 * spread, 0) << " % |\n";
    if (to_rocksdb <= 0) continue;
    log_sum += std::log(to_rocksdb);
    ++count;
  }
  if (count == 0) return;
  out << "\nMedians in nanoseconds; C/R: Callisto/RocksDB by median, by p50, by the thread's time; "
         "S/C: SQLite/Callisto.\nGeometric mean of C/R: "
      << number(std::exp(log_sum / static_cast<double>(count)), 2) << " over " << count
      << " rows\n";
}

}  // namespace callisto::bench
