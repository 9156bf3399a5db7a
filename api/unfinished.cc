#include "api/unfinished.h"

#include "schema/keys.h"

namespace callisto::detail {

using indexes::WorkOp;

Result<void> check_unfinished(WriteContext& context, const ConversationId& conversation,
                              std::optional<ConversationId>& purge) {
  for (const WorkOp op : {WorkOp::stage_conversation, WorkOp::purge_conversation}) {
    context.transaction().guard(
        kv::Family::system,
        schema::work_key(context.space(), static_cast<std::uint8_t>(op), conversation.view()));
  }
  if (context.state().is_idle()) return {};
  if (context.state().find_work(WorkOp::stage_conversation, conversation.view()) != nullptr) {
    return Error(Code::conflict, "another call is storing this conversation");
  }
  if (context.state().find_work(WorkOp::purge_conversation, conversation.view()) != nullptr) {
    purge = conversation;
    return Error(Code::conflict, "the conversation that had this id is still being removed");
  }
  return {};
}

}  // namespace callisto::detail
