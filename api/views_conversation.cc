// Accessors of Conversation and Message.

#include <string>

#include "api/view_record.h"
#include "callisto/conversation.h"
#include "callisto/message.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto {

namespace {

using schema::text;
namespace fb = schema::fb;

using detail::record_in;

const fb::Conversation& header_in(const Bytes& bytes) { return record_in<fb::Conversation>(bytes); }
const fb::Message& message_in(const Bytes& bytes) { return record_in<fb::Message>(bytes); }

schema::ConversationTail tail_in(const Bytes& bytes) noexcept {
  return schema::decode_conversation_tail(bytes.view()).value_or(schema::ConversationTail{});
}

}  // namespace

// Conversation ------------------------------------------------------------------------------------

ConversationId Conversation::id() const noexcept {
  return schema::from_fb<ConversationId>(&header_in(bytes_).stamp()->id());
}
std::uint64_t Conversation::version() const noexcept {
  return header_in(bytes_).stamp()->version();
}
Time Conversation::created_at() const noexcept {
  return Time(header_in(bytes_).stamp()->created_at());
}
Time Conversation::recorded_at() const noexcept {
  return Time(header_in(bytes_).stamp()->recorded_at());
}
Time Conversation::updated_at() const noexcept {
  return Time(header_in(bytes_).stamp()->updated_at());
}
std::string_view Conversation::title() const noexcept { return text(header_in(bytes_).title()); }
std::string_view Conversation::type() const noexcept { return text(header_in(bytes_).type()); }
std::optional<PersonaId> Conversation::persona() const noexcept {
  return detail::present_id<PersonaId>(header_in(bytes_).persona());
}
std::string_view Conversation::model() const noexcept { return text(header_in(bytes_).model()); }
std::string_view Conversation::recap() const noexcept { return text(header_in(bytes_).recap()); }
std::string_view Conversation::summary() const noexcept {
  return text(header_in(bytes_).summary());
}
bool Conversation::is_saved() const noexcept { return header_in(bytes_).is_saved(); }
bool Conversation::is_archived() const noexcept { return header_in(bytes_).is_archived(); }
std::optional<Time> Conversation::ended_at() const noexcept {
  const auto ended = header_in(bytes_).ended_at();
  if (!ended.has_value()) return std::nullopt;
  return Time(*ended);
}
JsonView Conversation::metadata() const noexcept {
  return detail::json_in(bytes_, header_in(bytes_).metadata());
}
std::string_view Conversation::external_id() const noexcept {
  return text(header_in(bytes_).external_id());
}
std::string_view Conversation::external_source() const noexcept {
  return text(header_in(bytes_).external_source());
}

bool Conversation::reopens() const noexcept { return tail_in(tail_).reopens; }
bool Conversation::is_processed() const noexcept { return tail_in(tail_).is_processed(); }
std::uint64_t Conversation::processed_up_to() const noexcept {
  return tail_in(tail_).processed_up_to;
}
std::uint64_t Conversation::message_count() const noexcept { return tail_in(tail_).message_count; }
std::uint64_t Conversation::token_count() const noexcept { return tail_in(tail_).token_count; }
std::uint64_t Conversation::last_sequence() const noexcept { return tail_in(tail_).last_sequence; }
std::optional<Time> Conversation::last_message_at() const noexcept {
  const schema::ConversationTail tail = tail_in(tail_);
  if (tail.message_count == 0) return std::nullopt;
  return Time(tail.last_message_at);
}
Time Conversation::activity_at() const noexcept { return Time(tail_in(tail_).activity_at()); }

// Message -----------------------------------------------------------------------------------------

MessageId Message::id() const noexcept {
  return schema::from_fb<MessageId>(&message_in(bytes_).stamp()->id());
}
std::uint64_t Message::version() const noexcept { return message_in(bytes_).stamp()->version(); }
Time Message::created_at() const noexcept { return Time(message_in(bytes_).stamp()->created_at()); }
Time Message::recorded_at() const noexcept {
  return Time(message_in(bytes_).stamp()->recorded_at());
}
Time Message::updated_at() const noexcept { return Time(message_in(bytes_).stamp()->updated_at()); }
ConversationId Message::conversation() const noexcept {
  return schema::from_fb<ConversationId>(message_in(bytes_).conversation());
}
std::uint64_t Message::sequence() const noexcept { return message_in(bytes_).sequence(); }
std::optional<MessageId> Message::parent() const noexcept {
  return detail::present_id<MessageId>(message_in(bytes_).parent());
}
std::string_view Message::name() const noexcept { return text(message_in(bytes_).name()); }
std::string_view Message::agent() const noexcept { return text(message_in(bytes_).agent()); }
std::string_view Message::role() const noexcept { return text(message_in(bytes_).role()); }
std::string_view Message::content() const noexcept { return text(message_in(bytes_).content()); }
JsonView Message::parts() const noexcept { return detail::json_in(bytes_, message_in(bytes_).parts()); }
std::string_view Message::tool_call_id() const noexcept {
  return text(message_in(bytes_).tool_call_id());
}
MessageState Message::state() const noexcept {
  return static_cast<MessageState>(message_in(bytes_).state());
}
Time Message::timestamp() const noexcept { return Time(message_in(bytes_).timestamp()); }
std::string_view Message::model() const noexcept { return text(message_in(bytes_).model()); }
std::optional<std::uint32_t> Message::token_usage() const noexcept {
  const auto usage = message_in(bytes_).token_usage();
  if (!usage.has_value()) return std::nullopt;
  return *usage;
}
float Message::importance() const noexcept { return message_in(bytes_).importance(); }
JsonView Message::metadata() const noexcept { return detail::json_in(bytes_, message_in(bytes_).metadata()); }
std::string_view Message::external_id() const noexcept {
  return text(message_in(bytes_).external_id());
}
std::string_view Message::external_source() const noexcept {
  return text(message_in(bytes_).external_source());
}

}  // namespace callisto
