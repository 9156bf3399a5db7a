#pragma once

// A query on messages: what it asks of a record or of an entry, and places in its orders.

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/message_rows.h"
#include "api/query_support.h"
#include "callisto/message.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto::detail {

/// What a query asks of one message, but for its sender and its conversation. The query must
/// outlive it.
class MessageFilter {
 public:
  explicit MessageFilter(const MessageQuery& query);

  bool admits_time(std::int64_t timestamp) const;
  bool admits_importance(float importance) const;
  bool admits(const schema::MessageCover& cover) const;
  bool matches(const schema::fb::Message& message) const;

 private:
  const MessageQuery& query_;
  std::optional<std::string> role_;  ///< As they compare.
  std::optional<std::string> agent_;
};

/// What of a message orders it. Over all conversations: time, conversation, number; or importance,
/// then those.
struct MessagePlaceParts {
  MessageAt at;
  float importance = 0;
};
/// As the keys of one conversation lie, highest and newest first: bytes of one conversation compare
/// with each other.
std::string place_in_conversation(const MessagePlaceParts& place, MessageOrder order);
std::optional<MessagePlaceParts> parse_in_conversation(std::string_view bytes, MessageOrder order,
                                                       const ConversationId& conversation);
/// As the entries by time lie, over all conversations: lowest and oldest first.
std::string place_among_all(const MessagePlaceParts& place, MessageOrder order);
std::optional<MessagePlaceParts> parse_among_all(std::string_view bytes, MessageOrder order);

std::string page_cursor(std::uint64_t fingerprint, MessageOrder order,
                        const MessagePlaceParts& place);
/// The place after which the next page begins; nullopt for the first.
Result<std::optional<MessagePlaceParts>> place_after(std::string_view cursor,
                                                     std::uint64_t fingerprint, MessageOrder order);
/// Of everything that decides which rows a query has, and in which order.
std::uint64_t fingerprint_of(const MessageQuery& query, SpaceNumber space);

}  // namespace callisto::detail
