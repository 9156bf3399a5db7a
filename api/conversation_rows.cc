#include "api/conversation_rows.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "api/unfinished.h"
#include "indexes/index_change.h"

namespace callisto::detail {

namespace fb = schema::fb;

namespace {

ConversationId id_of(const fb::ConversationT& fields) {
  return schema::from_fb<ConversationId>(&fields.stamp->id());
}

/// Calls each(i, user) for the first mention of every participant.
template <class Each>
Result<void> for_each_once(const std::vector<UserId>& users, Each&& each) {
  constexpr std::size_t kFew = 8;  // So many are compared; of more, a set is kept.
  std::unordered_set<UserId> seen;
  for (std::size_t i = 0; i < users.size(); ++i) {
    const auto end = users.begin() + static_cast<std::ptrdiff_t>(i);
    const bool is_new = users.size() <= kFew ? std::find(users.begin(), end, users[i]) == end
                                             : seen.insert(users[i]).second;
    if (!is_new) continue;
    CALLISTO_TRY(each(i, users[i]));
  }
  return {};
}

bool is_tail(const Bytes& bytes) {
  return schema::decode_conversation_tail(bytes.view()).has_value();
}

/// Header and tail as `reader` has them; in a transaction, for update.
template <class FetchHeader, class FetchTail>
Result<std::optional<ConversationRows>> both_or_none(SpaceNumber space, const ConversationId& id,
                                                     FetchHeader&& fetch_header,
                                                     FetchTail&& fetch_tail) {
  auto header = fetch_header(schema::conversation_key(space, id));
  if (!header) return std::move(header).error();
  Result<Bytes> row = fetch_tail(schema::conversation_tail_key(space, id));
  if (!row) return std::move(row).error();
  if (!*header && !*row) return std::optional<ConversationRows>();
  if (!*header) return damaged("conversations", schema::conversation_key(space, id));
  auto tail = tail_row(space, id, std::move(*row));
  if (!tail) return std::move(tail).error();
  return std::optional<ConversationRows>(
      ConversationRows{std::move(**header), tail->tail, std::move(tail->row)});
}

/// Where stored users stand for the given ones, takes the stored spelling: after a merge a record
/// still is what it was created as. False when a given user is nobody any more: then nothing is
/// equal, whether its traces in the record are rewritten already or not.
bool adopt_users(const SpaceState& state, const fb::Conversation& stored,
                 fb::ConversationT& fresh) {
  const auto stands_for = [&](const fb::Uuid* there, const fb::Uuid* given) {
    return state.resolve(schema::from_fb<UserId>(there)) == schema::from_fb<UserId>(given);
  };
  if (fresh.owner) {
    if (!stands_for(fresh.owner.get(), fresh.owner.get())) return false;
    if (stands_for(stored.owner(), fresh.owner.get())) *fresh.owner = *stored.owner();
  } else if (stored.owner() != nullptr && stands_for(stored.owner(), nullptr)) {
    fresh.owner = std::make_unique<fb::Uuid>(*stored.owner());
  }
  const std::size_t count = stored.participants() == nullptr ? 0 : stored.participants()->size();
  if (count != fresh.participants.size()) return false;
  for (std::size_t i = 0; i < count; ++i) {
    fb::Participant& given = fresh.participants[i];
    const auto* there = stored.participants()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (!stands_for(&given.user(), &given.user())) return false;
    if (stands_for(&there->user(), &given.user())) given = *there;
  }
  return true;
}

bool is_equal(const SpaceState& state, const ConversationRows& stored, const NewConversation& given,
              fb::ConversationT fresh) {
  if (stored.tail.reopens != given.reopens) return false;
  if (!adopt_users(state, *schema::root<fb::Conversation>(stored.header), fresh)) return false;
  return has_equal_content<fb::Conversation>(stored.header, std::move(fresh), envelope_of(given));
}

}  // namespace

Result<void> check_texts(const ConversationTexts& texts) {
  CALLISTO_TRY(schema::check_text(texts.title, "title", kMaxKey));
  CALLISTO_TRY(schema::check_text(texts.type, "type", kMaxType));
  CALLISTO_TRY(schema::check_text(texts.model, "model", kMaxName));
  CALLISTO_TRY(schema::check_utf8(texts.recap, "recap"));
  return schema::check_utf8(texts.summary, "summary");
}

Result<fb::ConversationT> conversation_fields(const NewConversation& conversation) {
  CALLISTO_TRY(check_envelope(envelope_of(conversation)));
  CALLISTO_TRY(check_texts({conversation.title, conversation.type, conversation.model,
                            conversation.recap, conversation.summary}));
  CALLISTO_TRY(check_time(conversation.ended_at, "ended_at"));
  fb::ConversationT fields;
  fields.title = conversation.title;
  fields.type = conversation.type.empty() ? kDefaultConversationType : conversation.type;
  fields.model = conversation.model;
  fields.recap = conversation.recap;
  fields.summary = conversation.summary;
  fields.is_saved = conversation.is_saved;
  fields.is_archived = conversation.is_archived;
  if (conversation.ended_at) fields.ended_at = conversation.ended_at->micros();
  if (conversation.owner)
    fields.owner = std::make_unique<fb::Uuid>(schema::to_fb(conversation.owner));
  if (conversation.persona && *conversation.persona) {
    fields.persona = std::make_unique<fb::Uuid>(schema::to_fb(*conversation.persona));
  }
  CALLISTO_TRY(for_each_once(
      conversation.participants, [&](std::size_t, const UserId& user) -> Result<void> {
        fields.participants.emplace_back(schema::to_fb(user), schema::to_fb(user));
        return {};
      }));
  if (fields.participants.size() > kMaxParticipants) {
    return Error(Code::limit_exceeded, "participants", "at most 1,024");
  }
  return fields;
}

Error no_such_conversation() {
  return Error(Code::not_found, "conversation", "an existing conversation");
}

Result<void> require_user(WriteContext& context, const UserId& user, const std::string& field) {
  auto record =
      fetch_for_update<fb::User>(context.transaction(), schema::user_key(context.space(), user));
  if (!record) return std::move(record).error();
  if (!*record) return Error(Code::not_found, field, "an existing user");
  return {};
}

Result<void> require_users(WriteContext& context, const NewConversation& conversation) {
  if (conversation.owner) CALLISTO_TRY(require_user(context, conversation.owner, "owner"));
  const auto require = [&](std::size_t i, const UserId& user) -> Result<void> {
    if (conversation.owner && user == conversation.owner) return {};
    return require_user(context, user, "participants[" + std::to_string(i) + "]");
  };
  return for_each_once(conversation.participants, require);
}

std::vector<std::uint16_t> slots_of(const SpaceState& state, const fb::Conversation& header,
                                    const UserId& user) {
  std::vector<std::uint16_t> slots;
  if (header.participants() == nullptr || !user) return slots;
  std::uint16_t slot = 0;
  for (const fb::Participant* participant : *header.participants()) {
    if (state.resolve(schema::from_fb<UserId>(&participant->user())) == user) slots.push_back(slot);
    ++slot;
  }
  return slots;
}

std::optional<std::uint16_t> slot_of(const SpaceState& state, const fb::Conversation& header,
                                     const UserId& user) {
  const std::vector<std::uint16_t> slots = slots_of(state, header, user);
  if (slots.empty()) return std::nullopt;
  return slots.front();
}

Result<std::optional<ConversationRows>> fetch_conversation(ReadContext& context,
                                                           const ConversationId& id) {
  kv::Reader& reader = context.reader();
  return both_or_none(
      context.space(), id,
      [&](const std::string& key) { return fetch<fb::Conversation>(reader, key); },
      [&](const std::string& key) {
        return reader.get_row(kv::Family::conversations, key, nullptr);
      });
}

Result<std::optional<ConversationRows>> fetch_conversation_for_update(WriteContext& context,
                                                                      const ConversationId& id) {
  kv::Transaction& transaction = context.transaction();
  return both_or_none(
      context.space(), id,
      [&](const std::string& key) { return fetch_for_update<fb::Conversation>(transaction, key); },
      [&](const std::string& key) {
        transaction.guard(kv::Family::conversations, key);
        return transaction.get_row(kv::Family::conversations, key, nullptr);
      });
}

Result<TailRow> tail_row(SpaceNumber space, const ConversationId& id, Bytes row) {
  auto tail = row ? schema::decode_conversation_tail(row.view()) : std::nullopt;
  if (!tail) return damaged("conversation_tails", schema::conversation_tail_key(space, id));
  return TailRow{std::move(row), *tail};
}

Result<std::vector<TailRow>> fetch_tails(ReadContext& context, std::span<const ConversationId> ids,
                                         std::span<const kv::HintRef> hints) {
  std::vector<TailRow> tails;
  if (ids.empty()) return tails;
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const ConversationId& id : ids)
    keys.push_back(schema::conversation_tail_key(context.space(), id));
  std::vector<Bytes> rows(ids.size());
  CALLISTO_TRY(context.reader().get_rows(kv::Family::conversations, keys, is_tail, rows, hints,
                                         kTailPlace));
  tails.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto tail = tail_row(context.space(), ids[i], std::move(rows[i]));
    if (!tail) return std::move(tail).error();
    tails.push_back(std::move(*tail));
  }
  return tails;
}

