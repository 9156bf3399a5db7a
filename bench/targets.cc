#include "bench/targets.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "bench/format.h"

namespace callisto::bench {

namespace {

constexpr double kMebibyte = 1024.0 * 1024;

struct Value {
  std::string row;
  double value = 0;
};

/// All that the rows give, the worst first: for what shall be large the smallest.
std::vector<Value> ranked(const Book& book, RowKind kind, std::string_view pattern,
                          std::string_view a, std::string_view b, bool large) {
  std::vector<Value> values;
  for (const RowName& row : book.rows()) {
    if (kind_of(row.workload) != kind || row.pattern != pattern) continue;
    const auto ratio = book.ratio(row, &Entry::median_ns, a, b);
    if (ratio) values.push_back({row.workload, *ratio});
  }
  std::sort(values.begin(), values.end(), [large](const Value& x, const Value& y) {
    return large ? x.value < y.value : x.value > y.value;
  });
  return values;
}

double geometric_mean(const std::vector<Value>& values) {
  double sum = 0;
  for (const Value& value : values) sum += std::log(value.value);
  return std::exp(sum / static_cast<double>(values.size()));
}

class Checker {
 public:
  Checker(const Book& book, const Book* smaller) : book_(book), smaller_(smaller) {}

  std::vector<Target> check() {
    for (const char* pattern : {"recent", "uniform"}) reads(pattern);
    for (const char* pattern : {"recent", "uniform"}) writes(pattern);
    durable();
    load_and_size();
    beside_writer();
    threads();
    open_and_memory();
    growth();
    return std::move(targets_);
  }

 private:
  /// Every row at least (`large`) or at most `limit`.
  void all_rows(std::string what, std::string pattern, std::string wanted,
                const std::vector<Value>& values, double limit, bool large) {
    Target target{std::move(what), std::move(pattern), std::move(wanted), "", "", true};
    if (!values.empty()) {
      target.measured =
          "worst " + factor(values.front().value) + ", mean " + factor(geometric_mean(values));
    }
    std::size_t missed = 0;
    for (const Value& value : values) {
      if (large ? value.value >= limit : value.value <= limit) break;
      target.holds = false;
      ++missed;
      if (missed <= 6)
        target.worst += (missed > 1 ? ", " : "") + value.row + ": " + factor(value.value);
    }
    if (missed > 6) target.worst += " and " + std::to_string(missed - 6) + " more";
    if (missed > 0) {
      target.measured += "; " + std::to_string(values.size() - missed) + " of " +
                         std::to_string(values.size()) + " rows hold";
    }
    targets_.push_back(std::move(target));
  }

  void one(std::string what, std::string pattern, std::string wanted, std::optional<double> value,
           double limit, bool large, const std::function<std::string(double)>& show = factor) {
    Target target{std::move(what), std::move(pattern), std::move(wanted), "", "", false};
    if (value) {
      target.measured = show(*value);
      target.holds = large ? *value >= limit : *value <= limit;
    }
    targets_.push_back(std::move(target));
  }

  void reads(const std::string& pattern) {
    const bool recent = pattern == "recent";
    const auto sqlite = ranked(book_, RowKind::read, pattern, "sqlite", "callisto", true);
    all_rows("every read row against SQLite", pattern,
             recent ? "at least 5 times as fast" : "never slower", sqlite, recent ? 5 : 1, true);
    if (!recent) {
      std::optional<double> mean;
      if (!sqlite.empty()) mean = geometric_mean(sqlite);
      one("read rows against SQLite, geometric mean", pattern, "at least 2 times", mean, 2, true);
    }
    all_rows("every read row against LMDB", pattern, recent ? "not slower" : "within 3 times",
             ranked(book_, RowKind::read, pattern, "callisto", "lmdb", false), recent ? 1 : 3,
             false);
    all_rows("every read row against bare RocksDB", pattern,
             recent ? "at least 4 times as fast" : "not slower",
             ranked(book_, RowKind::read, pattern, "rocksdb", "callisto", true), recent ? 4 : 1,
             true);
  }

  void writes(const std::string& pattern) {
    all_rows("every write row, buffered, against SQLite", pattern, "at least 4 times as fast",
             ranked(book_, RowKind::write, pattern, "sqlite", "callisto", true), 4, true);
    all_rows("every write row against bare RocksDB with the same entries", pattern,
             "within 1.3 times",
             ranked(book_, RowKind::write, pattern, "callisto", "rocksdb", false), 1.3, false);
  }

