// Random histories over the whole API against the plain model.
// CALLISTO_SEED repeats a run, CALLISTO_STEPS sets how many calls each store gets.

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/property/history.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

std::uint64_t steps() {
  const char* given = std::getenv("CALLISTO_STEPS");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 2200;
}

Options options_for(HistoryEnvironment& environment, bool background_work) {
  Options options;
  options.environment = &environment;
  options.background_work = background_work;
  options.memory_budget_bytes = 32ULL << 20;
  return options;
}

void expect_agreement(const std::string& failure) {
  EXPECT_TRUE(failure.empty()) << "CALLISTO_SEED=" << test_seed() << ", " << failure;
}

TEST(History, AStoreInMemoryAgreesWithTheModel) {
  HistoryEnvironment environment;
  const auto subject = store_subject("", options_for(environment, false));
  expect_agreement(History(test_seed(), environment, *subject).run(steps()));
}

TEST(History, AStoreWithoutACacheAgreesWithTheModel) {
  HistoryEnvironment environment;
  Options options = options_for(environment, false);
  options.record_cache_bytes = 0;
  const auto subject = store_subject("", options);
  expect_agreement(History(test_seed() + 3, environment, *subject).run(steps()));
}

// Every step evicts something.
TEST(History, AStoreWithATinyCacheAgreesWithTheModel) {
  HistoryEnvironment environment;
  Options options = options_for(environment, false);
  options.record_cache_bytes = 16 << 10;
  const auto subject = store_subject("", options);
  expect_agreement(History(test_seed() + 4, environment, *subject).run(steps()));
}

TEST(History, TheMapEngineAgreesWithTheModel) {
  HistoryEnvironment environment;
  const auto subject = map_subject(options_for(environment, false));
  expect_agreement(History(test_seed(), environment, *subject).run(steps()));
}

TEST(History, AStoreOnDiskThatIsReopenedAgreesWithTheModel) {
  HistoryEnvironment environment;
  TempDirectory directory;
  const auto subject = store_subject(directory.path("store"), options_for(environment, false));
  expect_agreement(History(test_seed() + 1, environment, *subject).run(steps()));
}

TEST(History, AStoreThatWorksInTheBackgroundAgreesWithTheModel) {
  HistoryEnvironment environment;
  TempDirectory directory;
  const auto subject = store_subject(directory.path("store"), options_for(environment, true),
                                     Indexes::are_rebuilt);
  expect_agreement(History(test_seed() + 2, environment, *subject).run(steps()));
}

}  // namespace
}  // namespace callisto::testing
