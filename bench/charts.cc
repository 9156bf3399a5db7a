#include "bench/charts.h"

#include <algorithm>

#include "bench/format.h"
#include "bench/svg.h"

namespace callisto::bench {

namespace {

constexpr double kWidth = 572;
/// Ids and titles stand before it.
constexpr double kPlot = 284;
constexpr std::size_t kTitleLength = 36;
constexpr double kRight = kWidth - 12;
constexpr double kTop = 22;

std::vector<RowName> rows_of(const Book& book, std::string_view pattern) {
  std::vector<RowName> rows;
  for (const RowName& row : book.rows()) {
    const bool has_kind = kind_of(row.workload) != RowKind::other || row.workload == "10";
    if (row.pattern == pattern && has_kind) rows.push_back(row);
  }
  std::stable_partition(rows.begin(), rows.end(),
                        [](const RowName& row) { return kind_of(row.workload) == RowKind::read; });
  return rows;
}

void draw_axis(Svg& svg, const LogScale& scale, double bottom, std::string (*show)(double)) {
  for (const double tick : scale.ticks()) {
    svg.line(scale.at(tick), kTop - 4, scale.at(tick), bottom, "grid");
    svg.text(scale.at(tick), kTop - 9, show(tick), "tick", Svg::Anchor::middle);
  }
}

std::string times(double value) { return number(value, value < 1 ? 2 : 0) + "x"; }
std::string short_duration(double ns) {
  if (ns < 1e3) return number(ns, 0) + "ns";
  if (ns < 1e6) return number(ns / 1e3, 0) + "\u00b5s";
  return number(ns / 1e6, 0) + "ms";
}

void draw_row_label(Svg& svg, const RowName& row, double y) {
  svg.text(4, y + 4, row.workload, "id");
  svg.text(54, y + 4, row.title.substr(0, kTitleLength), "label");
}

}  // namespace

std::string_view title_of(std::string_view engine) {
  if (engine == "callisto") return "Callisto";
  if (engine == "sqlite") return "SQLite";
  if (engine == "lmdb") return "LMDB";
  return "RocksDB";
}

std::string draw_ratios(const Book& book, std::string_view pattern) {
  constexpr double kStep = 20;
  const std::vector<RowName> rows = rows_of(book, pattern);
  std::vector<double> values{0.5, 5};
  for (const RowName& row : rows) {
    for (const auto peer : kPeers) {
      const auto ratio = book.ratio(row, &Entry::median_ns, peer, "callisto");
      if (ratio) values.push_back(*ratio);
    }
  }
  const LogScale scale(values, kPlot, kRight);
  const double bottom = kTop + kStep * static_cast<double>(rows.size());
  Svg svg(kWidth, bottom + 8);
  svg.rect(kPlot, kTop - 4, scale.at(1) - kPlot, bottom - kTop + 4, "slower");
  draw_axis(svg, scale, bottom, times);
  svg.line(scale.at(1), kTop - 4, scale.at(1), bottom, "even");
  double y = kTop + kStep / 2;
  for (const RowName& row : rows) {
    draw_row_label(svg, row, y);
    svg.line(kPlot, y, kRight, y, "row");
    for (const auto peer : kPeers) {
      const auto ratio = book.ratio(row, &Entry::median_ns, peer, "callisto");
      if (!ratio) continue;
      svg.circle(scale.at(*ratio), y, 5, peer,
                 row.workload + " " + row.title + ": " + factor(*ratio) + " times as fast as " +
                     std::string(title_of(peer)));
    }
    y += kStep;
  }
  return svg.str("Ratios of medians, pattern " + std::string(pattern));
}

std::string draw_latencies(const Book& book, std::string_view pattern) {
  constexpr double kBand = 7;
  constexpr double kStep = 4 * kBand + 8;
  const std::vector<RowName> rows = rows_of(book, pattern);
  std::vector<double> values;
  for (const Entry& entry : book.entries) {
    if (entry.pattern != pattern) continue;
    if (kind_of(entry.workload) == RowKind::other && entry.workload != "10") continue;
    values.insert(values.end(), {entry.p10_ns, entry.p99_ns});
  }
  const LogScale scale(values, kPlot, kRight);
  const double bottom = kTop + kStep * static_cast<double>(rows.size());
  Svg svg(kWidth, bottom + 8);
  draw_axis(svg, scale, bottom, short_duration);
  double y = kTop + 4;
  for (const RowName& row : rows) {
    draw_row_label(svg, row, y + kStep / 2 - 6);
    for (const auto engine : kEngines) {
      const Entry* entry = book.find(row.workload, row.pattern, engine);
      const double middle = y + kBand / 2;
      y += kBand;
      if (entry == nullptr) continue;
      const std::string about = std::string(title_of(engine)) + ": p10 " + duration(entry->p10_ns) +
                                ", p50 " + duration(entry->p50_ns) + ", p90 " +
                                duration(entry->p90_ns) + ", p99 " + duration(entry->p99_ns);
      const double x10 = scale.at(entry->p10_ns);
      const std::string color(engine);
      svg.line(scale.at(entry->p90_ns), middle, scale.at(entry->p99_ns), middle, "tail " + color);
      svg.rect(x10, middle - 2.5, std::max(1.0, scale.at(entry->p90_ns) - x10), 5, color, about);
      svg.rect(scale.at(entry->p50_ns) - 1, middle - 3.5, 2, 7, "middle", about);
      svg.circle(scale.at(entry->p99_ns), middle, 2, color, about);
    }
    y += kStep - 4 * kBand;
    svg.line(4, y - 4, kRight, y - 4, "row");
  }
  return svg.str("Latencies, pattern " + std::string(pattern));
}

}  // namespace callisto::bench
