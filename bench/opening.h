#pragma once

#include <vector>

#include "bench/results.h"
#include "bench/settings.h"
#include "bench/stage.h"

namespace callisto::bench {

/// Opens every engine on its cleanly closed files and asks it one question (the last 20 messages),
/// several times in turn: "open", with `median_ns` of both together.
std::vector<Measure> measure_opening(const Settings& settings, const Data& data,
                                     const Stage& stage);

}  // namespace callisto::bench
