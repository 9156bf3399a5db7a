#include "indexes/entry_key.h"

#include <limits>

#include "schema/hash.h"
#include "schema/text.h"

namespace callisto::indexes::entry_key {

namespace {

using schema::Folded;
using schema::hash128;
using schema::IndexId;
using schema::Nfc;

KeyWriter of_flag(SpaceNumber space, IndexId index, bool flag) {
  KeyWriter prefix(space, index);
  prefix.u8(flag ? 1 : 0);
  return prefix;
}

template <class Tag>
KeyWriter of_id(SpaceNumber space, IndexId index, const Id<Tag>& id) {
  KeyWriter prefix(space, index);
  prefix.id(id);
  return prefix;
}

KeyWriter of_text(SpaceNumber space, IndexId index, std::string_view text) {
  KeyWriter prefix(space, index);
  prefix.text(text);
  return prefix;
}

}  // namespace

KeyWriter user_by_active(SpaceNumber space, bool is_active) {
  return of_flag(space, IndexId::user_by_active, is_active);
}

KeyWriter user_by_last_seen(SpaceNumber space) {
  return KeyWriter(space, IndexId::user_by_last_seen);
}

KeyWriter identity_by_user(SpaceNumber space, const UserId& user) {
  return of_id(space, IndexId::identity_by_user, user);
}

KeyWriter identity_by_username(SpaceNumber space, std::string_view username) {
  return of_text(space, IndexId::identity_by_username, Folded(username));
}

KeyWriter datum_newest(SpaceNumber space, const UserId& user) {
  return of_id(space, IndexId::datum_newest, user);
}

KeyWriter datum_newest(SpaceNumber space, const UserId& user, std::string_view category) {
  KeyWriter prefix(space, IndexId::datum_newest);
  prefix.id(user).text(Nfc(category));
  return prefix;
}

KeyWriter user_by_preferred_name(SpaceNumber space, std::string_view name) {
  return of_text(space, IndexId::user_by_preferred_name, Folded(name));
}

KeyWriter conversation_by_participant(SpaceNumber space, const UserId& user) {
  return of_id(space, IndexId::conversation_by_participant, user);
}

KeyWriter conversation_by_owner(SpaceNumber space, const UserId& owner) {
  return of_id(space, IndexId::conversation_by_owner, owner);
}

KeyWriter conversation_by_type(SpaceNumber space, std::string_view type) {
  return of_text(space, IndexId::conversation_by_type, Nfc(type));
}

KeyWriter conversation_by_persona(SpaceNumber space, const PersonaId& persona) {
  return of_id(space, IndexId::conversation_by_persona, persona);
}

KeyWriter conversation_by_saved(SpaceNumber space, bool is_saved) {
  return of_flag(space, IndexId::conversation_by_saved, is_saved);
}

KeyWriter conversation_by_archived(SpaceNumber space, bool is_archived) {
  return of_flag(space, IndexId::conversation_by_archived, is_archived);
}

KeyWriter conversation_by_ended(SpaceNumber space, bool is_ended) {
  return of_flag(space, IndexId::conversation_by_ended, is_ended);
}

KeyWriter conversation_unprocessed(SpaceNumber space) {
  return KeyWriter(space, IndexId::conversation_unprocessed);
}

KeyWriter conversation_by_activity(SpaceNumber space) {
  return KeyWriter(space, IndexId::conversation_by_activity);
}

KeyWriter conversation_by_created(SpaceNumber space) {
  return KeyWriter(space, IndexId::conversation_by_created);
}

KeyWriter message_by_id(SpaceNumber space, const MessageId& message) {
  return of_id(space, IndexId::message_by_id, message);
}

KeyWriter message_by_time(SpaceNumber space) { return KeyWriter(space, IndexId::message_by_time); }

KeyWriter memory_by_category(SpaceNumber space, std::string_view category) {
  return of_text(space, IndexId::memory_by_category, Nfc(category));
}

KeyWriter memory_by_key(SpaceNumber space, std::string_view key) {
  KeyWriter prefix(space, IndexId::memory_by_key);
  prefix.hash(hash128(Nfc(key)));
  return prefix;
}

KeyWriter memory_by_name(SpaceNumber space, const UserId& user, std::string_view category,
                         std::string_view key) {
  KeyWriter prefix(space, IndexId::memory_by_name);
  prefix.id(user).hash(hash128(Nfc(category), Nfc(key)));
  return prefix;
}

KeyWriter memory_by_entity(SpaceNumber space, std::string_view entity_type,
                           std::string_view entity_id) {
  KeyWriter prefix(space, IndexId::memory_by_entity);
  prefix.text(Nfc(entity_type)).hash(hash128(Nfc(entity_id)));
  return prefix;
}

KeyWriter memory_by_entity_type(SpaceNumber space, std::string_view entity_type) {
  return of_text(space, IndexId::memory_by_entity_type, Nfc(entity_type));
}

KeyWriter memory_by_tag(SpaceNumber space, std::string_view tag) {
  return of_text(space, IndexId::memory_by_tag, Folded(tag));
}

KeyWriter memory_by_type(SpaceNumber space, std::string_view type) {
  return of_text(space, IndexId::memory_by_type, Nfc(type));
}

KeyWriter memory_by_agent(SpaceNumber space, std::string_view agent) {
  return of_text(space, IndexId::memory_by_agent, Nfc(agent));
}

KeyWriter memory_by_user(SpaceNumber space, const UserId& user) {
  return of_id(space, IndexId::memory_by_user, user);
}

KeyWriter memory_by_conversation(SpaceNumber space, const ConversationId& conversation) {
  return of_id(space, IndexId::memory_by_conversation, conversation);
}

KeyWriter memory_by_priority(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_priority);
}

KeyWriter memory_by_priority(SpaceNumber space, std::uint8_t priority) {
  KeyWriter prefix(space, IndexId::memory_by_priority);
  prefix.u8(static_cast<std::uint8_t>(std::numeric_limits<std::uint8_t>::max() - priority));
  return prefix;
}

KeyWriter memory_by_source(SpaceNumber space, std::string_view kind, std::string_view id) {
  KeyWriter prefix(space, IndexId::memory_by_source);
  prefix.hash(hash128(Nfc(kind), Nfc(id)));
  return prefix;
}

KeyWriter memory_by_task(SpaceNumber space, std::string_view task) {
  KeyWriter prefix(space, IndexId::memory_by_task);
  prefix.hash(hash128(Nfc(task)));
  return prefix;
}

KeyWriter memory_by_created(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_created);
}

KeyWriter memory_by_updated(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_updated);
}

KeyWriter memory_by_expiry(SpaceNumber space) {
  return KeyWriter(space, IndexId::memory_by_expiry);
}

}  // namespace callisto::indexes::entry_key
