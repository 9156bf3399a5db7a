#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/message.h"
#include "callisto/options.h"
#include "callisto/query.h"
#include "callisto/record.h"
#include "callisto/work.h"

namespace callisto {

/// One who takes part: the slot is what messages name, the user with merges resolved, nil when gone.
struct Participant {
  std::uint16_t slot = 0;
  UserId user{};
};

/// Participants of a conversation, few of them in place.
class ParticipantList {
 public:
  std::span<const Participant> all() const noexcept {
    if (!many_.empty()) return many_;
    return {few_.data(), count_};
  }
  void reserve(std::size_t count) {
    if (count > few_.size()) many_.reserve(count);
  }
  void add(const Participant& participant) {
    if (count_ < few_.size() && many_.empty()) {
      few_[count_++] = participant;
      return;
    }
    if (many_.empty()) many_.assign(few_.begin(), few_.end());
    many_.push_back(participant);
  }

 private:
  std::array<Participant, 4> few_{};
  std::size_t count_ = 0;  ///< Of few_, while many_ is empty.
  std::vector<Participant> many_;
};

/// A conversation, or session: its header and its counts, without its messages. A view.
class CALLISTO_API Conversation {
 public:
  ConversationId id() const noexcept;
  /// Counts changes of the header. Appending, marking as processed do not count.
  std::uint64_t version() const noexcept;
  Time created_at() const noexcept;
  Time recorded_at() const noexcept;
  /// Of the header; see activity_at().
  Time updated_at() const noexcept;
  std::string_view title() const noexcept;
  std::string_view type() const noexcept;
  UserId owner() const noexcept { return owner_; }
  /// In the order of their slots, without those who are gone; each user once. Valid for as long as
  /// this view, and not beyond it as what its texts point to.
  std::span<const Participant> participants() const noexcept { return participants_.all(); }
  std::optional<PersonaId> persona() const noexcept;
  std::string_view model() const noexcept;
  std::string_view recap() const noexcept;
  std::string_view summary() const noexcept;
  bool is_saved() const noexcept;
  bool is_archived() const noexcept;
  std::optional<Time> ended_at() const noexcept;
  /// Whether a message after the processed mark makes it due again (the default).
  bool reopens() const noexcept;
  /// Marked, and no message came after the mark (or it does not reopen).
  bool is_processed() const noexcept;
  /// Messages up to this sequence were processed; 0 when never marked.
  std::uint64_t processed_up_to() const noexcept;
  std::uint64_t message_count() const noexcept;
  std::uint64_t token_count() const noexcept;
  /// Sequence of the message that arrived last; 0 when there was none.
  std::uint64_t last_sequence() const noexcept;
  std::optional<Time> last_message_at() const noexcept;
  /// The later of updated_at and last_message_at: what "recent" and "stale" go by.
  Time activity_at() const noexcept;
  JsonView metadata() const noexcept;
  std::string_view external_id() const noexcept;
  std::string_view external_source() const noexcept;

