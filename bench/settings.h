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
  double mixed_seconds = 30;  ///< Of mixed work while memory is watched.
  std::string draw;           ///< Results to draw the page of, and nothing else; "" to run.
  // How the program calls itself (child.h).
  std::string child;        ///< A task for a process of its own; "" in the first one.
  std::string child_store;  ///< What the task works on.
};

/// Ends the program with a message where the arguments are wrong, or after --help.
Settings parse_settings(int argc, char** argv);

}  // namespace callisto::bench
