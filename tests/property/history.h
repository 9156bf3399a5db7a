#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/property/operations.h"
#include "tests/property/subject.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {

/// A clock that only the history moves: waiting between attempts takes no time. Random numbers
/// follow from the time and how many the history's thread drew since begin_call(), so that a call
/// that is made again, an opening more, or what the store's own thread draws changes no id.
class HistoryEnvironment : public TestEnvironment {
 public:
  using TestEnvironment::TestEnvironment;
  void begin_call(Time now);
  /// What passes on the monotonic clock with every look at it: a deadline is then a number of steps.
  void set_micros_per_look(std::int64_t micros) { micros_per_look_ = micros; }

  /// A pause between two attempts; its length was drawn just before, and counts for nothing.
  void sleep_micros(std::int64_t) override;
  std::int64_t monotonic_micros() override { return monotonic_ += micros_per_look_; }
  std::uint64_t random_bits() override;

 private:
  bool is_own_thread() const { return std::this_thread::get_id() == own_thread_; }

  const std::thread::id own_thread_ = std::this_thread::get_id();
  std::atomic<std::uint64_t> drawn_{0};
  std::atomic<std::int64_t> micros_per_look_{0};
  std::atomic<std::int64_t> monotonic_{0};
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
  /// False: it met what is unfinished, wrote nothing, and is to be made again.
  bool try_transaction(int space, bool commits, const std::vector<Operation>& operations);
  /// Starts rebuilds of all indexes, carries out some steps and leaves the rest.
  void rebuild_indexes();
  /// Carries out all that is left.
  void finish();
  /// Before what must not meet an index that is not ready.
  void finish_rebuild();
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
  bool is_rebuilding_ = false;
  std::string failure_;
};

}  // namespace callisto::testing
