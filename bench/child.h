#pragma once

// Tasks in a process of their own, so that its memory is Callisto's alone.

#include <string>
#include <utility>
#include <vector>

#include "bench/data.h"
#include "bench/settings.h"

namespace callisto::bench {

using Values = std::vector<std::pair<std::string, double>>;

/// Loads Callisto's store at `store`, or works on it (reads and writes of all kinds, in both
/// patterns), in a child. What it took, and the memory of its process: `peak_bytes`, and
/// `before_bytes` of that before it opened the store.
Values load_in_child(const Settings& settings, const std::string& store);
Values work_in_child(const Settings& settings, const std::string& store);
/// Exports the store at `from`, which is not counted, and imports that into a new one at `to`.
Values import_in_child(const Settings& settings, const std::string& from, const std::string& to);

/// What the child does.
void run_child(const Settings& settings);

}  // namespace callisto::bench
