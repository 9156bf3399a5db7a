// Queries on the messages of one conversation. Its records lie together, newest first: walking over
// them is reading the index by time.

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "api/conversation_rows.h"
#include "api/message_run.h"
#include "indexes/index_keys.h"

namespace callisto::detail {

namespace {

namespace core = indexes::query;
namespace fb = schema::fb;
using schema::IndexId;
using schema::MessagePart;

/// The conversation's own count stands for each list of it.
class ConversationCount final : public indexes::CardinalitySource {
 public:
  ConversationCount(std::uint64_t messages, const fb::Conversation& header,
                    std::size_t sender_prefix_bytes)
      : messages_(messages),
        senders_(header.participants() == nullptr ? 0 : header.participants()->size()),
        sender_prefix_bytes_(sender_prefix_bytes) {}
  std::uint64_t entries(std::string_view prefix) const override {
    if (prefix.size() != sender_prefix_bytes_) return messages_;
    return messages_ / std::max<std::uint64_t>(senders_, 1);
  }
  std::uint64_t entries(std::string_view prefix, const indexes::KeyRange&) const override {
    return entries(prefix);
  }

 private:
  const std::uint64_t messages_;
  const std::size_t senders_;
  const std::size_t sender_prefix_bytes_;
};

class ConversationMessages final : public core::Judge {
 public:
  ConversationMessages(ReadContext& context, const MessageQuery& asked,
                       const std::vector<std::uint16_t>& slots, const core::Plan& plan,
                       core::Meter& meter)
      : context_(context),
        asked_(asked),
        slots_(slots),
        meter_(meter),
        filter_(asked),
        is_by_importance_(plan.driver.index == IndexId::message_by_importance),
        is_on_records_(plan.driver.index == kRecords) {
    place_.at.conversation = *asked.conversation;
  }

  Result<void> look(const core::ListCursor& entry) override {
    const auto order = is_by_importance_ ? MessageOrder::importance : MessageOrder::time;
    const auto place = parse_in_conversation(entry.position(), order, place_.at.conversation);
    if (!place) return damaged("messages", entry.key());
    place_ = *place;
    position_ = place_in_conversation(place_, MessageOrder::time);
    if (is_on_records_) {
      auto row = take_row<fb::Message>(entry.key(), entry.value());
      if (!row) return std::move(row).error();
      row_ = std::move(*row);
      place_.importance = message().importance();
      return {};
    }
    auto cover = schema::decode_message_cover(entry.value());
    if (!cover) return damaged("messages", entry.key());
    cover_ = std::move(*cover);
    if (is_by_importance_) cover_.importance = place_.importance;
    place_.importance = cover_.importance;
    return {};
  }

  bool admits() const override {
    if (is_on_records_) return matches(message());
    return filter_.admits_time(place_.at.order.timestamp) && filter_.admits(cover_);
  }
  std::string_view position() const override { return position_; }
  void append_place(std::string& place) const override {
    place.append(place_in_conversation(place_, asked_.order));
  }
  std::string record_key() const override {
    std::string key = message_key(context_.space(), place_.at);
    // In order, what is admitted is taken soon: the record need not be read again.
    if (is_on_records_ && asked_.order == MessageOrder::time) at_hand_.emplace(key, row_);
    return key;
  }

  Result<void> check(std::span<core::Found> found, std::vector<char>& matches_all) override {
    return fetch(found, [&](std::size_t i, Bytes&&) { matches_all[i] = 1; });
  }
  Result<std::size_t> take(std::span<core::Found> found) override {
    const std::size_t before = rows_.size();
    CALLISTO_TRY(fetch(found, [&](std::size_t, Bytes&& row) { rows_.push_back(std::move(row)); }));
    return rows_.size() - before;
  }
  std::vector<Bytes> take_rows() && { return std::move(rows_); }

 private:
  const fb::Message& message() const { return *schema::root<fb::Message>(row_); }

  bool matches(const fb::Message& message) const {
    return filter_.matches(message) &&
           (!asked_.sender ||
            std::find(slots_.begin(), slots_.end(), message.sender_slot()) != slots_.end());
  }

  template <class Each>
  Result<void> fetch(std::span<core::Found> found, Each&& each) {
    if (!at_hand_.empty()) {
      for (std::size_t i = 0; i < found.size(); ++i) each(i, std::move(at_hand_.at(found[i].key)));
      at_hand_.clear();
      return {};
    }
    std::vector<std::string> keys;
    for (const core::Found& one : found) keys.push_back(one.key);
    meter_.records_fetched(keys.size());
    auto rows = fetch_records(context_, keys);
    if (!rows) return std::move(rows).error();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (matches(*schema::root<fb::Message>((*rows)[i]))) each(i, std::move((*rows)[i]));
    }
    return {};
  }

  ReadContext& context_;
  const MessageQuery& asked_;
  const std::vector<std::uint16_t>& slots_;
  core::Meter& meter_;
  const MessageFilter filter_;
  const bool is_by_importance_;
  const bool is_on_records_;
  std::vector<Bytes> rows_;

