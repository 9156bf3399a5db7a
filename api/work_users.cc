// What names a user who was merged away or deleted, rewritten in bounded steps: participants and
// owners of conversations, users of memories. Messages name slots, so they stay as they are.

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "api/conversation_rows.h"
#include "api/user_rows.h"
#include "api/work_steps.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"

namespace callisto::detail {

namespace {

namespace fb = schema::fb;
using indexes::WorkOp;

/// Half of what a transaction may hold, so that the last record of a step always fits.
constexpr std::size_t kStepKeys = kv::kMaxTransactionKeys / 2;

/// Whether a stored id stands for nobody any more: then the record has no place for it either, and
/// is laid out anew. Any other id takes the place of the one before.
bool goes(const WriteContext& context, const fb::Uuid* user) {
  return user != nullptr && context.state().resolve(schema::from_fb<UserId>(user)).is_nil();
}

void put_resolved(const WriteContext& context, std::string& bytes, const Bytes& row,
                  const fb::Uuid* user) {
  if (user == nullptr) return;
  schema::put_id(bytes, row, *user, context.state().resolve(schema::from_fb<UserId>(user)));
}

// Rewriting shows nobody a change, so neither version nor updated_at moves.

Result<void> rewrite_conversation(WriteContext& context, const std::string& key, const Bytes& row) {
  const auto& header = *schema::root<fb::Conversation>(row);
  std::string bytes(row.view());
  if (header.participants() != nullptr) {
    for (const fb::Participant* participant : *header.participants()) {
      put_resolved(context, bytes, row, &participant->user());
    }
  }
  if (!goes(context, header.owner())) {
    put_resolved(context, bytes, row, header.owner());
    return context.write_row(TableId::conversations, key, row.view(), bytes);
  }
  auto fields = schema::unpack<fb::Conversation>(Bytes::copy_of(bytes));
  fields.owner.reset();
  return write_record(context, TableId::conversations, key, row, fields);
}

Result<void> rewrite_memory(WriteContext& context, const std::string& key, const Bytes& row) {
  const auto& memory = *schema::root<fb::Memory>(row);
  if (!goes(context, memory.user())) {
    std::string bytes(row.view());
    put_resolved(context, bytes, row, memory.user());
    return context.write_row(TableId::memories, key, row.view(), bytes);
  }
  auto fields = schema::unpack<fb::Memory>(row);
  fields.user.reset();
  return write_record(context, TableId::memories, key, row, fields);
}

/// The key of the row that an entry stands for.
Result<std::string> conversation_of(SpaceNumber space, std::string_view entry) {
  const auto place = indexes::parse_created_tail(entry);
  if (!place) return damaged("indexes", entry);
  return schema::conversation_key(space, place->as<ConversationId>());
}

Result<std::string> memory_of(SpaceNumber space, std::string_view entry) {
  const auto place = indexes::parse_created_tail(entry);
  if (!place) return damaged("indexes", entry);
  return schema::memory_key(space, place->as<MemoryId>());
}

/// An index that leads from a user to what names it, and how that is rewritten.
struct Reference {
  schema::IndexId index;
  std::string (*prefix)(SpaceNumber space, const UserId& user);
  Result<std::string> (*row_key)(SpaceNumber space, std::string_view entry);
  Result<std::vector<Bytes>> (*fetch)(WriteContext& context, std::span<const std::string> keys);
  Result<void> (*rewrite)(WriteContext& context, const std::string& key, const Bytes& row);
};
constexpr std::array<Reference, 3> kReferences{{
    {schema::IndexId::conversation_by_participant, indexes::conversation_by_participant_prefix,
     conversation_of, listed_rows_for_update<fb::Conversation>, rewrite_conversation},
    {schema::IndexId::conversation_by_owner, indexes::conversation_by_owner_prefix, conversation_of,
     listed_rows_for_update<fb::Conversation>, rewrite_conversation},
    {schema::IndexId::memory_by_user, indexes::memory_by_user_prefix, memory_of,
     listed_rows_for_update<fb::Memory>, rewrite_memory},
}};

/// One step: goes on where the item's resume key says, the entry that was rewritten last.
class UserRewrite {
 public:
  UserRewrite(WriteContext& context, const UserId& user, const indexes::WorkItem& item)
      : context_(context), user_(user), item_(item), is_from_start_(item.resume.empty()) {}

  /// True when nothing names the user any more, and alias and item are gone.
  Result<bool> run();
  const indexes::WorkItem& item() const noexcept { return item_; }

 private:
  bool is_full() const {
    return context_.transaction().size_bytes() >= kv::kStepBytes ||
           context_.transaction().key_count() >= kStepKeys;
  }
  /// Both are false when the step is full.
  Result<bool> erase_rows();
  Result<bool> rewrite_all(const Reference& reference);
  Result<bool> rewrite(const Reference& reference, std::span<const std::string> entries);
  /// In the version of the index that can be read; index_not_ready.
  Result<std::string> prefix_of(const Reference& reference) const;
  Result<bool> is_unnamed();
  Result<bool> finish();

