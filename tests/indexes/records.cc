#include "tests/indexes/records.h"

#include "schema/hash.h"

namespace callisto::indexes::testing {

using schema::TableId;

StoredRow user_row(const UserId& id, bool is_active, std::int64_t created_at) {
  fb::UserT user;
  user.stamp = stamp(id, created_at);
  user.is_active = is_active;
  return {TableId::users, schema::user_key(kSpace, id), bytes_of<fb::User>(user)};
}

StoredRow user_tail_row(const UserId& id, const schema::UserTail& tail) {
  return {TableId::user_tails, schema::user_tail_key(kSpace, id), schema::encode(tail)};
}

StoredRow identity_row(const UserId& user, const std::string& platform,
                       const std::string& platform_id, const std::string& username) {
  fb::PlatformIdentifierT identity;
  identity.stamp = stamp(id<PlatformIdentifierId>(1));
  identity.user = uuid(user);
  identity.platform = platform;
  identity.platform_id = platform_id;
  identity.username = username;
  return {TableId::platform_identifiers, schema::identity_key(kSpace, platform, platform_id),
          bytes_of<fb::PlatformIdentifier>(identity)};
}

StoredRow datum_row(const UserId& user, const std::string& category, const std::string& value,
                    std::int64_t created_at, std::uint8_t probe) {
  fb::UserDatumT datum;
  datum.stamp = stamp(id<UserDatumId>(1), created_at);
  datum.user = uuid(user);
  datum.category = category;
  datum.value = value;
  return {TableId::user_data,
          schema::datum_key(kSpace, user, category, schema::hash128(value), probe),
          bytes_of<fb::UserDatum>(datum)};
}

StoredRow conversation_row(const fb::ConversationT& fields) {
  const auto id = schema::from_fb<ConversationId>(&fields.stamp->id());
  return {TableId::conversations, schema::conversation_key(kSpace, id),
          bytes_of<fb::Conversation>(fields)};
}

StoredRow conversation_tail_row(const ConversationId& id, const schema::ConversationTail& tail) {
  return {TableId::conversation_tails, schema::conversation_tail_key(kSpace, id),
          schema::encode(tail)};
}

StoredRow message_row(const fb::MessageT& fields) {
  const auto conversation = schema::from_fb<ConversationId>(fields.conversation.get());
  return {TableId::messages,
          schema::message_key(kSpace, conversation, {fields.timestamp, fields.sequence}),
          bytes_of<fb::Message>(fields)};
}

StoredRow memory_row(const fb::MemoryT& fields) {
  const auto id = schema::from_fb<MemoryId>(&fields.stamp->id());
  return {TableId::memories, schema::memory_key(kSpace, id), bytes_of<fb::Memory>(fields)};
}

fb::ConversationT conversation(const ConversationId& id, const std::vector<UserId>& participants,
                               std::int64_t created_at) {
  fb::ConversationT fields;
  fields.stamp = stamp(id, created_at, created_at);
  for (const UserId& user : participants) {
    fields.participants.emplace_back(schema::to_fb(user), schema::to_fb(user));
  }
  return fields;
}

fb::MessageT message(const ConversationId& conversation, std::uint64_t sequence,
                     std::uint32_t id_number) {
  fb::MessageT fields;
  fields.stamp = stamp(id<MessageId>(id_number));
  fields.conversation = uuid(conversation);
  fields.sequence = sequence;
  fields.timestamp = kNoon + static_cast<std::int64_t>(sequence) * kMinute;
  fields.content = "Pie, please.";
  return fields;
}

fb::MemoryT memory(const MemoryId& id, std::int64_t created_at) {
  fb::MemoryT fields;
  fields.stamp = stamp(id, created_at, created_at);
  return fields;
}

}  // namespace callisto::indexes::testing
