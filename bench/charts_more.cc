#include <algorithm>

#include "bench/charts.h"
#include "bench/format.h"
#include "bench/svg.h"

namespace callisto::bench {

namespace {

struct Bar {
  std::string label;
  std::string style;
  double value = 0;
};

std::string draw_bars(const std::vector<Bar>& bars, std::string_view title,
                      std::string (*show)(double)) {
  constexpr double kWidth = 378;
  constexpr double kLeft = 122;
  constexpr double kStep = 24;
  double most = 0;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  Svg svg(kWidth, 26 + kStep * static_cast<double>(bars.size()));
  svg.text(4, 14, title, "heading");
  double y = 24;
  for (const Bar& bar : bars) {
    const double width = most > 0 ? (kWidth - kLeft - 74) * bar.value / most : 0;
    svg.text(kLeft - 8, y + 13, bar.label, "label", Svg::Anchor::end);
    svg.rect(kLeft, y + 2, std::max(1.0, width), 15, bar.style, bar.label + ": " + show(bar.value));
    svg.text(kLeft + width + 6, y + 13, show(bar.value), "value");
    y += kStep;
  }
  return svg.str(title);
}

/// Lines from one thread to two, one for each engine.
std::string draw_scaling(const Book& book, const RowName& one) {
  constexpr double kWidth = 378;
  constexpr double kHeight = 190;
  constexpr double kX1 = 40;
  constexpr double kX2 = 268;
  constexpr double kBottom = kHeight - 26;
  const std::string id = one.workload.substr(0, one.workload.size() - 2);
  std::vector<double> values;
  for (const auto engine : kEngines) {
    for (const char* threads : {"@1", "@2"}) {
      const Entry* entry = book.find(id + threads, one.pattern, engine);
      if (entry != nullptr) values.push_back(entry->per_second);
    }
  }
  const LogScale scale(values, kBottom, 34);
  Svg svg(kWidth, kHeight);
  svg.text(4, 14, id + ", " + one.pattern, "heading");
  for (const double tick : scale.ticks()) {
    svg.line(kX1, scale.at(tick), kX2, scale.at(tick), "grid");
    svg.text(kX1 - 4, scale.at(tick) + 4,
             tick >= 1e6 ? number(tick / 1e6, 0) + "M" : number(tick / 1e3, 0) + "k", "tick",
             Svg::Anchor::end);
  }
  svg.text(kX1, kHeight - 8, "1 thread", "tick", Svg::Anchor::start);
  svg.text(kX2, kHeight - 8, "2 threads", "tick", Svg::Anchor::end);
  // Names beside the ends of the lines, kept apart.
  std::vector<std::pair<double, std::string_view>> ends;
  for (const auto engine : kEngines) {
    const Entry* first = book.find(id + "@1", one.pattern, engine);
    const Entry* second = book.find(id + "@2", one.pattern, engine);
    if (first == nullptr || second == nullptr) continue;
    const std::string about = std::string(title_of(engine)) + ": " + grouped(first->per_second) +
                              " and " + grouped(second->per_second) + " per second";
    svg.line(kX1, scale.at(first->per_second), kX2, scale.at(second->per_second),
             "curve " + std::string(engine));
    svg.circle(kX1, scale.at(first->per_second), 4, engine, about);
    svg.circle(kX2, scale.at(second->per_second), 4, engine, about);
    ends.emplace_back(scale.at(second->per_second), engine);
  }
  std::sort(ends.begin(), ends.end());
  double last = -100;
  for (const auto& [y, engine] : ends) {
    last = std::max(y, last + 13);
    const double by = book.find(id + "@2", one.pattern, engine)->per_second /
                      book.find(id + "@1", one.pattern, engine)->per_second;
    svg.text(kX2 + 8, last + 4, std::string(title_of(engine)) + " " + number(by, 2), "value");
  }
  return svg.str("Throughput by threads: " + id + ", " + one.pattern);
}

}  // namespace

std::string draw_threads(const Book& book) {
  std::string all;
  for (const RowName& row : book.rows()) {
    if (row.workload.ends_with("@1")) all += draw_scaling(book, row);
  }
  return all;
}

std::string draw_measure(const Book& book, std::string_view what, std::string_view value,
                         std::string_view title, std::string (*show)(double)) {
  std::vector<Bar> bars;
  for (const auto engine : kEngines) {
    for (const auto indexes : {"rows", "all"}) {
      const auto found = book.measure(what, engine, indexes, value);
      if (!found) continue;
      bars.push_back({std::string(title_of(engine)) + ", " + indexes, std::string(engine), *found});
    }
  }
  return bars.empty() ? "" : draw_bars(bars, title, show);
}

std::string draw_rates(const Book& book, std::string_view workload, std::string_view pattern,
                       double Entry::*value, std::string_view title, std::string (*show)(double)) {
  std::vector<Bar> bars;
  for (const auto engine : kEngines) {
    const Entry* entry = book.find(workload, pattern, engine);
    if (entry == nullptr) continue;
    bars.push_back({std::string(title_of(engine)), std::string(engine), entry->*value});
  }
  return bars.empty() ? "" : draw_bars(bars, title, show);
}

}  // namespace callisto::bench
