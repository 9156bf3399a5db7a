#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/property/operations.h"
#include "tests/property/subject.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {

/// A clock that only the history moves: waiting between attempts takes no time.
class HistoryEnvironment : public TestEnvironment {
 public:
  using TestEnvironment::TestEnvironment;
  void sleep_micros(std::int64_t) override {}
};

/// One random history on one subject, held against the model after every call.
class History {
 public:
  History(std::uint64_t seed, HistoryEnvironment& environment, Subject& subject);
  /// Stops at the first disagreement; "" when there was none.
  std::string run(std::uint64_t steps);
  /// Compares everything, in both spaces.
  void compare_all();
  const std::string& failure() const { return failure_; }

 private:
  struct Past {
    std::unique_ptr<Held> held;
    model::Model model;
  };
  void step();
  void tick();
  void call();
  void transaction();
  void check_answer(const Operation& operation, const Outcome& outcome, const model::Answer& answer);
  void check_past(const Past& past);
  void upkeep();
  void verify();
  void fail(const std::string& what);
  void note(const std::string& line);

  HistoryEnvironment& environment_;
  Subject& subject_;
  Generator generator_;
  model::Model models_[2];
  std::vector<Past> past_;
  std::deque<std::string> last_;
  std::uint64_t step_ = 0;
  std::string failure_;
};

}  // namespace callisto::testing
