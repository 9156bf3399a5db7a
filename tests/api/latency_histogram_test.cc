#include "api/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::detail {
namespace {

constexpr std::uint64_t kLargest = 1ULL << LatencyCounts::kLargestBits;

TEST(LatencyCounts, BucketsFollowEachOtherWithoutGap) {
  std::uint64_t begin = 0;
  for (std::size_t bucket = 0; bucket < LatencyCounts::kBuckets; ++bucket) {
    const std::uint64_t end = LatencyCounts::end_of(bucket);
    ASSERT_GT(end, begin);
    EXPECT_EQ(LatencyCounts::bucket_of(begin + 1), bucket);
    EXPECT_EQ(LatencyCounts::bucket_of(end), bucket);
    EXPECT_LE((end - begin) * 16, std::max<std::uint64_t>(begin, 16)) << bucket;
    begin = end;
  }
  EXPECT_EQ(begin, kLargest);
  EXPECT_EQ(LatencyCounts::bucket_of(0), 0U);
  EXPECT_EQ(LatencyCounts::bucket_of(~0ULL), LatencyCounts::kBuckets - 1);
}

TEST(LatencyCounts, EveryPowerOfTwoIsTheEndOfABucket) {
  for (std::uint64_t nanos = 1; nanos <= kLargest; nanos *= 2) {
    EXPECT_EQ(LatencyCounts::end_of(LatencyCounts::bucket_of(nanos)), nanos);
  }
}

TEST(LatencyHistogram, NothingIsZero) {
  const LatencyHistogram histogram;
  LatencyCounts counts;
  histogram.add_to(counts);
  EXPECT_EQ(counts.total(), 0U);
  EXPECT_EQ(counts.quantile(0.99), 0U);
}

/// Durations as stores have them, from some nanoseconds to seconds, and their histogram.
struct Sample {
  explicit Sample(std::mt19937_64& random) {
    std::lognormal_distribution<double> draw(std::uniform_real_distribution<>(2, 18)(random),
                                             std::uniform_real_distribution<>(0.1, 2)(random));
    const auto count = std::uniform_int_distribution<std::size_t>(1, 5000)(random);
    for (std::size_t i = 0; i < count; ++i) {
      exact.push_back(static_cast<std::uint64_t>(std::min(draw(random), 1e11)));
      histogram.add(exact.back(), 1);
    }
    std::sort(exact.begin(), exact.end());
    histogram.add_to(counts);
  }
  std::uint64_t quantile(double part) const {
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(exact.size())));
    return exact[std::max<std::size_t>(rank, 1) - 1];
  }
  std::vector<std::uint64_t> exact;
  LatencyHistogram histogram;
  LatencyCounts counts;
};

TEST(LatencyHistogram, QuantilesAreWithinOneThirtySecond) {
  std::mt19937_64 random(testing::test_seed());
  for (int round = 0; round < 100; ++round) {
    const auto sample = std::make_unique<Sample>(random);
    ASSERT_EQ(sample->counts.total(), sample->exact.size());
    EXPECT_EQ(sample->counts.max_ns, sample->exact.back());
    for (const double part : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto exact = static_cast<double>(sample->quantile(part));
      const auto told = static_cast<double>(sample->counts.quantile(part));
      // 0 ns is in the bucket of 1 ns.
      EXPECT_NEAR(told, exact, exact == 0 ? 1.0 : exact / 32) << part;
    }
  }
}

TEST(LatencyHistogram, CountsUpToAnEndAreExact) {
  std::mt19937_64 random(testing::test_seed());
  const auto sample = std::make_unique<Sample>(random);
  for (std::uint64_t end = 1; end <= kLargest; end *= 2) {
    const auto behind = std::upper_bound(sample->exact.begin(), sample->exact.end(), end);
    EXPECT_EQ(sample->counts.at_most(end),
              static_cast<std::uint64_t>(behind - sample->exact.begin()));
  }
}

TEST(LatencyHistogram, AWeightCountsForSoMany) {
  LatencyHistogram histogram;
  histogram.add(100, 9);
  histogram.add(100'000, 1);
  LatencyCounts counts;
  histogram.add_to(counts);
  EXPECT_EQ(counts.total(), 10U);
  EXPECT_EQ(counts.timed, 2U);
  EXPECT_EQ(counts.sum_ns, 100'900U);
  EXPECT_NEAR(static_cast<double>(counts.quantile(0.9)), 100, 100.0 / 32);
  EXPECT_NEAR(static_cast<double>(counts.quantile(0.91)), 100'000, 100'000.0 / 32);
}

}  // namespace
}  // namespace callisto::detail
