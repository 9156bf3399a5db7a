#include "bench/table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>

#include "bench/format.h"

namespace callisto::bench {

namespace {

constexpr const char* kEngines[] = {"sqlite", "lmdb", "rocksdb", "callisto"};

std::string shown(std::optional<double> value, std::string (*show)(double)) {
  return value ? show(*value) : std::string();
}

/// Names of workloads with threads, or two numbers: by percentiles and rates, below.
bool is_plain(const RowName& row) {
  return kind_of(row.workload) != RowKind::other || row.workload == "10";
}

void print_rows(std::ostream& out, const Book& book) {
  out << "| id | workload | pattern | SQLite | LMDB | RocksDB | Callisto | SQLite/C | LMDB/C | "
         "RocksDB/C | spread |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  std::map<std::string, std::pair<double, int>> means;
  for (const RowName& row : book.rows()) {
    if (!is_plain(row)) continue;
    out << "| " << row.workload << " | " << row.title << " | " << row.pattern;
    double spread = 0;
    for (const char* engine : kEngines) {
      const Entry* entry = book.find(row.workload, row.pattern, engine);
      out << " | " << (entry == nullptr ? "" : grouped(entry->median_ns));
      if (entry != nullptr) spread = std::max(spread, entry->spread);
    }
    for (const char* peer : {"sqlite", "lmdb", "rocksdb"}) {
      const auto ratio = book.ratio(row, &Entry::median_ns, peer, "callisto");
      out << " | " << (ratio ? number(*ratio, 2) : "");
      if (!ratio) continue;
      auto& [sum, count] =
          means[std::string(kind_of(row.workload) == RowKind::read ? "reads, " : "writes, ") +
                row.pattern + ", " + peer + "/callisto"];
      sum += std::log(*ratio);
      ++count;
    }
    out << " | " << number(100 * spread, 0) << " % |\n";
  }
  out << "\nMedians in nanoseconds; above 1 in a ratio: Callisto is faster. Geometric means:\n\n";
  for (const auto& [name, mean] : means) {
    out << "- " << name << ": " << number(std::exp(mean.first / mean.second), 2) << "\n";
  }
}

void print_threads(std::ostream& out, const Book& book) {
  out << "\n| id | workload | pattern | engine | p50 ns | p99 | p99.9 | per second | appends/s "
         "|\n|---|---|---|---|--:|--:|--:|--:|--:|\n";
  for (const RowName& row : book.rows()) {
    if (is_plain(row)) continue;
    for (const char* engine : kEngines) {
      const Entry* entry = book.find(row.workload, row.pattern, engine);
      if (entry == nullptr) continue;
      out << "| " << row.workload << " | " << row.title << " | " << row.pattern << " | " << engine
          << " | " << grouped(entry->p50_ns) << " | " << grouped(entry->p99_ns) << " | "
          << grouped(entry->p999_ns) << " | " << grouped(entry->per_second) << " | "
          << (entry->appends_per_second > 0 ? grouped(entry->appends_per_second) : "") << " |\n";
    }
  }
}

void print_measures(std::ostream& out, const Book& book) {
  out << "\n| engine | indexes | load s | settle s | rows/s | MiB | open and first query |\n"
         "|---|---|--:|--:|--:|--:|--:|\n";
  for (const Measure& measure : book.measures) {
    const bool is_import = measure.what == "import";
    if (measure.what != "load" && !is_import) continue;
    const auto of = [&](std::string_view what, std::string_view name) {
      return book.measure(what, measure.engine, measure.indexes, name);
    };
    out << "| " << measure.engine << (is_import ? ", import" : "") << " | " << measure.indexes
        << " | " << number(of(measure.what, "seconds").value_or(0), 1) << " | "
        << number(of(measure.what, "settle_seconds").value_or(0), 1) << " | "
        << shown(of(measure.what, "rows_per_second"), grouped) << " | "
        << grouped(of("load", "bytes").value_or(0) / (1024.0 * 1024)) << " | "
        << (is_import ? "" : shown(of("open", "median_ns"), duration)) << " |\n";
  }
}

void print_targets(std::ostream& out, const std::vector<Target>& targets) {
  out << "\n| target | pattern | wanted | measured | holds | rows that miss it |\n"
         "|---|---|---|---|---|---|\n";
  for (const Target& target : targets) {
    out << "| " << target.what << " | " << target.pattern << " | " << target.wanted << " | "
        << target.measured << " | "
        << (target.measured.empty() ? "not measured"
            : target.holds          ? "yes"
                                    : "no")
        << " | " << target.worst << " |\n";
  }
}

}  // namespace

void print_tables(std::ostream& out, const Book& book, const std::vector<Target>& targets) {
  print_rows(out, book);
  print_threads(out, book);
  print_measures(out, book);
  print_targets(out, targets);
}

}  // namespace callisto::bench
