#pragma once

// Where the entries of each index begin, as writers that an extractor goes on with: index_keys.h
// says what follows, and has the same prefixes as strings.

#include <cstdint>
#include <string_view>

#include "callisto/id.h"
#include "schema/ids.h"
#include "schema/keys.h"

namespace callisto::indexes::entry_key {

using schema::KeyWriter;
using schema::SpaceNumber;

KeyWriter user_by_active(SpaceNumber space, bool is_active);
KeyWriter user_by_last_seen(SpaceNumber space);
KeyWriter identity_by_user(SpaceNumber space, const UserId& user);
KeyWriter identity_by_username(SpaceNumber space, std::string_view username);
KeyWriter datum_newest(SpaceNumber space, const UserId& user);
KeyWriter datum_newest(SpaceNumber space, const UserId& user, std::string_view category);
KeyWriter user_by_preferred_name(SpaceNumber space, std::string_view name);
KeyWriter conversation_by_participant(SpaceNumber space, const UserId& user);
KeyWriter conversation_by_owner(SpaceNumber space, const UserId& owner);
KeyWriter conversation_by_type(SpaceNumber space, std::string_view type);
KeyWriter conversation_by_persona(SpaceNumber space, const PersonaId& persona);
KeyWriter conversation_by_saved(SpaceNumber space, bool is_saved);
KeyWriter conversation_by_archived(SpaceNumber space, bool is_archived);
KeyWriter conversation_by_ended(SpaceNumber space, bool is_ended);
KeyWriter conversation_unprocessed(SpaceNumber space);
KeyWriter conversation_by_activity(SpaceNumber space);
KeyWriter conversation_by_created(SpaceNumber space);
KeyWriter message_by_id(SpaceNumber space, const MessageId& message);
KeyWriter message_by_time(SpaceNumber space);
KeyWriter memory_by_category(SpaceNumber space, std::string_view category);
KeyWriter memory_by_key(SpaceNumber space, std::string_view key);
KeyWriter memory_by_name(SpaceNumber space, const UserId& user, std::string_view category,
                         std::string_view key);
KeyWriter memory_by_entity(SpaceNumber space, std::string_view entity_type,
                           std::string_view entity_id);
KeyWriter memory_by_entity_type(SpaceNumber space, std::string_view entity_type);
KeyWriter memory_by_tag(SpaceNumber space, std::string_view tag);
KeyWriter memory_by_type(SpaceNumber space, std::string_view type);
KeyWriter memory_by_agent(SpaceNumber space, std::string_view agent);
KeyWriter memory_by_user(SpaceNumber space, const UserId& user);
KeyWriter memory_by_conversation(SpaceNumber space, const ConversationId& conversation);
KeyWriter memory_by_priority(SpaceNumber space);
KeyWriter memory_by_priority(SpaceNumber space, std::uint8_t priority);
KeyWriter memory_by_source(SpaceNumber space, std::string_view kind, std::string_view id);
KeyWriter memory_by_task(SpaceNumber space, std::string_view task);
KeyWriter memory_by_created(SpaceNumber space);
KeyWriter memory_by_updated(SpaceNumber space);
KeyWriter memory_by_expiry(SpaceNumber space);

}  // namespace callisto::indexes::entry_key
