// Reading of messages.

#include <algorithm>
#include <limits>
#include <utility>

#include "api/conversation_rows.h"
#include "api/message_rows.h"
#include "api/message_run.h"
#include "api/sender_merge.h"
#include "callisto/message.h"
#include "indexes/index_keys.h"

namespace callisto {

using detail::MessageAt;
using detail::ReadContext;
using schema::IndexId;
using schema::MessagePart;
namespace fb = schema::fb;

namespace {

detail::KeyRange record_range(const ReadContext& context, const ConversationId& conversation) {
  const std::string prefix =
      schema::message_range(context.space(), conversation, MessagePart::record);
  return {prefix, schema::prefix_end(prefix)};
}

/// Where a bound of a page lies.
Result<MessageAt> bound_at(ReadContext& context, const ConversationId& conversation,
                           const MessageId& id, const char* field) {
  auto at = detail::find_message(context, id);
  if (!at) return std::move(at).error();
  if (!*at || (*at)->conversation != conversation) {
    return Error(Code::not_found, field, "a message of the conversation");
  }
  return **at;
}

/// Keys are newest first, so the nearest before a message follow it, and the nearest after precede
/// it.
Result<std::vector<Message>> read_page(ReadContext& context, const ConversationId& conversation,
                                       const MessagePage& page, std::uint32_t limit) {
  if (context.state().is_hidden(conversation)) return std::vector<Message>();
  detail::KeyRange range = record_range(context, conversation);
  bool reverse = page.oldest_first;
  if (page.before) {
    auto at = bound_at(context, conversation, *page.before, "before");
    if (!at) return std::move(at).error();
    range.lower = detail::message_key(context.space(), *at) + '\0';
    reverse = false;
  }
  if (page.after) {
    auto at = bound_at(context, conversation, *page.after, "after");
    if (!at) return std::move(at).error();
    range.upper = detail::message_key(context.space(), *at);
    reverse = true;
  }
  auto rows = detail::scan_messages(context, range, reverse, limit);
  if (!rows) return std::move(rows).error();
  if (reverse != page.oldest_first) std::reverse(rows->begin(), rows->end());
  return detail::message_views(context, *rows, conversation, nullptr);
}

Result<std::vector<Message>> read_by_importance(ReadContext& context,
                                                const ConversationId& conversation,
                                                float min_importance, std::uint32_t limit) {
  if (context.state().is_hidden(conversation)) return std::vector<Message>();
  CALLISTO_TRY(detail::require_index(context.state(), IndexId::message_by_importance));
  std::vector<MessageAt> places;
  const std::string prefix =
      schema::message_range(context.space(), conversation, MessagePart::by_importance);
  CALLISTO_TRY(detail::for_each_prefix(context.reader(), kv::Family::messages, prefix, false,
                                       [&](std::string_view key, std::string_view) -> Result<bool> {
                                         const auto parsed = schema::parse_message_key(key);
                                         if (!parsed)
                                           return detail::damaged("message_by_importance", key);
                                         if (parsed->importance < min_importance) return false;
                                         places.push_back({conversation, parsed->order});
                                         return places.size() < limit;
                                       }));
  return detail::fetch_messages(context, places);
}

/// The ranges of every slot that stands for the sender.
Result<std::vector<detail::KeyRange>> sender_ranges(ReadContext& context,
                                                    const ConversationId& conversation,
                                                    const UserId& sender) {
  std::vector<detail::KeyRange> ranges;
  auto header = detail::fetch<fb::Conversation>(
      context.reader(), schema::conversation_key(context.space(), conversation));
  if (!header) return std::move(header).error();
  if (!*header) return ranges;
  for (std::uint16_t slot :
       detail::slots_of(context.state(), *schema::root<fb::Conversation>(**header), sender)) {
    const std::string prefix = schema::message_sender_prefix(context.space(), conversation, slot);
    ranges.push_back({prefix, schema::prefix_end(prefix)});
  }
  return ranges;
}

Result<std::vector<Message>> read_by_sender(ReadContext& context, const UserId& sender,
                                            const ConversationId& conversation, bool oldest_first,
                                            std::uint32_t limit) {
  CALLISTO_TRY(detail::require_index(context.state(), IndexId::message_by_sender));
  auto ranges = sender_ranges(context, conversation, sender);
  if (!ranges) return std::move(ranges).error();
  const std::vector<std::size_t> skip(ranges->size(),
                                      ranges->empty() ? 0 : ranges->front().lower.size());
  std::vector<MessageAt> places;
  CALLISTO_TRY(detail::for_each_merged(context.reader(), kv::Family::messages, *ranges, skip,
                                       oldest_first,
                                       [&](const detail::RangeEntry& entry) -> Result<bool> {
                                         const auto parsed = schema::parse_message_key(entry.key);
                                         if (!parsed)
                                           return detail::damaged("message_by_sender", entry.key);
                                         places.push_back({conversation, parsed->order});
                                         return places.size() < limit;
                                       }));
  return detail::fetch_messages(context, places);
}

Result<std::vector<Message>> read_by_sender(ReadContext& context, const UserId& sender,
                                            bool oldest_first, std::uint32_t limit) {
  indexes::query::Meter unbounded(std::numeric_limits<std::uint64_t>::max(), nullptr);
  detail::SenderMerge merge(context, sender, oldest_first, unbounded);
  CALLISTO_TRY(merge.open());
  std::vector<MessageAt> places;
  while (places.size() < limit) {
    auto sent = merge.next();
    if (!sent) return std::move(sent).error();
    if (!*sent) break;
    places.push_back((*sent)->at);
  }
  return detail::fetch_messages(context, places);
}

Result<std::vector<Message>> read_in_range(ReadContext& context, const TimeRange& range,
                                           bool oldest_first, std::uint32_t limit) {
  const auto version = detail::require_version(context, IndexId::message_by_time);
  if (!version) return version.error();
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  if (range.from) from = range.from->micros();
  if (range.to) to = range.to->micros();
  const auto keys = indexes::oldest_first_range(
      indexes::in_version(indexes::message_by_time_prefix(context.space()), *version), from, to);
  std::vector<MessageAt> places;
  CALLISTO_TRY(detail::for_each(context.reader(), kv::Family::indexes, keys.lower, keys.upper,
                                !oldest_first,
                                [&](std::string_view key, std::string_view) -> Result<bool> {
                                  const auto parsed = indexes::parse_message_by_time(key);
                                  if (!parsed) return detail::damaged("message_by_time", key);
                                  if (context.state().is_hidden(parsed->conversation)) return true;
                                  places.push_back({parsed->conversation, parsed->order});
                                  return places.size() < limit;
                                }));
  return detail::fetch_messages(context, places);
}

/// Input rules of a query but for its limit, which means nothing to a count.
Result<void> check_conditions(const MessageQuery& query) {
  if (query.role) CALLISTO_TRY(schema::check_text(*query.role, "role", detail::kMaxType));
  if (query.agent) CALLISTO_TRY(schema::check_text(*query.agent, "agent", detail::kMaxAgent));
  if (query.state && *query.state > MessageState::interrupted) {
    return Error(Code::invalid_argument, "state", "final, partial or interrupted");
  }
  CALLISTO_TRY(detail::check_range(query.time, "time"));
  if (query.min_importance) {
    CALLISTO_TRY(detail::check_importance(*query.min_importance, "min_importance"));
  }
  if (query.max_importance) {
    CALLISTO_TRY(detail::check_importance(*query.max_importance, "max_importance"));
  }
  if (query.min_importance && query.max_importance &&
      *query.min_importance > *query.max_importance) {
    return Error(Code::invalid_argument, "min_importance", "not above max_importance");
  }
  if (query.order > MessageOrder::importance) {
    return Error(Code::invalid_argument, "order", "time or importance");
  }
  return {};
}

/// Input rules of a query; the limit as check_limit() gives it.
Result<std::uint32_t> check_query(const MessageQuery& query) {
  CALLISTO_TRY(check_conditions(query));
  return detail::check_limit(query.limit);
}

}  // namespace

Result<std::optional<Message>> Messages::get(MessageId id) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_get);
  return detail::read<std::optional<Message>>(
      *scope_, [&](ReadContext& context) -> Result<std::optional<Message>> {
        auto at = detail::find_message(context, id);
        if (!at) return std::move(at).error();
        if (!*at || context.state().is_hidden((*at)->conversation)) return std::optional<Message>();
        auto messages = detail::fetch_messages(context, {&**at, 1});
        if (!messages) return std::move(messages).error();
        return std::optional<Message>(std::move(messages->front()));
      });
}

