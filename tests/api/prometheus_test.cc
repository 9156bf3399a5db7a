// The Prometheus text is read back by a parser of the format's description (text format 0.0.4).

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "callisto/store.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

using Labels = std::map<std::string, std::string>;

/// The samples of a text; a line that the format does not allow is a failure.
class Metrics {
 public:
  explicit Metrics(const std::string& text) {
    EXPECT_TRUE(text.ends_with('\n'));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) {
        read_comment(line);
      } else {
        read_sample(line);
      }
    }
  }

  bool has(const std::string& name, const Labels& labels) const {
    return samples_.contains({name, labels});
  }
  double at(const std::string& name, const Labels& labels = {}) const {
    const auto found = samples_.find({name, labels});
    if (found == samples_.end()) {
      ADD_FAILURE() << "no " << name;
      return -1;
    }
    return found->second;
  }
  const std::map<std::string, std::string>& types() const { return types_; }
  const std::map<std::pair<std::string, Labels>, double>& samples() const { return samples_; }

 private:
  void read_comment(const std::string& line) {
    std::istringstream words(line);
    std::string hash, kind, name, rest;
    words >> hash >> kind >> name;
    std::getline(words, rest);
    ASSERT_TRUE(kind == "HELP" || kind == "TYPE") << line;
    ASSERT_GT(rest.size(), 1U) << line;
    if (kind == "HELP") {
      EXPECT_TRUE(helped_.insert(name).second) << line << ": twice";
      return;
    }
    EXPECT_TRUE(helped_.contains(name)) << line << ": no HELP before";
    const std::string type = rest.substr(1);
    EXPECT_TRUE(type == "counter" || type == "gauge" || type == "histogram") << line;
    EXPECT_TRUE(types_.emplace(name, type).second) << line << ": twice";
    current_ = name;
  }

  void read_sample(const std::string& line) {
    const std::size_t end = line.find_first_of("{ ");
    ASSERT_NE(end, std::string::npos) << line;
    const std::string name = line.substr(0, end);
    const std::string suffix = name.starts_with(current_) ? name.substr(current_.size()) : "?";
    if (types_[current_] == "histogram") {
      EXPECT_TRUE(suffix == "_bucket" || suffix == "_sum" || suffix == "_count") << line;
    } else {
      EXPECT_EQ(suffix, "") << line << ": not under its TYPE";
    }
    std::size_t at = end;
    const Labels labels = line[at] == '{' ? read_labels(line, at) : Labels();
    ASSERT_EQ(line[at], ' ') << line;
    char* behind = nullptr;
    const double value = std::strtod(line.c_str() + at + 1, &behind);
    EXPECT_EQ(*behind, '\0') << line;
    EXPECT_TRUE(samples_.emplace(std::pair(name, labels), value).second) << line << ": twice";
  }

  static Labels read_labels(const std::string& line, std::size_t& at) {
    Labels labels;
    ++at;
    while (at < line.size() && line[at] != '}') {
      const std::size_t equals = line.find("=\"", at);
      if (equals == std::string::npos) break;
      const std::string name = line.substr(at, equals - at);
      std::string value;
      for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\') {
          ++at;
          value += line[at] == 'n' ? '\n' : line[at];
        } else {
          value += line[at];
        }
      }
      EXPECT_TRUE(labels.emplace(name, value).second) << line;
      ++at;
      if (at < line.size() && line[at] == ',') ++at;
    }
    ++at;
    return labels;
  }

  std::string current_;
  std::set<std::string> helped_;
  std::map<std::string, std::string> types_;
  std::map<std::pair<std::string, Labels>, double> samples_;
};

Stats example() {
  Stats stats;
  CallStats& call = stats.calls["users.get"];
  call = {.count = 70, .timed = 9, .covered = 64, .sum_ns = 64'000, .max_ns = 5'000'000'000};
  call.buckets = {{64, 0}, {1024, 60}, {2048, 63}};
  stats.tables["users"] = {.records = 3, .bytes = 300};
  stats.indexes["user_by_name"] = {.entries = 2, .bytes = 20, .state = IndexState::building};
  stats.disk.levels = {{.files = 1, .bytes = 10, .read_bytes = 100, .written_bytes = 1000},
                       {.files = 2, .bytes = 20, .read_bytes = 200, .written_bytes = 2000}};
  stats.disk.committed_bytes = 1000;
  stats.disk.flushed_bytes = 1000;
  stats.disk.compaction_written_bytes = 2000;
  stats.disk.stops = 7;
  stats.disk.stall_micros = 1'500'000;
  stats.record_cache = {.hits = 30, .misses = 10, .negative_hits = 5, .fills = 9, .evictions = 8};
  return stats;
}

