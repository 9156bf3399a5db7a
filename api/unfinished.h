#pragma once

// How a call that creates something waits for unfinished work on the conversation that it needs.

#include <optional>

#include "api/check.h"
#include "api/core.h"
#include "callisto/id.h"

namespace callisto::detail {

/// Makes sure that nothing of `conversation` is being purged or staged, and that the commit
/// conflicts with who begins that. Else `conflict`; `purge` is set when it is a purge, which can be
/// finished.
Result<void> check_unfinished(WriteContext& context, const ConversationId& conversation,
                              std::optional<ConversationId>& purge);

/// write() of `function(WriteContext&, std::optional<ConversationId>& purge)`. When it fails and
/// has set `purge`, that purge is finished and the call made again. Not inside a user's
/// transaction, which cannot see what is finished meanwhile: there the error is the answer.
template <class T, class F>
Result<T> write_past_purges(const Scope& scope, const CallOptions& options, F&& function,
                            const QueueKey& queue = {}) {
  const CallGuard guard(*scope.core);
  if (!guard.is_open()) return closed_error();
  const kv::Limits own = scope.begin(options);
  const kv::Limits& limits = scope.running != nullptr ? *scope.running : own;
  Scope call = scope.within(limits);
  MadeIds ids(scope.core->environment());
  call.made_ids = &ids;
  while (true) {
    std::optional<ConversationId> purge;
    Result<T> answer = write<T>(
        call, options,
        [&](WriteContext& context) -> Result<T> {
          purge.reset();
          return function(context, purge);
        },
        queue);
    if (answer || !purge || scope.transaction != nullptr) return answer;
    CALLISTO_TRY(scope.core->finish_work(scope.slot->space(), indexes::WorkOp::purge_conversation,
                                         purge->view(), limits));
  }
}

}  // namespace callisto::detail
