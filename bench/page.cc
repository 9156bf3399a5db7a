#include "bench/page.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "bench/charts.h"
#include "bench/failure.h"
#include "bench/format.h"
#include "bench/page_style.h"
#include "bench/svg.h"

namespace callisto::bench {

namespace {

std::string mebibytes(double bytes) { return grouped(bytes / (1024.0 * 1024)) + " MiB"; }

std::string in_tag(const std::string& tag, const std::string& style, const std::string& inner) {
  const std::string attribute = style.empty() ? "" : " class=\"" + style + '"';
  return "<" + tag + attribute + ">" + inner + "</" + tag + ">";
}

std::string section(const std::string& title, const std::string& about, const std::string& inner) {
  return "<section><h2>" + escaped(title) + "</h2><p>" + escaped(about) + "</p>" + inner +
         "</section>\n";
}

std::string figures(const std::string& inner) { return in_tag("div", "figures", inner); }

std::string legend(bool with_callisto) {
  std::string all;
  for (const auto engine : kEngines) {
    if (!with_callisto && engine == "callisto") continue;
    all += "<span><i class=\"" + std::string(engine) + "\"></i>" + std::string(title_of(engine)) +
           "</span>";
  }
  return in_tag("div", "legend", all);
}

/// Geometric mean of the ratios of all rows of a kind.
std::optional<double> mean_ratio(const Book& book, RowKind kind, std::string_view pattern,
                                 std::string_view peer) {
  double sum = 0;
  int count = 0;
  for (const RowName& row : book.rows()) {
    if (kind_of(row.workload) != kind || row.pattern != pattern) continue;
    const auto ratio = book.ratio(row, &Entry::median_ns, peer, "callisto");
    if (!ratio) continue;
    sum += std::log(*ratio);
    ++count;
  }
  if (count == 0) return {};
  return std::exp(sum / count);
}

std::string tile(const std::string& value, const std::string& what) {
  return in_tag("div", "tile", in_tag("b", "", value) + in_tag("span", "", escaped(what)));
}

std::string tiles(const Book& book, const std::vector<Target>& targets) {
  const auto held = std::count_if(targets.begin(), targets.end(),
                                  [](const Target& target) { return target.holds; });
  std::string all = tile(std::to_string(held) + " / " + std::to_string(targets.size()),
                         "targets of issue 4 hold");
  for (const auto& [kind, name] :
       {std::pair{RowKind::read, "reads"}, std::pair{RowKind::write, "writes"}}) {
    for (const auto peer : kPeers) {
      const auto mean = mean_ratio(book, kind, "recent", peer);
      if (!mean) continue;
      all += tile(factor(*mean) + "&times;",
                  std::string(name) + " against " + std::string(title_of(peer)) + ", recent");
    }
  }
  return in_tag("div", "tiles", all);
}

std::string target_table(const std::vector<Target>& targets) {
  std::string rows =
      "<tr><th></th><th>target</th><th>pattern</th><th>wanted</th><th>measured</th>"
      "<th>rows that miss it</th></tr>";
  for (const Target& target : targets) {
    const bool is_known = !target.measured.empty();
    const std::string mark = !is_known ? "unknown" : target.holds ? "holds" : "misses";
    rows += "<tr><td><b class=\"mark " + mark + "\">" + (is_known ? mark : "not measured") +
            "</b></td>";
    for (const auto& cell :
         {target.what, target.pattern, target.wanted, target.measured, target.worst}) {
      rows += in_tag("td", "", escaped(cell));
    }
    rows += "</tr>\n";
  }
  return in_tag("div", "wide", in_tag("table", "", rows));
}

std::string median_table(const Book& book) {
  std::string rows = "<tr><th>id</th><th>workload</th><th>pattern</th>";
  for (const auto engine : kEngines) {
    rows += in_tag("th", "n", std::string(title_of(engine))) + in_tag("th", "n", "p99");
  }
  rows += "</tr>";
  for (const RowName& row : book.rows()) {
    rows += "<tr>" + in_tag("td", "", escaped(row.workload)) +
            in_tag("td", "", escaped(row.title)) + in_tag("td", "", row.pattern);
    for (const auto engine : kEngines) {
      const Entry* entry = book.find(row.workload, row.pattern, engine);
      rows += in_tag("td", "n", entry == nullptr ? "" : grouped(entry->median_ns)) +
              in_tag("td", "n", entry == nullptr ? "" : grouped(entry->p99_ns));
    }
    rows += "</tr>\n";
  }
  return "<details><summary>All medians and 99th percentiles, in nanoseconds</summary>" +
         in_tag("div", "wide", in_tag("table", "", rows)) + "</details>";
}

std::string facts_table(const Facts& facts) {
  std::string rows;
  for (const auto& [name, value] : facts) {
    rows += "<tr>" + in_tag("td", "", escaped(name)) + in_tag("td", "", escaped(value)) + "</tr>";
  }
  return in_tag("table", "facts", rows);
}

std::string both_patterns(const Book& book, std::string (*draw)(const Book&, std::string_view)) {
  std::string all;
  for (const char* pattern : {"recent", "uniform"}) {
    all += in_tag("figure", "", in_tag("figcaption", "", pattern) + draw(book, pattern));
  }
  return figures(all);
}

std::string beside_writer(const Book& book, const std::string& pattern) {
  const auto draw = [&](double Entry::*value, const char* title, std::string (*show)(double)) {
    return draw_rates(book, "24", pattern, value, title + (", " + pattern), show);
  };
  return figures(draw(&Entry::p50_ns, "p50", duration) + draw(&Entry::p99_ns, "p99", duration) +
                 draw(&Entry::p999_ns, "p99.9", duration) +
                 draw(&Entry::per_second, "reads per second", grouped) +
                 draw(&Entry::appends_per_second, "appends per second", grouped));
}

std::string files_and_memory(const Book& book) {
  std::string all =
      draw_measure(book, "load", "bytes", "bytes on disk", mebibytes) +
      draw_measure(book, "load", "rows_per_second", "rows loaded per second", grouped) +
      draw_measure(book, "load", "settle_seconds", "seconds to settle afterwards",
                   [](double seconds) { return number(seconds, 1) + " s"; }) +
      draw_measure(book, "open", "median_ns", "open and first query", duration) +
      draw_measure(book, "load", "peak_bytes", "most resident memory, load", mebibytes) +
      draw_measure(book, "work", "peak_bytes", "most resident memory, mixed work", mebibytes);
  return figures(all);
}

std::string durable(const Book& book) {
  return figures(
      draw_rates(book, "10", "recent", &Entry::median_ns, "one writer, recent", duration) +
      draw_rates(book, "10", "uniform", &Entry::median_ns, "one writer, uniform", duration) +
      draw_rates(book, "10w8", "uniform", &Entry::per_second, "8 writers, appends per second",
                 grouped));
}

}  // namespace

void write_page(const std::string& file, const Book& book, const std::vector<Target>& targets) {
  std::ofstream out(file);
  out << "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>Callisto bench</title><style>"
      << kPageStyle << "</style></head><body><main><h1>Callisto beside SQLite, LMDB and bare "
      << "RocksDB</h1><p class=\"lead\">" << escaped(book.setting("users")) << " users, "
      << escaped(book.setting("conversations")) << " conversations, "
      << escaped(book.setting("messages")) << " messages, " << escaped(book.setting("memories"))
      << " memories; one process, the same answers, the same memory for caches. Above 1&times;: "
      << "Callisto is faster.</p>" << tiles(book, targets);
  out << section("Targets", "What issue 4 asks for, against this run.", target_table(targets));
  out << section(
      "How many times as fast",
      "Median of the peer by Callisto's, on a scale of logarithms; left of 1 Callisto is "
      "slower. Reads first, then writes; -all: every engine has all of Callisto's indexes.",
      legend(false) + both_patterns(book, draw_ratios));
  out << section("Latencies",
                 "Of single operations: the bar from p10 to p90, the mark p50, the dot p99.",
                 legend(true) + both_patterns(book, draw_latencies));
  out << section("Reads beside a writer",
                 "Workload 24: one thread reads the last 20 messages while another appends without "
                 "pause.",
                 beside_writer(book, "recent") + "<br>" + beside_writer(book, "uniform"));
  out << section("Throughput against threads",
                 "Operations per second on one and on two threads, and how often as many.",
                 figures(draw_threads(book)));
  out << section("Durable appends", "On disk when the call returns: workloads 10 and 10w8.",
                 durable(book));
  out << section(
      "Load, size, memory",
      "\"rows\": with the indexes that the rows use; \"all\": with all that Callisto has. "
      "LMDB and RocksDB are given ready-made entries in their order.",
      files_and_memory(book));
  out << section(
      "Numbers", "Machine, settings, and every row.",
      figures(facts_table(book.machine) + facts_table(book.settings)) + median_table(book));
  out << "</main></body></html>\n";
  out.close();
  if (!out) fail("cannot write " + file);
}

}  // namespace callisto::bench