Result<std::optional<ConversationRows>> prepare_conversation(WriteContext& context,
                                                             const NewConversation& conversation,
                                                             fb::ConversationT& fields,
                                                             std::optional<ConversationId>& purge) {
  CALLISTO_TRY(fill_envelope(fields, envelope_of(conversation), context.made_ids(), context.now()));
  const ConversationId id = id_of(fields);
  auto there = fetch_conversation_for_update(context, id);
  if (!there) return std::move(there).error();
  if (*there) {
    if (is_equal(context.state(), **there, conversation, fields)) return there;
    return Error(Code::already_exists, "id", "not the id of another conversation");
  }
  CALLISTO_TRY(check_unfinished(context, id, purge));
  CALLISTO_TRY(require_users(context, conversation));
  return std::optional<ConversationRows>();
}

schema::ConversationTail new_tail(const NewConversation& conversation,
                                  const fb::ConversationT& fields) {
  schema::ConversationTail tail;
  tail.created_at = fields.stamp->created_at();
  tail.updated_at = fields.stamp->updated_at();
  tail.reopens = conversation.reopens;
  tail.processed_up_to = conversation.processed_up_to.value_or(0);
  tail.is_marked = conversation.is_processed || tail.processed_up_to > 0;
  return tail;
}

Result<void> insert_conversation(WriteContext& context, const fb::ConversationT& fields,
                                 const schema::ConversationTail& tail) {
  const ConversationId id = id_of(fields);
  auto bytes = schema::encode<fb::Conversation>(fields);
  if (!bytes) return std::move(bytes).error();
  CALLISTO_TRY(context.write_row(
      TableId::conversations, schema::conversation_key(context.space(), id), std::nullopt, *bytes));
  return context.write_row(TableId::conversation_tails,
                           schema::conversation_tail_key(context.space(), id), std::nullopt,
                           schema::encode(tail));
}

