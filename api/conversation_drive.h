#pragma once

// Which index a query on conversations reads, and what else a conversation must be.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/core.h"
#include "api/rows.h"
#include "callisto/conversation.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto::detail {

/// Ranges of one index that together hold every conversation which a query can match.
struct ConversationDrive {
  schema::IndexId index = schema::IndexId::conversation_by_created;
  std::vector<KeyRange> ranges;
  /// Bytes before what the entries of each range are ordered by; see for_each_merged().
  std::vector<std::size_t> skip;
  /// The order that the ranges give, merged.
  ConversationOrder order = ConversationOrder::created;
  /// Whether the keys rise with the time; most fall.
  bool is_ascending = false;
};

/// The narrowest index by rule: participant, owner, persona, unprocessed, type, a flag, activity
/// where it orders or bounds, else created. No ranges where nothing can match.
ConversationDrive choose_drive(const ConversationQuery& query, const SpaceState& state);

/// What a query asks beside its participant, which always drives. Query and state must outlive it.
class ConversationFilter {
 public:
  ConversationFilter(const ConversationQuery& query, const SpaceState& state);

  /// What the tail tells: processed, and both times.
  bool admits(const schema::ConversationTail& tail) const;
  /// The rest.
  bool matches(const schema::fb::Conversation& header) const;

 private:
  const ConversationQuery& query_;
  const SpaceState& state_;
  /// As types compare.
  std::optional<std::string> type_;
};

}  // namespace callisto::detail