 private:
  friend struct detail::ViewAccess;
  Bytes bytes_;
  Bytes tail_;
  UserId owner_;
  ParticipantList participants_;
};

/// A conversation to create.
struct NewConversation {
  ConversationId id{};
  std::string title{};  ///< At most 255 code points.
  std::string type{};   ///< At most 32 code points; "" becomes "conversation".
  UserId owner{};       ///< Nil for none.
  std::vector<UserId> participants{};  ///< At most 1,024, each once.
  std::optional<PersonaId> persona{};
  std::string model{};    ///< At most 100 code points.
  std::string recap{};
  std::string summary{};
  bool is_saved = false;
  bool is_archived = false;
  std::optional<Time> ended_at{};
  bool reopens = true;
  /// As if mark_processed(id) were called last.
  bool is_processed = false;
  std::optional<Time> created_at{};
  std::string metadata{};
  std::string external_id{};
  std::string external_source{};
  std::optional<Origin> origin{};
  /// Set by importers only: the processed mark of the source.
  std::optional<std::uint64_t> processed_up_to{};
};

struct ConversationPatch {
  Change<std::string> title{};
  std::optional<std::string> type{};
  Change<UserId> owner{};
  Change<PersonaId> persona{};
  Change<std::string> model{};
  Change<std::string> recap{};
  Change<std::string> summary{};
  std::optional<bool> is_saved{};
  std::optional<bool> is_archived{};
  Change<Time> ended_at{};
  std::optional<bool> reopens{};
  Change<std::string> metadata{};
  std::optional<Origin> origin{};  ///< Set by importers only.
};

/// What orders a list of conversations.
enum class ConversationOrder : std::uint8_t { created = 0, activity = 1 };

/// Which conversations to list. Everything that is set must hold.
struct ConversationQuery {
  std::optional<UserId> participant{};
  std::optional<UserId> owner{};
  std::optional<bool> is_processed{};
  std::optional<bool> is_saved{};
  std::optional<bool> is_archived{};
  std::optional<bool> is_ended{};
  std::optional<std::string> type{};
  std::optional<PersonaId> persona{};
  TimeRange created{};
  /// Of activity_at(): `from` a time on is what is recent, up to one what is stale since then.
  TimeRange activity{};
  ConversationOrder order = ConversationOrder::created;
  bool oldest_first = false;
  /// Rows of one answer, 1 to 10,000; 0 is 100. Not for count().
  std::uint32_t limit = 100;
  /// Index entries that the call reads at most; beyond it is scan_limit_exceeded (max_scanned). 0 is
  /// 1,000,000.
  std::uint64_t max_scanned = 1'000'000;
};

/// A conversation with all its messages, oldest first.
struct WholeConversation {
  Conversation conversation{};
  std::vector<Message> messages{};
};

/// Conversations (seeds 000, 001, 004). See Users for transactions, threads and lifetime.
class CALLISTO_API Conversations {
 public:
  /// not_found (owner, participants[i]) for an unknown user; limit_exceeded above 1,024
  /// participants; conflict while store() is storing this id. An id whose removal is unfinished is
  /// removed to the end first; inside a transaction that is `conflict`.
  Result<ConversationId> create(const NewConversation& conversation, const CallOptions& options = {}) const;
  /// Creates a conversation with its messages, in their order, as one visible step whatever its size
  /// (seed 000, store_conversation). Above the transaction limit the messages are staged first and
  /// shown by the last commit; a crash before it leaves nothing. Inside a transaction the whole must
  /// fit the transaction (`too_large`).
  /// Errors as of create() and Messages::append(), about a message with its place in front
  /// ("messages[3].sender"). A parent is one of `messages`, by the id that it is given here. A
  /// known id succeeds when conversation and messages are equal. While one call stages an id,
  /// another with that id answers `conflict`. Messages are numbered 1, 2, ... as they come.
  /// `progress` hears of every step; nothing inside a transaction or when all is there already.
  Result<ConversationId> store(const NewConversation& conversation, std::span<const NewMessage> messages,
                               const CallOptions& options = {},
                               const WorkProgress& progress = {}) const;
  Result<std::optional<Conversation>> get(ConversationId id) const;
  /// All of it in memory, oldest first; page() of Messages reads a large one in parts.
  Result<std::optional<WholeConversation>> whole(ConversationId id) const;
  /// The new version; the stored one, with nothing written, when nothing changes. not_found
  /// (conversation, owner); version_mismatch.
  Result<std::uint64_t> update(ConversationId id, const ConversationPatch& patch,
                               const CallOptions& options = {}) const;
  /// False when the user takes part already. not_found (conversation, user); limit_exceeded above
  /// 1,024.
  Result<bool> add_participant(ConversationId id, UserId user, const CallOptions& options = {}) const;

  /// A user's conversations, newest created first (seed 000, get_user_conversations).
  Result<std::vector<Conversation>> of_user(UserId user, std::uint32_t limit = 10,
                                            std::optional<bool> processed = {}) const;
  /// Unprocessed ones, oldest created first.
  Result<std::vector<Conversation>> unprocessed(std::uint32_t limit = 100) const;
  /// Everything that is set must hold. Lists of index entries are intersected; headers are fetched
  /// for what is returned. A user or persona that is nil, gone or merged away finds nothing.
  /// invalid_argument (type, created, activity, order, limit); scan_limit_exceeded (max_scanned);
  /// index_not_ready when no index that is ready can answer.
  Result<std::vector<Conversation>> find(const ConversationQuery& query) const;
  /// As find(), from where `cursor` says; "" begins. Any limit may follow. invalid_argument (cursor)
  /// for one that is damaged or of another query or space. Ordered by activity, a conversation that
  /// is written between two pages moves: it may be missed or come again.
  Result<Page<Conversation>> find_page(const ConversationQuery& query,
                                       std::string_view cursor = {}) const;
  /// How many there are, exactly; order and limit mean nothing. Errors as find().
  Result<std::uint64_t> count(const ConversationQuery& query) const;
  /// Runs find() and tells how: costs what it costs, and the estimates.
  Result<QueryPlan> explain(const ConversationQuery& query) const;

  /// Marks what has been processed: up to a message of the conversation, or everything that is there.
  /// A mark never moves back. not_found (conversation, up_to).
  Result<void> mark_processed(ConversationId id, std::optional<MessageId> up_to = {},
                              const CallOptions& options = {}) const;
  /// Takes the mark away.
  Result<void> mark_unprocessed(ConversationId id, const CallOptions& options = {}) const;

  /// Deletes a conversation with its messages and the memories that it owns. Visible at once; what
  /// does not fit one commit is removed in steps. False when there was none.
  Result<bool> remove(ConversationId id, const CallOptions& options = {}) const;

  explicit Conversations(const detail::Scope& scope) noexcept : scope_(&scope) {}

 private:
  const detail::Scope* scope_;
};

}  // namespace callisto
