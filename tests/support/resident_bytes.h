#pragma once

#include <cstdint>

namespace callisto::testing {

/// What the process has in memory now (VmRSS); 0 where the system does not say.
std::uint64_t resident_bytes();

}  // namespace callisto::testing