Result<std::vector<Message>> Messages::latest(ConversationId conversation,
                                              std::uint32_t limit) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_latest);
  return page(conversation, {.before = {}, .after = {}, .limit = limit, .oldest_first = false});
}

Result<std::vector<Message>> Messages::page(ConversationId conversation,
                                            const MessagePage& page) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_page);
  const auto limit = detail::check_limit(page.limit);
  if (!limit) return limit.error();
  if (page.before && page.after) {
    return Error(Code::invalid_argument, "after", "not together with before");
  }
  return detail::read<std::vector<Message>>(*scope_, [&](ReadContext& context) {
    return read_page(context, conversation, page, *limit);
  });
}

Result<std::vector<Message>> Messages::by_importance(ConversationId conversation,
                                                     float min_importance,
                                                     std::uint32_t limit) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_by_importance);
  CALLISTO_TRY(detail::check_importance(min_importance, "min_importance"));
  const auto checked = detail::check_limit(limit);
  if (!checked) return checked.error();
  return detail::read<std::vector<Message>>(*scope_, [&](ReadContext& context) {
    return read_by_importance(context, conversation, min_importance, *checked);
  });
}

Result<std::vector<Message>> Messages::by_sender(UserId sender, const ListOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_by_sender);
  const auto limit = detail::check_limit(options.limit);
  if (!limit) return limit.error();
  return detail::read<std::vector<Message>>(*scope_, [&](ReadContext& context) {
    return read_by_sender(context, sender, options.oldest_first, *limit);
  });
}

