// Writing of single messages.

#include <algorithm>
#include <utility>

#include "api/conversation_rows.h"
#include "api/message_rows.h"
#include "api/unfinished.h"
#include "callisto/message.h"

namespace callisto {

using detail::MessageAt;
using detail::WriteContext;
using schema::ConversationTail;
using schema::TableId;
namespace fb = schema::fb;

namespace {

Error no_such_message() { return Error(Code::not_found, "message", "an existing message"); }

std::uint32_t tokens_of(const flatbuffers::Optional<std::uint32_t>& usage) {
  return usage.has_value() ? *usage : 0;
}

/// Number and time in the conversation; see NewMessage.
Result<void> place(WriteContext& context, const NewMessage& message, const ConversationTail& tail,
                   fb::MessageT& fields) {
  if (!message.sequence && tail.last_sequence >= detail::kMaxSequence) {
    return Error(Code::limit_exceeded, "sequence", "1 to 2^62");
  }
  fields.conversation = std::make_unique<fb::Uuid>(schema::to_fb(message.conversation));
  fields.sequence = message.sequence.value_or(tail.last_sequence + 1);
  std::optional<std::int64_t> newest;
  if (tail.message_count > 0) newest = tail.last_message_at;
  fields.timestamp = message.timestamp
                         ? message.timestamp->micros()
                         : detail::timestamp_after(context.core(), context.now(), newest);
  return {};
}

/// Every slot that stands for the sender; the first is what a new message stores.
Result<std::vector<std::uint16_t>> sender_slots(WriteContext& context, const NewMessage& message) {
  if (!message.sender) return std::vector<std::uint16_t>();
  const std::string key = schema::conversation_key(context.space(), message.conversation);
  auto header = detail::fetch<fb::Conversation>(context.reader(), key);
  if (!header) return std::move(header).error();
  if (!*header) return detail::damaged("conversations", key);
  auto slots =
      detail::slots_of(context.state(), *schema::root<fb::Conversation>(**header), message.sender);
  if (slots.empty())
    return Error(Code::invalid_argument, "sender", "takes no part in the conversation");
  return slots;
}

/// Whether the message is there already, equal in what the caller gave; already_exists when its id
/// is another's.
Result<bool> is_there(WriteContext& context, const NewMessage& message, const fb::MessageT& fields,
                      const std::vector<std::uint16_t>& slots,
                      std::optional<ConversationId>& purge) {
  auto at = detail::find_namesake(context, message);
  if (!at) return std::move(at).error();
  if (!*at) return false;
  if (context.state().is_hidden((*at)->conversation)) {
    CALLISTO_TRY(detail::check_unfinished(context, (*at)->conversation, purge));
  }
  auto row = detail::fetch_message_for_update(context, **at);
  if (!row) return std::move(row).error();
  const auto& stored = *schema::root<fb::Message>(*row);
  fb::MessageT fresh = fields;
  if (!message.sequence) fresh.sequence = stored.sequence();
  if (!message.timestamp) fresh.timestamp = stored.timestamp();
  if (std::find(slots.begin(), slots.end(), stored.sender_slot()) != slots.end()) {
    fresh.sender_slot = stored.sender_slot();
  }
  if (detail::has_equal_content<fb::Message>(*row, std::move(fresh),
                                             detail::envelope_of(message))) {
    return true;
  }
  return Error(Code::already_exists, "id", "not the id of another message");
}

/// An imported message may come before its parent, and outlive it.
Result<void> require_parent(WriteContext& context, const NewMessage& message) {
  if (!message.parent || !*message.parent || message.origin) return {};
  auto at = detail::find_message_for_update(context, *message.parent);
  if (!at) return std::move(at).error();
  if (!*at || (*at)->conversation != message.conversation) {
    return Error(Code::not_found, "parent", "a message of the conversation");
  }
  return {};
}

/// A number that is above all others is free; a lower one is looked for among the messages, which
/// stay as they are while the tail does.
Result<void> require_free_sequence(WriteContext& context, const ConversationTail& tail,
                                   const fb::MessageT& fields) {
  if (fields.sequence > tail.last_sequence) return {};
  const auto conversation = schema::from_fb<ConversationId>(fields.conversation.get());
  const std::string prefix =
      schema::message_range(context.space(), conversation, schema::MessagePart::record);
  return detail::for_each_prefix(context.reader(), kv::Family::messages, prefix, false,
                                 [&](std::string_view key, std::string_view) -> Result<bool> {
                                   const auto parsed = schema::parse_message_key(key);
                                   if (!parsed) return detail::damaged("messages", key);
                                   if (parsed->order.sequence != fields.sequence) return true;
                                   return Error(Code::already_exists, "sequence",
                                                "not the number of another message");
                                 });
}

Result<MessageId> append_message(WriteContext& context, const NewMessage& message,
                                 fb::MessageT& fields, std::optional<ConversationId>& purge) {
  const ConversationId& conversation = message.conversation;
  auto tail = detail::fetch_conversation_tail_for_update(context.transaction(), context.space(),
                                                         conversation);
  if (!tail) return std::move(tail).error();
  if (!*tail) return detail::no_such_conversation();
  CALLISTO_TRY(place(context, message, **tail, fields));
  auto slots = sender_slots(context, message);
  if (!slots) return std::move(slots).error();
  fields.sender_slot = slots->empty() ? detail::kNoSlot : slots->front();
  CALLISTO_TRY(detail::fill_envelope(fields, detail::envelope_of(message), context.made_ids(),
                                     context.now(), Time(fields.timestamp)));
  const auto id = schema::from_fb<MessageId>(&fields.stamp->id());
  auto there = is_there(context, message, fields, *slots, purge);
  if (!there) return std::move(there).error();
  if (*there) return id;
  CALLISTO_TRY(require_parent(context, message));
  CALLISTO_TRY(require_free_sequence(context, **tail, fields));
  auto bytes = schema::encode<fb::Message>(fields);
  if (!bytes) return std::move(bytes).error();
  const schema::MessageOrder order{fields.timestamp, fields.sequence};
  CALLISTO_TRY(detail::insert_message(context, {conversation, order}, *bytes));
  ConversationTail after = **tail;
  detail::count_message(after, order, tokens_of(fields.token_usage));
  CALLISTO_TRY(detail::write_tail(context, conversation, **tail, after));
  return id;
}

/// A message that can be seen, read for update.
struct StoredMessage {
  MessageAt at;
  Bytes row;
};
Result<std::optional<StoredMessage>> find_visible(WriteContext& context, const MessageId& id) {
  auto at = detail::find_message_for_update(context, id);
  if (!at) return std::move(at).error();
  if (!*at || context.state().is_hidden((*at)->conversation)) return std::optional<StoredMessage>();
  auto row = detail::fetch_message_for_update(context, **at);
  if (!row) return std::move(row).error();
  return std::optional<StoredMessage>(StoredMessage{**at, std::move(*row)});
}

Result<ConversationTail> tail_of(WriteContext& context, const ConversationId& conversation) {
  auto tail = detail::fetch_conversation_tail_for_update(context.transaction(), context.space(),
                                                         conversation);
  if (!tail) return std::move(tail).error();
  if (!*tail) {
    return detail::damaged("conversation_tails",
                           schema::conversation_tail_key(context.space(), conversation));
  }
  return **tail;
}

/// Highest timestamp of what is left of a conversation; 0 when nothing is.
Result<std::int64_t> newest_left(WriteContext& context, const ConversationId& conversation) {
  std::int64_t newest = 0;
  const std::string prefix =
      schema::message_range(context.space(), conversation, schema::MessagePart::record);
  CALLISTO_TRY(detail::for_each_prefix(context.reader(), kv::Family::messages, prefix, false,
                                       [&](std::string_view key, std::string_view) -> Result<bool> {
                                         const auto parsed = schema::parse_message_key(key);
                                         if (!parsed) return detail::damaged("messages", key);
                                         newest = parsed->order.timestamp;
                                         return false;
                                       }));
  return newest;
}

Result<bool> remove_message(WriteContext& context, const MessageId& id,
                            const CallOptions& options) {
  auto stored = find_visible(context, id);
  if (!stored) return std::move(stored).error();
  if (!*stored) return false;
  const auto& [at, row] = **stored;
  const auto& message = *schema::root<fb::Message>(row);
  CALLISTO_TRY(detail::check_version(options, message.stamp()->version()));
  auto tail = tail_of(context, at.conversation);
  if (!tail) return std::move(tail).error();
  CALLISTO_TRY(context.write_row(TableId::messages, detail::message_key(context.space(), at),
                                 row.view(), std::nullopt));
  ConversationTail after = *tail;
  if (message.timestamp() >= tail->last_message_at) {
    auto newest = newest_left(context, at.conversation);
    if (!newest) return std::move(newest).error();
    after.last_message_at = *newest;
  }
  after.message_count -= std::min<std::uint64_t>(after.message_count, 1);
  after.token_count -= std::min<std::uint64_t>(after.token_count, tokens_of(message.token_usage()));
  CALLISTO_TRY(detail::write_tail(context, at.conversation, *tail, after));
  return true;
}

/// A patch with its JSON read.
struct CheckedPatch {
  const MessagePatch& patch;
  std::vector<std::uint8_t> parts;
  std::vector<std::uint8_t> metadata;
};
Result<CheckedPatch> check_patch(const MessagePatch& patch) {
  CheckedPatch checked{patch, {}, {}};
  if (patch.content) CALLISTO_TRY(schema::check_utf8(*patch.content, "content"));
  if (patch.importance) CALLISTO_TRY(detail::check_importance(*patch.importance, "importance"));
  if (patch.model.is_set())
    CALLISTO_TRY(schema::check_text(patch.model.value(), "model", detail::kMaxName));
  if (patch.state && *patch.state > MessageState::interrupted) {
    return Error(Code::invalid_argument, "state", "final, partial or interrupted");
  }
  if (patch.parts.is_set()) {
    auto parts = detail::check_json(patch.parts.value(), "parts", false);
    if (!parts) return std::move(parts).error();
    checked.parts = std::move(*parts);
  }
  if (patch.metadata.is_set()) {
    auto metadata = detail::check_json(patch.metadata.value(), "metadata", true);
    if (!metadata) return std::move(metadata).error();
    checked.metadata = std::move(*metadata);
  }
  return checked;
}

void apply_patch(fb::MessageT& fields, const CheckedPatch& checked) {
  const MessagePatch& patch = checked.patch;
  if (patch.content) fields.content = *patch.content;
  if (patch.state) fields.state = static_cast<fb::MessageState>(*patch.state);
  if (patch.importance) fields.importance = *patch.importance;
  if (patch.token_usage.is_clear()) fields.token_usage = flatbuffers::nullopt;
  if (patch.token_usage.is_set()) fields.token_usage = patch.token_usage.value();
  if (!patch.model.is_kept())
    fields.model = patch.model.is_set() ? patch.model.value() : std::string();
  if (!patch.parts.is_kept()) fields.parts = checked.parts;
  if (!patch.metadata.is_kept()) fields.metadata = checked.metadata;
}

Result<void> move_tokens(WriteContext& context, const ConversationId& conversation,
                         std::uint32_t before, std::uint32_t after) {
  if (before == after) return {};
  auto tail = tail_of(context, conversation);
  if (!tail) return std::move(tail).error();
  ConversationTail moved = *tail;
  moved.token_count =
      moved.token_count - std::min<std::uint64_t>(moved.token_count, before) + after;
  return detail::write_tail(context, conversation, *tail, moved);
}

Result<std::uint64_t> update_message(WriteContext& context, const MessageId& id,
                                     const CheckedPatch& patch, const CallOptions& options) {
  auto stored = find_visible(context, id);
  if (!stored) return std::move(stored).error();
  if (!*stored) return no_such_message();
  const auto& [at, row] = **stored;
  fb::MessageT fields = schema::unpack<fb::Message>(row);
  CALLISTO_TRY(detail::check_version(options, fields.stamp->version()));
  const std::uint32_t tokens = tokens_of(fields.token_usage);
  apply_patch(fields, patch);
  auto is_same = detail::is_same_record(row, fields);
  if (!is_same) return std::move(is_same).error();
  if (*is_same) return fields.stamp->version();
  detail::touch_envelope(fields, context.now());
  auto bytes = schema::encode<fb::Message>(fields);
  if (!bytes) return std::move(bytes).error();
  CALLISTO_TRY(context.write_row(TableId::messages, detail::message_key(context.space(), at),
                                 row.view(), *bytes));
  CALLISTO_TRY(move_tokens(context, at.conversation, tokens, tokens_of(fields.token_usage)));
  return fields.stamp->version();
}

}  // namespace

Result<MessageId> Messages::append(const NewMessage& message, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_append);
  CALLISTO_TRY(detail::check_caller(options.caller));
  auto fields = detail::message_fields(message);
  if (!fields) return std::move(fields).error();
  return detail::write_past_purges<MessageId>(
      *scope_, options,
      [&](WriteContext& context, std::optional<ConversationId>& purge) {
        return append_message(context, message, *fields, purge);
      },
      detail::tail_queue(*scope_, message.conversation));
}

Result<std::uint64_t> Messages::update(MessageId id, const MessagePatch& patch,
                                       const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_update);
  CALLISTO_TRY(detail::check_caller(options.caller));
  auto checked = check_patch(patch);
  if (!checked) return std::move(checked).error();
  return detail::write<std::uint64_t>(*scope_, options, [&](WriteContext& context) {
    return update_message(context, id, *checked, options);
  });
}

Result<bool> Messages::remove(MessageId id, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_remove);
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<bool>(*scope_, options, [&](WriteContext& context) {
    return remove_message(context, id, options);
  });
}

}  // namespace callisto
