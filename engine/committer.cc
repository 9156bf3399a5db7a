#include "engine/committer.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>

#include "engine/cache/state_cache.h"
#include "engine/thread_index.h"
#include "engine/waiter.h"

namespace callisto::kv {
namespace {

/// What the exception that is being handled ends a commit with, of which nothing was written. Texts
/// this short need no memory.
Error error_of_exception() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {Code::no_space, "out of memory"};
  } catch (...) {
    return {Code::unavailable, "an exception"};
  }
}

/// As check(); a clock that throws ends the wait.
Result<void> check_now(const Limits& limits) noexcept {
  try {
    return limits.check();
  } catch (...) {
    return error_of_exception();
  }
}

}  // namespace

/// A thread in the queue. Without a request it is there to lead alone.
struct Committer::Member {
  const CommitRequest* request = nullptr;
  std::uint32_t thread = thread_index();
  std::shared_ptr<Waiter> waiter{};  ///< Of who was not the first to come; told once.
  bool is_taken = false;             ///< Into a group.
  bool done = false;
  Result<Version> outcome = Version{0};

  ~Member() {
    if (waiter != nullptr) Waiter::give_back(std::move(waiter));
  }
  /// What became of its group.
  void hear(const Result<Version>& written) noexcept {
    try {
      outcome = written;
    } catch (...) {
      outcome = Error{written.error().code(), "out of memory"};
    }
  }
};

/// The turn of the thread at the front of the queue: ends it, whatever happens.
class Committer::Lead {
 public:
  Lead(Committer& committer, std::unique_lock<std::mutex>& lock) noexcept
      : committer_(committer), lock_(lock) {
    committer_.group_.clear();
  }
  Lead(const Lead&) = delete;
  Lead& operator=(const Lead&) = delete;
  ~Lead() {
    if (!lock_.owns_lock()) lock_.lock();
    committer_.leave(lock_);
  }

 private:
  Committer& committer_;
  std::unique_lock<std::mutex>& lock_;
};

// What a leader keeps of its group is there before the first one: that much cannot fail.
Committer::Committer(CommitSink& sink, Environment& environment, std::size_t slot_count)
    : sink_(sink), environment_(environment), slots_(slot_count) {
  group_.reserve(kGroupMembers);
  admitted_.reserve(kGroupMembers);
}

Result<Version> Committer::commit(const CommitRequest& request) try {
  Member member{.request = &request};
  std::unique_lock lock(mutex_);
  if (auto turn = wait_to_lead(member, request.limits, lock); !turn) return turn.error();
  if (!member.done) {
    const Lead lead(*this, lock);
    if (request.durability == Durability::synced) gather(lock);
    take_group();
    lock.unlock();
    commit_group();
  }
  return std::move(member.outcome);
} catch (...) {
  return error_of_exception();
}

Result<void> Committer::wait_to_lead(Member& member, const Limits* limits,
                                     std::unique_lock<std::mutex>& lock) {
  if (!queue_.empty()) member.waiter = Waiter::take();
  queue_.push_back(&member);
  if (queue_.size() == wanted_) gathered_.notify_one();
  if (member.waiter == nullptr) return {};
  lock.unlock();
  if (limits != nullptr && limits->any()) {
    if (auto turn = wait_within(member, *limits, lock); !turn) return turn;
  } else {
    member.waiter->wait();
  }
  if (!member.done) lock.lock();
  return {};
}

// Looks again and again, in real time: only so a host's clock and a request to stop both end the
// wait. A member that was chosen meanwhile is about to be told, and must hear it: what is told late
// would end its thread's next wait.
Result<void> Committer::wait_within(Member& member, const Limits& limits,
                                    std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::milliseconds kBetweenLooks(2);
  while (!member.waiter->wait_for(kBetweenLooks)) {
    auto within = check_now(limits);
    if (within) continue;
    lock.lock();
    const bool is_chosen = member.done || member.is_taken || queue_.front() == &member;
    if (!is_chosen) queue_.erase(std::find(queue_.begin(), queue_.end(), &member));
    lock.unlock();
    if (!is_chosen) return within;
    member.waiter->wait();
    break;
  }
  return {};
}

