#include "bench/book.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "bench/failure.h"

namespace callisto::bench {

namespace json = boost::json;

namespace {

json::value parse_file(const std::string& file) {
  std::ifstream in(file);
  if (!in) fail("cannot read " + file);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return json::parse(text);
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? "" : std::string(value->as_string());
}

double number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? 0 : value->to_number<double>();
}

Facts facts_of(const json::value& value) {
  Facts facts;
  for (const auto& [name, text] : value.as_object()) {
    facts.emplace_back(name, std::string(text.as_string()));
  }
  return facts;
}

Entry entry_of(const json::object& object) {
  return {.workload = text_of(object, "workload"),
          .title = text_of(object, "title"),
          .pattern = text_of(object, "pattern"),
          .engine = text_of(object, "engine"),
          .median_ns = number_of(object, "median_ns"),
          .cpu_ns = number_of(object, "cpu_ns"),
          .p10_ns = number_of(object, "p10_ns"),
          .p50_ns = number_of(object, "p50_ns"),
          .p90_ns = number_of(object, "p90_ns"),
          .p99_ns = number_of(object, "p99_ns"),
          .p999_ns = number_of(object, "p999_ns"),
          .spread = number_of(object, "spread"),
          .per_second = number_of(object, "per_second"),
          .appends_per_second = number_of(object, "appends_per_second")};
}

std::vector<Measure> measures_of(const json::value& value) {
  std::vector<Measure> measures;
  for (const json::value& one : value.as_array()) {
    const json::object& object = one.as_object();
    Measure measure{
        text_of(object, "what"), text_of(object, "engine"), text_of(object, "indexes"), {}};
    for (const auto& [name, number] : object) {
      if (number.is_number()) measure.values.emplace_back(name, number.to_number<double>());
    }
    measures.push_back(std::move(measure));
  }
  return measures;
}

}  // namespace

std::vector<Measure> read_measures(const std::string& file) {
  return measures_of(parse_file(file));
}

Book read_book(const std::string& file) {
  const json::value value = parse_file(file);
  const json::object& object = value.as_object();
  Book book{facts_of(object.at("machine")),
            facts_of(object.at("settings")),
            {},
            measures_of(object.at("measures"))};
  for (const json::value& one : object.at("results").as_array()) {
    book.entries.push_back(entry_of(one.as_object()));
  }
  return book;
}

std::vector<RowName> Book::rows() const {
  std::vector<RowName> names;
  for (const Entry& entry : entries) {
    RowName name{entry.workload, entry.title, entry.pattern};
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

const Entry* Book::find(std::string_view workload, std::string_view pattern,
                        std::string_view engine) const {
  for (const Entry& entry : entries) {
    if (entry.workload == workload && entry.pattern == pattern && entry.engine == engine) {
      return &entry;
    }
  }
  return nullptr;
}

std::optional<double> Book::ratio(const RowName& row, double Entry::*value, std::string_view a,
                                  std::string_view b) const {
  const Entry* above = find(row.workload, row.pattern, a);
  const Entry* below = find(row.workload, row.pattern, b);
  if (above == nullptr || below == nullptr || below->*value <= 0) return {};
  return above->*value / below->*value;
}

std::optional<double> Book::measure(std::string_view what, std::string_view engine,
                                    std::string_view indexes, std::string_view value) const {
  for (const Measure& measure : measures) {
    if (measure.what != what || measure.engine != engine) continue;
    if (!indexes.empty() && measure.indexes != indexes) continue;
    for (const auto& [name, number] : measure.values) {
      if (name == value) return number;
    }
  }
  return {};
}

std::string_view Book::setting(std::string_view name) const {
  for (const auto& [known, value] : settings) {
    if (known == name) return value;
  }
  return "";
}

RowKind kind_of(std::string_view workload) {
  constexpr std::string_view kReads[] = {"1",  "2", "3",  "4a", "4b", "5",  "6a",
                                         "6b", "7", "14", "15", "16", "17", "18"};
  constexpr std::string_view kWrites[] = {"8", "9", "11", "12", "13", "19a", "19b", "20"};
  if (workload.ends_with("-all")) workload.remove_suffix(4);
  const auto has = [&](const auto& list) {
    return std::find(std::begin(list), std::end(list), workload) != std::end(list);
  };
  return has(kReads) ? RowKind::read : has(kWrites) ? RowKind::write : RowKind::other;
}

}  // namespace callisto::bench
