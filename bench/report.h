#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "bench/driver.h"
#include "bench/settings.h"

namespace callisto::bench {

/// Names and values that a number means nothing without: machine, versions, settings.
using Facts = std::vector<std::pair<std::string, std::string>>;
Facts describe_machine();
Facts describe_settings(const Settings& settings, const Data& data);
/// The load of the machine over the last minute.
std::string load_average();

/// {"machine": {...}, "settings": {...}, "results": [{...}, ...]}, one result to a line.
void write_json(const std::string& file, const Facts& machine, const Facts& settings,
                const std::vector<Row>& rows);
/// Medians of all engines and their ratios, as a table in Markdown.
void print_table(std::ostream& out, const std::vector<Row>& rows);

}  // namespace callisto::bench