TEST(Prometheus, TellsWhatTheStatsTell) {
  const Metrics metrics(prometheus_text(example()));
  EXPECT_EQ(metrics.at("callisto_calls_total", {{"call", "users.get"}}), 70);
  EXPECT_EQ(metrics.at("callisto_call_duration_max_seconds", {{"call", "users.get"}}), 5);
  EXPECT_EQ(metrics.at("callisto_records", {{"table", "users"}}), 3);
  EXPECT_EQ(metrics.at("callisto_index_ready", {{"index", "user_by_name"}}), 0);
  EXPECT_EQ(metrics.at("callisto_level_written_bytes_total", {{"level", "1"}}), 2000);
  EXPECT_EQ(metrics.at("callisto_level_read_bytes_total", {{"level", "0"}}), 100);
  EXPECT_EQ(metrics.at("callisto_write_amplification_ratio"), 3);
  EXPECT_EQ(metrics.at("callisto_write_stalls_total", {{"kind", "stop"}}), 7);
  EXPECT_EQ(metrics.at("callisto_write_stall_seconds_total"), 1.5);
  EXPECT_EQ(metrics.at("callisto_cache_hits_total", {{"cache", "records"}}), 30);
  EXPECT_EQ(metrics.at("callisto_cache_negative_hits_total", {{"cache", "records"}}), 5);
  EXPECT_EQ(metrics.at("callisto_cache_evictions_total", {{"cache", "lists"}}), 0);
}

TEST(Prometheus, HistogramsAreCumulativeAndAddUp) {
  const Metrics metrics(prometheus_text(example()));
  const std::string name = "callisto_call_duration_seconds";
  const auto bucket = [&](const std::string& le) {
    return metrics.at(name + "_bucket", {{"call", "users.get"}, {"le", le}});
  };
  EXPECT_EQ(metrics.types().at(name), "histogram");
  EXPECT_EQ(bucket("6.4e-08"), 0);
  EXPECT_EQ(bucket("1.024e-06"), 60);
  EXPECT_EQ(bucket("2.048e-06"), 63);
  EXPECT_EQ(bucket("+Inf"), 64);
  EXPECT_EQ(metrics.at(name + "_count", {{"call", "users.get"}}), 64);
  EXPECT_EQ(metrics.at(name + "_sum", {{"call", "users.get"}}), 64e-6);
}

TEST(Prometheus, LabelsStandOnEveryLineAndAreEscaped) {
  const std::string value = "a \"b\" \\ c\nd";
  const Metrics metrics(
      prometheus_text(example(), {{"store", value}, {"1x", "no name"}, {"", "none"}}));
  for (const auto& [sample, number] : metrics.samples()) {
    EXPECT_EQ(sample.second.at("store"), value) << sample.first;
    EXPECT_FALSE(sample.second.contains("1x"));
  }
  EXPECT_TRUE(metrics.has("callisto_commits_total", {{"store", value}}));
}

TEST(Prometheus, CountersEndInTotalAndUnitsAreBase) {
  const Metrics metrics(prometheus_text(example()));
  for (const auto& [name, type] : metrics.types()) {
    EXPECT_TRUE(name.starts_with("callisto_")) << name;
    EXPECT_EQ(name.ends_with("_total"), type == "counter") << name;
    for (const char* unit : {"_ns", "_micros", "_ms", "_percent"}) {
      EXPECT_EQ(name.find(unit), std::string::npos) << name;
    }
  }
}

TEST(Prometheus, AStoreThatWasUsed) {
  const Store store = Store::open_in_memory({.background_work = false}).value();
  const UserId user = store.users().create({.name = "Reece"}).value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.users().get(user));
  const Metrics metrics(prometheus_text(store.stats().value()));
  const Labels get{{"call", "users.get"}};
  EXPECT_EQ(metrics.at("callisto_calls_total", get), 10);
  EXPECT_EQ(metrics.at("callisto_call_duration_seconds_count", get), 10);
  EXPECT_GT(metrics.at("callisto_call_duration_seconds_sum", get), 0);
  double before = 0;
  std::uint64_t buckets = 0;
  for (const auto& [bucket, value] : std::map<double, double>([&] {
         std::map<double, double> by_end;
         for (const auto& [sample, count] : metrics.samples()) {
           if (sample.first != "callisto_call_duration_seconds_bucket") continue;
           if (sample.second.at("call") != "users.get") continue;
           by_end[std::strtod(sample.second.at("le").c_str(), nullptr)] = count;
         }
         return by_end;
       }())) {
    EXPECT_GE(value, before) << bucket;
    before = value;
    ++buckets;
  }
  EXPECT_EQ(before, 10);
  EXPECT_GT(buckets, 20U);
  EXPECT_EQ(metrics.at("callisto_records", {{"table", "users"}}), 1);
}

}  // namespace
}  // namespace callisto::testing