void Committer::gather(std::unique_lock<std::mutex>& lock) {
  if (queue_.size() >= pace_.expected()) return;
  wanted_ = pace_.expected();
  gathered_.wait_for(lock, pace_.patience(), [&] { return queue_.size() >= wanted_; });
  wanted_ = 0;
}

void Committer::take_group() noexcept {
  std::size_t bytes = 0;
  for (Member* member : queue_) {
    if (member->request == nullptr || group_.size() == kGroupMembers) break;
    const std::size_t more = member->request->writes->size_bytes();
    if (!group_.empty() && bytes + more > kGroupBytes) break;
    bytes += more;
    member->is_taken = true;
    group_.push_back(member);
  }
}

// A member is on the stack of a thread that returns once it is told: nothing of it is looked at
// then.
void Committer::leave(std::unique_lock<std::mutex>& lock) noexcept {
  Waiters told;
  const std::size_t count = std::max(group_.size(), std::size_t{1});
  for (std::size_t i = 0; i < count; ++i) {
    Member& member = *queue_.front();
    queue_.pop_front();
    member.done = true;
    if (i > 0) told.add(member.waiter);
  }
  if (!queue_.empty()) told.add(queue_.front()->waiter);
  lock.unlock();
}

void Committer::commit_group() noexcept {
  admitted_.clear();
  durability_ = Durability::buffered;
  for (Member* member : group_) {
    auto admission = admit_or_nothing(*member->request);
    if (!admission) member->outcome = std::move(admission).error();
  }
  if (admitted_.empty()) return;
  const bool is_synced = durability_ == Durability::synced;
  const std::int64_t begun = is_synced ? micros() : 0;
  const Result<Version> written = write_group();
  if (is_synced) note_pace(begun);
  for (Member* member : group_) {
    if (member->outcome) member->hear(written);
  }
}

std::int64_t Committer::micros() noexcept {
  try {
    return environment_.monotonic_micros();
  } catch (...) {
    return 0;
  }
}

void Committer::note_pace(std::int64_t begun) noexcept {
  const std::chrono::microseconds took(micros() - begun);
  try {
    writers_.clear();
    for (const Member* member : group_) writers_.push_back(member->thread);
    pace_.note(writers_, took);
  } catch (...) {
    // A guess at what comes: the last one stands.
  }
}

Result<void> Committer::admit_or_nothing(const CommitRequest& request) noexcept {
  const std::size_t marked = marked_.size();
  try {
    return admit(request);
  } catch (...) {
    unmark_behind(marked);
    return error_of_exception();
  }
}

void Committer::unmark_behind(std::size_t count) noexcept {
  for (std::size_t i = count; i < marked_.size(); ++i) slots_.unmark(marked_[i]);
  marked_.resize(count);
}

Result<void> Committer::admit(const CommitRequest& request) {
  if (failed_) return Error{Code::unavailable, "writes are stopped after a failed write"};
  prefetch(request);
  if (request.snapshot && conflicts(request)) {
    conflicts_.fetch_add(1, std::memory_order_relaxed);
    return Error{Code::conflict, "another commit changed what this one stands on"};
  }
  // Before the slots are marked: what is refused leaves nothing behind.
  if (auto loaded = counters_.load(*request.writes, sink_); !loaded) return loaded;
  mark(*request.writes);
  admitted_.push_back(request.writes);
  if (request.durability == Durability::synced) durability_ = Durability::synced;
  return {};
}

void Committer::prefetch(const CommitRequest& request) const noexcept {
  for (const std::uint64_t hash : request.guards) slots_.prefetch(slots_.slot_of(hash));
  const WriteSet& writes = *request.writes;
  for (std::size_t i = 0; i < writes.key_count(); ++i) {
    slots_.prefetch(slots_.slot_of(writes.at(i).hash));
  }
}

bool Committer::conflicts(const CommitRequest& request) const noexcept {
  const auto changed = [&](std::uint64_t hash) {
    return !slots_.unchanged_since(slots_.slot_of(hash), *request.snapshot);
  };
  if (std::any_of(request.guards.begin(), request.guards.end(), changed)) return true;
  const WriteSet& writes = *request.writes;
  if (std::any_of(writes.touches().begin(), writes.touches().end(), changed)) return true;
  for (std::size_t i = 0; i < writes.key_count(); ++i) {
    if (changed(writes.at(i).hash)) return true;
  }
  return false;
}

