#include <algorithm>

#include "tests/support/model/model.h"

namespace callisto::testing::model {

Answer Model::append(const NewMessage& given) {
  const auto it = conversations.find(given.conversation);
  std::set<Code> codes;
  if (messages.contains(given.id)) codes.insert(Code::already_exists);
  if (it == conversations.end()) {
    codes.insert(Code::not_found);
    return {.codes = codes};
  }
  Message made{.id = given.id,
               .conversation = given.conversation,
               .parent = given.parent,
               .role = !given.role.empty() ? given.role : given.sender ? Role::user : Role::assistant,
               .content = given.content,
               .state = given.state,
               .token_usage = given.token_usage,
               .importance = given.importance.value_or(0.5F)};
  Conversation& conversation = it->second;
  if (given.sender) {
    const auto slot = std::find(conversation.slots.begin(), conversation.slots.end(), given.sender);
    if (slot == conversation.slots.end()) {
      codes.insert(Code::invalid_argument);
      codes.insert(users.contains(given.sender) ? Code::invalid_argument : Code::not_found);
    } else {
      made.slot = static_cast<std::size_t>(slot - conversation.slots.begin());
    }
  }
  if (given.parent) {
    const auto parent = messages.find(*given.parent);
    if (parent == messages.end() || parent->second.conversation != given.conversation) {
      codes.insert(Code::not_found);
    }
  }
  if (!codes.empty()) return {.codes = codes};
  made.timestamp = given.timestamp.value_or(std::max(now, last_message_at(given.conversation).value_or(now)));
  made.sequence = ++conversation.last_sequence;
  messages[given.id] = made;
  return {.text = given.id.to_string()};
}

Answer Model::update_message(MessageId id, const MessagePatch& patch, std::optional<std::uint64_t> if_version) {
  const auto it = messages.find(id);
  if (it == messages.end()) return {.codes = {Code::not_found}};
  Message& message = it->second;
  const Message before = message;
  if (if_version && *if_version != message.version) return {.codes = {Code::version_mismatch}};
  if (patch.content) message.content = *patch.content;
  if (patch.state) message.state = *patch.state;
  if (patch.importance) message.importance = *patch.importance;
  if (patch.token_usage.is_set()) message.token_usage = patch.token_usage.value();
  if (patch.token_usage.is_clear()) message.token_usage.reset();
  if (!(message == before)) ++message.version;
  return {.text = std::to_string(message.version)};
}

Answer Model::remove_message(MessageId id) { return {.text = messages.erase(id) == 1 ? "true" : "false"}; }

UserId Model::sender(const Message& message) const {
  return message.slot ? conversations.at(message.conversation).slots[*message.slot] : UserId{};
}

std::vector<const Message*> Model::in_order(ConversationId id) const {
  std::vector<const Message*> order;
  for (const auto& [key, message] : messages) {
    if (message.conversation == id) order.push_back(&message);
  }
  std::sort(order.begin(), order.end(), [](const Message* a, const Message* b) {
    return std::pair(a->timestamp, a->sequence) < std::pair(b->timestamp, b->sequence);
  });
  return order;
}

std::vector<const Message*> Model::by_sender(UserId user, std::optional<ConversationId> conversation) const {
  std::vector<const Message*> order;
  for (const auto& [key, message] : messages) {
    if (conversation && message.conversation != *conversation) continue;
    if (user && sender(message) == user) order.push_back(&message);
  }
  std::sort(order.begin(), order.end(), [](const Message* a, const Message* b) {
    return std::pair(a->timestamp, a->sequence) > std::pair(b->timestamp, b->sequence);
  });
  return order;
}

}  // namespace callisto::testing::model
