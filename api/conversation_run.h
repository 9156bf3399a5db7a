#pragma once

// Queries on conversations, run to their rows.

#include <cstdint>
#include <string>
#include <vector>

#include "api/conversation_rows.h"
#include "api/core.h"
#include "callisto/conversation.h"
#include "callisto/query.h"

namespace callisto::detail {

struct ConversationLimits {
  std::uint32_t limit = 100;
  std::string after{};  ///< A place, "" for the first page.
  bool wants_more = false;
};
/// Rows in the query's order.
struct FoundConversations {
  std::vector<ConversationRows> rows;
  std::string end;  ///< The place of the last, where there are more; "" else, or when not asked.
};
/// `plan`: where to tell what was done, or null.
Result<FoundConversations> run_query(ReadContext& context, const ConversationQuery& query,
                                     const ConversationLimits& limits, QueryPlan* plan = nullptr);
Result<std::uint64_t> count_rows(ReadContext& context, const ConversationQuery& query);

}  // namespace callisto::detail
