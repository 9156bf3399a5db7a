#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace callisto::bench {

struct Settings {
  double scale = 1;
  std::uint64_t seed = 20240101;
  std::size_t repetitions = 9;
  std::uint64_t memory_bytes = 256ULL << 20;  ///< For caches, in each engine.
  std::string filter;                         ///< Regular expression of WORKLOAD/PATTERN.
  std::string engines;                        ///< Regular expression of engines; "" for all.
  std::string directory = "build/bench";      ///< Where results and data go.
  bool keep_data = false;
};

/// Ends the program with a message where the arguments are wrong, or after --help.
Settings parse_settings(int argc, char** argv);

}  // namespace callisto::bench
