#include "indexes/index_keys.h"

#include <limits>
#include <utility>

#include "schema/hash.h"
#include "schema/text.h"

namespace callisto::indexes {

namespace {

using schema::fold;
using schema::hash128;
using schema::IndexId;
using schema::KeyWriter;
using schema::nfc;

/// What a chain of parts wrote, without a copy.
std::string taken(KeyWriter& writer) { return std::move(writer).take(); }

std::string flag_prefix(SpaceNumber space, IndexId index, bool flag) {
  return taken(KeyWriter(space, index).u8(flag ? 1 : 0));
}

template <class Tag>
std::string id_prefix(SpaceNumber space, IndexId index, const Id<Tag>& id) {
  return taken(KeyWriter(space, index).id(id));
}

std::string text_prefix(SpaceNumber space, IndexId index, std::string_view text) {
  return taken(KeyWriter(space, index).text(text));
}

KeyRange none_of(std::string_view prefix) {
  const std::string end = schema::prefix_end(prefix);
  return {end, end};
}

}  // namespace

std::string user_by_active_prefix(SpaceNumber space, bool is_active) {
  return flag_prefix(space, IndexId::user_by_active, is_active);
}

std::string user_by_last_seen_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::user_by_last_seen).take();
}

std::string identity_by_user_prefix(SpaceNumber space, const UserId& user) {
  return id_prefix(space, IndexId::identity_by_user, user);
}

std::string identity_by_username_prefix(SpaceNumber space, std::string_view username) {
  return text_prefix(space, IndexId::identity_by_username, fold(username));
}

std::string datum_newest_prefix(SpaceNumber space, const UserId& user) {
  return id_prefix(space, IndexId::datum_newest, user);
}

std::string datum_newest_prefix(SpaceNumber space, const UserId& user, std::string_view category) {
  return taken(KeyWriter(space, IndexId::datum_newest).id(user).text(nfc(category)));
}

std::string user_by_preferred_name_prefix(SpaceNumber space, std::string_view name) {
  return text_prefix(space, IndexId::user_by_preferred_name, fold(name));
}

std::string conversation_by_participant_prefix(SpaceNumber space, const UserId& user) {
  return id_prefix(space, IndexId::conversation_by_participant, user);
}

std::string conversation_by_owner_prefix(SpaceNumber space, const UserId& owner) {
  return id_prefix(space, IndexId::conversation_by_owner, owner);
}

std::string conversation_by_type_prefix(SpaceNumber space, std::string_view type) {
  return text_prefix(space, IndexId::conversation_by_type, nfc(type));
}

std::string conversation_by_persona_prefix(SpaceNumber space, const PersonaId& persona) {
  return id_prefix(space, IndexId::conversation_by_persona, persona);
}

std::string conversation_by_saved_prefix(SpaceNumber space, bool is_saved) {
  return flag_prefix(space, IndexId::conversation_by_saved, is_saved);
}

std::string conversation_by_archived_prefix(SpaceNumber space, bool is_archived) {
  return flag_prefix(space, IndexId::conversation_by_archived, is_archived);
}

std::string conversation_by_ended_prefix(SpaceNumber space, bool is_ended) {
  return flag_prefix(space, IndexId::conversation_by_ended, is_ended);
}

std::string conversation_unprocessed_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::conversation_unprocessed).take();
}

std::string conversation_by_activity_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::conversation_by_activity).take();
}

std::string conversation_by_created_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::conversation_by_created).take();
}

std::string message_by_id_key(SpaceNumber space, const MessageId& message) {
  return id_prefix(space, IndexId::message_by_id, message);
}

std::string message_by_time_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::message_by_time).take();
}

std::string memory_by_category_prefix(SpaceNumber space, std::string_view category) {
  return text_prefix(space, IndexId::memory_by_category, nfc(category));
}

std::string memory_by_key_prefix(SpaceNumber space, std::string_view key) {
  return taken(KeyWriter(space, IndexId::memory_by_key).hash(hash128(nfc(key))));
}

std::string memory_by_name_prefix(SpaceNumber space, const UserId& user, std::string_view category,
                                  std::string_view key) {
  return taken(
      KeyWriter(space, IndexId::memory_by_name).id(user).hash(hash128(nfc(category), nfc(key))));
}

std::string memory_by_entity_prefix(SpaceNumber space, std::string_view entity_type,
                                    std::string_view entity_id) {
  return taken(KeyWriter(space, IndexId::memory_by_entity)
                   .text(nfc(entity_type))
                   .hash(hash128(nfc(entity_id))));
}

std::string memory_by_entity_type_prefix(SpaceNumber space, std::string_view entity_type) {
  return text_prefix(space, IndexId::memory_by_entity_type, nfc(entity_type));
}

std::string memory_by_tag_prefix(SpaceNumber space, std::string_view tag) {
  return text_prefix(space, IndexId::memory_by_tag, fold(tag));
}

std::string memory_by_type_prefix(SpaceNumber space, std::string_view type) {
  return text_prefix(space, IndexId::memory_by_type, nfc(type));
}

std::string memory_by_agent_prefix(SpaceNumber space, std::string_view agent) {
  return text_prefix(space, IndexId::memory_by_agent, nfc(agent));
}

std::string memory_by_user_prefix(SpaceNumber space, const UserId& user) {
  return id_prefix(space, IndexId::memory_by_user, user);
}

std::string memory_by_conversation_prefix(SpaceNumber space, const ConversationId& conversation) {
  return id_prefix(space, IndexId::memory_by_conversation, conversation);
}

std::string memory_by_priority_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_priority).take();
}

std::string memory_by_priority_prefix(SpaceNumber space, std::uint8_t priority) {
  return taken(
      KeyWriter(space, IndexId::memory_by_priority)
          .u8(static_cast<std::uint8_t>(std::numeric_limits<std::uint8_t>::max() - priority)));
}

std::string memory_by_source_prefix(SpaceNumber space, std::string_view kind, std::string_view id) {
  return taken(KeyWriter(space, IndexId::memory_by_source).hash(hash128(nfc(kind), nfc(id))));
}

std::string memory_by_task_prefix(SpaceNumber space, std::string_view task) {
  return taken(KeyWriter(space, IndexId::memory_by_task).hash(hash128(nfc(task))));
}

std::string memory_by_created_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_created).take();
}

std::string memory_by_updated_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_updated).take();
}

std::string memory_by_expiry_prefix(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_expiry).take();
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
  if (to) range.lower = taken(KeyWriter(std::string(prefix)).time_down(*to - 1));
  if (from) {
    range.upper = schema::prefix_end(taken(KeyWriter(std::string(prefix)).time_down(*from)));
  }
  return range;
}

KeyRange oldest_first_range(std::string_view prefix, std::optional<std::int64_t> from,
                            std::optional<std::int64_t> to) {
  KeyRange range = range_of(prefix);
  if (from && to && *from >= *to) return none_of(prefix);
  if (from) range.lower = taken(KeyWriter(std::string(prefix)).time(*from));
  if (to) range.upper = taken(KeyWriter(std::string(prefix)).time(*to));
  return range;
}

}  // namespace callisto::indexes
