// Headers and tails of conversations.

#include "indexes/extract.h"
#include "schema/tails.h"

namespace callisto::indexes {

namespace {

using schema::fb::Conversation;

ConversationId id_of(const Conversation& header) {
  return schema::from_fb<ConversationId>(&header.stamp()->id());
}

/// The tail of a row, and whose it is.
struct TailOf {
  ConversationId conversation;
  schema::ConversationTail tail;
};
std::optional<TailOf> tail_of(const Row& row) {
  const auto tail = schema::decode_conversation_tail(row.bytes);
  if (!tail) return std::nullopt;
  schema::KeyReader reader(row.key.substr(schema::kKeyHeadBytes));
  return TailOf{reader.id<ConversationId>(), *tail};
}

void emit(Entries& entries, schema::KeyWriter prefix, const Conversation& header) {
  emit_newest_first(entries, std::move(prefix), header.stamp()->created_at(), id_of(header));
}

}  // namespace

namespace extract {

void conversation_by_participant(const Row& row, Entries& entries) {
  const auto& header = record_of<Conversation>(row);
  if (header.participants() == nullptr) return;
  const std::size_t first = entries.size();
  for (const auto* participant : *header.participants()) {
    const auto user = schema::from_fb<UserId>(&participant->user());
    if (user) emit(entries, entry_key::conversation_by_participant(row.space, user), header);
  }
  entries.drop_repeats(first);
}

void conversation_by_owner(const Row& row, Entries& entries) {
  const auto& header = record_of<Conversation>(row);
  const auto owner = schema::from_fb<UserId>(header.owner());
  if (owner) emit(entries, entry_key::conversation_by_owner(row.space, owner), header);
}

void conversation_by_type(const Row& row, Entries& entries) {
  const auto& header = record_of<Conversation>(row);
  const std::string_view type = schema::text(header.type());
  if (!type.empty()) emit(entries, entry_key::conversation_by_type(row.space, type), header);
}

void conversation_by_persona(const Row& row, Entries& entries) {
  const auto& header = record_of<Conversation>(row);
  const auto persona = schema::from_fb<PersonaId>(header.persona());
  if (persona) emit(entries, entry_key::conversation_by_persona(row.space, persona), header);
}

void conversation_by_saved(const Row& row, Entries& entries) {
  const auto& header = record_of<Conversation>(row);
  emit(entries, entry_key::conversation_by_saved(row.space, header.is_saved()), header);
}

void conversation_by_archived(const Row& row, Entries& entries) {
  const auto& header = record_of<Conversation>(row);
  emit(entries, entry_key::conversation_by_archived(row.space, header.is_archived()), header);
}

void conversation_by_ended(const Row& row, Entries& entries) {
  const auto& header = record_of<Conversation>(row);
  emit(entries, entry_key::conversation_by_ended(row.space, header.ended_at().has_value()), header);
}

void conversation_unprocessed(const Row& row, Entries& entries) {
  const auto found = tail_of(row);
  if (!found || found->tail.is_processed()) return;
  emit_newest_first(entries, entry_key::conversation_unprocessed(row.space), found->tail.created_at,
                    found->conversation);
}

void conversation_by_activity(const Row& row, Entries& entries) {
  const auto found = tail_of(row);
  if (!found) return;
  // The value leads to the conversation's place in every other list.
  emit_newest_first(entries, entry_key::conversation_by_activity(row.space),
                    found->tail.activity_at(), found->conversation,
                    schema::encode_created(found->tail.created_at, found->tail.activity_at()));
}

void conversation_by_created(const Row& row, Entries& entries) {
  emit(entries, entry_key::conversation_by_created(row.space), record_of<Conversation>(row));
}

}  // namespace extract

}  // namespace callisto::indexes
