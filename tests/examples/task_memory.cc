// Agents that share what they learn about a task: with provenance, with expiry, and with a way to
// stop.
//   task_memory DIRECTORY
#include <callisto/callisto.h>

#include <chrono>
#include <iostream>
#include <stop_token>
#include <string>

using namespace callisto;

namespace {

/// A clock that the host moves by itself: so the example shows expiry without waiting for it.
class HostClock final : public Environment {
 public:
  Time now() override { return Time(Environment::now().micros() + ahead_micros_); }
  void skip(std::chrono::minutes time) {
    ahead_micros_ += std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  }

 private:
  std::int64_t ahead_micros_ = 0;
};

CallOptions as(const std::string& agent) {
  return {.caller = {.agent = agent, .module = "planner", .task = "book a table"}};
}

void print(const std::string& title, const std::vector<Memory>& memories) {
  std::cout << title << '\n';
  for (const Memory& memory : memories) {
    std::cout << "  " << memory.key() << ": " << memory.text() << " (version " << memory.version()
              << ", by " << memory.module() << " for " << memory.task() << ")\n";
  }
}

Result<void> work(const Store& store, HostClock& clock) {
  const MemoryQuery of_task{.task = "book a table", .oldest_first = true};

  // The first agent learns two things; one of them holds for ten minutes.
  auto place = store.memories().put(
      {.category = "plan", .key = "place", .text = "the pie shop", .source_agent = "scout"},
      as("scout"));
  if (!place) return place.error();
  const Time soon(clock.now().micros() + 600'000'000);
  auto held = store.memories().put({.category = "plan",
                                    .key = "held",
                                    .text = "table 4 is held",
                                    .source_agent = "scout",
                                    .expires_at = soon},
                                   as("scout"));
  if (!held) return held.error();

  // The second changes one, if nobody has changed it since it looked.
  CallOptions careful = as("booker");
  careful.if_version = 1;
  auto changed = store.memories().update(place->id, {.text = "the pie shop, upstairs"}, careful);
  if (!changed) return changed.error();
  auto again = store.memories().update(place->id, {.text = "elsewhere"}, careful);
  std::cout << "a change of an old version: " << (again ? "done" : to_string(again.error().code()))
            << '\n';

  auto now = store.memories().find(of_task);
  if (!now) return now.error();
  print("now", *now);
  clock.skip(std::chrono::minutes(11));
  auto later = store.memories().find(of_task);
  if (!later) return later.error();
  print("eleven minutes later", *later);

  // The task is called off: everything that its agents still ask ends.
  std::stop_source task;
  const Space memory = store.with({.cancel = task.get_token()});
  task.request_stop();
  auto late = memory.memories().put({.category = "plan", .key = "time", .text = "eight"});
  std::cout << "after the task was called off: " << (late ? "done" : to_string(late.error().code()))
            << '\n';
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  HostClock clock;
  auto store = Store::open(argv[1], {.environment = &clock});
  const Result<void> done = store ? work(*store, clock) : Result<void>(store.error());
  if (!done) std::cerr << done.error().to_string() << '\n';
  return done ? 0 : 1;
}
