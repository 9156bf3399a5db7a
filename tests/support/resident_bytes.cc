#include "tests/support/resident_bytes.h"

#include <fstream>
#include <string>

namespace callisto::testing {

std::uint64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

}  // namespace callisto::testing
