#pragma once

#include <string>
#include <vector>

#include "tests/property/operations.h"

namespace callisto::testing {

/// Every read of the API, with every id of the pools and some random queries, asked of both. What
/// differs, as lines "what: model | store"; empty when all agree.
std::vector<std::string> differences(const model::Model& model, const Repositories& store, Generator& generator);

}  // namespace callisto::testing
