#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/options.h"
#include "callisto/query.h"
#include "callisto/record.h"

namespace callisto {

namespace detail {
struct Scope;
struct ViewAccess;
}  // namespace detail

/// Who speaks. An open set: these are the names that the library knows; any other name of at most
/// 32 code points is stored as it is.
namespace Role {
inline constexpr const char* user = "user";
inline constexpr const char* assistant = "assistant";
inline constexpr const char* system = "system";
inline constexpr const char* tool = "tool";
}  // namespace Role

/// How complete a message is.
enum class MessageState : std::uint8_t { final = 0, partial = 1, interrupted = 2 };

/// One message of a conversation: a view.
class CALLISTO_API Message {
 public:
  MessageId id() const noexcept;
  std::uint64_t version() const noexcept;
  Time created_at() const noexcept;
  Time recorded_at() const noexcept;
  Time updated_at() const noexcept;
  ConversationId conversation() const noexcept;
  /// Dense arrival number in the conversation, from 1.
  std::uint64_t sequence() const noexcept;
  std::optional<MessageId> parent() const noexcept;
  /// The participant who sent it, with merges resolved; nil when none or when the user is gone.
  UserId sender() const noexcept { return sender_; }
  std::string_view name() const noexcept;
  std::string_view agent() const noexcept;
  std::string_view role() const noexcept;
  std::string_view content() const noexcept;
  JsonView parts() const noexcept;
  std::string_view tool_call_id() const noexcept;
  MessageState state() const noexcept;
  Time timestamp() const noexcept;
  std::string_view model() const noexcept;
  std::optional<std::uint32_t> token_usage() const noexcept;
  float importance() const noexcept;
  JsonView metadata() const noexcept;
  std::string_view external_id() const noexcept;
  std::string_view external_source() const noexcept;

