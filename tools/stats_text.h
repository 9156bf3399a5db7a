#pragma once

#include <string>

#include "callisto/stats.h"

namespace callisto::tools {

/// Statistics of a store as one JSON object on one line.
std::string stats_json(const Stats& stats);
/// As tables for people, every line with its end.
std::string stats_text(const Stats& stats);

}  // namespace callisto::tools
