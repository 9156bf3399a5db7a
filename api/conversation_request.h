#pragma once

// A query on conversations: as lists of index entries, as a place in an order, as a check of rows.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core.h"
#include "api/query_support.h"
#include "callisto/conversation.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto::detail {

/// What must hold, as lists; `limit` 0 for a count. All lists are ordered ~created id, but that of
/// the order by activity, whose entries carry what leads there. What a driver by activity decides
/// (its range) is decided on the tail where another list drives.
indexes::query::Request conversation_request(const ConversationQuery& query,
                                             const SpaceState& state, std::uint64_t limit);

/// What follows the prefix in the index of an order: ~time id.
std::string conversation_place(std::int64_t time, const ConversationId& id);
/// The cursor of the page that ended at a place.
std::string page_cursor(std::uint64_t fingerprint, ConversationOrder order, std::string_view place);
/// The place after which the next page begins; "" for the first.
Result<std::string> place_after(std::string_view cursor, std::uint64_t fingerprint,
                                ConversationOrder order);
/// Of everything that decides which rows a query has, and in which order.
std::uint64_t fingerprint_of(const ConversationQuery& query, SpaceNumber space);

/// All that a query asks, of rows that were read. Query and state must outlive it.
class ConversationFilter {
 public:
  ConversationFilter(const ConversationQuery& query, const SpaceState& state);

  bool admits_created(std::int64_t created_at) const;
  bool admits_activity(std::int64_t activity_at) const;
  bool matches(const schema::fb::Conversation& header, const schema::ConversationTail& tail) const;

 private:
  bool matches_people(const schema::fb::Conversation& header) const;

  const ConversationQuery& query_;
  const SpaceState& state_;
  std::optional<std::string> type_;  ///< As types compare.
};

}  // namespace callisto::detail
