#pragma once

// What the public headers say, as plain as it can be written: maps, vectors and full scans. It shares
// no code with the library but the vocabulary (ids, times, codes and the structs that go into calls).
//
// Kept simple by what the histories never do: times of two records are never equal, the ids of
// identities and data are the store's own, JSON objects are flat, texts are NFC and ASCII.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "callisto/store.h"

namespace callisto::testing::model {

/// A flat JSON object: names and the texts of their values. Empty: absent.
using Json = std::map<std::string, std::string>;
std::string text_of(const Json& json);

/// What a call must answer: a text, or one of the codes (several where the input is wrong twice).
struct Answer {
  std::string text{};
  std::set<Code> codes{};
};

struct Category {
  CategoryKind kind = CategoryKind::single;
  std::map<std::string, Time> values{};  ///< Value to created_at.
};

struct User {
  UserId id{};
  std::uint64_t version = 1;
  Time created_at{};
  Time recorded_at{};
  Time updated_at{};
  Time last_seen{};
  bool is_active = true;
  Json profile{};
  Json preferences{};
  Json metadata{};
  std::map<std::string, Category> data{};
};

struct Identity {
  UserId user{};
  std::string platform{};
  std::string platform_id{};
  std::string username{};
  Time created_at{};
  Time last_seen{};
};

struct Conversation {
  ConversationId id{};
  std::uint64_t version = 1;
  Time created_at{};
  Time recorded_at{};
  Time updated_at{};
  std::string title{};
  std::string type{};
  UserId owner{};
  std::vector<UserId> slots{};  ///< Nil where the user is gone.
  bool is_saved = false;
  bool is_archived = false;
  std::optional<Time> ended_at{};
  bool reopens = true;
  bool is_marked = false;
  std::uint64_t processed_up_to = 0;
  std::uint64_t last_sequence = 0;
  Json metadata{};
  friend bool operator==(const Conversation&, const Conversation&) = default;
};

struct Message {
  MessageId id{};
  std::uint64_t version = 1;
  ConversationId conversation{};
  std::uint64_t sequence = 0;
  std::optional<std::size_t> slot{};  ///< Of the sender.
  std::optional<MessageId> parent{};
  std::string role{};
  std::string content{};
  MessageState state = MessageState::final;
  Time timestamp{};
  Time updated_at{};
  std::optional<std::uint32_t> token_usage{};
  float importance = 0.5F;
  friend bool operator==(const Message&, const Message&) = default;
};

struct Memory {
  MemoryId id{};
  std::uint64_t version = 1;
  Time created_at{};
  Time recorded_at{};
  Time updated_at{};
  std::string category{};
  std::string key{};
  std::string type{};
  Json value{};
  std::string text{};
  std::vector<std::string> tags{};
  std::string entity_type{};
  std::string entity_id{};
  UserId user{};
  std::optional<ConversationId> conversation{};
  std::uint8_t priority = 5;
  float importance = 0.5F;
  std::optional<Time> expires_at{};
  bool is_active = true;
  std::string module{};
  std::string task{};
  std::string updated_by{};
};

/// One space. A copy is a snapshot.
class Model {
 public:
  Time now{};
  std::map<UserId, User> users{};
  std::map<std::pair<std::string, std::string>, Identity> identities{};
  std::map<ConversationId, Conversation> conversations{};
  std::map<MessageId, Message> messages{};
  std::map<MemoryId, Memory> memories{};

  // model_users.cc. JSON comes beside the struct, as the model has it.
  Answer create_user(const NewUser& user, const Json& profile, const Json& metadata);
  Answer update_user(UserId id, const std::optional<Json>& profile, std::optional<bool> is_active,
                     std::optional<std::uint64_t> if_version);
  Answer seen(UserId id, Time at);
  Answer seen(const std::string& platform, const std::string& platform_id, Time at);
  Answer add_identity(UserId user, const NewIdentity& identity);
  Answer remove_identity(const std::string& platform, const std::string& platform_id);
  Answer merge(UserId primary, UserId secondary, std::optional<std::uint64_t> if_version);
  Answer remove_user(UserId id);
  std::vector<const Identity*> identities_of(UserId user) const;
  std::vector<std::string> by_preferred_name(const std::string& name) const;
  std::vector<std::string> by_username(const std::string& username) const;
  std::vector<std::string> link_suggestions(UserId user) const;
  std::vector<const User*> list_users(const UserQuery& query) const;

