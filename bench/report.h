#pragma once

// results.json, and what stands in it beside the numbers.

#include <string>
#include <utility>
#include <vector>

#include "bench/data.h"
#include "bench/results.h"
#include "bench/settings.h"

namespace callisto::bench {

/// Names and values that a number means nothing without: machine, versions, settings.
using Facts = std::vector<std::pair<std::string, std::string>>;
Facts describe_machine();
Facts describe_settings(const Settings& settings, const Data& data);
/// The load of the machine over the last minute.
std::string load_average();

/// {"machine": {...}, "settings": {...}, "results": [...], "measures": [...]}, one to a line.
void write_json(const std::string& file, const Facts& machine, const Facts& settings,
                const std::vector<Row>& rows, const std::vector<Measure>& measures);

/// Load times of data that is kept.
void write_measures(const std::string& file, const std::vector<Measure>& measures);
std::vector<Measure> read_measures(const std::string& file);

}  // namespace callisto::bench
