#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace callisto::tests {

/// A generator for one test: seeded from CALLISTO_SEED, else at random; prints the seed, so that a
/// failure can be repeated.
inline std::mt19937_64 seeded_random() {
  const char* const given = std::getenv("CALLISTO_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::uint64_t{std::random_device{}()};
  std::printf("CALLISTO_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return std::mt19937_64(seed);
}

}  // namespace callisto::tests
