// Stats in the text format of Prometheus.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "callisto/stats.h"

namespace callisto {

namespace {

using std::string_view;

std::string number(std::uint64_t value) { return std::to_string(value); }

/// The shortest text that is read back as `value`.
std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

std::string seconds(std::uint64_t nanos) { return number(static_cast<double>(nanos) / 1e9); }

bool is_label_name(string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !is_letter(name.front())) return false;
  for (const char c : name) {
    if (!is_letter(c) && (c < '0' || c > '9')) return false;
  }
  return true;
}

std::string escaped(string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

class Writer {
 public:
  explicit Writer(const MetricLabels& labels) {
    for (const auto& [name, value] : labels) {
      if (is_label_name(name)) common_ += name + "=\"" + escaped(value) + "\",";
    }
  }

  /// Begins a metric: its lines follow.
  void begin(string_view name, string_view type, string_view help) {
    name_ = "callisto_" + std::string(name);
    text_ += "# HELP " + name_ + ' ' + std::string(help) + "\n# TYPE " + name_ + ' ' +
             std::string(type) + '\n';
  }
  /// `labels`: as they are written, {} for none.
  void line(string_view suffix, string_view labels, string_view value) {
    text_ += name_;
    text_ += suffix;
    std::string all = common_ + std::string(labels);
    if (all.ends_with(',')) all.pop_back();
    if (!all.empty()) text_ += '{' + all + '}';
    text_ += ' ';
    text_ += value;
    text_ += '\n';
  }
  void one(string_view name, string_view type, string_view help, string_view value) {
    begin(name, type, help);
    line({}, {}, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string common_;
  std::string name_;
  std::string text_;
};

std::string label(string_view name, string_view value) {
  return std::string(name) + "=\"" + escaped(value) + '"';
}

/// One metric with a line for each member of `map`.
template <class Map, class Value>
void by_name(Writer& writer, const Map& map, string_view label_name, string_view name,
             string_view type, string_view help, Value&& value) {
  if (map.empty()) return;
  writer.begin(name, type, help);
  for (const auto& [key, member] : map) writer.line({}, label(label_name, key), value(member));
}

void write_calls(Writer& writer, const std::map<std::string, CallStats>& calls) {
  if (calls.empty()) return;
  by_name(writer, calls, "call", "calls_total", "counter", "Calls of the API.",
          [](const CallStats& call) { return number(call.count); });
  writer.begin("call_duration_seconds", "histogram",
               "How long calls took; a call that was timed stands for those that were not.");
  for (const auto& [name, call] : calls) {
    const std::string of_call = label("call", name);
    for (const LatencyBucket& bucket : call.buckets) {
      writer.line("_bucket", of_call + ',' + label("le", seconds(bucket.at_most_ns)),
                  number(bucket.calls));
    }
    writer.line("_bucket", of_call + ',' + label("le", "+Inf"), number(call.covered));
    writer.line("_sum", of_call, seconds(call.sum_ns));
    writer.line("_count", of_call, number(call.covered));
  }
  by_name(writer, calls, "call", "call_duration_max_seconds", "gauge",
          "The longest call that was timed.",
          [](const CallStats& call) { return seconds(call.max_ns); });
}

void write_contents(Writer& writer, const Stats& stats) {
  by_name(writer, stats.tables, "table", "records", "gauge", "Records of a table.",
          [](const TableStats& table) { return number(table.records); });
  by_name(writer, stats.tables, "table", "table_bytes", "gauge", "Bytes of a table, about.",
          [](const TableStats& table) { return number(table.bytes); });
  by_name(writer, stats.indexes, "index", "index_entries", "gauge", "Entries of an index.",
          [](const IndexStats& index) { return number(index.entries); });
  by_name(writer, stats.indexes, "index", "index_bytes", "gauge", "Bytes of an index, about.",
          [](const IndexStats& index) { return number(index.bytes); });
  by_name(writer, stats.indexes, "index", "index_ready", "gauge",
          "1 where queries can use the index.", [](const IndexStats& index) {
            return string_view(index.state == IndexState::ready ? "1" : "0");
          });
  writer.one("disk_bytes", "gauge", "Bytes of the store's files.", number(stats.disk_bytes));
  writer.one("memory_budget_bytes", "gauge", "The budget of all caches and buffers.",
             number(stats.memory_budget_bytes));
  writer.one("memtable_bytes", "gauge", "Bytes of what is not in table files yet.",
             number(stats.memtable_bytes));
  writer.one("commits_total", "counter", "Transactions that were committed.",
             number(stats.commits));
  writer.one("conflicts_total", "counter", "Attempts that were turned away.",
             number(stats.conflicts));
}

void write_caches(Writer& writer, const Stats& stats) {
  const std::pair<string_view, const CacheStats&> caches[] = {
      {"blocks", stats.block_cache},
      {"direct_blocks", stats.direct_blocks},
      {"records", stats.record_cache},
      {"lists", stats.list_cache}};
  const auto each = [&](string_view name, string_view type, string_view help, auto field) {
    by_name(writer, std::span(caches), "cache", name, type, help,
            [field](const CacheStats& cache) { return number(cache.*field); });
  };
  each("cache_hits_total", "counter", "Lookups that found what they asked for.", &CacheStats::hits);
  each("cache_misses_total", "counter", "Lookups that did not.", &CacheStats::misses);
  each("cache_negative_hits_total", "counter", "Hits that told that there is nothing.",
       &CacheStats::negative_hits);
  each("cache_fills_total", "counter", "Entries that were taken in.", &CacheStats::fills);
  each("cache_evictions_total", "counter", "Entries that made room for others.",
       &CacheStats::evictions);
  each("cache_invalidations_total", "counter", "Entries that a commit replaced or dropped.",
       &CacheStats::invalidations);
  each("cache_bytes", "gauge", "Bytes that a cache holds.", &CacheStats::bytes);
  each("cache_entries", "gauge", "Entries that a cache holds.", &CacheStats::entries);
}

void write_levels(Writer& writer, const std::vector<LevelStats>& levels) {
  const auto each = [&](string_view name, string_view type, string_view help, auto field) {
    if (levels.empty()) return;
    writer.begin(name, type, help);
    for (std::size_t i = 0; i < levels.size(); ++i) {
      writer.line({}, label("level", number(i)), number(levels[i].*field));
    }
  };
  each("level_files", "gauge", "Table files of a level.", &LevelStats::files);
  each("level_bytes", "gauge", "Bytes of a level's table files.", &LevelStats::bytes);
  each("level_read_bytes_total", "counter", "Bytes read of a level's table files.",
       &LevelStats::read_bytes);
  each("level_written_bytes_total", "counter", "Bytes written to a level.",
       &LevelStats::written_bytes);
}

void write_disk(Writer& writer, const DiskStats& disk) {
  const auto counter = [&](string_view name, string_view help, std::uint64_t value) {
    writer.one(name, "counter", help, number(value));
  };
  counter("committed_bytes_total", "Bytes that commits wrote.", disk.committed_bytes);
  counter("log_bytes_total", "Bytes written to the log.", disk.log_bytes);
  counter("log_syncs_total", "Syncs of the log.", disk.log_syncs);
  counter("flushes_total", "Table files written from memory.", disk.flushes);
  counter("flushed_bytes_total", "Bytes of these.", disk.flushed_bytes);
  counter("compactions_total", "Compactions of table files.", disk.compactions);
  counter("compaction_read_bytes_total", "Bytes that compactions read.",
          disk.compaction_read_bytes);
  counter("compaction_written_bytes_total", "Bytes that compactions wrote.",
          disk.compaction_written_bytes);
  counter("direct_reads_total", "Rows and scans that were read from table files past RocksDB.",
          disk.direct_reads);
  writer.one("direct_index_bytes", "gauge", "Memory of the indexes for these.",
             number(disk.direct_index_bytes));
  writer.one("write_amplification_ratio", "gauge",
             "Bytes flushed and compacted for each byte committed.",
             number(disk.write_amplification()));
  writer.begin("write_stalls_total", "counter", "How often writers began to be held up.");
  writer.line({}, label("kind", "slowdown"), number(disk.slowdowns));
  writer.line({}, label("kind", "stop"), number(disk.stops));
  writer.one("write_stall_seconds_total", "counter", "What writers waited for table files.",
             number(static_cast<double>(disk.stall_micros) / 1e6));
}

}  // namespace

std::string prometheus_text(const Stats& stats, const MetricLabels& labels) {
  Writer writer(labels);
  write_calls(writer, stats.calls);
  write_contents(writer, stats);
  write_caches(writer, stats);
  write_levels(writer, stats.disk.levels);
  write_disk(writer, stats.disk);
  return writer.take();
}

}  // namespace callisto