  // The entry that is looked at.
  MessagePlaceParts place_;
  std::string position_;
  schema::MessageCover cover_;
  Bytes row_;                                               ///< Where records drive.
  mutable std::unordered_map<std::string, Bytes> at_hand_;  ///< By key; at most a chunk.
};

/// Rows, and the place of the last where there are more.
struct RowsAndEnd {
  std::vector<Bytes> rows;
  std::string end;
};

/// The lists of one conversation; `limit` 0 for a count.
core::Request request_of(const MessageQuery& query, SpaceNumber space,
                         const std::vector<std::uint16_t>& slots, std::uint64_t limit) {
  const ConversationId& conversation = *query.conversation;
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  if (query.time.from) from = query.time.from->micros();
  if (query.time.to) to = query.time.to->micros();
  const auto add = [&](core::List& list, std::string prefix) {
    auto range = indexes::newest_first_range(prefix, from, to);
    list.family = kv::Family::messages;
    list.add(std::move(prefix), std::move(range));
  };
  core::Request request;
  request.order = static_cast<std::uint8_t>(query.order);
  request.common_order = static_cast<std::uint8_t>(MessageOrder::time);
  request.everything = schema::message_range(space, conversation, MessagePart::record);
  request.limit = limit;
  // A count needs no order, and an entry tells for less than a record what is asked.
  const bool is_counted = limit == 0 && !query.sender && (query.role || query.agent || query.state);
  request.looks_rows_up = is_counted;
  if (query.sender) {
    core::List sent;
    sent.index = IndexId::message_by_sender;
    for (const std::uint16_t slot : slots) {
      add(sent, schema::message_sender_prefix(space, conversation, slot));
    }
    request.all.push_back({"sender", std::move(sent)});
  }
  core::List records;
  records.index = kRecords;
  add(records, request.everything);
  request.drivers.push_back({"conversation", std::move(records), request.common_order, true});
  const bool has_bound = query.min_importance || query.max_importance;
  if (has_bound || is_counted || query.order == MessageOrder::importance) {
    core::List ranked;
    ranked.index = IndexId::message_by_importance;
    ranked.family = kv::Family::messages;
    std::string prefix = schema::message_range(space, conversation, MessagePart::by_importance);
    indexes::KeyRange range = indexes::range_of(prefix);
    const auto at = [&](float importance) {
      return std::move(schema::KeyWriter(prefix).importance_down(importance)).take();
    };
    if (query.max_importance) range.lower = at(*query.max_importance);
    if (query.min_importance) range.upper = schema::prefix_end(at(*query.min_importance));
    if (range.upper < range.lower) range.upper = range.lower;
    ranked.add(std::move(prefix), std::move(range));
    request.drivers.push_back({has_bound ? "importance" : "", std::move(ranked),
                               static_cast<std::uint8_t>(MessageOrder::importance), false});
  }
  return request;
}

/// What the driver's entries decide, or the records where these drive.
void tell_of_fields(const MessageQuery& query, core::Plan& plan) {
  const auto tell = [&](bool is_asked, const char* name) {
    if (is_asked) plan.steps.push_back({name, core::Use::on_entry, std::nullopt, std::nullopt});
  };
  const bool has_bound = query.min_importance || query.max_importance;
  tell(query.role.has_value(), "role");
  tell(query.agent.has_value(), "agent");
  tell(query.state.has_value(), "state");
  tell(has_bound && plan.driver.index != IndexId::message_by_importance, "importance");
  if (plan.driver.index != kRecords) return;
  plan.needs_records = false;
}

}  // namespace

Result<MessageAnswer> run_in_conversation(ReadContext& context, const MessageQuery& query,
                                          const MessageLimits* limits, QueryPlan* explained) {
  const ConversationId& conversation = *query.conversation;
  MessageAnswer answer;
  if (context.state().is_hidden(conversation)) return answer;
  auto rows = fetch_conversation(context, conversation);
  if (!rows) return std::move(rows).error();
  if (!*rows) return answer;
  const auto* header = schema::root<fb::Conversation>((*rows)->header);
  std::vector<std::uint16_t> slots;
  if (query.sender) {
    slots = slots_of(context.state(), *header, *query.sender);
    if (slots.empty()) return answer;
  }
  core::Meter meter = meter_for(context, query.max_scanned);
  const auto make_plan = [&](bool is_sure) -> Result<core::Plan> {
    auto request = request_of(query, context.space(), slots, limits != nullptr ? limits->limit : 0);
    request.is_sure = is_sure;
    request.wants_estimates = explained != nullptr;
    const ConversationCount count((*rows)->tail.message_count, *header,
                                  request.everything.size() + sizeof(std::uint16_t));
    auto plan = plan_for(context, std::move(request), count);
    if (plan) tell_of_fields(query, *plan);
    return plan;
  };
  const auto make_judge = [&](const core::Plan& plan) {
    return ConversationMessages(context, query, slots, plan, meter);
  };
  if (limits == nullptr) {
    auto count = count_by_plan(context, meter, make_plan, make_judge);
    if (!count) return std::move(count).error();
    answer.count = *count;
    return answer;
  }
  core::PageLimits page{limits->limit, {}, limits->wants_more, query.oldest_first};
  if (limits->after) page.after = place_in_conversation(*limits->after, query.order);
  auto found = run_plans<RowsAndEnd>(context, meter, page, make_plan, make_judge, explained);
  if (!found) return std::move(found).error();
  answer.found.rows = std::move(found->rows);
  if (!found->end.empty()) {
    answer.found.end = parse_in_conversation(found->end, query.order, conversation);
  }
  return answer;
}

}  // namespace callisto::detail
