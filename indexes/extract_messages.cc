// Messages.

#include "indexes/extract.h"
#include "schema/tails.h"
#include "schema/text.h"

namespace callisto::indexes {

namespace {

using schema::KeyWriter;
using schema::fb::Message;

constexpr std::uint16_t kNoSender = 0xFFFF;

ConversationId conversation_of(const Message& message) {
  return schema::from_fb<ConversationId>(message.conversation());
}

schema::MessageOrder order_of(const Message& message) {
  return {message.timestamp(), message.sequence()};
}

}  // namespace

namespace extract {

std::string message_cover(const Row& row) {
  const auto& message = record_of<Message>(row);
  return schema::encode(schema::MessageCover{.importance = message.importance(),
                                             .state = static_cast<std::uint8_t>(message.state()),
                                             .role = schema::nfc(schema::text(message.role())),
                                             .agent = schema::nfc(schema::text(message.agent()))});
}

void message_by_id(const Row& row, Entries& entries) {
  const auto& message = record_of<Message>(row);
  const auto id = schema::from_fb<MessageId>(&message.stamp()->id());
  const KeyWriter key = entry_key::message_by_id(row.space, id);
  const schema::MessagePlaceBytes place(id.view(), conversation_of(message).view(),
                                        message.timestamp(), message.sequence());
  entries.add(key.view(), place.view());
}

void message_by_time(const Row& row, Entries& entries) {
  const auto& message = record_of<Message>(row);
  KeyWriter key = entry_key::message_by_time(row.space);
  key.time(message.timestamp()).id(conversation_of(message)).u64(message.sequence());
  entries.add(key.view(), row.cover);
}

void message_by_sender(const Row& row, Entries& entries) {
  const auto& message = record_of<Message>(row);
  if (message.sender_slot() == kNoSender) return;
  entries.add(schema::write_message_sender_key(row.space, conversation_of(message),
                                               message.sender_slot(), order_of(message))
                  .view(),
              row.cover);
}

void message_by_importance(const Row& row, Entries& entries) {
  const auto& message = record_of<Message>(row);
  entries.add(schema::write_message_importance_key(row.space, conversation_of(message),
                                                   message.importance(), order_of(message))
                  .view(),
              schema::without_importance(row.cover));
}

}  // namespace extract

namespace row_key {

std::optional<std::string> of_message_by_id(std::string_view entry_key,
                                            std::string_view entry_value) {
  schema::KeyReader reader(entry_key);
  const schema::SpaceNumber space = reader.u32();
  reader.u16();
  reader.id<MessageId>();
  const auto place = schema::decode_message_place(entry_key, entry_value);
  if (!reader.at_end() || !place) return std::nullopt;
  const auto conversation = schema::KeyReader(place->conversation).id<ConversationId>();
  return schema::message_key(space, conversation, {place->timestamp, place->sequence});
}

std::optional<std::string> of_message_by_time(std::string_view entry_key,
                                              std::string_view /*entry_value*/) {
  const auto key = parse_message_by_time(entry_key);
  if (!key) return std::nullopt;
  return schema::message_key(key->space, key->conversation, key->order);
}

std::optional<std::string> of_message_part(std::string_view entry_key,
                                           std::string_view /*entry_value*/) {
  const auto key = schema::parse_message_key(entry_key);
  if (!key) return std::nullopt;
  return schema::message_key(key->space, key->conversation, key->order);
}

}  // namespace row_key

}  // namespace callisto::indexes
