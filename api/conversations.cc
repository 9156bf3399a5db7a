// Writing of conversations, except of whole ones (conversation_store.cc).

#include <algorithm>
#include <utility>

#include "api/conversation_rows.h"
#include "api/message_rows.h"
#include "api/unfinished.h"
#include "callisto/conversation.h"

namespace callisto {

using detail::ConversationRows;
using detail::WriteContext;
using schema::TableId;
namespace fb = schema::fb;

namespace {

/// What one commit of remove() takes along; the rest is work.
constexpr detail::PurgeBudget kRemoveBudget{256, kv::kStepBytes};

Result<ConversationRows> require_conversation(WriteContext& context, const ConversationId& id,
                                              const CallOptions& options) {
  auto rows = detail::fetch_conversation_for_update(context, id);
  if (!rows) return std::move(rows).error();
  if (!*rows) return detail::no_such_conversation();
  CALLISTO_TRY(detail::check_version(
      options, schema::root<fb::Conversation>((*rows)->header)->stamp()->version()));
  return std::move(**rows);
}

/// What a change puts into a text: "" when it clears it, or leaves it alone.
const std::string& text_of(const Change<std::string>& change) {
  static const std::string empty;
  return change.is_set() ? change.value() : empty;
}

void set_text(std::string& field, const Change<std::string>& change) {
  if (!change.is_kept()) field = text_of(change);
}

/// Nil clears it too.
template <class IdType>
void set_id(std::unique_ptr<fb::Uuid>& field, const Change<IdType>& change) {
  if (change.is_kept()) return;
  field.reset();
  if (change.is_set() && change.value())
    field = std::make_unique<fb::Uuid>(schema::to_fb(change.value()));
}

Result<void> check_patch(const ConversationPatch& patch) {
  CALLISTO_TRY(
      detail::check_texts({text_of(patch.title), patch.type.value_or(std::string()),
                           text_of(patch.model), text_of(patch.recap), text_of(patch.summary)}));
  if (patch.ended_at.is_set()) CALLISTO_TRY(detail::check_time(patch.ended_at.value(), "ended_at"));
  if (patch.origin) {
    CALLISTO_TRY(detail::check_time(patch.origin->updated_at, "origin.updated_at"));
  }
  return {};
}

void apply_patch(fb::ConversationT& fields, const ConversationPatch& patch) {
  set_text(fields.title, patch.title);
  set_text(fields.model, patch.model);
  set_text(fields.recap, patch.recap);
  set_text(fields.summary, patch.summary);
  if (patch.type)
    fields.type = patch.type->empty() ? detail::kDefaultConversationType : *patch.type;
  if (patch.is_saved) fields.is_saved = *patch.is_saved;
  if (patch.is_archived) fields.is_archived = *patch.is_archived;
  if (patch.ended_at.is_clear()) fields.ended_at.reset();
  if (patch.ended_at.is_set()) fields.ended_at = patch.ended_at.value().micros();
  set_id(fields.persona, patch.persona);
}

/// An owner whom the record names by the id from before a merge stays as it is.
void apply_owner(const detail::SpaceState& state, fb::ConversationT& fields,
                 const ConversationPatch& patch) {
  const auto seen = state.resolve(schema::from_fb<UserId>(fields.owner.get()));
  const UserId wanted = patch.owner.is_set() ? patch.owner.value() : UserId{};
  if (!(seen == wanted)) set_id(fields.owner, patch.owner);
}

Result<bool> add_user(WriteContext& context, const ConversationRows& rows, const UserId& user) {
  CALLISTO_TRY(detail::require_user(context, user, "user"));
  const auto& header = *schema::root<fb::Conversation>(rows.header);
  if (detail::slot_of(context.state(), header, user)) return false;
  fb::ConversationT fields = schema::unpack<fb::Conversation>(rows.header);
  const auto is_present = [&](const fb::Participant& participant) {
    return !context.state().resolve(schema::from_fb<UserId>(&participant.user())).is_nil();
  };
  const auto present =
      std::count_if(fields.participants.begin(), fields.participants.end(), is_present);
  // Slots are never used again: messages name them.
  if (static_cast<std::size_t>(present) >= detail::kMaxParticipants ||
      fields.participants.size() >= detail::kNoSlot) {
    return Error(Code::limit_exceeded, "participants", "at most 1,024");
  }
  fields.participants.emplace_back(schema::to_fb(user), schema::to_fb(user));
  detail::touch_envelope(fields, context.now());
  CALLISTO_TRY(detail::update_conversation(context, rows, fields, rows.tail));
  return true;
}

/// The sequence that a mark goes up to.
Result<std::uint64_t> sequence_of(WriteContext& context, const ConversationId& id,
                                  const MessageId& up_to) {
  auto at = detail::find_message_for_update(context, up_to);
  if (!at) return std::move(at).error();
  if (!*at || (*at)->conversation != id) {
    return Error(Code::not_found, "up_to", "a message of the conversation");
  }
  return (*at)->order.sequence;
}

/// Moves the tail as `change` says; the header is read only where a version is asked for.
template <class F>
Result<void> change_tail(const detail::Scope& scope, const ConversationId& id,
                         const CallOptions& options, F&& change) {
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write_in(
      scope, options, detail::tail_queue(scope, id), [&](WriteContext& context) -> Result<void> {
        auto tail =
            detail::fetch_conversation_tail_for_update(context.transaction(), context.space(), id);
        if (!tail) return std::move(tail).error();
        if (!*tail) return detail::no_such_conversation();
        if (options.if_version) CALLISTO_TRY(require_conversation(context, id, options));
        schema::ConversationTail after = **tail;
        CALLISTO_TRY(change(context, after));
        return detail::write_tail(context, id, **tail, after);
      });
}

/// Removes header and tail, and as much of the rest as fits; what is left becomes work.
Result<bool> remove_rows(WriteContext& context, const ConversationId& id,
                         const ConversationRows& rows) {
  const auto space = context.space();
  CALLISTO_TRY(context.write_row(TableId::conversations, schema::conversation_key(space, id),
                                 rows.header.view(), std::nullopt));
  CALLISTO_TRY(context.write_row(TableId::conversation_tails,
                                 schema::conversation_tail_key(space, id),
                                 schema::encode(rows.tail), std::nullopt));
  indexes::WorkItem purge{
      indexes::WorkOp::purge_conversation, std::string(id.view()), context.now().micros(), {}};
  purge.records_total = rows.tail.message_count;
  if (rows.tail.message_count <= kRemoveBudget.rows) {
    auto done = detail::purge_rows(context, id, purge, kRemoveBudget);
    if (!done || *done) return done;
  }
  CALLISTO_TRY(indexes::put_work(context.transaction(), space, purge));
  CALLISTO_TRY(context.reload_state());
  return false;
}

}  // namespace

Result<ConversationId> Conversations::create(const NewConversation& conversation,
                                             const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_create);
  CALLISTO_TRY(detail::check_caller(options.caller));
  auto fields = detail::conversation_fields(conversation);
  if (!fields) return std::move(fields).error();
  return detail::write_past_purges<ConversationId>(
      *scope_, options,
      [&](WriteContext& context, std::optional<ConversationId>& purge) -> Result<ConversationId> {
        auto there = detail::prepare_conversation(context, conversation, *fields, purge);
        if (!there) return std::move(there).error();
        const auto id = schema::from_fb<ConversationId>(&fields->stamp->id());
        if (*there) return id;
        CALLISTO_TRY(
            detail::insert_conversation(context, *fields, detail::new_tail(conversation, *fields)));
        return id;
      });
}

