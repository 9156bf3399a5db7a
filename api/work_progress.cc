// What callers are told of unfinished work.

#include <algorithm>

#include "api/work_steps.h"

namespace callisto {

using indexes::WorkOp;

std::string_view to_string(WorkKind kind) noexcept {
  switch (kind) {
    case WorkKind::store_conversation:
      return "store_conversation";
    case WorkKind::remove_conversation:
      return "remove_conversation";
    case WorkKind::remove_user:
      return "remove_user";
    case WorkKind::merge_user:
      return "merge_user";
    case WorkKind::drop_space:
      return "drop_space";
  }
  return "unknown";
}

namespace detail {

namespace {

WorkKind kind_of(const SpaceState& state, const indexes::WorkItem& item) {
  switch (item.op) {
    case WorkOp::stage_conversation:
      return WorkKind::store_conversation;
    case WorkOp::purge_conversation:
      return WorkKind::remove_conversation;
    case WorkOp::drop_space:
      return WorkKind::drop_space;
    case WorkOp::rewrite_user:
      break;
  }
  const auto user = schema::KeyReader(item.target).id<UserId>();
  return state.resolve(user).is_nil() ? WorkKind::remove_user : WorkKind::merge_user;
}

}  // namespace

PendingWork to_pending(const SpaceState& state, const indexes::WorkItem& item) {
  PendingWork work;
  work.kind = kind_of(state, item);
  if (work.kind == WorkKind::drop_space) {
    work.space = work.target = dropped_name(item);
  } else {
    work.space = state.name();
    work.target = schema::KeyReader(item.target).id<ConversationId>().to_string();
  }
  work.started_at = Time(item.started_at);
  work.steps = item.steps;
  work.records_done = item.records_done;
  if (item.records_total > 0) work.records_total = std::max(item.records_total, item.records_done);
  return work;
}

}  // namespace detail

}  // namespace callisto