Result<std::vector<Message>> Messages::by_sender(UserId sender, ConversationId conversation,
                                                 const ListOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_by_sender);
  const auto limit = detail::check_limit(options.limit);
  if (!limit) return limit.error();
  return detail::read<std::vector<Message>>(*scope_, [&](ReadContext& context) {
    return read_by_sender(context, sender, conversation, options.oldest_first, *limit);
  });
}

Result<std::vector<Message>> Messages::in_range(const TimeRange& range,
                                                const ListOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_in_range);
  CALLISTO_TRY(detail::check_range(range, "range"));
  const auto limit = detail::check_limit(options.limit);
  if (!limit) return limit.error();
  return detail::read<std::vector<Message>>(*scope_, [&](ReadContext& context) {
    return read_in_range(context, range, options.oldest_first, *limit);
  });
}

Result<std::vector<Message>> Messages::find(const MessageQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_find);
  const auto limit = check_query(query);
  if (!limit) return limit.error();
  using Found = std::vector<Message>;
  return detail::read<Found>(*scope_, [&](ReadContext& context) -> Result<Found> {
    auto found = detail::run_query(context, query, {*limit, {}, false});
    if (!found) return std::move(found).error();
    return detail::message_views(context, found->rows);
  });
}

Result<Page<Message>> Messages::find_page(const MessageQuery& query,
                                          std::string_view cursor) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_find_page);
  const auto limit = check_query(query);
  if (!limit) return limit.error();
  using Found = Page<Message>;
  return detail::read<Found>(*scope_, [&](ReadContext& context) -> Result<Found> {
    const std::uint64_t fingerprint = detail::fingerprint_of(query, context.space());
    auto after = detail::place_after(cursor, fingerprint, query.order);
    if (!after) return std::move(after).error();
    auto found = detail::run_query(context, query, {*limit, *after, true});
    if (!found) return std::move(found).error();
    auto views = detail::message_views(context, found->rows);
    if (!views) return std::move(views).error();
    Found page{std::move(*views), {}};
    if (found->end) page.cursor = detail::page_cursor(fingerprint, query.order, *found->end);
    return page;
  });
}

Result<std::uint64_t> Messages::count(const MessageQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_count);
  CALLISTO_TRY(check_conditions(query));
  return detail::read<std::uint64_t>(
      *scope_, [&](ReadContext& context) { return detail::count_rows(context, query); });
}

Result<QueryPlan> Messages::explain(const MessageQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::messages_explain);
  const auto limit = check_query(query);
  if (!limit) return limit.error();
  return detail::read<QueryPlan>(*scope_, [&](ReadContext& context) -> Result<QueryPlan> {
    QueryPlan plan;
    auto found = detail::run_query(context, query, {*limit, {}, false}, &plan);
    if (!found) return std::move(found).error();
    return plan;
  });
}

}  // namespace callisto
