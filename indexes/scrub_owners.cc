#include "indexes/scrub_owners.h"

#include <algorithm>
#include <utility>

#include "indexes/extract.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using schema::from_fb;
using schema::TableId;

/// Owners that are looked up at once.
constexpr std::size_t kBatchOwners = 4096;

template <class IdType>
IdType id_in_key(const Row& row) {
  return schema::KeyReader(row.key.substr(schema::kKeyHeadBytes)).id<IdType>();
}

void add(std::vector<UserId>& users, const UserId& user) {
  if (user) users.push_back(user);
}

/// Which of the ids have a row; sorted.
template <class IdType>
Result<std::vector<IdType>> present(kv::Reader& reader, kv::Family family,
                                    schema::SpaceNumber space, std::vector<IdType> ids,
                                    std::string (*key_of)(schema::SpaceNumber, const IdType&)) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const IdType& id : ids) keys.push_back(key_of(space, id));
  std::vector<IdType> there;
  auto done = reader.multi_get(family, keys,
                               [&](std::size_t i, std::string_view) { there.push_back(ids[i]); });
  if (!done) return std::move(done).error();
  std::sort(there.begin(), there.end());
  return there;
}

template <class IdType>
bool contains(const std::vector<IdType>& sorted, const IdType& id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

Owners owners_of_header(const schema::fb::Conversation& header) {
  Owners owners;
  add(owners.users, from_fb<UserId>(header.owner()));
  if (header.participants() != nullptr) {
    for (const auto* participant : *header.participants()) {
      add(owners.users, from_fb<UserId>(&participant->user()));
    }
  }
  return owners;
}

Owners owners_of_memory(const schema::fb::Memory& memory) {
  Owners owners;
  add(owners.users, from_fb<UserId>(memory.user()));
  owners.conversation = from_fb<ConversationId>(memory.conversation());
  return owners;
}

}  // namespace

Owners owners_of(const TableDefinition& table, const Row& row) {
  switch (table.id) {
    case TableId::users:
      return {};
    case TableId::user_tails:
      return {{id_in_key<UserId>(row)}, {}};
    case TableId::platform_identifiers:
      return {{from_fb<UserId>(record_of<schema::fb::PlatformIdentifier>(row).user())}, {}};
    case TableId::user_data:
      return {{from_fb<UserId>(record_of<schema::fb::UserDatum>(row).user())}, {}};
    case TableId::conversations:
      return owners_of_header(record_of<schema::fb::Conversation>(row));
    case TableId::conversation_tails:
      return {{}, id_in_key<ConversationId>(row)};
    case TableId::messages:
      return {{}, from_fb<ConversationId>(record_of<schema::fb::Message>(row).conversation())};
    case TableId::memories:
      return owners_of_memory(record_of<schema::fb::Memory>(row));
  }
  return {};
}

Result<void> OwnerCheck::add_row(const TableDefinition& table, const Row& row) {
  Owners owners = owners_of(table, row);
  if (owners.users.empty() && owners.conversation.is_nil()) return {};
  held_owners_ += owners.users.size() + 1;
  held_.push_back({&table, std::string(row.key), std::move(owners)});
  return held_owners_ < kBatchOwners ? Result<void>{} : flush();
}

Result<void> OwnerCheck::flush() {
  std::vector<UserId> users;
  std::vector<ConversationId> conversations;
  for (const Held& held : held_) {
    users.insert(users.end(), held.owners.users.begin(), held.owners.users.end());
    if (held.owners.conversation) conversations.push_back(held.owners.conversation);
  }
  auto there = present<UserId>(reader_, kv::Family::users, state_.space(), std::move(users),
                               schema::user_key);
  if (!there) return std::move(there).error();
  auto headers = present<ConversationId>(reader_, kv::Family::conversations, state_.space(),
                                         std::move(conversations), schema::conversation_key);
  if (!headers) return std::move(headers).error();
  for (const Held& held : held_) {
    if (!judge_conversation(held, *headers)) judge_users(held, *there);
  }
  held_.clear();
  held_owners_ = 0;
  return {};
}

bool OwnerCheck::judge_conversation(const Held& held, const std::vector<ConversationId>& there) {
  const ConversationId& conversation = held.owners.conversation;
  if (conversation.is_nil()) return false;
  if (state_.is_hidden(conversation)) {
    findings_.pending();
    return true;
  }
  if (contains(there, conversation)) return false;
  findings_.orphan(held.table->name, held.key, "its conversation is not there");
  return true;
}

void OwnerCheck::judge_users(const Held& held, const std::vector<UserId>& there) {
  bool is_pending = false;
  for (const UserId& user : held.owners.users) {
    if (contains(there, user)) continue;
    if (state_.aliases().find(user) == state_.aliases().end()) {
      findings_.orphan(held.table->name, held.key, "it names a user who is not there");
      return;
    }
    is_pending = true;
  }
  if (is_pending) findings_.pending();
}

}  // namespace callisto::indexes
