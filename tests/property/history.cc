#include "tests/property/history.h"

#include <utility>

#include "tests/property/compare.h"

namespace callisto::testing {
namespace {

constexpr std::size_t kShown = 25;
constexpr std::uint64_t kCompareEvery = 40;

}  // namespace

void HistoryEnvironment::begin_call(Time now) {
  set_now(now);
  drawn_ = 0;
}

void HistoryEnvironment::sleep_micros(std::int64_t) {
  if (is_own_thread()) --drawn_;
}

std::uint64_t HistoryEnvironment::random_bits() {
  if (!is_own_thread()) return TestEnvironment::random_bits();
  // SplitMix64.
  std::uint64_t bits = static_cast<std::uint64_t>(now().micros()) * 1'000 + ++drawn_;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebULL;
  return bits ^ (bits >> 31);
}

History::History(std::uint64_t seed, HistoryEnvironment& environment, Subject& subject)
    : environment_(environment), subject_(subject), generator_(seed) {}

std::string History::run(std::uint64_t steps) {
  for (std::uint64_t i = 0; i < steps && failure_.empty(); ++i) step();
  if (failure_.empty()) {
    finish();
    compare_all();
    verify();
  }
  return failure_;
}

void History::step() {
  ++step_;
  tick();
  if (generator_.chance(12)) transaction();
  else call();
  if (generator_.chance(8)) upkeep();
  if (step_ % kCompareEvery == 0) {
    compare_all();
    verify();
  }
}

void History::tick() {
  environment_.begin_call(generator_.tick());
  for (model::Model& model : models_) model.now = generator_.now();
}

void History::call() {
  const int space = generator_.chance(85) ? 0 : 1;
  const Operation operation = generator_.next();
  note("space " + std::to_string(space) + " " + operation.text);
  // No rebuild of an index refuses a write.
  const Outcome outcome = operation.on_store(subject_.space(space));
  check_answer(operation, outcome, operation.on_model(models_[space]));
}

void History::transaction() {
  const int space = generator_.chance(85) ? 0 : 1;
  const bool commits = generator_.chance(70);
  generator_.begin_transaction();
  std::vector<Operation> operations;
  for (unsigned i = 1 + generator_.below(6); i > 0; --i) operations.push_back(generator_.next());
  generator_.end_transaction();
  note(std::string("transaction, ") + (commits ? "commits" : "is given up"));
  for (const Operation& operation : operations) note("  " + operation.text);
  if (try_transaction(space, commits, operations)) return;
  note("  met what is unfinished, and is made again");
  finish();
  environment_.begin_call(generator_.now());
  // What it met again it had made itself: an id that it removed and wanted to take.
  if (!try_transaction(space, commits, operations)) note("  is given up");
}

bool History::try_transaction(int space, bool commits, const std::vector<Operation>& operations) {
  std::vector<Outcome> outcomes;
  bool met_work = false;
  const auto done = subject_.transact(space, [&](Transaction& transaction) -> Result<void> {
    outcomes.clear();
    for (const Operation& operation : operations) {
      outcomes.push_back(operation.on_store(transaction));
      // An id cannot be taken again while work on its former record is unfinished.
      met_work = outcomes.back().code == Code::conflict;
      if (met_work) return Error(Code::conflict, "unfinished work");
    }
    if (!commits) return Error(Code::unsupported, "given up");
    return {};
  });
  model::Model after = models_[space];
  for (std::size_t i = 0; i < outcomes.size() && !(met_work && i + 1 == outcomes.size()); ++i) {
    check_answer(operations[i], outcomes[i], operations[i].on_model(after));
  }
  if (met_work) {
    const model::Answer answer = operations[outcomes.size() - 1].on_model(after);
    return answer.codes.contains(Code::conflict);
  }
  if (commits != done.has_value()) fail("transaction: " + (done ? "success" : done.error().to_string()));
  if (commits) models_[space] = std::move(after);
  return true;
}

void History::check_answer(const Operation& operation, const Outcome& outcome, const model::Answer& answer) {
  const bool agrees = answer.codes.empty() ? !outcome.code && outcome.text == answer.text
                                           : outcome.code && answer.codes.contains(*outcome.code);
  if (agrees) return;
  std::string expected = answer.text;
  if (!answer.codes.empty()) expected.clear();
  for (const Code code : answer.codes) expected += " error " + std::string(to_string(code));
  fail(operation.text + "\n  model: " + expected + "\n  store: " + outcome.text);
}

void History::finish() {
  if (auto done = subject_.finish(); !done) fail("finish: " + done.error().to_string());
  is_rebuilding_ = false;
}

void History::finish_rebuild() {
  if (!is_rebuilding_) return;
  note("finishes the rebuilds");
  finish();
}

void History::rebuild_indexes() {
  const std::uint32_t steps = generator_.below(250);
  note("rebuilds the indexes, " + std::to_string(steps) + " steps");
  const auto begun = subject_.reindex();
  if (!begun) return fail("reindex: " + begun.error().to_string());
  if (!*begun) return;
  is_rebuilding_ = true;
  environment_.set_micros_per_look(1000);
  const auto done = subject_.finish_within({.deadline_ms = steps + 1});
  environment_.set_micros_per_look(0);
  if (!done && done.error().code() != Code::deadline_exceeded) {
    fail("some steps: " + done.error().to_string());
  }
  verify();
}

void History::compare_all() {
  finish_rebuild();
  for (int space = 0; space < 2 && failure_.empty(); ++space) {
    for (const std::string& line : differences(models_[space], subject_.space(space), generator_)) {
      fail("space " + std::to_string(space) + ", " + line);
    }
  }
}

void History::check_past(const Past& past) {
  for (const std::string& line : differences(past.model, past.held->repositories(), generator_)) {
    fail("a snapshot, " + line);
  }
}

void History::upkeep() {
  const unsigned pick = generator_.below(14);
  if (pick < 4) {
    const int space = static_cast<int>(generator_.below(2));
    note("takes a snapshot of space " + std::to_string(space));
    finish_rebuild();
    if (past_.size() < 4) past_.push_back({subject_.snapshot(space), models_[space]});
  } else if (pick < 7) {
    note("looks at its snapshots");
    for (const Past& past : past_) check_past(past);
    if (!past_.empty()) past_.erase(past_.begin());
  } else if (pick < 8) {
    note("finishes the work that is left");
    finish();
  } else if (pick < 9) {
    note("reopens");
    past_.clear();
    subject_.reopen();
    compare_all();  // Always, so that a history is the same on every subject.
  } else if (pick < 13) {
    rebuild_indexes();
  } else if (generator_.chance(30)) {
    note("drops the other space and makes it anew");
    past_.clear();
    subject_.renew_space();
    models_[1] = {};
    models_[1].now = generator_.now();
  }
}

void History::verify() {
  const auto report = subject_.verify(false);
  if (!report) return fail("verify: " + report.error().to_string());
  if (report->ok) return;
  std::string line = "verify:";
  for (const Defect& one : report->defects) line += "\n  " + one.kind + " " + one.table + " " + one.key + " " + one.detail;
  fail(line);
}

void History::fail(const std::string& what) {
  if (failure_.empty()) {
    failure_ = "step " + std::to_string(step_) + ", the last calls:\n";
    for (const std::string& line : last_) failure_ += "  " + line + "\n";
  }
  failure_ += what + "\n";
}

void History::note(const std::string& line) {
  last_.push_back(line);
  if (last_.size() > kShown) last_.pop_front();
}

}  // namespace callisto::testing