Result<std::uint64_t> Conversations::update(ConversationId id, const ConversationPatch& patch,
                                            const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_update);
  CALLISTO_TRY(detail::check_caller(options.caller));
  CALLISTO_TRY(check_patch(patch));
  auto metadata = detail::check_json(text_of(patch.metadata), "metadata", true);
  if (!metadata) return std::move(metadata).error();
  return detail::write<std::uint64_t>(
      *scope_, options,
      [&](WriteContext& context) -> Result<std::uint64_t> {
        auto rows = require_conversation(context, id, options);
        if (!rows) return std::move(rows).error();
        if (patch.owner.is_set() && patch.owner.value()) {
          CALLISTO_TRY(detail::require_user(context, patch.owner.value(), "owner"));
        }
        fb::ConversationT fields = schema::unpack<fb::Conversation>(rows->header);
        apply_patch(fields, patch);
        apply_owner(context.state(), fields, patch);
        if (!patch.metadata.is_kept()) fields.metadata = *metadata;
        schema::ConversationTail tail = rows->tail;
        tail.reopens = patch.reopens.value_or(tail.reopens);
        auto is_same = detail::is_same_record(rows->header, fields);
        if (!is_same) return std::move(is_same).error();
        if (*is_same && tail == rows->tail && !patch.origin) return fields.stamp->version();
        detail::touch_envelope(fields, context.now());
        detail::impose_origin(fields, patch.origin);
        CALLISTO_TRY(detail::update_conversation(context, *rows, fields, tail));
        return fields.stamp->version();
      },
      detail::tail_queue(*scope_, id));
}

Result<bool> Conversations::add_participant(ConversationId id, UserId user,
                                            const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_add_participant);
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<bool>(
      *scope_, options,
      [&](WriteContext& context) -> Result<bool> {
        auto rows = require_conversation(context, id, options);
        if (!rows) return std::move(rows).error();
        return add_user(context, *rows, user);
      },
      detail::tail_queue(*scope_, id));
}

Result<void> Conversations::mark_processed(ConversationId id, std::optional<MessageId> up_to,
                                           const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_mark_processed);
  return change_tail(*scope_, id, options,
                     [&](WriteContext& context, schema::ConversationTail& tail) -> Result<void> {
                       std::uint64_t sequence = tail.last_sequence;
                       if (up_to) {
                         auto found = sequence_of(context, id, *up_to);
                         if (!found) return std::move(found).error();
                         sequence = *found;
                       }
                       tail.is_marked = true;
                       tail.processed_up_to = std::max(tail.processed_up_to, sequence);
                       return {};
                     });
}

Result<void> Conversations::mark_unprocessed(ConversationId id, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_mark_unprocessed);
  return change_tail(*scope_, id, options,
                     [](WriteContext&, schema::ConversationTail& tail) -> Result<void> {
                       tail.is_marked = false;
                       tail.processed_up_to = 0;
                       return {};
                     });
}

Result<bool> Conversations::remove(ConversationId id, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_remove);
  CALLISTO_TRY(detail::check_caller(options.caller));
  bool is_whole = true;
  auto removed = detail::write<bool>(
      *scope_, options,
      [&](WriteContext& context) -> Result<bool> {
        is_whole = true;
        auto rows = detail::fetch_conversation_for_update(context, id);
        if (!rows) return std::move(rows).error();
        if (!*rows) return false;
        CALLISTO_TRY(detail::check_version(
            options, schema::root<fb::Conversation>((*rows)->header)->stamp()->version()));
        auto whole = remove_rows(context, id, **rows);
        if (!whole) return std::move(whole).error();
        is_whole = *whole;
        return true;
      },
      detail::tail_queue(*scope_, id));
  // A transaction of the user wakes the work itself, once it has committed.
  if (removed && !is_whole && scope_->transaction == nullptr) scope_->core->notify_work();
  return removed;
}

}  // namespace callisto
