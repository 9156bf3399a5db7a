#include "api/call_id.h"

#include <array>

namespace callisto::detail {

namespace {

constexpr std::array<std::string_view, kCallIds> kNames{
    "users.create",
    "users.get",
    "users.by_platform",
    "users.update",
    "users.seen",
    "users.add_identity",
    "users.remove_identity",
    "users.identity",
    "users.identities",
    "users.identities_by_username",
    "users.list",
    "users.by_preferred_name",
    "users.link_suggestions",
    "users.remove",
    "users.merge",
    "user_data.append",
    "user_data.replace",
    "user_data.values",
    "user_data.all",
    "user_data.get",
    "user_data.remove",
    "user_data.remove_category",
    "conversations.create",
    "conversations.update",
    "conversations.add_participant",
    "conversations.mark_processed",
    "conversations.mark_unprocessed",
    "conversations.remove",
    "conversations.store",
    "conversations.get",
    "conversations.whole",
    "conversations.find",
    "conversations.find_page",
    "conversations.count",
    "conversations.explain",
    "conversations.of_user",
    "conversations.unprocessed",
    "messages.append",
    "messages.update",
    "messages.remove",
    "messages.get",
    "messages.latest",
    "messages.page",
    "messages.by_importance",
    "messages.by_sender",
    "messages.in_range",
    "messages.find",
    "messages.find_page",
    "messages.count",
    "messages.explain",
    "memories.create",
    "memories.put",
    "memories.update",
    "memories.tag",
    "memories.remove",
    "memories.get",
    "memories.by_name",
    "memories.by_key",
    "memories.find",
    "memories.find_page",
    "memories.count",
    "memories.explain",
    "transact",
    "snapshot",
    "sync",
    "refresh",
};
// A name that is left out would be an empty one at the end.
static_assert(!kNames.back().empty());

}  // namespace

std::string_view to_string(CallId id) noexcept { return kNames[static_cast<std::size_t>(id)]; }

}  // namespace callisto::detail
