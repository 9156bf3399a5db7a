#pragma once

// Where the entries of each index begin: one function per index, for finders and extractors alike,
// so that a prefix is spelled once. Texts are given as the caller has them; what an index compares
// by (NFC, case folding, a hash) is applied here. Entries behind a prefix: schema/FORMAT.md.
// By sender and by importance are in schema/keys.h.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "callisto/id.h"
#include "schema/ids.h"
#include "schema/keys.h"

namespace callisto::indexes {

using schema::in_version;
using schema::SpaceNumber;

/// The single category that names a user; its values are indexed over all users.
inline constexpr std::string_view kPreferredName = "preferred_name";

// Users. Behind active: ~created user; behind last_seen: ~last_seen user.
std::string user_by_active_prefix(SpaceNumber space, bool is_active);
std::string user_by_last_seen_prefix(SpaceNumber space);
/// Then the rest of the identity's key (text platform, text platform id): identity_row_key().
std::string identity_by_user_prefix(SpaceNumber space, const UserId& user);
/// Compared folded. Then user and the rest of the identity's key: identity_row_key().
std::string identity_by_username_prefix(SpaceNumber space, std::string_view username);
/// All categories of a user; then text(category) ~created value hash, probe: datum_row_key().
std::string datum_newest_prefix(SpaceNumber space, const UserId& user);
std::string datum_newest_prefix(SpaceNumber space, const UserId& user, std::string_view category);
/// Compared folded. Then user, value hash, probe: datum_row_key() and preferred_name_user().
std::string user_by_preferred_name_prefix(SpaceNumber space, std::string_view name);

// Conversations. Behind each: ~created conversation, unless it says otherwise.
std::string conversation_by_participant_prefix(SpaceNumber space, const UserId& user);
std::string conversation_by_owner_prefix(SpaceNumber space, const UserId& owner);
std::string conversation_by_type_prefix(SpaceNumber space, std::string_view type);
std::string conversation_by_persona_prefix(SpaceNumber space, const PersonaId& persona);
std::string conversation_by_saved_prefix(SpaceNumber space, bool is_saved);
std::string conversation_by_archived_prefix(SpaceNumber space, bool is_archived);
std::string conversation_by_ended_prefix(SpaceNumber space, bool is_ended);
std::string conversation_unprocessed_prefix(SpaceNumber space);
/// Then ~activity conversation.
std::string conversation_by_activity_prefix(SpaceNumber space);
std::string conversation_by_created_prefix(SpaceNumber space);

// Messages.
/// The whole key; the value is a schema::MessagePlace.
std::string message_by_id_key(SpaceNumber space, const MessageId& message);
/// Then time, ascending, conversation, sequence: parse_message_by_time().
std::string message_by_time_prefix(SpaceNumber space);

// Memories. Behind each: ~created memory, unless it says otherwise; the value is a
// schema::MemoryCover. Hashed texts can meet: the record's text decides.
std::string memory_by_category_prefix(SpaceNumber space, std::string_view category);
std::string memory_by_key_prefix(SpaceNumber space, std::string_view key);
/// `user` nil: memories without one.
std::string memory_by_name_prefix(SpaceNumber space, const UserId& user, std::string_view category,
                                  std::string_view key);
std::string memory_by_entity_prefix(SpaceNumber space, std::string_view entity_type,
                                    std::string_view entity_id);
std::string memory_by_entity_type_prefix(SpaceNumber space, std::string_view entity_type);
/// Compared folded.
std::string memory_by_tag_prefix(SpaceNumber space, std::string_view tag);
std::string memory_by_type_prefix(SpaceNumber space, std::string_view type);
std::string memory_by_agent_prefix(SpaceNumber space, std::string_view agent);
std::string memory_by_user_prefix(SpaceNumber space, const UserId& user);
std::string memory_by_conversation_prefix(SpaceNumber space, const ConversationId& conversation);
/// All priorities, highest first: then the priority and ~created memory.
std::string memory_by_priority_prefix(SpaceNumber space);
std::string memory_by_priority_prefix(SpaceNumber space, std::uint8_t priority);
std::string memory_by_source_prefix(SpaceNumber space, std::string_view kind, std::string_view id);
std::string memory_by_task_prefix(SpaceNumber space, std::string_view task);
std::string memory_by_created_prefix(SpaceNumber space);
/// Then ~updated memory.
std::string memory_by_updated_prefix(SpaceNumber space);
/// Only what expires; then expires, ascending, memory: parse_time_tail().
std::string memory_by_expiry_prefix(SpaceNumber space);

/// Keys from `lower` up to, not including, `upper`: what kv::Bounds takes. Nothing lies between
/// equal ones.
struct KeyRange {
  std::string lower;
  std::string upper;
};
/// Keys of one index, in another version of it.
KeyRange in_version(KeyRange range, schema::IndexId version);
/// Everything behind `prefix`.
KeyRange range_of(std::string_view prefix);
/// Entries behind `prefix`, where an inverted time follows (newest first), with a time in
/// [from, to); an empty end is open.
KeyRange newest_first_range(std::string_view prefix, std::optional<std::int64_t> from,
                            std::optional<std::int64_t> to);
/// The same where an ascending time follows.
KeyRange oldest_first_range(std::string_view prefix, std::optional<std::int64_t> from,
                            std::optional<std::int64_t> to);

/// How most entries end: a time and the 16 bytes of an id.
struct TimeTail {
  std::int64_t time = 0;
  UuidBytes id{};

  template <class IdType>
  IdType as() const noexcept {
    return IdType(id);
  }
};
/// Of entries that end in an inverted time and an id (~created, ~updated, ~activity, ~last_seen).
std::optional<TimeTail> parse_created_tail(std::string_view entry_key);
/// Of entries that end in an ascending time and an id (unprocessed, expiry).
std::optional<TimeTail> parse_time_tail(std::string_view entry_key);

/// The identity's key from an entry of identity_by_user or identity_by_username.
std::optional<std::string> identity_row_key(std::string_view entry_key);
/// The datum's key from an entry of datum_newest or user_by_preferred_name.
std::optional<std::string> datum_row_key(std::string_view entry_key);
/// The user from an entry of user_by_preferred_name.
std::optional<UserId> preferred_name_user(std::string_view entry_key);
/// Place and conversation of a message from an entry of message_by_time.
std::optional<schema::MessageKey> parse_message_by_time(std::string_view entry_key);

}  // namespace callisto::indexes
