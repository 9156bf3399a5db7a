#include "indexes/row_rules.h"

#include "indexes/extract.h"
#include "schema/keys.h"
#include "schema/tails.h"
#include "schema/text.h"

namespace callisto::indexes::rows {

namespace {

using schema::KeyReader;
using schema::kKeyHeadBytes;
using schema::nfc;
using schema::text;

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kHashBytes = 16;

/// Behind S X.
KeyReader parts_of(std::string_view key) {
  KeyReader reader(key);
  reader.raw(kKeyHeadBytes);
  return reader;
}

bool is_one_id(std::string_view key) { return key.size() == kKeyHeadBytes + kIdBytes; }

bool is_conversation_part(std::string_view key, schema::ConversationPart part) {
  KeyReader reader = parts_of(key);
  reader.raw(kIdBytes);
  return reader.u8() == static_cast<std::uint8_t>(part) && reader.at_end();
}

/// The id that leads a row's key.
std::string_view id_in_key(const Row& row) { return row.key.substr(kKeyHeadBytes, kIdBytes); }

std::string_view view_of(const schema::fb::Uuid& uuid) {
  return {reinterpret_cast<const char*>(uuid.bytes()->Data()), kIdBytes};
}

/// Texts in keys are compared by NFC.
bool is_spelled(std::string_view in_key, std::string_view in_record) {
  return in_key == in_record || nfc(in_key) == nfc(in_record);
}

}  // namespace

bool is_user(std::string_view key) { return is_one_id(key); }
bool is_user_tail(std::string_view key) { return is_one_id(key); }
bool is_memory(std::string_view key) { return is_one_id(key); }

bool is_identity(std::string_view key) {
  KeyReader reader = parts_of(key);
  reader.text();
  reader.text();
  return reader.at_end();
}

bool is_datum(std::string_view key) {
  KeyReader reader = parts_of(key);
  reader.raw(kIdBytes);
  reader.text();
  reader.raw(kHashBytes);
  reader.u8();
  return reader.at_end();
}

bool is_conversation(std::string_view key) {
  return is_conversation_part(key, schema::ConversationPart::header);
}

bool is_conversation_tail(std::string_view key) {
  return is_conversation_part(key, schema::ConversationPart::tail);
}

bool is_message(std::string_view key) {
  const auto parsed = schema::parse_message_key(key);
  return parsed && parsed->part == schema::MessagePart::record;
}

bool is_intact_user_tail(std::string_view bytes) {
  return schema::decode_user_tail(bytes).has_value();
}

bool is_intact_conversation_tail(std::string_view bytes) {
  return schema::decode_conversation_tail(bytes).has_value();
}

bool is_user_at_home(const Row& row) {
  return id_in_key(row) == view_of(record_of<schema::fb::User>(row).stamp()->id());
}

bool is_identity_at_home(const Row& row) {
  const auto& identity = record_of<schema::fb::PlatformIdentifier>(row);
  KeyReader reader = parts_of(row.key);
  const std::string platform = reader.text();
  return is_spelled(platform, text(identity.platform())) &&
         is_spelled(reader.text(), text(identity.platform_id()));
}

bool is_datum_at_home(const Row& row) {
  const auto& datum = record_of<schema::fb::UserDatum>(row);
  KeyReader reader = parts_of(row.key);
  return reader.raw(kIdBytes) == view_of(*datum.user()) &&
         is_spelled(reader.text(), text(datum.category()));
}

bool is_conversation_at_home(const Row& row) {
  return id_in_key(row) == view_of(record_of<schema::fb::Conversation>(row).stamp()->id());
}

bool is_message_at_home(const Row& row) {
  const auto& message = record_of<schema::fb::Message>(row);
  const auto key = schema::parse_message_key(row.key);
  return key && key->conversation.view() == view_of(*message.conversation()) &&
         key->order == schema::MessageOrder{message.timestamp(), message.sequence()};
}

bool is_memory_at_home(const Row& row) {
  return id_in_key(row) == view_of(record_of<schema::fb::Memory>(row).stamp()->id());
}

}  // namespace callisto::indexes::rows
