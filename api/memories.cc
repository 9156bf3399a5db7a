#include <utility>

#include "api/check.h"
#include "api/conversation_rows.h"
#include "api/memory_fields.h"
#include "api/memory_filter.h"
#include "api/memory_rows.h"
#include "api/rows.h"
#include "api/user_rows.h"
#include "callisto/memory.h"
#include "indexes/index_keys.h"
#include "schema/text.h"

namespace callisto {

namespace detail {

namespace {

using schema::fb::MemoryT;
using Reference = std::unique_ptr<schema::fb::Uuid>;

MemoryId id_of(const MemoryT& fields) { return schema::from_fb<MemoryId>(&fields.stamp->id()); }

/// The row of a memory that is there, read for update.
Result<std::optional<Bytes>> present_row(WriteContext& context, const MemoryId& id) {
  auto row = fetch_for_update<schema::fb::Memory>(context.transaction(),
                                                  schema::memory_key(context.space(), id));
  if (!row || !*row) return row;
  if (is_hidden(context.state(), *schema::root<schema::fb::Memory>(**row))) {
    return std::optional<Bytes>();
  }
  return row;
}

Error no_such_memory(const char* field) {
  return Error(Code::not_found, field, "an existing memory");
}

Result<Bytes> require_row(WriteContext& context, const MemoryId& id) {
  auto row = present_row(context, id);
  if (!row) return std::move(row).error();
  if (!*row) return no_such_memory("id");
  return std::move(**row);
}

Result<void> write_memory(WriteContext& context, const std::optional<Bytes>& before,
                          const MemoryT& fields) {
  return write_record(context, TableId::memories,
                      schema::memory_key(context.space(), id_of(fields)), before, fields);
}

// References --------------------------------------------------------------------------------------

/// The touch meets the guard of a removal, whose scan does not see a memory that comes meanwhile.
Result<void> require_conversation(WriteContext& context, const ConversationId& conversation) {
  context.transaction().touch(
      kv::Family::indexes, indexes::memory_by_conversation_prefix(context.space(), conversation));
  auto header = fetch_for_update<schema::fb::Conversation>(
      context.transaction(), schema::conversation_key(context.space(), conversation));
  if (!header) return std::move(header).error();
  if (*header && !context.state().is_hidden(conversation)) return {};
  return Error(Code::not_found, "conversation", "an existing conversation");
}

Result<void> require_successor(WriteContext& context, const MemoryT& fields) {
  const auto successor = schema::from_fb<MemoryId>(fields.superseded_by.get());
  if (successor == id_of(fields)) {
    return Error(Code::invalid_argument, "superseded_by", "another memory");
  }
  auto row = present_row(context, successor);
  if (!row) return std::move(row).error();
  if (!*row) return no_such_memory("superseded_by");
  return {};
}

/// Whether a record names something that its predecessor does not.
bool is_new(const Reference& now, const Reference& before) {
  if (now == nullptr) return false;
  return before == nullptr ||
         !(schema::from_fb<UserId>(now.get()) == schema::from_fb<UserId>(before.get()));
}

/// What `fields` names and `before` does not must exist.
/// An imported memory may come before its successor, and outlive it.
Result<void> check_references(WriteContext& context, const MemoryT& fields, const MemoryT& before,
                              bool is_imported = false) {
  if (is_new(fields.user, before.user)) {
    CALLISTO_TRY(require_user(context, schema::from_fb<UserId>(fields.user.get()), "user"));
  }
  if (is_new(fields.conversation, before.conversation)) {
    CALLISTO_TRY(
        require_conversation(context, schema::from_fb<ConversationId>(fields.conversation.get())));
  }
  if (!is_imported && is_new(fields.superseded_by, before.superseded_by)) {
    return require_successor(context, fields);
  }
  return {};
}

// Creating ----------------------------------------------------------------------------------------

/// Whether `stored` is what `fields` says, under whichever id of its user.
bool is_equal(const WriteContext& context, const Bytes& stored, MemoryT fields,
              const Envelope& given) {
  const schema::fb::Uuid* user = schema::root<schema::fb::Memory>(stored)->user();
  if (fields.user && user != nullptr &&
      context.state().resolve(schema::from_fb<UserId>(user)) ==
          schema::from_fb<UserId>(fields.user.get())) {
    *fields.user = *user;
  }
  return has_equal_content<schema::fb::Memory>(stored, std::move(fields), given);
}

/// The row of a caller's id, read for update. An id that the store drew is new.
Result<std::optional<Bytes>> find_namesake(WriteContext& context, const MemoryId& id,
                                           const Envelope& given) {
  if (MemoryId(given.id).is_nil()) return std::optional<Bytes>();
  return fetch_for_update<schema::fb::Memory>(context.transaction(),
                                              schema::memory_key(context.space(), id));
}

/// Writes a memory whose fields have their envelope. Created is false when it was there, and equal.
Result<PutResult> insert(WriteContext& context, const MemoryT& fields, const Envelope& given) {
  const MemoryId id = id_of(fields);
  auto before = find_namesake(context, id, given);
  if (!before) return std::move(before).error();
  // What goes with a conversation that is being deleted is not there, and is written over.
  if (*before && !is_hidden(context.state(), *schema::root<schema::fb::Memory>(**before))) {
    if (is_equal(context, **before, fields, given)) return PutResult{id, false};
    return Error(Code::already_exists, "id", "not the id of a memory with other content");
  }
  const bool is_imported = given.origin != nullptr && given.origin->has_value();
  CALLISTO_TRY(check_references(context, fields, MemoryT(), is_imported));
  CALLISTO_TRY(write_memory(context, *before, fields));
  return PutResult{id, true};
}

/// Gives checked fields the envelope of this attempt.
Result<void> stamp(WriteContext& context, MemoryT& fields, const NewMemory& memory) {
  return fill_envelope(fields, envelope_of(memory), context.made_ids(), context.now());
}

// Changing ----------------------------------------------------------------------------------------

/// The fields of a stored memory as readers see them: a user who was merged is the primary, one who
/// is gone is none, whether or not the row was rewritten.
MemoryT seen_fields(const WriteContext& context, const Bytes& row) {
  auto fields = schema::unpack<schema::fb::Memory>(row);
  if (fields.user == nullptr) return fields;
  const UserId user = context.state().resolve(schema::from_fb<UserId>(fields.user.get()));
  if (user) *fields.user = schema::to_fb(user);
  if (!user) fields.user.reset();
  return fields;
}

/// Writes `after` over the row `before` and answers the new version; when they are equal, the
/// stored one, and writes nothing.
Result<std::uint64_t> change_row(WriteContext& context, const Bytes& before, MemoryT after,
                                 std::string_view updated_by) {
  auto old = seen_fields(context, before);
  const auto is_same = is_same_record(old, after);
  if (!is_same) return is_same.error();
  if (*is_same) return old.stamp->version();
  // A user whom the row does not name yet is a new reference: it must stay until this commits.
  const auto* stored_user = schema::root<schema::fb::Memory>(before)->user();
  if (old.user != nullptr &&
      schema::from_fb<UserId>(old.user.get()) != schema::from_fb<UserId>(stored_user)) {
    old.user.reset();
  }
  CALLISTO_TRY(check_references(context, after, old));
  touch_envelope(after, context.now());
  after.updated_by = updated_by;
  CALLISTO_TRY(write_memory(context, before, after));
  return after.stamp->version();
}

/// The memory that put() changes: the newest active one under the name, read for update.
Result<std::optional<Bytes>> find_named(WriteContext& context, const NewMemory& memory) {
  MemoryQuery query;
  query.category = memory.category;
  query.key = memory.key;
  if (memory.user) query.user = memory.user;
  query.without_user = memory.user.is_nil();
  query.include_superseded = true;
  auto rows = find_rows(context, query, 1);
  if (!rows) return std::move(rows).error();
  if (rows->empty()) return std::optional<Bytes>();
  const auto* found = schema::root<schema::fb::Memory>(rows->front());
  return present_row(context, schema::from_fb<MemoryId>(&found->stamp()->id()));
}

/// put() inside its transaction.
Result<PutResult> put_row(WriteContext& context, const NewMemory& memory, MemoryT& fields) {
  const std::string guard = schema::name_guard_key(
      context.space(), memory.user, schema::nfc(memory.category), schema::nfc(memory.key));
  context.transaction().guard(kv::Family::system, guard);
  auto before = find_named(context, memory);
  if (!before) return std::move(before).error();
  CALLISTO_TRY(stamp(context, fields, memory));
  if (!*before) {
    CALLISTO_TRY(check_version(context.options(), 0));
    context.transaction().touch(kv::Family::system, guard);
    return insert(context, fields, envelope_of(memory));
  }
  const auto old = seen_fields(context, **before);
  CALLISTO_TRY(check_version(context.options(), old.stamp->version()));
  auto version = change_row(context, **before, replaced_fields(old, fields), fields.module_);
  if (!version) return std::move(version).error();
  return PutResult{id_of(old), false};
}

/// Who a change is ascribed to.
std::string_view updater(std::string_view given, const CallOptions& options) {
  return given.empty() ? std::string_view(options.caller.module) : given;
}

}  // namespace

}  // namespace detail

Result<MemoryId> Memories::create(const NewMemory& memory, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_create);
  CALLISTO_TRY(detail::check_caller(options.caller));
  auto fields = detail::memory_fields(memory, options.caller);
  if (!fields) return std::move(fields).error();
  return detail::write<MemoryId>(
      *scope_, options, [&](detail::WriteContext& context) -> Result<MemoryId> {
        CALLISTO_TRY(detail::stamp(context, *fields, memory));
        auto made = detail::insert(context, *fields, detail::envelope_of(memory));
        if (!made) return std::move(made).error();
        return made->id;
      });
}

