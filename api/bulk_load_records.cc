// Records of a bulk load: checked as single calls check them, written to the lanes.

#include <utility>

#include "api/bulk_load.h"
#include "api/check.h"
#include "api/conversation_plan.h"
#include "api/conversation_rows.h"
#include "api/datum_rows.h"
#include "api/memory_fields.h"
#include "api/message_rows.h"
#include "api/user_rows.h"
#include "schema/keys.h"
#include "schema/text.h"

namespace callisto::detail {

namespace fb = schema::fb;

namespace {

/// Whether a load goes on after it.
bool is_about_record(Code code) {
  switch (code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::too_large:
    case Code::limit_exceeded:
      return true;
    default:
      return false;
  }
}

std::string_view bytes_of(const fb::Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes()->data()), sizeof(UuidBytes)};
}

Result<void> write_datum(WriteContext& context, LoadTransaction& transaction, const UserId& user,
                         const NewDatum& datum, const DatumOrigin& origin) {
  const DatumPlace place = place_of(user, datum.category, datum.value);
  transaction.note_user(user.view(), LoadNote::datum);
  return put_datum(context, schema::datum_key(context.space(), user, place.category, place.hash, 0),
                   user, datum, origin);
}

Result<PlatformIdentifierId> write_identity(WriteContext& context, LoadTransaction& transaction,
                                            const UserId& user, const NewIdentity& identity) {
  transaction.note_user(user.view(), LoadNote::identity);
  return put_identity(context, user, identity,
                      identity_key_of(context.space(), identity.platform, identity.platform_id),
                      std::nullopt);
}

Result<void> write_message(WriteContext& context, LoadTransaction& transaction,
                           const ConversationPlan& plan, std::size_t i,
                           const LoadPosition& position) {
  auto record = plan.record(i, context.made_ids(), context.now());
  if (!record) return in_message(record.error(), i);
  auto bytes = schema::encode(*record);
  if (!bytes) return in_message(bytes.error(), i);
  transaction.set_position(position.message(i));
  const auto conversation = schema::from_fb<ConversationId>(&plan.header().stamp->id());
  return insert_message(context, {conversation, {record->timestamp, record->sequence}}, *bytes);
}

void note_users(LoadTransaction& transaction, const NewConversation& conversation) {
  if (conversation.owner) {
    transaction.note_user(conversation.owner.view(), LoadNote::reference, 0, "owner");
  }
  for (std::size_t i = 0; i < conversation.participants.size(); ++i) {
    transaction.note_user(conversation.participants[i].view(), LoadNote::reference, 0,
                          "participants[" + std::to_string(i) + "]");
  }
}

}  // namespace

Result<void> LoadCore::check_running() const {
  const std::lock_guard lock(failure_mutex_);
  if (failure_) return *failure_;
  if (is_over_.load()) return Error(Code::closed, "the bulk load has ended");
  return {};
}

template <class T, class F>
Result<T> LoadCore::add(F&& function) {
  const LoadPosition position(next_record_.fetch_add(1, std::memory_order_relaxed));
  const CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(check_running());
  const CallOptions options;
  LoadTransaction transaction(lanes_, *buffers_, position);
  MadeIds ids(core_->environment());
  WriteContext context(*core_, transaction, state_, core_->environment().now(), options, ids);
  Result<T> done = function(context, transaction, position);
  if (!transaction.status()) done = transaction.status().error();
  if (!done && (transaction.has_written() || !is_about_record(done.error().code()))) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = done.error();
  }
  return done;
}