  WriteContext& context_;
  const UserId& user_;
  indexes::WorkItem item_;
  const bool is_from_start_;  ///< Nothing was rewritten before this step.
};

Result<bool> UserRewrite::run() {
  if (context_.state().resolve(user_) == user_) {
    return Error(Code::corruption, "unfinished work on a user who has no alias");
  }
  ++item_.steps;
  auto is_done = erase_rows();
  for (const Reference& reference : kReferences) {
    if (!is_done) return is_done;
    if (!*is_done) break;
    is_done = rewrite_all(reference);
  }
  if (is_done && *is_done) return finish();
  if (!is_done) return is_done;
  CALLISTO_TRY(indexes::put_work(context_.transaction(), context_.space(), item_));
  return false;
}

/// What a deleted user's own commit left of identities and data.
Result<bool> UserRewrite::erase_rows() {
  if (!context_.state().resolve(user_).is_nil()) return true;
  return erase_user_rows(context_, user_, kv::kStepBytes, kStepKeys, item_.records_done);
}

Result<std::string> UserRewrite::prefix_of(const Reference& reference) const {
  const auto version = require_version(context_, reference.index);
  if (!version) return version.error();
  return indexes::in_version(reference.prefix(context_.space(), user_), *version);
}

Result<bool> UserRewrite::rewrite_all(const Reference& reference) {
  auto begin = prefix_of(reference);
  if (!begin) return std::move(begin).error();
  const std::string& prefix = *begin;
  const bool is_resumed = item_.resume.compare(0, prefix.size(), prefix) == 0;
  // Resume keys rise with the references, so one of a later reference says that this one is done.
  if (!is_resumed && item_.resume > prefix) return true;
  std::string lower = is_resumed ? item_.resume + '\0' : prefix;
  const std::string upper = schema::prefix_end(prefix);
  while (true) {
    auto entries = next_row_keys(context_.reader(), kv::Family::indexes, lower, upper, own_key);
    if (!entries) return std::move(entries).error();
    if (entries->empty()) return true;
    for (std::span<const std::string> rest = *entries; !rest.empty();) {
      const auto together = rest.first(std::min(kRowsTogether, rest.size()));
      auto is_whole = rewrite(reference, together);
      if (!is_whole || !*is_whole) return is_whole;
      rest = rest.subspan(together.size());
    }
  }
}

/// Rewrites the rows of some entries; false when the step is full before the last.
Result<bool> UserRewrite::rewrite(const Reference& reference,
                                  std::span<const std::string> entries) {
  std::vector<std::string> keys;
  keys.reserve(entries.size());
  for (const std::string& entry : entries) {
    auto key = reference.row_key(context_.space(), entry);
    if (!key) return std::move(key).error();
    keys.push_back(std::move(*key));
  }
  auto rows = reference.fetch(context_, keys);
  if (!rows) return std::move(rows).error();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (is_full()) return false;
    CALLISTO_TRY(reference.rewrite(context_, keys[i], (*rows)[i]));
    item_.resume = entries[i];
    ++item_.records_done;
  }
  return true;
}

Result<bool> UserRewrite::is_unnamed() {
  for (const Reference& reference : kReferences) {
    auto prefix = prefix_of(reference);
    if (!prefix) return std::move(prefix).error();
    std::string lower = std::move(*prefix);
    const std::string upper = schema::prefix_end(lower);
    auto entries = next_row_keys(context_.reader(), kv::Family::indexes, lower, upper, own_key);
    if (!entries) return std::move(entries).error();
    if (!entries->empty()) return false;
  }
  return true;
}

/// The alias may only go when nothing is left for it to resolve: looked at once more, from the
/// start, unless this step began there: it has seen the same state.
Result<bool> UserRewrite::finish() {
  auto is_done = is_from_start_ ? Result<bool>(true) : is_unnamed();
  if (!is_done) return is_done;
  if (!*is_done) {
    item_.resume.clear();
    CALLISTO_TRY(indexes::put_work(context_.transaction(), context_.space(), item_));
    return false;
  }
  CALLISTO_TRY(indexes::erase_alias(context_.transaction(), context_.space(), user_));
  CALLISTO_TRY(
      indexes::erase_work(context_.transaction(), context_.space(), item_.op, item_.target));
  return true;
}

}  // namespace

Result<bool> rewrite_user_step(StoreCore& core, SpaceSlot& slot, indexes::WorkItem& item,
                               const kv::Limits& limits) {
  UuidBytes bytes{};
  if (item.target.size() != bytes.size())
    return Error(Code::corruption, "damaged row of unfinished work");
  std::memcpy(bytes.data(), item.target.data(), bytes.size());
  const UserId user(bytes);
  bool is_done = false;
  CALLISTO_TRY(write_step(core, slot, limits, [&](WriteContext& context) -> Result<void> {
    // The item as this transaction sees it: another step may have moved it.
    const indexes::WorkItem* current = context.state().find_work(WorkOp::rewrite_user, item.target);
    is_done = current == nullptr;
    if (is_done) return {};
    UserRewrite rewrite(context, user, *current);
    auto done = rewrite.run();
    if (!done) return std::move(done).error();
    is_done = *done;
    item = rewrite.item();
    return {};
  }));
  return is_done;
}

}  // namespace callisto::detail