Result<PutResult> Memories::put(const NewMemory& memory, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_put);
  CALLISTO_TRY(detail::check_caller(options.caller));
  CALLISTO_TRY(schema::check_text(memory.category, "category", detail::kMaxCategory, 1));
  CALLISTO_TRY(schema::check_text(memory.key, "key", detail::kMaxKey, 1));
  auto fields = detail::memory_fields(memory, options.caller);
  if (!fields) return std::move(fields).error();
  return detail::write<PutResult>(*scope_, options, [&](detail::WriteContext& context) {
    return detail::put_row(context, memory, *fields);
  });
}

Result<std::uint64_t> Memories::update(MemoryId id, const MemoryPatch& patch,
                                       const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_update);
  CALLISTO_TRY(detail::check_caller(options.caller));
  const auto change = detail::memory_change(patch);
  if (!change) return change.error();
  using Version = Result<std::uint64_t>;
  return detail::write<std::uint64_t>(
      *scope_, options, [&](detail::WriteContext& context) -> Version {
        auto row = detail::require_row(context, id);
        if (!row) return std::move(row).error();
        auto fields = detail::seen_fields(context, *row);
        CALLISTO_TRY(detail::check_version(options, fields.stamp->version()));
        CALLISTO_TRY(detail::apply_change(fields, *change));
        return detail::change_row(context, *row, std::move(fields),
                                  detail::updater(patch.updated_by, options));
      });
}

