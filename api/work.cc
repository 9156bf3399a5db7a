// Unfinished work: who runs the steps, and when. The steps are in work_*.cc.

#include <pthread.h>

#include <boost/endian/conversion.hpp>
#include <cstring>

#include "api/check.h"
#include "api/core.h"
#include "api/work_steps.h"

namespace callisto::detail {

namespace {

using indexes::WorkItem;
using indexes::WorkOp;

/// A stage belongs to the call that runs it; after a crash recover_work() makes a purge of it.
bool is_runnable(const WorkItem& item) { return item.op != WorkOp::stage_conversation; }

}  // namespace

Result<std::vector<SpaceNumber>> numbers_of(StoreCore& core, kv::Reader& reader) {
  auto spaces = core.spaces(reader);
  if (!spaces) return std::move(spaces).error();
  std::vector<SpaceNumber> numbers{schema::kStoreSpace};
  for (const auto& [name, number] : *spaces) numbers.push_back(number);
  return numbers;
}

Result<void> write_step(StoreCore& core, SpaceSlot& slot, const kv::Limits& limits,
                        const std::function<Result<void>(WriteContext&)>& function) {
  Scope scope{&core, &slot, nullptr, nullptr};
  scope.is_step = true;
  scope.running = &limits;
  CallOptions options;
  options.durability = Durability::buffered;
  return write_in(scope, options, {}, function);
}

Result<void> StoreCore::recover_space(SpaceNumber space) {
  auto done = engine_->run({}, [&](kv::Transaction& transaction) -> Result<void> {
    auto state = SpaceState::load(transaction, space);
    if (!state) return std::move(state).error();
    for (const WorkItem& item : (*state)->work()) {
      if (is_runnable(item)) continue;
      CALLISTO_TRY(indexes::erase_work(transaction, space, item.op, item.target));
      CALLISTO_TRY(indexes::put_work(transaction, space, indexes::purge_of_stage(item)));
    }
    return {};
  });
  if (!done) return std::move(done).error();
  return {};
}

Result<void> StoreCore::recover_work() {
  auto snapshot = engine_->snapshot();
  auto numbers = numbers_of(*this, *snapshot);
  if (!numbers) return std::move(numbers).error();
  for (SpaceNumber space : *numbers) CALLISTO_TRY(recover_space(space));
  return {};
}

Result<bool> StoreCore::run_step(SpaceNumber space, WorkItem& item, const kv::Limits& limits) {
  switch (item.op) {
    case WorkOp::purge_conversation:
      return purge_conversation_step(*this, slot(space), item, limits);
    case WorkOp::rewrite_user:
      return rewrite_user_step(*this, slot(space), item, limits);
    case WorkOp::drop_space:
      return drop_space_step(*this, item, limits);
    case WorkOp::stage_conversation:
      break;
  }
  return Error(Code::corruption, "unknown kind of unfinished work");
}

Result<std::unique_lock<std::timed_mutex>> StoreCore::take_turn(const kv::Limits& limits) {
  constexpr std::chrono::milliseconds kBetweenLooks(5);
  std::unique_lock lock(work_mutex_, std::defer_lock);
  if (!limits.any()) {
    lock.lock();
    return lock;
  }
  while (!lock.try_lock_for(kBetweenLooks)) CALLISTO_TRY(limits.check());
  return lock;
}

Result<bool> StoreCore::run_one_step(const kv::Limits& limits, StepReport* report) {
  const auto turn = take_turn(limits);
  if (!turn) return turn.error();
  auto snapshot = engine_->snapshot();
  auto numbers = numbers_of(*this, *snapshot);
  if (!numbers) return std::move(numbers).error();
  // In turns, so that neither waits for an end of the other, beside writers that make work all the
  // time.
  is_turn_of_indexes_ = !is_turn_of_indexes_;
  std::optional<Error> failure;
  for (const bool is_of_indexes : {is_turn_of_indexes_, !is_turn_of_indexes_}) {
    for (SpaceNumber space : *numbers) {
      auto state = slot(space).state(*engine_, *snapshot);
      if (!state) return std::move(state).error();
      auto ran =
          is_of_indexes ? run_index_step(**state, limits) : run_work_step(**state, limits, report);
      if (ran && *ran) return true;
      if (!ran && !failure) failure = ran.error();
    }
  }
  if (failure) return *failure;
  return false;
}

Result<bool> StoreCore::run_work_step(const SpaceState& state, const kv::Limits& limits,
                                      StepReport* report) {
  // An item that cannot go on (a damaged record) does not hold up the others.
  std::optional<Error> failure;
  for (WorkItem item : state.work()) {
    if (!is_runnable(item)) continue;
    auto done = run_step(state.space(), item, limits);
    if (done && report != nullptr) *report = {to_pending(state, item), *done};
    // A space that was dropped meanwhile takes its work along.
    if (done || done.error().code() == Code::not_found) return true;
    if (!failure) failure = done.error();
  }
  if (failure) return *failure;
  return false;
}

Result<void> StoreCore::finish_pending_work(const WorkProgress& progress,
                                            const CallLimits& call_limits) {
  CallGuard guard(*this);
  if (!guard.is_open()) return closed_error();
  const kv::Limits limits = begin(call_limits);
  while (true) {
    CALLISTO_TRY(limits.check());
    StepReport report;
    auto ran = run_one_step(limits, &report);
    if (!ran) return std::move(ran).error();
    if (!*ran) return {};
    if (progress && report.work) progress(*report.work, report.is_done);
    if (closing_.load(std::memory_order_relaxed)) return closed_error();
  }
}

Result<void> StoreCore::finish_work(SpaceNumber space, WorkOp op, std::string_view target,
                                    const kv::Limits& limits) {
  while (true) {
    CALLISTO_TRY(limits.check());
    const auto turn = take_turn(limits);
    if (!turn) return turn.error();
    auto snapshot = engine_->snapshot();
    auto state = slot(space).state(*engine_, *snapshot);
    if (!state) return std::move(state).error();
    const WorkItem* found = (*state)->find_work(op, target);
    if (found == nullptr) return {};
    WorkItem item = *found;
    auto done = run_step(space, item, limits);
    if (!done && done.error().code() == Code::index_not_ready) {
      // What the step needs to read is built first.
      auto ran = run_index_step(**state, limits);
      if (!ran) return std::move(ran).error();
      if (*ran) continue;
    }
    if (!done) return std::move(done).error();
    if (*done) return {};
  }
}

Result<std::vector<PendingWork>> StoreCore::pending_work() {
  auto snapshot = engine_->snapshot();
  auto numbers = numbers_of(*this, *snapshot);
  if (!numbers) return std::move(numbers).error();
  std::vector<PendingWork> pending;
  for (SpaceNumber space : *numbers) {
    auto state = slot(space).state(*engine_, *snapshot);
    if (!state) return std::move(state).error();
    for (const WorkItem& item : (*state)->work()) pending.push_back(to_pending(**state, item));
  }
  return pending;
}

// The background thread ---------------------------------------------------------------------------

void StoreCore::start_background() {
  wake_requested_ = true;
  background_ = std::thread([this] { background_loop(); });
  pthread_setname_np(background_.native_handle(), (options_.thread_name + "-work").c_str());
}

void StoreCore::notify_work() {
  {
    std::lock_guard lock(wake_mutex_);
    wake_requested_ = true;
  }
  wake_.notify_one();
}

void StoreCore::background_loop() {
  constexpr auto kRetryAfter = std::chrono::seconds(1);
  bool failed = false;
  while (true) {
    {
      std::unique_lock lock(wake_mutex_);
      const auto is_due = [&] { return wake_requested_ || stop_requested_; };
      if (failed) {
        wake_.wait_for(lock, kRetryAfter, is_due);
      } else {
        wake_.wait(lock, is_due);
      }
      if (stop_requested_) return;
      wake_requested_ = false;
    }
    Result<bool> ran = run_one_step(begin(CallLimits{.cancel = background_stop_.get_token()}));
    if (background_stop_.stop_requested()) return;
    failed = !ran;
    if (!ran) environment_->log(LogLevel::warning, "background work: " + ran.error().to_string());
    if (ran && *ran) notify_work();
  }
}

void StoreCore::stop_background() {
  {
    std::lock_guard lock(wake_mutex_);
    stop_requested_ = true;
  }
  background_stop_.request_stop();
  wake_.notify_one();
  if (background_.joinable()) background_.join();
}

}  // namespace callisto::detail