Result<UserId> LoadCore::add_user(const NewUser& user) {
  CALLISTO_TRY(check_new_user(user));
  auto fields = own_fields(user);
  if (!fields) return std::move(fields).error();
  return add<UserId>([&](WriteContext& context, LoadTransaction& transaction,
                         const LoadPosition&) -> Result<UserId> {
    CALLISTO_TRY(fill_envelope(*fields, envelope_of(user), context.made_ids(), context.now()));
    const auto id = schema::from_fb<UserId>(&fields->stamp->id());
    const std::int64_t created_at = fields->stamp->created_at();
    CALLISTO_TRY(write_record(context, TableId::users, schema::user_key(context.space(), id),
                              std::nullopt, *fields));
    transaction.note_user(id.view(), LoadNote::definition,
                          user.last_seen ? user.last_seen->micros() : created_at);
    if (!user.name.empty()) {
      CALLISTO_TRY(write_datum(context, transaction, id, name_of(user),
                               {CategoryKind::single, created_at, 1}));
    }
    if (!user.platform.empty()) {
      auto identity = write_identity(context, transaction, id, identity_of(user));
      if (!identity) return std::move(identity).error();
    }
    return id;
  });
}

Result<PlatformIdentifierId> LoadCore::add_identity(const UserId& user,
                                                    const NewIdentity& identity) {
  CALLISTO_TRY(check_identity(identity));
  return add<PlatformIdentifierId>(
      [&](WriteContext& context, LoadTransaction& transaction, const LoadPosition&) {
        return write_identity(context, transaction, user, identity);
      });
}

Result<void> LoadCore::add_datum(const UserId& user, CategoryKind kind, const NewDatum& datum) {
  const bool is_list = kind == CategoryKind::list;
  CALLISTO_TRY(is_list ? check_list_datum(datum) : check_datum(datum));
  return add<void>([&](WriteContext& context, LoadTransaction& transaction, const LoadPosition&) {
    const Time created_at = datum.created_at.value_or(context.now());
    return write_datum(context, transaction, user, datum, {kind, created_at.micros(), 1});
  });
}

Result<ConversationId> LoadCore::add_conversation(const NewConversation& conversation,
                                                  std::span<const NewMessage> messages) {
  ConversationPlan plan(conversation, messages);
  plan.accept_lost_parents();
  CALLISTO_TRY(plan.check());
  return add<ConversationId>([&](WriteContext& context, LoadTransaction& transaction,
                                 const LoadPosition& position) -> Result<ConversationId> {
    CALLISTO_TRY(fill_envelope(plan.header(), envelope_of(conversation), context.made_ids(),
                               context.now()));
    plan.add_times(*core_, context.now());
    // What is too large is found before anything is written.
    CALLISTO_TRY(schema::encode<fb::Conversation>(plan.header()));
    note_users(transaction, conversation);
    CALLISTO_TRY(insert_conversation(context, plan.header(), plan.tail()));
    for (std::size_t i = 0; i < messages.size(); ++i) {
      CALLISTO_TRY(write_message(context, transaction, plan, i, position));
    }
    return schema::from_fb<ConversationId>(&plan.header().stamp->id());
  });
}

Result<MemoryId> LoadCore::add_memory(const NewMemory& memory) {
  auto fields = memory_fields(memory, Caller());
  if (!fields) return std::move(fields).error();
  return add<MemoryId>([&](WriteContext& context, LoadTransaction& transaction,
                           const LoadPosition&) -> Result<MemoryId> {
    CALLISTO_TRY(fill_envelope(*fields, envelope_of(memory), context.made_ids(), context.now()));
    const auto id = schema::from_fb<MemoryId>(&fields->stamp->id());
    const bool names_successor = fields->superseded_by != nullptr && !memory.origin;
    if (names_successor && bytes_of(*fields->superseded_by) == id.view()) {
      return Error(Code::invalid_argument, "superseded_by", "another memory");
    }
    CALLISTO_TRY(write_record(context, TableId::memories, schema::memory_key(context.space(), id),
                              std::nullopt, *fields));
    if (fields->user != nullptr) {
      transaction.note_user(bytes_of(*fields->user), LoadNote::reference);
    }
    if (fields->conversation != nullptr) {
      transaction.note_reference(lanes_.conversation_references(), bytes_of(*fields->conversation));
    }
    if (names_successor) {
      transaction.note_reference(lanes_.memory_references(), bytes_of(*fields->superseded_by));
    }
    return id;
  });
}

}  // namespace callisto::detail