 private:
  friend struct detail::ViewAccess;
  Bytes bytes_;
  UserId sender_;
};

/// A message to append.
struct NewMessage {
  MessageId id{};
  ConversationId conversation{};  ///< Ignored by Conversations::store(), which names it once.
  /// A participant of the conversation, or nil (the AI, a tool, a narrator).
  UserId sender{};
  std::string role{};          ///< At most 32 code points; "" becomes "user" with a sender, else "assistant".
  std::string content{};       ///< UTF-8; may be empty. The record is at most 4 MiB.
  std::string name{};          ///< At most 100 code points.
  std::string agent{};         ///< At most 64 code points.
  std::string parts{};         ///< JSON text or "".
  std::string tool_call_id{};  ///< At most 255 code points.
  MessageState state = MessageState::final;
  /// Empty: max(now, the conversation's last_message_at), so that a clock set back never puts an
  /// answer before its question.
  std::optional<Time> timestamp{};
  std::optional<MessageId> parent{};
  std::string model{};  ///< At most 100 code points.
  std::optional<std::uint32_t> token_usage{};
  /// 0..1. Empty: 0.5 (seed 001).
  std::optional<float> importance{};
  std::optional<Time> created_at{};
  std::string metadata{};
  std::string external_id{};
  std::string external_source{};
  std::optional<Origin> origin{};
  /// Set by importers only: the arrival number in the source.
  std::optional<std::uint64_t> sequence{};
};

struct MessagePatch {
  std::optional<std::string> content{};
  std::optional<MessageState> state{};
  std::optional<float> importance{};
  Change<std::uint32_t> token_usage{};
  Change<std::string> parts{};
  Change<std::string> model{};
  Change<std::string> metadata{};
};

/// A page of a conversation, in the order of (timestamp, sequence).
struct MessagePage {
  /// Only messages before / after this one, itself not included; at most one of the two.
  std::optional<MessageId> before{};
  std::optional<MessageId> after{};
  std::uint32_t limit = 20;
  /// Oldest first is the order of the page's elements and, with neither bound, says from which end
  /// the page is taken. `before` takes the nearest messages before, whatever the order.
  bool oldest_first = false;
};

/// What orders a list of messages.
enum class MessageOrder : std::uint8_t {
  time = 0,        ///< Newest first; at one time by conversation, then by sequence.
  importance = 1,  ///< Highest first, then as by time.
};

/// Which messages to list, of one conversation or of all. Everything that is set must hold. Role and
/// agent compare as NFC.
struct MessageQuery {
  std::optional<ConversationId> conversation{};
  /// Also what users sent who were merged into this one. Nil, gone or merged away finds nothing.
  std::optional<UserId> sender{};
  std::optional<std::string> role{};   ///< At most 32 code points.
  std::optional<std::string> agent{};  ///< At most 64 code points; "" for those without.
  std::optional<MessageState> state{};
  TimeRange time{};  ///< Of timestamp().
  std::optional<float> min_importance{};  ///< Not above max_importance.
  std::optional<float> max_importance{};  ///< Both ends count.
  MessageOrder order = MessageOrder::time;
  /// Turns the order round: oldest, or lowest, first.
  bool oldest_first = false;
  /// Rows of one answer, 1 to 10,000; 0 is 100. Not for count().
  std::uint32_t limit = 100;
  /// Index entries, or records in their place, that the call reads at most; beyond it is
  /// scan_limit_exceeded (max_scanned). 0 is 1,000,000.
  std::uint64_t max_scanned = 1'000'000;
};

/// Messages. Ordered by (timestamp, sequence). See Users for transactions, threads and lifetime.
class CALLISTO_API Messages {
 public:
  /// Appends one message: the record, its index entries and the conversation's counts in one commit.
  /// not_found (conversation, parent); invalid_argument (sender) when not a participant;
  /// already_exists (id, sequence). A known id with equal content succeeds and writes nothing.
  /// Appends to one conversation queue; to different ones they do not meet.
  Result<MessageId> append(const NewMessage& message, const CallOptions& options = {}) const;
  Result<std::optional<Message>> get(MessageId id) const;
  /// The last `limit` messages, newest first: one seek. An unknown conversation has none.
  Result<std::vector<Message>> latest(ConversationId conversation, std::uint32_t limit = 20) const;
  /// not_found when `before` or `after` is not a message of the conversation.
  Result<std::vector<Message>> page(ConversationId conversation, const MessagePage& page) const;
  /// Highest importance first, then newest; at least `min_importance`.
  Result<std::vector<Message>> by_importance(ConversationId conversation, float min_importance = 0,
                                             std::uint32_t limit = 20) const;
  /// What a user sent, over all conversations, newest first; at one time by conversation.
  Result<std::vector<Message>> by_sender(UserId sender, const ListOptions& options = {}) const;
  /// What a user sent in one conversation.
  Result<std::vector<Message>> by_sender(UserId sender, ConversationId conversation,
                                         const ListOptions& options = {}) const;
  /// All conversations' messages with a timestamp in the range.
  Result<std::vector<Message>> in_range(const TimeRange& range, const ListOptions& options = {}) const;
  /// Within a conversation, its messages are walked over where they lie, or by sender or importance;
  /// over all conversations, index entries by time decide, or what the sender sent is merged and its
  /// records decide. By importance over all conversations keeps the best `limit` in a heap.
  /// invalid_argument (role, agent, state, time, min_importance, max_importance, order, limit);
  /// scan_limit_exceeded (max_scanned); index_not_ready.
  Result<std::vector<Message>> find(const MessageQuery& query) const;
  /// As find(), from where `cursor` says; "" begins. Any limit may follow. invalid_argument (cursor)
  /// for one that is damaged or of another query or space. Ordered by importance, a message whose
  /// importance is changed between two pages may be missed or come again.
  Result<Page<Message>> find_page(const MessageQuery& query, std::string_view cursor = {}) const;
  /// How many there are, exactly; order and limit mean nothing. Errors as find().
  Result<std::uint64_t> count(const MessageQuery& query) const;
  /// Runs find() and tells how: costs what it costs, and the estimates.
  Result<QueryPlan> explain(const MessageQuery& query) const;
  /// The new version; the stored one, with nothing written, when nothing changes. not_found
  /// (message); version_mismatch.
  Result<std::uint64_t> update(MessageId id, const MessagePatch& patch,
                               const CallOptions& options = {}) const;
  /// False when there was none. Its number is not used again; messages whose parent it was keep
  /// naming it.
  Result<bool> remove(MessageId id, const CallOptions& options = {}) const;

  explicit Messages(const detail::Scope& scope) noexcept : scope_(&scope) {}

 private:
  const detail::Scope* scope_;
};

}  // namespace callisto