Result<void> update_conversation(WriteContext& context, const ConversationRows& before,
                                 const fb::ConversationT& fields,
                                 const schema::ConversationTail& tail) {
  const ConversationId id = id_of(fields);
  auto bytes = schema::encode<fb::Conversation>(fields);
  if (!bytes) return std::move(bytes).error();
  CALLISTO_TRY(context.write_row(TableId::conversations,
                                 schema::conversation_key(context.space(), id),
                                 before.header.view(), *bytes));
  schema::ConversationTail after = tail;
  after.updated_at = fields.stamp->updated_at();
  return write_tail(context, id, before.tail, after);
}

Result<void> write_tail(WriteContext& context, const ConversationId& id,
                        const schema::ConversationTail& before,
                        const schema::ConversationTail& after) {
  if (before == after) return {};
  return context.write_row(TableId::conversation_tails,
                           schema::conversation_tail_key(context.space(), id),
                           schema::encode(before), schema::encode(after));
}

QueueKey tail_queue(const Scope& scope, const ConversationId& conversation) {
  return {kv::Family::conversations,
          schema::conversation_tail_key(scope.slot->space(), conversation)};
}

Error index_not_ready() {
  return Error(Code::index_not_ready, "an index that the call needs is not ready");
}

Result<void> require_index(const SpaceState& state, schema::IndexId index) {
  if (indexes::is_complete(state.index_state(index))) return {};
  return Error(Code::index_not_ready, indexes::index_name(indexes::standard_catalogue(), index),
               "an index that is ready");
}

std::optional<schema::IndexId> readable_version(const ReadContext& context, schema::IndexId index) {
  return indexes::readable_version(context.core().maintainer().catalogue(), context.state(), index);
}

Result<schema::IndexId> require_version(const ReadContext& context, schema::IndexId index) {
  const auto version = readable_version(context, index);
  if (!version) return require_index(context.state(), index).error();
  return *version;
}

}  // namespace callisto::detail
