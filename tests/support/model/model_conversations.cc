#include <algorithm>

#include "tests/support/model/model.h"

namespace callisto::testing::model {

Answer Model::create_conversation(const NewConversation& given, const Json& metadata) {
  std::set<Code> codes;
  if (conversations.contains(given.id)) codes.insert(Code::already_exists);
  if (given.owner && !users.contains(given.owner)) codes.insert(Code::not_found);
  Conversation made{.id = given.id,
                    .created_at = given.created_at.value_or(now),
                    .recorded_at = now,
                    .title = given.title,
                    .type = given.type.empty() ? "conversation" : given.type,
                    .owner = given.owner,
                    .is_saved = given.is_saved,
                    .is_archived = given.is_archived,
                    .ended_at = given.ended_at,
                    .reopens = given.reopens,
                    .is_marked = given.is_processed,
                    .metadata = metadata};
  made.updated_at = made.created_at;
  for (const UserId user : given.participants) {
    if (!users.contains(user)) codes.insert(Code::not_found);
    if (std::count(made.slots.begin(), made.slots.end(), user) == 0) made.slots.push_back(user);
  }
  if (!codes.empty()) return {.codes = codes};
  conversations[given.id] = made;
  return {.text = given.id.to_string()};
}

Answer Model::store_conversation(const NewConversation& given, const Json& metadata,
                                 const std::vector<NewMessage>& given_messages) {
  Model after = *this;
  Answer answer = after.create_conversation(given, metadata);
  // What is wrong with the messages counts too, whatever is wrong with the header.
  if (!answer.codes.empty()) after.conversations[given.id] = {.id = given.id, .slots = given.participants};
  for (NewMessage message : given_messages) {
    message.conversation = given.id;
    const Answer appended = after.append(message);
    answer.codes.insert(appended.codes.begin(), appended.codes.end());
  }
  if (!answer.codes.empty()) return answer;
  Conversation& made = after.conversations[given.id];
  if (made.is_marked) made.processed_up_to = made.last_sequence;
  *this = after;
  return answer;
}

Answer Model::update_conversation(ConversationId id, const ConversationPatch& patch,
                                  std::optional<std::uint64_t> if_version) {
  const auto it = conversations.find(id);
  if (it == conversations.end()) return {.codes = {Code::not_found}};
  Conversation changed = it->second;
  std::set<Code> codes;
  if (if_version && *if_version != changed.version) codes.insert(Code::version_mismatch);
  if (patch.owner.is_set() && !users.contains(patch.owner.value())) codes.insert(Code::not_found);
  if (!codes.empty()) return {.codes = codes};
  if (patch.title.is_set()) changed.title = patch.title.value();
  if (patch.owner.is_set()) changed.owner = patch.owner.value();
  if (patch.owner.is_clear()) changed.owner = UserId{};
  if (patch.is_saved) changed.is_saved = *patch.is_saved;
  if (patch.is_archived) changed.is_archived = *patch.is_archived;
  if (patch.ended_at.is_set()) changed.ended_at = patch.ended_at.value();
  if (patch.ended_at.is_clear()) changed.ended_at.reset();
  if (patch.reopens) changed.reopens = *patch.reopens;
  if (changed == it->second) return {.text = std::to_string(changed.version)};
  ++changed.version;
  changed.updated_at = now;
  it->second = changed;
  return {.text = std::to_string(it->second.version)};
}

Answer Model::add_participant(ConversationId id, UserId user) {
  const auto it = conversations.find(id);
  if (it == conversations.end() || !users.contains(user)) return {.codes = {Code::not_found}};
  auto& slots = it->second.slots;
  if (std::count(slots.begin(), slots.end(), user) != 0) return {.text = "false"};
  slots.push_back(user);
  ++it->second.version;
  it->second.updated_at = now;
  return {.text = "true"};
}

Answer Model::mark_processed(ConversationId id, std::optional<MessageId> up_to) {
  const auto it = conversations.find(id);
  if (it == conversations.end()) return {.codes = {Code::not_found}};
  std::uint64_t sequence = it->second.last_sequence;
  if (up_to) {
    const auto message = messages.find(*up_to);
    if (message == messages.end() || message->second.conversation != id) return {.codes = {Code::not_found}};
    sequence = message->second.sequence;
  }
  it->second.processed_up_to = std::max(it->second.processed_up_to, sequence);
  it->second.is_marked = true;
  return {.text = "done"};
}

Answer Model::mark_unprocessed(ConversationId id) {
  const auto it = conversations.find(id);
  if (it == conversations.end()) return {.codes = {Code::not_found}};
  it->second.processed_up_to = 0;
  it->second.is_marked = false;
  return {.text = "done"};
}

Answer Model::remove_conversation(ConversationId id) {
  if (conversations.erase(id) == 0) return {.text = "false"};
  std::erase_if(messages, [&](const auto& row) { return row.second.conversation == id; });
  std::erase_if(memories, [&](const auto& row) { return row.second.conversation == id; });
  return {.text = "true"};
}

bool Model::is_processed(const Conversation& conversation) const {
  return conversation.is_marked &&
         (!conversation.reopens || conversation.processed_up_to >= conversation.last_sequence);
}

std::optional<Time> Model::last_message_at(ConversationId id) const {
  const auto order = in_order(id);
  if (order.empty()) return std::nullopt;
  return order.back()->timestamp;
}

Time Model::activity_at(const Conversation& conversation) const {
  return std::max(conversation.updated_at, last_message_at(conversation.id).value_or(kMinTime));
}

std::vector<UserId> Model::participants(const Conversation& conversation) const {
  std::vector<UserId> found;
  for (const UserId user : conversation.slots) {
    if (user && std::count(found.begin(), found.end(), user) == 0) found.push_back(user);
  }
  return found;
}

std::vector<const Conversation*> Model::find(const ConversationQuery& query) const {
  const auto is_in = [](const TimeRange& range, Time time) {
    return (!range.from || time >= *range.from) && (!range.to || time < *range.to);
  };
  std::vector<const Conversation*> found;
  for (const auto& [id, one] : conversations) {
    const auto users_of = participants(one);
    if (query.participant && std::count(users_of.begin(), users_of.end(), *query.participant) == 0) continue;
    if (query.owner && (one.owner != *query.owner || !one.owner)) continue;
    if (query.is_processed && *query.is_processed != is_processed(one)) continue;
    if (query.is_saved && *query.is_saved != one.is_saved) continue;
    if (query.is_archived && *query.is_archived != one.is_archived) continue;
    if (query.is_ended && *query.is_ended != one.ended_at.has_value()) continue;
    if (query.type && *query.type != one.type) continue;
    if (is_in(query.created, one.created_at) && is_in(query.activity, activity_at(one))) found.push_back(&one);
  }
  std::sort(found.begin(), found.end(), [&](const Conversation* a, const Conversation* b) {
    const bool by_activity = query.order == ConversationOrder::activity;
    const Time left = by_activity ? activity_at(*a) : a->created_at;
    const Time right = by_activity ? activity_at(*b) : b->created_at;
    return query.oldest_first ? left < right : left > right;
  });
  if (found.size() > query.limit) found.resize(query.limit);
  return found;
}

}  // namespace callisto::testing::model
