#include "indexes/scrub_sequences.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::indexes::testing {
namespace {

std::uint64_t repeats_of(const std::vector<std::uint64_t>& numbers, std::size_t held) {
  RepeatCheck check(held);
  std::size_t passes = 0;
  do {
    check.begin_pass();
    for (const std::uint64_t number : numbers) check.add(number);
    EXPECT_LE(++passes, numbers.size() + 1);
  } while (check.end_pass());
  return check.repeats();
}

TEST(RepeatCheck, FewNumbersTakeOnePass) {
  EXPECT_EQ(repeats_of({}, 4), 0u);
  EXPECT_EQ(repeats_of({3, 1, 2}, 4), 0u);
  EXPECT_EQ(repeats_of({3, 1, 3}, 4), 1u);
  EXPECT_EQ(repeats_of({0, 0, 0}, 4), 2u);
}

TEST(RepeatCheck, HoldsNoMoreThanItMay) {
  std::mt19937_64 random(callisto::testing::test_seed());
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint64_t> numbers(random() % 60);
    for (std::uint64_t& number : numbers) number = random() % 80;
    const std::set<std::uint64_t> distinct(numbers.begin(), numbers.end());
    const std::uint64_t right = numbers.size() - distinct.size();
    EXPECT_EQ(repeats_of(numbers, 64), right);
    // With more equal numbers than are held, it says that there are some.
    const std::uint64_t in_passes = repeats_of(numbers, 2 + random() % 8);
    EXPECT_EQ(in_passes > 0, right > 0);
    EXPECT_LE(in_passes, right);
  }
}

TEST(RepeatCheck, ExactWhereEqualNumbersAreFew) {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < 1000; ++i) numbers.push_back(i * 7919 % 1000);
  for (std::uint64_t i = 0; i < 1000; i += 10) numbers.push_back(i);
  EXPECT_EQ(repeats_of(numbers, 16), 100u);
}

TEST(RepeatCheck, ResetForgets) {
  RepeatCheck check(4);
  for (int i = 0; i < 2; ++i) {
    check.reset();
    check.begin_pass();
    check.add(1);
    EXPECT_FALSE(check.end_pass());
    EXPECT_EQ(check.repeats(), 0u);
  }
}

}  // namespace
}  // namespace callisto::indexes::testing