  // model_data.cc.
  Answer append(UserId user, const NewDatum& datum);
  Answer replace(UserId user, const NewDatum& datum);
  Answer remove_value(UserId user, const std::string& category, const std::string& value);
  Answer remove_category(UserId user, const std::string& category);
  /// Lines "category kind value time", newest first.
  std::vector<std::string> values(UserId user, const std::string& category) const;
  std::vector<std::string> all_data(UserId user) const;

  // model_conversations.cc.
  Answer create_conversation(const NewConversation& given, const Json& metadata);
  Answer store_conversation(const NewConversation& given, const Json& metadata,
                            const std::vector<NewMessage>& given_messages);
  Answer update_conversation(ConversationId id, const ConversationPatch& patch,
                             std::optional<std::uint64_t> if_version);
  Answer add_participant(ConversationId id, UserId user);
  Answer mark_processed(ConversationId id, std::optional<MessageId> up_to);
  Answer mark_unprocessed(ConversationId id);
  Answer remove_conversation(ConversationId id);
  bool is_processed(const Conversation& conversation) const;
  std::optional<Time> last_message_at(ConversationId id) const;
  Time activity_at(const Conversation& conversation) const;
  std::vector<UserId> participants(const Conversation& conversation) const;
  std::vector<const Conversation*> find(const ConversationQuery& query) const;

  // model_messages.cc.
  Answer append(const NewMessage& given);
  Answer update_message(MessageId id, const MessagePatch& patch, std::optional<std::uint64_t> if_version);
  Answer remove_message(MessageId id);
  UserId sender(const Message& message) const;
  /// Of one conversation, in the order of (timestamp, sequence).
  std::vector<const Message*> in_order(ConversationId id) const;
  /// Of one conversation or of all, newest first.
  std::vector<const Message*> by_sender(UserId user, std::optional<ConversationId> conversation) const;

  // model_memories.cc.
  Answer create_memory(const NewMemory& given, const Json& value, const Caller& caller);
  Answer put_memory(const NewMemory& given, const Json& value, const Caller& caller);
  Answer update_memory(MemoryId id, const MemoryPatch& patch, const Caller& caller,
                       std::optional<std::uint64_t> if_version);
  Answer tag(MemoryId id, const std::vector<std::string>& add, const std::vector<std::string>& remove);
  Answer remove_memory(MemoryId id);
  std::vector<const Memory*> find(const MemoryQuery& query) const;
  bool is_live(const Memory& memory) const;

 private:
  std::set<Code> check_references(const Memory& memory) const;
  void write_identity(UserId user, const NewIdentity& identity);
  void join_data(User& primary, const User& secondary) const;
  void name_instead(UserId from, UserId to);
};

// describe.cc: one line per record, the same from the model and from the store.
std::string describe(const Model& model, const User& user);
std::string describe(const Identity& identity);
std::string describe(const Model& model, const Conversation& conversation);
std::string describe(const Model& model, const Message& message);
std::string describe(const Memory& memory);
std::string describe(const callisto::User& user);
std::string describe(const PlatformIdentifier& identity);
std::string describe(const UserDatum& datum);
std::string describe(const callisto::Conversation& conversation);
std::string describe(const callisto::Message& message);
std::string describe(const callisto::Memory& memory);
std::string describe_datum(const std::string& category, CategoryKind kind, const std::string& value,
                           Time created_at);
std::string lower(std::string text);

}  // namespace callisto::testing::model
