#pragma once

#include <string>

#include "callisto/store.h"

namespace callisto::testing {

/// Makes the store of the fixture in a directory that is not there: every record kind, every index,
/// an alias row, a second space; compacted and closed. The same in every run but for what RocksDB
/// itself draws (its identity, times of files).
void make_fixture_store(const std::string& directory);

/// Reads every value that make_fixture_store() wrote; a difference fails the test.
void expect_fixture_store(const Store& store);

}  // namespace callisto::testing
