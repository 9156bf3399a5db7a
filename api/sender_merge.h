#pragma once

// What a user sent, over all conversations, in the order of time.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/core.h"
#include "api/message_rows.h"
#include "indexes/query/list.h"

namespace callisto::detail {

/// A message that a user sent, as its entry by sender tells it.
struct SentMessage {
  MessageAt at;
  std::string cover;  ///< schema::MessageCover, encoded.
};

/// Merges what a user sent in each conversation. Holds one small head per conversation and no open
/// cursor, so that memory stays small whatever the number of conversations; newest first, it opens
/// a conversation only when no newer message can be elsewhere.
class SenderMerge {
 public:
  /// `after`: begins behind this place, in the direction of reading.
  /// `meter`: counts every entry, tail and header that is read, and ends the merge at its limit.
  SenderMerge(ReadContext& context, const UserId& user, bool oldest_first,
              indexes::query::Meter& meter, std::optional<MessageAt> after = {})
      : context_(context), user_(user), oldest_first_(oldest_first), after_(after), meter_(meter) {}

  /// Takes the user's conversations in.
  Result<void> open();
  /// The next message, or nullopt at the end.
  Result<std::optional<SentMessage>> next();

 private:
  struct Entry {
    schema::MessageOrder order;
    std::string cover{};
  };
  /// The messages of one slot of one conversation from here on; or, before it was looked at, a
  /// conversation of which nothing comes before `run.front()`.
  struct Head {
    ConversationId conversation;
    std::optional<std::uint16_t> slot;
    std::vector<Entry> run;
    std::size_t at = 0;

    const schema::MessageOrder& order() const noexcept { return run[at].order; }
  };
  struct IsLater;

  /// Where reading of one conversation begins: behind this.
  std::optional<schema::MessageOrder> start_in(const ConversationId& conversation) const;
  Result<void> take_in(std::vector<ConversationId>& ids);
  void push(Head head);
  Head pop();
  /// Puts the slots of a conversation into its place.
  Result<void> look_into(const ConversationId& conversation);
  /// Reads up to `count` entries of the head's slot behind `after`, and takes the head in again
  /// unless there are none.
  Result<void> refill(Head head, std::optional<schema::MessageOrder> after, std::size_t count);

  ReadContext& context_;
  const UserId user_;
  const bool oldest_first_;
  const std::optional<MessageAt> after_;
  indexes::query::Meter& meter_;
  std::vector<Head> heap_;
};

}  // namespace callisto::detail
