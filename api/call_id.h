#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace callisto::detail {

/// The public calls that are counted and timed. Numbers are not stored; names (call_id.cc, in the
/// same order) are what Stats::calls and the metrics show, and stay.
enum class CallId : std::uint8_t {
  users_create,
  users_get,
  users_by_platform,
  users_update,
  users_seen,
  users_add_identity,
  users_remove_identity,
  users_identity,
  users_identities,
  users_identities_by_username,
  users_list,
  users_by_preferred_name,
  users_link_suggestions,
  users_remove,
  users_merge,
  user_data_append,
  user_data_replace,
  user_data_values,
  user_data_all,
  user_data_get,
  user_data_remove,
  user_data_remove_category,
  conversations_create,
  conversations_update,
  conversations_add_participant,
  conversations_mark_processed,
  conversations_mark_unprocessed,
  conversations_remove,
  conversations_store,
  conversations_get,
  conversations_whole,
  conversations_find,
  conversations_find_page,
  conversations_count,
  conversations_explain,
  conversations_of_user,
  conversations_unprocessed,
  messages_append,
  messages_update,
  messages_remove,
  messages_get,
  messages_latest,
  messages_page,
  messages_by_importance,
  messages_by_sender,
  messages_in_range,
  messages_find,
  messages_find_page,
  messages_count,
  messages_explain,
  memories_create,
  memories_put,
  memories_update,
  memories_tag,
  memories_remove,
  memories_get,
  memories_by_name,
  memories_by_key,
  memories_find,
  memories_find_page,
  memories_count,
  memories_explain,
  transact,
  snapshot,
  sync,
  refresh,
};
inline constexpr std::size_t kCallIds = static_cast<std::size_t>(CallId::refresh) + 1;

/// "users.by_platform"; "transact".
std::string_view to_string(CallId id) noexcept;

}  // namespace callisto::detail