void Committer::mark(const WriteSet& writes) {
  const auto mark_one = [&](std::uint64_t hash) {
    const std::size_t slot = slots_.slot_of(hash);
    marked_.push_back(slot);
    if (!slots_.mark(slot)) marked_.pop_back();
  };
  for (std::size_t i = 0; i < writes.key_count(); ++i) mark_one(writes.at(i).hash);
  for (const std::uint64_t hash : writes.touches()) mark_one(hash);
  std::optional<std::uint64_t> known;  // adds to one group follow each other
  for (const auto* add = writes.last_add(); add != nullptr; add = writes.previous_add(*add)) {
    if (add->hash != known) mark_one(add->hash);
    known = add->hash;
  }
}

Result<Version> Committer::write_group() noexcept {
  bool nothing_written = false;
  auto version = write_to_sink(nothing_written);
  if (nothing_written) {
    unmark_behind(0);
    counters_.clear();  // Its sums may be half followed: they are read again.
    if (cache_ != nullptr) cache_->abandon_commit();
    return version;
  }
  for (const std::size_t slot : marked_) slots_.settle(slot, version.value_or(SlotTable::kNever));
  marked_.clear();
  if (version) {
    if (cache_ != nullptr) follow_with_cache(*version);
    commits_.fetch_add(admitted_.size(), std::memory_order_relaxed);
  } else {
    if (cache_ != nullptr) cache_->lose();
    failed_ = true;  // What else is not true any more, the counters, is cleared by reset().
  }
  return version;
}

Result<Version> Committer::write_to_sink(bool& nothing_written) noexcept {
  try {
    for (const WriteSet* writes : admitted_) counters_.apply(*writes);
    counters_.take_rows(rows_);
    if (cache_ != nullptr) cache_->begin_commit();
    return sink_.write(admitted_, rows_, durability_);
  } catch (...) {
    nothing_written = true;
    return error_of_exception();
  }
}

void Committer::follow_with_cache(Version version) noexcept {
  try {
    cache_->follow(admitted_, version);
  } catch (...) {
    cache_->reset(version);  // The commit stands: what is remembered of before it goes.
  }
}

std::optional<Version> Committer::committed_version(Family family,
                                                    std::string_view key) const noexcept {
  return slots_.committed_version(slots_.slot_of(hash_key(family, key)));
}

std::size_t Committer::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Committer::reset(Version version) {
  const auto change = [&] {
    slots_.reset(version);
    counters_.clear();
    if (cache_ != nullptr) cache_->reset(version);
    failed_ = false;
  };
  ignore_error(lead_alone(nullptr, change), "without limits none ends it");
}

Result<Version> Committer::change_all(const std::function<Result<void>()>& prepare,
                                      const std::function<Result<Version>()>& write,
                                      const Limits* limits) {
  Result<Version> outcome = Version{0};
  const auto change = [&] {
    Result<void> prepared = Error{Code::unavailable, "writes are stopped after a failed write"};
    if (!failed_) prepared = prepare();
    if (!prepared) {
      outcome = std::move(prepared).error();
      return;
    }
    slots_.reset(SlotTable::kNever);
    if (cache_ != nullptr) cache_->begin_load();
    try {
      outcome = write();
    } catch (...) {
      outcome = Error{Code::unknown_outcome, "an exception"};
    }
    slots_.reset(outcome.value_or(SlotTable::kNever));
    if (cache_ != nullptr) outcome ? cache_->reset(*outcome) : cache_->lose();
    counters_.clear();
    failed_ = !outcome;
    if (outcome) commits_.fetch_add(1, std::memory_order_relaxed);
  };
  if (auto turn = lead_alone(limits, change); !turn) return std::move(turn).error();
  return outcome;
}

void Committer::forget_counters() {
  const auto change = [&] { counters_.clear(); };
  ignore_error(lead_alone(nullptr, change), "without limits none ends it");
}

template <class Function>
Result<void> Committer::lead_alone(const Limits* limits, Function&& function) {
  Member member;
  std::unique_lock lock(mutex_);
  if (auto turn = wait_to_lead(member, limits, lock); !turn) return turn;
  const Lead lead(*this, lock);
  lock.unlock();  // Who comes meanwhile waits in the queue, within its limits.
  function();
  return {};
}

}  // namespace callisto::kv