Result<std::uint64_t> Memories::tag(MemoryId id, const std::vector<std::string>& add,
                                    const std::vector<std::string>& remove,
                                    const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_tag);
  CALLISTO_TRY(detail::check_caller(options.caller));
  const auto added = detail::checked_tags(add, "add");
  if (!added) return added.error();
  const auto removed = detail::checked_tags(remove, "remove");
  if (!removed) return removed.error();
  using Version = Result<std::uint64_t>;
  return detail::write<std::uint64_t>(
      *scope_, options, [&](detail::WriteContext& context) -> Version {
        auto row = detail::require_row(context, id);
        if (!row) return std::move(row).error();
        auto fields = detail::seen_fields(context, *row);
        CALLISTO_TRY(detail::check_version(options, fields.stamp->version()));
        auto changed = detail::change_tags(fields, *added, *removed);
        if (!changed) return std::move(changed).error();
        return detail::change_row(context, *row, std::move(fields), detail::updater({}, options));
      });
}

Result<bool> Memories::remove(MemoryId id, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_remove);
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<bool>(*scope_, options, [&](detail::WriteContext& context) -> Result<bool> {
    auto row = detail::present_row(context, id);
    if (!row) return std::move(row).error();
    if (!*row) return false;
    const auto* memory = schema::root<schema::fb::Memory>(**row);
    CALLISTO_TRY(detail::check_version(options, memory->stamp()->version()));
    CALLISTO_TRY(context.write_row(detail::TableId::memories,
                                   schema::memory_key(context.space(), id), (*row)->view(),
                                   std::nullopt));
    return true;
  });
}

}  // namespace callisto