  void durable() {
    for (const char* pattern : {"recent", "uniform"}) {
      one("durable append against bare RocksDB", pattern, "within 1.1 times",
          book_.ratio({"10", "", pattern}, &Entry::median_ns, "callisto", "rocksdb"), 1.1, false);
    }
    one("durable append by 8 writers against SQLite's rate", "", "at least 4 times",
        book_.ratio({"10w8", "", "uniform"}, &Entry::per_second, "callisto", "sqlite"), 4, true);
  }

  std::optional<double> by(std::string_view what, std::string_view value) const {
    const auto ours = book_.measure(what, "callisto", "all", value);
    const auto theirs = book_.measure("load", "sqlite", "all", value);
    if (!ours || !theirs) return {};
    return *ours / *theirs;
  }

  void load_and_size() {
    one("bytes on disk, same indexes, of SQLite's", "", "at most 0.65", by("load", "bytes"), 0.65,
        false);
    one("load, same indexes, against SQLite's rows per second", "", "at least 2 times",
        by("load", "rows_per_second"), 2, true);
    one("bulk import of our own export, the same", "", "at least 3 times",
        by("import", "rows_per_second"), 3, true);
  }

  void beside_writer() {
    for (const char* pattern : {"recent", "uniform"}) {
      const RowName row{"24", "", pattern};
      one("reads beside a writer, p99 against SQLite's", pattern, "at most a fifth",
          book_.ratio(row, &Entry::p99_ns, "callisto", "sqlite"), 0.2, false);
      one("reads beside a writer, p99.9 against SQLite's", pattern, "at most a tenth",
          book_.ratio(row, &Entry::p999_ns, "callisto", "sqlite"), 0.1, false);
    }
  }

  void threads() {
    for (const char* pattern : {"recent", "uniform"}) {
      std::vector<Value> values;
      for (const Entry& entry : book_.entries) {
        if (entry.engine != "callisto" || entry.pattern != pattern) continue;
        if (!entry.workload.ends_with("@2")) continue;
        const std::string id = entry.workload.substr(0, entry.workload.size() - 2);
        const Entry* alone = book_.find(id + "@1", pattern, "callisto");
        values.push_back({id, entry.per_second / alone->per_second});
      }
      std::sort(values.begin(), values.end(),
                [](const Value& a, const Value& b) { return a.value < b.value; });
      if (values.empty()) continue;
      all_rows("reads on 2 threads against 1", pattern, "at least 1.8 times", values, 1.8, true);
      const auto machine = book_.measure("machine", "", "", "scaling");
      if (machine) targets_.back().measured += "; bare arithmetic: " + number(*machine, 2);
    }
  }

  void open_and_memory() {
    one("open and first query of a cleanly closed store", "", "under 100 ms",
        book_.measure("open", "callisto", "all", "median_ns"), 100e6, false, duration);
    for (const auto& [what, title] : {std::pair{"load", "resident memory through the load"},
                                      {"work", "resident memory through mixed work"}}) {
      const auto budget = book_.measure(what, "callisto", "all", "budget_bytes");
      one(title, "", "budget + 64 MiB", book_.measure(what, "callisto", "all", "peak_bytes"),
          budget.value_or(0) + 64 * kMebibyte, false,
          [](double bytes) { return number(bytes / kMebibyte, 0) + " MiB"; });
    }
  }

  void growth() {
    std::vector<Value> values;
    if (smaller_ != nullptr) {
      for (const Entry& entry : book_.entries) {
        if (entry.engine != "callisto" || entry.pattern != "recent") continue;
        if (kind_of(entry.workload) != RowKind::read) continue;
        const Entry* before = smaller_->find(entry.workload, "recent", "callisto");
        if (before != nullptr)
          values.push_back({entry.workload, entry.median_ns / before->median_ns});
      }
    }
    std::sort(values.begin(), values.end(),
              [](const Value& a, const Value& b) { return a.value > b.value; });
    all_rows("every read row, from a tenth to the full size", "recent", "at most 1.5 times", values,
             1.5, false);
    if (values.empty()) targets_.back().holds = false;
  }

  const Book& book_;
  const Book* const smaller_;
  std::vector<Target> targets_;
};

}  // namespace

std::vector<Target> check_targets(const Book& book, const Book* smaller) {
  return Checker(book, smaller).check();
}

}  // namespace callisto::bench
