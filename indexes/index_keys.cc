#include "indexes/index_keys.h"

#include <limits>
#include <utility>

#include "indexes/entry_key.h"

namespace callisto::indexes {

namespace {

using schema::IndexId;
using schema::KeyWriter;

KeyRange none_of(std::string_view prefix) {
  const std::string end = schema::prefix_end(prefix);
  return {end, end};
}

}  // namespace

std::string user_by_active_prefix(SpaceNumber space, bool is_active) {
  return entry_key::user_by_active(space, is_active).take();
}

std::string user_by_last_seen_prefix(SpaceNumber space) {
  return entry_key::user_by_last_seen(space).take();
}

std::string identity_by_user_prefix(SpaceNumber space, const UserId& user) {
  return entry_key::identity_by_user(space, user).take();
}

std::string identity_by_username_prefix(SpaceNumber space, std::string_view username) {
  return entry_key::identity_by_username(space, username).take();
}

std::string datum_newest_prefix(SpaceNumber space, const UserId& user) {
  return entry_key::datum_newest(space, user).take();
}

std::string datum_newest_prefix(SpaceNumber space, const UserId& user, std::string_view category) {
  return entry_key::datum_newest(space, user, category).take();
}

std::string user_by_preferred_name_prefix(SpaceNumber space, std::string_view name) {
  return entry_key::user_by_preferred_name(space, name).take();
}

std::string conversation_by_participant_prefix(SpaceNumber space, const UserId& user) {
  return entry_key::conversation_by_participant(space, user).take();
}

std::string conversation_by_owner_prefix(SpaceNumber space, const UserId& owner) {
  return entry_key::conversation_by_owner(space, owner).take();
}

std::string conversation_by_type_prefix(SpaceNumber space, std::string_view type) {
  return entry_key::conversation_by_type(space, type).take();
}

std::string conversation_by_persona_prefix(SpaceNumber space, const PersonaId& persona) {
  return entry_key::conversation_by_persona(space, persona).take();
}

std::string conversation_by_saved_prefix(SpaceNumber space, bool is_saved) {
  return entry_key::conversation_by_saved(space, is_saved).take();
}

std::string conversation_by_archived_prefix(SpaceNumber space, bool is_archived) {
  return entry_key::conversation_by_archived(space, is_archived).take();
}

std::string conversation_by_ended_prefix(SpaceNumber space, bool is_ended) {
  return entry_key::conversation_by_ended(space, is_ended).take();
}

std::string conversation_unprocessed_prefix(SpaceNumber space) {
  return entry_key::conversation_unprocessed(space).take();
}

std::string conversation_by_activity_prefix(SpaceNumber space) {
  return entry_key::conversation_by_activity(space).take();
}

std::string conversation_by_created_prefix(SpaceNumber space) {
  return entry_key::conversation_by_created(space).take();
}

std::string message_by_id_key(SpaceNumber space, const MessageId& message) {
  return entry_key::message_by_id(space, message).take();
}

std::string message_by_time_prefix(SpaceNumber space) {
  return entry_key::message_by_time(space).take();
}

std::string memory_by_category_prefix(SpaceNumber space, std::string_view category) {
  return entry_key::memory_by_category(space, category).take();
}

std::string memory_by_key_prefix(SpaceNumber space, std::string_view key) {
  return entry_key::memory_by_key(space, key).take();
}

std::string memory_by_name_prefix(SpaceNumber space, const UserId& user, std::string_view category,
                                  std::string_view key) {
  return entry_key::memory_by_name(space, user, category, key).take();
}

std::string memory_by_entity_prefix(SpaceNumber space, std::string_view entity_type,
                                    std::string_view entity_id) {
  return entry_key::memory_by_entity(space, entity_type, entity_id).take();
}

std::string memory_by_entity_type_prefix(SpaceNumber space, std::string_view entity_type) {
  return entry_key::memory_by_entity_type(space, entity_type).take();
}

std::string memory_by_tag_prefix(SpaceNumber space, std::string_view tag) {
  return entry_key::memory_by_tag(space, tag).take();
}

std::string memory_by_type_prefix(SpaceNumber space, std::string_view type) {
  return entry_key::memory_by_type(space, type).take();
}

std::string memory_by_agent_prefix(SpaceNumber space, std::string_view agent) {
  return entry_key::memory_by_agent(space, agent).take();
}

std::string memory_by_user_prefix(SpaceNumber space, const UserId& user) {
  return entry_key::memory_by_user(space, user).take();
}

std::string memory_by_conversation_prefix(SpaceNumber space, const ConversationId& conversation) {
  return entry_key::memory_by_conversation(space, conversation).take();
}

std::string memory_by_priority_prefix(SpaceNumber space) {
  return entry_key::memory_by_priority(space).take();
}

std::string memory_by_priority_prefix(SpaceNumber space, std::uint8_t priority) {
  return entry_key::memory_by_priority(space, priority).take();
}

std::string memory_by_source_prefix(SpaceNumber space, std::string_view kind, std::string_view id) {
  return entry_key::memory_by_source(space, kind, id).take();
}

std::string memory_by_task_prefix(SpaceNumber space, std::string_view task) {
  return entry_key::memory_by_task(space, task).take();
}

std::string memory_by_created_prefix(SpaceNumber space) {
  return entry_key::memory_by_created(space).take();
}

std::string memory_by_updated_prefix(SpaceNumber space) {
  return entry_key::memory_by_updated(space).take();
}

std::string memory_by_expiry_prefix(SpaceNumber space) {
  return entry_key::memory_by_expiry(space).take();
}

KeyRange in_version(KeyRange range, IndexId version) {
  const auto head = [](const std::string& key) { return key.substr(0, schema::kKeyHeadBytes); };
  const bool is_to_the_end = head(range.lower) != head(range.upper);
  range.lower = in_version(std::move(range.lower), version);
  range.upper = is_to_the_end ? schema::prefix_end(head(range.lower))
                              : in_version(std::move(range.upper), version);
  return range;
}

KeyRange range_of(std::string_view prefix) {
  return {std::string(prefix), schema::prefix_end(prefix)};
}

KeyRange newest_first_range(std::string_view prefix, std::optional<std::int64_t> from,
                            std::optional<std::int64_t> to) {
  KeyRange range = range_of(prefix);
  if (to && (*to == std::numeric_limits<std::int64_t>::min() || (from && *from >= *to))) {
    return none_of(prefix);
  }
  if (to) range.lower = KeyWriter(prefix).time_down(*to - 1).str();
  if (from) {
    range.upper = schema::prefix_end(KeyWriter(prefix).time_down(*from).str());
  }
  return range;
}

KeyRange oldest_first_range(std::string_view prefix, std::optional<std::int64_t> from,
                            std::optional<std::int64_t> to) {
  KeyRange range = range_of(prefix);
  if (from && to && *from >= *to) return none_of(prefix);
  if (from) range.lower = KeyWriter(prefix).time(*from).str();
  if (to) range.upper = KeyWriter(prefix).time(*to).str();
  return range;
}

}  // namespace callisto::indexes
