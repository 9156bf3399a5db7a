#include "engine/transaction.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/committer.h"
#include "engine/limited.h"
#include "engine/overlay_cursor.h"
#include "engine/queue_locks.h"
#include "engine/retry.h"
#include "engine/right_of_way.h"

namespace callisto::kv {

Result<bool> OptimisticTransaction::get(Family family, std::string_view key, Value& value) {
  const WriteSet::Operation* own = writes_.find(family, key);
  if (own == nullptr) return base_->get(family, key, value);
  if (own->kind == WriteSet::Kind::erase) return false;
  value.assign(own->value);
  return true;
}

Result<Bytes> OptimisticTransaction::get_row(Family family, std::string_view key, RowCheck check) {
  if (writes_.find(family, key) != nullptr) return Reader::get_row(family, key, check);
  return base_->get_row(family, key, check);
}

Result<void> OptimisticTransaction::get_rows(Family family, std::span<const std::string> keys,
                                             RowCheck check, std::span<Bytes> rows,
                                             std::span<const HintRef> hints, std::size_t place) {
  if (writes_.key_count() != 0) return Reader::get_rows(family, keys, check, rows, {}, place);
  return base_->get_rows(family, keys, check, rows, hints, place);
}

bool OptimisticTransaction::peek(const ListEntry* entry, std::size_t place, Bytes& row) {
  return writes_.key_count() == 0 && base_->peek(entry, place, row);
}

Result<void> OptimisticTransaction::multi_get(
    Family family, std::span<const std::string> keys,
    const std::function<void(std::size_t, std::string_view)>& each) {
  const auto is_own = [&](const std::string& key) { return writes_.find(family, key) != nullptr; };
  if (std::none_of(keys.begin(), keys.end(), is_own)) return base_->multi_get(family, keys, each);
  std::vector<std::string> others;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (const WriteSet::Operation* own = writes_.find(family, keys[i])) {
      if (own->kind == WriteSet::Kind::put) each(i, own->value);
    } else {
      others.push_back(keys[i]);
      places.push_back(i);
    }
  }
  if (others.empty()) return {};
  return base_->multi_get(family, others,
                          [&](std::size_t i, std::string_view value) { each(places[i], value); });
}

std::unique_ptr<Cursor> OptimisticTransaction::scan(Family family, const Bounds& bounds) {
  return overlay(base_->scan(family, bounds), writes_, family, bounds);
}

Result<bool> OptimisticTransaction::get_for_update(Family family, std::string_view key,
                                                   Value& value) {
  guard(family, key);
  return get(family, key, value);
}

void OptimisticTransaction::guard(Family family, std::string_view key) {
  guards_.push_back(hash_key(family, key));
}

Result<void> OptimisticTransaction::put(Family family, std::string_view key,
                                        std::string_view value) {
  return writes_.put(family, key, value);
}

Result<void> OptimisticTransaction::erase(Family family, std::string_view key) {
  return writes_.erase(family, key);
}

void OptimisticTransaction::restart(Reader& base) {
  base_ = &base;
  writes_.clear();
  constexpr std::size_t kKeptGuards = 4096;
  if (guards_.capacity() > kKeptGuards) guards_ = {};
  guards_.clear();
}

namespace {

/// A transaction for the thread's next run, kept for its memory. A run inside a run makes its own,
/// and so does one that comes when the thread's variables are gone.
class Spare {
 public:
  static std::unique_ptr<OptimisticTransaction> take() {
    return is_gone_ ? nullptr : std::move(holder_.transaction);
  }
  /// Takes one that has nothing written.
  static void give_back(std::unique_ptr<OptimisticTransaction> transaction) {
    if (!is_gone_) holder_.transaction = std::move(transaction);
  }

 private:
  struct Holder {
    std::unique_ptr<OptimisticTransaction> transaction;
    ~Holder() { is_gone_ = true; }
  };
  static thread_local bool is_gone_;
  static thread_local Holder holder_;
};

thread_local bool Spare::is_gone_ = false;
thread_local Spare::Holder Spare::holder_;

/// So many attempts wait for nobody. A conflict or two are met in passing, and steps go on.
constexpr std::uint32_t kAttemptsBesideSteps = 3;

}  // namespace

Result<Version> run_transaction(const RunContext& context, const RunOptions& options,
                                const std::function<Result<void>(Transaction&)>& function) {
  const Limits own(context.environment, options.deadline_ms);
  const Limits& limits = options.limits != nullptr ? *options.limits : own;
  const Limits none(context.environment);
  const Limits& within_attempt = options.gives_way ? none : limits;
  std::unique_ptr<OptimisticTransaction> transaction = Spare::take();
  bool is_clear = false;
  RightOfWay::Claim way(context.right_of_way);
  std::uint32_t attempts = 0;
  const auto attempt = [&]() -> std::optional<Result<Version>> {
    if (options.gives_way) {
      if (auto free = context.right_of_way.give(limits); !free) return std::move(free).error();
    } else if (++attempts > kAttemptsBesideSteps) {
      way.ask();
    }
    std::unique_lock<std::mutex> turn;
    if (!options.queue_key.empty()) {
      auto locked =
          context.queue_locks.lock(options.queue_family, options.queue_key, within_attempt);
      if (!locked) return std::move(locked).error();
      turn = std::move(*locked);
    }
    auto snapshot = context.snapshot();
    if (!snapshot) return std::move(snapshot).error();
    if (within_attempt.any()) {
      *snapshot = std::make_unique<LimitedReader>(std::move(*snapshot), within_attempt);
    }
    if (transaction != nullptr) {
      transaction->restart(**snapshot);
    } else {
      transaction = std::make_unique<OptimisticTransaction>(**snapshot);
    }
    if (auto done = function(*transaction); !done) return std::move(done).error();
    if (auto within = within_attempt.check(); !within) return std::move(within).error();
    if (!transaction->has_writes()) return transaction->version();
    auto committed = context.committer.commit({.writes = &transaction->writes(),
                                               .guards = transaction->guards(),
                                               .snapshot = transaction->version(),
                                               .durability = options.durability,
                                               .limits = &within_attempt});
    if (!committed && committed.error().code() == Code::conflict) return std::nullopt;
    transaction->restart(**snapshot);
    is_clear = true;
    return committed;
  };
  std::optional<Result<Version>> first;
  if (options.gives_way) first = attempt();
  auto version =
      first ? std::move(*first)
            : retry_on_conflict(context.environment, options.max_attempts, limits, attempt);
  if (is_clear) Spare::give_back(std::move(transaction));
  return version;
}

}  // namespace callisto::kv
