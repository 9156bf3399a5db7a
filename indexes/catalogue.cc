#include "indexes/catalogue.h"

#include <algorithm>
#include <cstdint>

#include "indexes/extract.h"
#include "indexes/row_rules.h"
#include "schema/keys.h"
#include "schema/records.h"

namespace callisto::indexes {

namespace {

using kv::Family;
using row_key::Shape;
using schema::IndexId;
using schema::MessagePart;
using schema::TableId;

constexpr auto kNoPart = std::optional<MessagePart>{};

constexpr IndexDefinition kUsers[] = {
    {IndexId::user_by_active, "user_by_active", Family::indexes, kNoPart, extract::user_by_active,
     row_key::of_user<Shape::byte>},
};

constexpr IndexDefinition kUserTails[] = {
    {IndexId::user_by_last_seen, "user_by_last_seen", Family::indexes, kNoPart,
     extract::user_by_last_seen, row_key::of_user_tail},
};

constexpr IndexDefinition kPlatformIdentifiers[] = {
    {IndexId::identity_by_user, "identity_by_user", Family::indexes, kNoPart,
     extract::identity_by_user, row_key::of_identity, kNotCounted},
    {IndexId::identity_by_username, "identity_by_username", Family::indexes, kNoPart,
     extract::identity_by_username, row_key::of_identity, kNotCounted},
};

constexpr IndexDefinition kUserData[] = {
    {IndexId::datum_newest, "datum_newest", Family::indexes, kNoPart, extract::datum_newest,
     row_key::of_datum, 8 + 16 + 1},
    {IndexId::user_by_preferred_name, "user_by_preferred_name", Family::indexes, kNoPart,
     extract::user_by_preferred_name, row_key::of_datum, 16 + 16 + 1},
};

using RowKey = decltype(IndexDefinition::row_key);

/// An index of headers; each reads id and created_at, which order its entries.
constexpr IndexDefinition of_conversations(IndexId id, const char* name, Extract extract,
                                           RowKey row_key, FieldSet reads) {
  return {.id = id,
          .name = name,
          .family = Family::indexes,
          .part = kNoPart,
          .extract = extract,
          .row_key = row_key,
          .reads = reads | field::identity};
}

constexpr IndexDefinition kConversations[] = {
    of_conversations(IndexId::conversation_by_participant, "conversation_by_participant",
                     extract::conversation_by_participant, row_key::of_conversation<Shape::id>,
                     field::participants),
    of_conversations(IndexId::conversation_by_owner, "conversation_by_owner",
                     extract::conversation_by_owner, row_key::of_conversation<Shape::id>,
                     field::owner),
    of_conversations(IndexId::conversation_by_type, "conversation_by_type",
                     extract::conversation_by_type, row_key::of_conversation<Shape::text>,
                     field::conversation_type),
    of_conversations(IndexId::conversation_by_persona, "conversation_by_persona",
                     extract::conversation_by_persona, row_key::of_conversation<Shape::id>,
                     field::persona),
    of_conversations(IndexId::conversation_by_saved, "conversation_by_saved",
                     extract::conversation_by_saved, row_key::of_conversation<Shape::byte>,
                     field::saved),
    of_conversations(IndexId::conversation_by_archived, "conversation_by_archived",
                     extract::conversation_by_archived, row_key::of_conversation<Shape::byte>,
                     field::archived),
    of_conversations(IndexId::conversation_by_ended, "conversation_by_ended",
                     extract::conversation_by_ended, row_key::of_conversation<Shape::byte>,
                     field::ended),
    of_conversations(IndexId::conversation_by_created, "conversation_by_created",
                     extract::conversation_by_created, row_key::of_conversation<Shape::none>, 0),
};

constexpr IndexDefinition kConversationTails[] = {
    {IndexId::conversation_unprocessed, "conversation_unprocessed", Family::indexes, kNoPart,
     extract::conversation_unprocessed, row_key::of_conversation_tail},
    {IndexId::conversation_by_activity, "conversation_by_activity", Family::indexes, kNoPart,
     extract::conversation_by_activity, row_key::of_conversation_tail},
};

constexpr IndexDefinition kMessages[] = {
    {IndexId::message_by_id, "message_by_id", Family::indexes, kNoPart, extract::message_by_id,
     row_key::of_message_by_id, kNotCounted},
    {IndexId::message_by_time, "message_by_time", Family::indexes, kNoPart,
     extract::message_by_time, row_key::of_message_by_time, kNotCounted},
    {IndexId::message_by_sender, "message_by_sender", Family::messages, MessagePart::by_sender,
     extract::message_by_sender, row_key::of_message_part, kNotCounted},
    {IndexId::message_by_importance, "message_by_importance", Family::messages,
     MessagePart::by_importance, extract::message_by_importance, row_key::of_message_part,
     kNotCounted},
};

/// An index of memories; each reads id and created_at too, and what its entries carry.
constexpr IndexDefinition of_memories(IndexId id, const char* name, Extract extract, RowKey row_key,
                                      FieldSet reads) {
  return {.id = id,
          .name = name,
          .family = Family::indexes,
          .part = kNoPart,
          .extract = extract,
          .row_key = row_key,
          .reads = reads | field::identity | field::cover};
}

constexpr IndexDefinition kMemories[] = {
    of_memories(IndexId::memory_by_category, "memory_by_category", extract::memory_by_category,
                row_key::of_memory<Shape::text>, field::category),
    of_memories(IndexId::memory_by_key, "memory_by_key", extract::memory_by_key,
                row_key::of_memory<row_key::kHash>, field::key),
    of_memories(IndexId::memory_by_name, "memory_by_name", extract::memory_by_name,
                row_key::of_memory<Shape::id_and_hash>, field::category | field::key | field::user),
    of_memories(IndexId::memory_by_entity, "memory_by_entity", extract::memory_by_entity,
                row_key::of_memory<Shape::text_and_hash>, field::entity_type | field::entity_id),
    of_memories(IndexId::memory_by_entity_type, "memory_by_entity_type",
                extract::memory_by_entity_type, row_key::of_memory<Shape::text>,
                field::entity_type),
    of_memories(IndexId::memory_by_tag, "memory_by_tag", extract::memory_by_tag,
                row_key::of_memory<Shape::text>, field::tags),
    of_memories(IndexId::memory_by_type, "memory_by_type", extract::memory_by_type,
                row_key::of_memory<Shape::text>, field::memory_type),
    of_memories(IndexId::memory_by_agent, "memory_by_agent", extract::memory_by_agent,
                row_key::of_memory<Shape::text>, field::agent),
    of_memories(IndexId::memory_by_user, "memory_by_user", extract::memory_by_user,
                row_key::of_memory<Shape::id>, field::user),
    of_memories(IndexId::memory_by_conversation, "memory_by_conversation",
                extract::memory_by_conversation, row_key::of_memory<Shape::id>,
                field::conversation),
    of_memories(IndexId::memory_by_priority, "memory_by_priority", extract::memory_by_priority,
                row_key::of_memory<Shape::byte>, field::priority),
    of_memories(IndexId::memory_by_source, "memory_by_source", extract::memory_by_source,
                row_key::of_memory<row_key::kHash>, field::sources),
    of_memories(IndexId::memory_by_task, "memory_by_task", extract::memory_by_task,
                row_key::of_memory<row_key::kHash>, field::task),
    of_memories(IndexId::memory_by_created, "memory_by_created", extract::memory_by_created,
                row_key::of_memory<Shape::none>, 0),
    of_memories(IndexId::memory_by_updated, "memory_by_updated", extract::memory_by_updated,
                row_key::of_memory<Shape::none>, field::updated),
    of_memories(IndexId::memory_by_expiry, "memory_by_expiry", extract::memory_by_expiry,
                row_key::of_expiring_memory, field::expiry),
};

constexpr TableDefinition kTables[] = {
    {TableId::users, "users", Family::users, rows::is_user, rows::is_intact<schema::fb::User>,
     rows::is_user_at_home, nullptr, nullptr, kUsers},
    {TableId::user_tails, "user_tails", Family::users, rows::is_user_tail,
     rows::is_intact_user_tail, nullptr, nullptr, nullptr, kUserTails},
    {TableId::platform_identifiers, "platform_identifiers", Family::platform_identifiers,
     rows::is_identity, rows::is_intact<schema::fb::PlatformIdentifier>, rows::is_identity_at_home,
     nullptr, nullptr, kPlatformIdentifiers},
    {TableId::user_data, "user_data", Family::user_data, rows::is_datum,
     rows::is_intact<schema::fb::UserDatum>, rows::is_datum_at_home, nullptr, nullptr, kUserData},
    {TableId::conversations, "conversations", Family::conversations, rows::is_conversation,
     rows::is_intact<schema::fb::Conversation>, rows::is_conversation_at_home, nullptr,
     changed_in_conversation, kConversations},
    {TableId::conversation_tails, "conversation_tails", Family::conversations,
     rows::is_conversation_tail, rows::is_intact_conversation_tail, nullptr, nullptr, nullptr,
     kConversationTails},
    {TableId::messages, "messages", Family::messages, rows::is_message,
     rows::is_intact<schema::fb::Message>, rows::is_message_at_home, extract::message_cover,
     nullptr, kMessages},
    {TableId::memories, "memories", Family::memories, rows::is_memory,
     rows::is_intact<schema::fb::Memory>, rows::is_memory_at_home, extract::memory_cover,
     changed_in_memory, kMemories},
};

constexpr Catalogue kStandard{kTables};

}  // namespace

const TableDefinition& Catalogue::table(schema::TableId id) const {
  // Tables are few and lead the hot path: the id's place first, then the others.
  const std::size_t place = static_cast<std::size_t>(id) - 1;
  if (place < tables.size() && tables[place].id == id) return tables[place];
  return *std::find_if(tables.begin(), tables.end(),
                       [&](const TableDefinition& table) { return table.id == id; });
}

const Catalogue& standard_catalogue() { return kStandard; }

std::string table_prefix(schema::SpaceNumber space, schema::TableId table) {
  if (table == TableId::conversation_tails) table = TableId::conversations;
  return schema::KeyWriter(space, table).take();
}

std::string index_prefix(schema::SpaceNumber space, schema::IndexId index) {
  return schema::KeyWriter(space, index).take();
}

}  // namespace callisto::indexes
