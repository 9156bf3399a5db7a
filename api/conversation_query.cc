// Reading of conversations.

#include <algorithm>
#include <limits>
#include <utility>

#include "api/conversation_request.h"
#include "api/conversation_rows.h"
#include "api/conversation_run.h"
#include "api/message_rows.h"
#include "callisto/conversation.h"
#include "indexes/index_keys.h"

namespace callisto {

using detail::ConversationRows;
using detail::ReadContext;
namespace fb = schema::fb;

namespace {

Conversation view_of(const ReadContext& context, ConversationRows&& rows) {
  Bytes tail = rows.tail_row ? std::move(rows.tail_row) : detail::tail_bytes(rows.tail);
  return detail::ViewAccess::conversation(std::move(rows.header), std::move(tail),
                                          context.state());
}

/// Input rules of a query but for its limit, which means nothing to a count.
Result<void> check_conditions(const ConversationQuery& query) {
  if (query.type) CALLISTO_TRY(schema::check_text(*query.type, "type", detail::kMaxType));
  CALLISTO_TRY(detail::check_range(query.created, "created"));
  CALLISTO_TRY(detail::check_range(query.activity, "activity"));
  if (query.order > ConversationOrder::activity) {
    return Error(Code::invalid_argument, "order", "created or activity");
  }
  return {};
}

/// Input rules of a query; the limit as check_limit() gives it.
Result<std::uint32_t> check_query(const ConversationQuery& query) {
  CALLISTO_TRY(check_conditions(query));
  return detail::check_limit(query.limit);
}

std::vector<Conversation> views_of(const ReadContext& context,
                                   std::vector<ConversationRows>&& rows) {
  std::vector<Conversation> views;
  views.reserve(rows.size());
  for (ConversationRows& row : rows) views.push_back(view_of(context, std::move(row)));
  return views;
}

Result<std::optional<WholeConversation>> read_whole(ReadContext& context,
                                                    const ConversationId& id) {
  auto rows = detail::fetch_conversation(context, id);
  if (!rows) return std::move(rows).error();
  if (!*rows) return std::optional<WholeConversation>();
  // Newest first, as they lie: RocksDB goes backwards at twice the cost.
  const std::string prefix =
      schema::message_range(context.space(), id, schema::MessagePart::record);
  auto found = detail::scan_messages(context, {prefix, schema::prefix_end(prefix)}, false,
                                     std::numeric_limits<std::size_t>::max());
  if (!found) return std::move(found).error();
  std::vector<Bytes>& records = *found;
  std::reverse(records.begin(), records.end());
  auto messages = detail::message_views(context, records, id, &(*rows)->header);
  if (!messages) return std::move(messages).error();
  return std::optional<WholeConversation>(
      {view_of(context, std::move(**rows)), std::move(*messages)});
}

}  // namespace

Result<std::optional<Conversation>> Conversations::get(ConversationId id) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_get);
  return detail::read<std::optional<Conversation>>(
      *scope_, [&](ReadContext& context) -> Result<std::optional<Conversation>> {
        auto rows = detail::fetch_conversation(context, id);
        if (!rows) return std::move(rows).error();
        if (!*rows) return std::optional<Conversation>();
        return std::optional<Conversation>(view_of(context, std::move(**rows)));
      });
}

Result<std::optional<WholeConversation>> Conversations::whole(ConversationId id) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_whole);
  return detail::read<std::optional<WholeConversation>>(
      *scope_, [&](ReadContext& context) { return read_whole(context, id); });
}

Result<std::vector<Conversation>> Conversations::find(const ConversationQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_find);
  const auto limit = check_query(query);
  if (!limit) return limit.error();
  using Found = std::vector<Conversation>;
  return detail::read<Found>(*scope_, [&](ReadContext& context) -> Result<Found> {
    auto found = detail::run_query(context, query, {*limit, {}, false});
    if (!found) return std::move(found).error();
    return views_of(context, std::move(found->rows));
  });
}

Result<Page<Conversation>> Conversations::find_page(const ConversationQuery& query,
                                                    std::string_view cursor) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_find_page);
  const auto limit = check_query(query);
  if (!limit) return limit.error();
  using Found = Page<Conversation>;
  return detail::read<Found>(*scope_, [&](ReadContext& context) -> Result<Found> {
    const std::uint64_t fingerprint = detail::fingerprint_of(query, context.space());
    auto after = detail::place_after(cursor, fingerprint, query.order);
    if (!after) return std::move(after).error();
    auto found = detail::run_query(context, query, {*limit, std::move(*after), true});
    if (!found) return std::move(found).error();
    Found page{views_of(context, std::move(found->rows)), {}};
    if (!found->end.empty()) {
      page.cursor = detail::page_cursor(fingerprint, query.order, found->end);
    }
    return page;
  });
}

Result<std::uint64_t> Conversations::count(const ConversationQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_count);
  CALLISTO_TRY(check_conditions(query));
  return detail::read<std::uint64_t>(
      *scope_, [&](ReadContext& context) { return detail::count_rows(context, query); });
}

Result<QueryPlan> Conversations::explain(const ConversationQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_explain);
  const auto limit = check_query(query);
  if (!limit) return limit.error();
  return detail::read<QueryPlan>(*scope_, [&](ReadContext& context) -> Result<QueryPlan> {
    QueryPlan plan;
    auto found = detail::run_query(context, query, {*limit, {}, false}, &plan);
    if (!found) return std::move(found).error();
    return plan;
  });
}

Result<std::vector<Conversation>> Conversations::of_user(UserId user, std::uint32_t limit,
                                                         std::optional<bool> processed) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_of_user);
  ConversationQuery query;
  query.participant = user;
  query.is_processed = processed;
  query.limit = limit;
  return find(query);
}

Result<std::vector<Conversation>> Conversations::unprocessed(std::uint32_t limit) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_unprocessed);
  ConversationQuery query;
  query.is_processed = false;
  query.oldest_first = true;
  query.limit = limit;
  return find(query);
}

}  // namespace callisto
