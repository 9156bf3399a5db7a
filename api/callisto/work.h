#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "callisto/export.h"
#include "callisto/time.h"

namespace callisto {

/// Kinds of work that is visible at once and carried out in steps.
enum class WorkKind : std::uint8_t {
  store_conversation =
      0,  ///< store() of more than a transaction holds; not visible before its end.
  remove_conversation = 1,  ///< Messages and owned memories of a removed conversation.
  remove_user = 2,          ///< Identities, data and mentions of a removed user.
  merge_user = 3,           ///< Mentions of a user who was merged away.
  drop_space = 4,           ///< Everything in a dropped space.
};
CALLISTO_API std::string_view to_string(WorkKind kind) noexcept;

/// One piece of unfinished work, and how far it has come.
struct PendingWork {
  WorkKind kind = WorkKind::remove_conversation;
  std::string space{};   ///< Its space; for drop_space the one that is dropped.
  std::string target{};  ///< The id of the conversation or user; the name of a dropped space.
  Time started_at{};
  std::uint64_t steps = 0;         ///< Steps that are done, each at most about 1 MiB of changes.
  std::uint64_t records_done = 0;  ///< Stored, removed or rewritten so far.
  /// An estimate, never below records_done: how many records it is about. Not known for users, and
  /// for a removed conversation the memories that it owns are not in it.
  std::optional<std::uint64_t> records_total{};
};

/// Told after every step, once more when the work is done (`is_done`). Called on the thread of the
/// call that it was given to, without a lock: it may call the store. What it throws ends the call
/// and passes through it: a store() that is not done is undone, other work stays pending.
using WorkProgress = std::function<void(const PendingWork& work, bool is_done)>;

}  // namespace callisto
