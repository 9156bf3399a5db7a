// One line per record from the model and from the store, for one comparison.

#include <sstream>

#include "tests/support/model/model.h"

namespace callisto::testing::model {
namespace {

template <class T>
std::string text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}
std::string text(Time time) { return std::to_string(time.micros()); }
template <class Tag>
std::string text(Id<Tag> id) {
  return id ? id.to_string().substr(0, 8) : "-";
}
template <class T>
std::string text(const std::optional<T>& value) {
  return value ? text(*value) : "-";
}
std::string text(const std::vector<std::string>& values) {
  std::string line;
  for (const auto& value : values) line += value + ",";
  return line;
}
std::string text(const std::vector<UserId>& users) {
  std::string line;
  for (const UserId user : users) line += text(user) + ",";
  return line;
}

template <class... Fields>
std::string line(const Fields&... fields) {
  std::string whole;
  ((whole += text(fields) + "; "), ...);
  return whole;
}

}  // namespace

std::string describe(const Model&, const User& user) {
  return line("user", user.id, user.version, user.created_at, user.recorded_at, user.updated_at, user.last_seen,
              user.is_active, text_of(user.profile), text_of(user.preferences), text_of(user.metadata));
}
std::string describe(const callisto::User& user) {
  return line("user", user.id(), user.version(), user.created_at(), user.recorded_at(), user.updated_at(),
              user.last_seen(), user.is_active(), user.profile().to_string(), user.preferences().to_string(),
              user.metadata().to_string());
}

std::string describe(const Identity& identity) {
  return line("identity", identity.platform, identity.platform_id, identity.username, identity.user,
              identity.created_at, identity.last_seen);
}
std::string describe(const PlatformIdentifier& identity) {
  return line("identity", identity.platform(), identity.platform_id(), identity.username(), identity.user(),
              identity.created_at(), identity.last_seen());
}

std::string describe_datum(const std::string& category, CategoryKind kind, const std::string& value,
                           Time created_at) {
  return line("datum", category, kind == CategoryKind::list ? "list" : "single", value, created_at);
}
std::string describe(const UserDatum& datum) {
  return describe_datum(std::string(datum.category()), datum.kind(), std::string(datum.value()),
                        datum.created_at());
}

std::string describe(const Model& model, const Conversation& one) {
  const auto messages = model.in_order(one.id);
  std::uint64_t tokens = 0;
  for (const Message* message : messages) tokens += message->token_usage.value_or(0);
  return line("conversation", one.id, one.version, one.created_at, one.recorded_at, one.updated_at, one.title,
              one.type, one.owner, model.participants(one), one.is_saved, one.is_archived, one.ended_at,
              one.reopens, model.is_processed(one), one.processed_up_to, messages.size(), tokens,
              one.last_sequence, model.last_message_at(one.id), model.activity_at(one), text_of(one.metadata));
}
std::string describe(const callisto::Conversation& one) {
  std::vector<UserId> users;
  for (const Participant& participant : one.participants()) users.push_back(participant.user);
  return line("conversation", one.id(), one.version(), one.created_at(), one.recorded_at(), one.updated_at(),
              one.title(), one.type(), one.owner(), users, one.is_saved(), one.is_archived(), one.ended_at(),
              one.reopens(), one.is_processed(), one.processed_up_to(), one.message_count(), one.token_count(),
              one.last_sequence(), one.last_message_at(), one.activity_at(), one.metadata().to_string());
}

std::string describe(const Model& model, const Message& one) {
  return line("message", one.id, one.version, one.conversation, one.sequence, one.parent, model.sender(one),
              one.role, one.content, static_cast<int>(one.state), one.timestamp, one.token_usage, one.importance);
}
std::string describe(const callisto::Message& one) {
  return line("message", one.id(), one.version(), one.conversation(), one.sequence(), one.parent(), one.sender(),
              one.role(), one.content(), static_cast<int>(one.state()), one.timestamp(), one.token_usage(),
              one.importance());
}

std::string describe(const Memory& one) {
  return line("memory", one.id, one.version, one.created_at, one.recorded_at, one.updated_at, one.category,
              one.key, one.type, text_of(one.value), one.text, one.tags, one.entity_type, one.entity_id, one.user,
              one.conversation, static_cast<int>(one.priority), one.importance, one.expires_at, one.is_active,
              one.module, one.task, one.updated_by);
}
std::string describe(const callisto::Memory& one) {
  std::vector<std::string> tags;
  for (const auto tag : one.tags()) tags.emplace_back(tag);
  return line("memory", one.id(), one.version(), one.created_at(), one.recorded_at(), one.updated_at(),
              one.category(), one.key(), one.type(), one.value().to_string(), one.text(), tags,
              one.entity_type(), one.entity_id(), one.user(), one.conversation(),
              static_cast<int>(one.priority()), one.importance(), one.expires_at(), one.is_active(), one.module(),
              one.task(), one.updated_by());
}

}  // namespace callisto::testing::model
