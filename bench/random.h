#pragma once

// Seeded randomness of the bench: the same seed gives the same data and the same questions.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace callisto::bench {

/// Well-mixed bits from a seed and up to two numbers, so that every item has randomness of its own.
constexpr std::uint64_t mix(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0) noexcept {
  std::uint64_t bits = seed + a * 0x9e3779b97f4a7c15ULL + b * 0xd1b54a32d192ed03ULL;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebULL;
  return bits ^ (bits >> 31);
}

/// A generator that is cheap to seed: one is made for every item.
class Random {
 public:
  using result_type = std::uint64_t;
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return ~result_type{0}; }
  result_type operator()() noexcept { return mix(state_, ++count_); }

  /// 0 .. bound - 1; the bias is below bound / 2^64.
  std::size_t below(std::size_t bound) noexcept { return bound == 0 ? 0 : (*this)() % bound; }
  /// [0, 1).
  double fraction() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
  std::uint64_t count_ = 0;
};

/// Ranks 0 .. n - 1, rank r with a weight of 1 / (r + 1)^exponent.
class Zipf {
 public:
  Zipf(std::size_t n, double exponent) : cumulative_(n) {
    double sum = 0;
    for (std::size_t rank = 0; rank < n; ++rank) {
      sum += 1 / std::pow(static_cast<double>(rank + 1), exponent);
      cumulative_[rank] = sum;
    }
  }

  std::size_t operator()(Random& random) const {
    const double at = random.fraction() * cumulative_.back();
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), at);
    return std::min<std::size_t>(static_cast<std::size_t>(found - cumulative_.begin()),
                                 cumulative_.size() - 1);
  }

 private:
  std::vector<double> cumulative_;
};

}  // namespace callisto::bench
