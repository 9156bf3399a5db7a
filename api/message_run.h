#pragma once

// Queries on messages, run to their rows. Three ways: within one conversation, whose messages lie
// together; over all conversations by time, whose entries tell what filters ask; over all
// conversations by sender, by merging what the user sent in each.

#include <cstdint>
#include <optional>
#include <vector>

#include "api/core.h"
#include "api/message_request.h"
#include "callisto/bytes.h"
#include "callisto/message.h"
#include "callisto/query.h"

namespace callisto::detail {

struct MessageLimits {
  std::uint32_t limit = 100;
  std::optional<MessagePlaceParts> after{};  ///< Nothing for the first page.
  bool wants_more = false;
};
/// Checked records in the query's order.
struct FoundMessages {
  std::vector<Bytes> rows;
  std::optional<MessagePlaceParts> end;  ///< The last one's, where there are more and it was asked.
};
/// `plan`: where to tell what was done, or null.
Result<FoundMessages> run_query(ReadContext& context, const MessageQuery& query,
                                const MessageLimits& limits, QueryPlan* plan = nullptr);
Result<std::uint64_t> count_rows(ReadContext& context, const MessageQuery& query);

// The three ways; `limits` null counts, and the answer's `count` says how many there are.
struct MessageAnswer {
  FoundMessages found;
  std::uint64_t count = 0;
};
Result<MessageAnswer> run_in_conversation(ReadContext& context, const MessageQuery& query,
                                          const MessageLimits* limits, QueryPlan* plan);
Result<MessageAnswer> run_by_time(ReadContext& context, const MessageQuery& query,
                                  const MessageLimits* limits, QueryPlan* plan);
Result<MessageAnswer> run_by_sender(ReadContext& context, const MessageQuery& query,
                                    const MessageLimits* limits, QueryPlan* plan);

/// The records of messages that entries name: each must be there.
Result<std::vector<Bytes>> fetch_records(ReadContext& context, std::span<const std::string> keys);

}  // namespace callisto::detail
