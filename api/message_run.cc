// Queries on messages over all conversations, by time; and which of the ways a query goes.

#include "api/message_run.h"

#include <utility>

#include "indexes/index_keys.h"

namespace callisto::detail {

namespace {

namespace core = indexes::query;
namespace fb = schema::fb;
using schema::IndexId;

/// Reads entries of message_by_time, which tell all that is asked.
class TimeJudge final : public core::Judge {
 public:
  TimeJudge(ReadContext& context, const MessageQuery& asked, core::Meter& meter)
      : context_(context), asked_(asked), meter_(meter), filter_(asked) {}

  Result<void> look(const core::ListCursor& entry) override {
    const auto place = parse_among_all(entry.position(), MessageOrder::time);
    auto cover = schema::decode_message_cover(entry.value());
    if (!place || !cover) return damaged("message_by_time", entry.key());
    place_ = *place;
    place_.importance = cover->importance;
    cover_ = std::move(*cover);
    position_ = entry.position();
    return {};
  }

  bool admits() const override {
    return filter_.admits(cover_) && !context_.state().is_hidden(place_.at.conversation);
  }
  std::string_view position() const override { return position_; }
  void append_place(std::string& place) const override {
    place.append(place_among_all(place_, asked_.order));
  }
  std::string record_key() const override { return message_key(context_.space(), place_.at); }

  Result<void> check(std::span<core::Found> found, std::vector<char>& matches) override {
    matches.assign(found.size(), 1);  // entries decide
    return {};
  }
  Result<std::size_t> take(std::span<core::Found> found) override {
    std::vector<std::string> keys;
    for (const core::Found& one : found) keys.push_back(one.key);
    meter_.records_fetched(keys.size());
    auto rows = fetch_records(context_, keys);
    if (!rows) return std::move(rows).error();
    for (Bytes& row : *rows) rows_.push_back(std::move(row));
    return rows->size();
  }

  std::vector<Bytes> take_rows() && { return std::move(rows_); }

 private:
  ReadContext& context_;
  const MessageQuery& asked_;
  core::Meter& meter_;
  const MessageFilter filter_;
  std::vector<Bytes> rows_;

  // The entry that is looked at.
  MessagePlaceParts place_;
  schema::MessageCover cover_;
  std::string position_;
};

core::Request request_by_time(const MessageQuery& query, SpaceNumber space, std::uint64_t limit) {
  core::Request request;
  request.order = static_cast<std::uint8_t>(query.order);
  request.common_order = static_cast<std::uint8_t>(MessageOrder::time);
  request.everything = indexes::message_by_time_prefix(space);
  request.limit = limit;
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  if (query.time.from) from = query.time.from->micros();
  if (query.time.to) to = query.time.to->micros();
  core::List list;
  list.index = IndexId::message_by_time;
  list.add(request.everything, indexes::oldest_first_range(request.everything, from, to));
  request.drivers.push_back(
      {from || to ? "time" : "", std::move(list), request.common_order, true});
  if (query.role) request.on_entry.push_back("role");
  if (query.agent) request.on_entry.push_back("agent");
  if (query.state) request.on_entry.push_back("state");
  if (query.min_importance || query.max_importance) request.on_entry.push_back("importance");
  return request;
}

Result<MessageAnswer> run(ReadContext& context, const MessageQuery& query,
                          const MessageLimits* limits, QueryPlan* plan) {
  if (query.conversation) return run_in_conversation(context, query, limits, plan);
  if (query.sender) return run_by_sender(context, query, limits, plan);
  return run_by_time(context, query, limits, plan);
}

}  // namespace

Result<std::vector<Bytes>> fetch_records(ReadContext& context, std::span<const std::string> keys) {
  auto fetched = fetch_many<fb::Message>(context.reader(), keys);
  if (!fetched) return std::move(fetched).error();
  std::vector<Bytes> rows;
  rows.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!(*fetched)[i]) return damaged("messages", keys[i]);
    rows.push_back(std::move(*(*fetched)[i]));
  }
  return rows;
}

Result<MessageAnswer> run_by_time(ReadContext& context, const MessageQuery& query,
                                  const MessageLimits* limits, QueryPlan* explained) {
  auto request = request_by_time(query, context.space(), limits != nullptr ? limits->limit : 0);
  request.wants_estimates = explained != nullptr;
  auto plan = plan_for(context, std::move(request));
  if (!plan) return std::move(plan).error();
  core::Meter meter = meter_for(context, query.max_scanned);
  TimeJudge judge(context, query, meter);
  core::Run run(context.reader(), *plan, judge, meter);
  MessageAnswer answer;
  if (limits == nullptr) {
    auto count = run.count();
    if (!count) return std::move(count).error();
    answer.count = *count;
    return answer;
  }
  // Keys rise with the time, so that the newest come last.
  core::PageLimits page{limits->limit, {}, limits->wants_more, !query.oldest_first};
  if (limits->after) page.after = place_among_all(*limits->after, query.order);
  auto end = run.find(page);
  if (!end) return std::move(end).error();
  answer.found.rows = std::move(judge).take_rows();
  if (end->has_more) answer.found.end = parse_among_all(end->last, query.order);
  if (explained != nullptr) *explained = explanation_of(*plan, meter, answer.found.rows.size());
  return answer;
}

Result<FoundMessages> run_query(ReadContext& context, const MessageQuery& query,
                                const MessageLimits& limits, QueryPlan* plan) {
  auto answer = run(context, query, &limits, plan);
  if (!answer) return std::move(answer).error();
  return std::move(answer->found);
}

Result<std::uint64_t> count_rows(ReadContext& context, const MessageQuery& query) {
  auto answer = run(context, query, nullptr, nullptr);
  if (!answer) return std::move(answer).error();
  return answer->count;
}

}  // namespace callisto::detail
