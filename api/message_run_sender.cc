// Queries on what a user sent, over all conversations: its messages are merged in the order of
// time, and entries decide the rest.

#include <algorithm>
#include <limits>
#include <utility>

#include "api/conversation_rows.h"
#include "api/message_run.h"
#include "api/sender_merge.h"
#include "indexes/query/best.h"

namespace callisto::detail {

namespace {

using indexes::query::Meter;

constexpr std::uint64_t kLastSequence = std::numeric_limits<std::uint64_t>::max();

/// A message, and its place in the order asked for.
struct Ranked {
  std::string place;
  MessagePlaceParts parts;
};

class SenderRun {
 public:
  SenderRun(ReadContext& context, const MessageQuery& query, const MessageLimits* limits,
            Meter& meter)
      : context_(context),
        query_(query),
        limits_(limits),
        meter_(meter),
        filter_(query),
        is_ordered_(query.order == MessageOrder::time),
        merge_(context, *query.sender, query.oldest_first, meter, start()) {}

  Result<MessageAnswer> run() {
    CALLISTO_TRY(merge_.open());
    MessageAnswer answer;
    if (limits_ == nullptr) {
      CALLISTO_TRY(for_each_match([&](const MessagePlaceParts&) {
        ++answer.count;
        return true;
      }));
      return answer;
    }
    const std::size_t wanted = limits_->limit + (limits_->wants_more ? 1 : 0);
    auto sent = is_ordered_ ? take_first(wanted) : take_best(wanted);
    if (!sent) return std::move(sent).error();
    const bool has_more = sent->size() > limits_->limit;
    if (has_more) sent->pop_back();
    if (has_more) answer.found.end = sent->back();
    CALLISTO_TRY(fetch(*sent, answer.found.rows));
    return answer;
  }

 private:
  /// Where the order of time lets it begin: behind the page before, or at the end of the range.
  std::optional<MessageAt> start() const {
    if (is_ordered_ && limits_ != nullptr && limits_->after) return limits_->after->at;
    if (!query_.oldest_first && query_.time.to) {
      return MessageAt{ConversationId(), {query_.time.to->micros(), 0}};
    }
    if (query_.oldest_first && query_.time.from &&
        query_.time.from->micros() > std::numeric_limits<std::int64_t>::min()) {
      UuidBytes last{};
      last.fill(0xFF);
      return MessageAt{ConversationId(last), {query_.time.from->micros() - 1, kLastSequence}};
    }
    return std::nullopt;
  }

  /// Whether nothing further can be in the range.
  bool is_beyond(std::int64_t timestamp) const {
    return query_.oldest_first ? query_.time.to && timestamp >= query_.time.to->micros()
                               : query_.time.from && timestamp < query_.time.from->micros();
  }

  /// Calls each(place) for what matches, in the order of time, until it answers false.
  template <class Each>
  Result<void> for_each_match(Each&& each) {
    while (true) {
      auto sent = merge_.next();
      if (!sent) return std::move(sent).error();
      if (!*sent || is_beyond((*sent)->at.order.timestamp)) return {};
      const MessageAt& at = (*sent)->at;
      if (!filter_.admits_time(at.order.timestamp)) continue;
      const auto cover = schema::decode_message_cover((*sent)->cover);
      if (!cover) return damaged("message_by_sender", message_key(context_.space(), at));
      if (filter_.admits(*cover) && !each(MessagePlaceParts{at, cover->importance})) return {};
    }
  }

  using Places = std::vector<MessagePlaceParts>;

  /// Whether only the row that tells that there is one more is missing.
  bool is_whole(const Places& sent) const {
    return limits_->wants_more && limits_->limit > 0 && sent.size() == limits_->limit;
  }

  Result<Places> take_first(std::size_t wanted) {
    Places sent;
    auto done = for_each_match([&](const MessagePlaceParts& place) {
      sent.push_back(place);
      return sent.size() < wanted;
    });
    if (!done && done.error().code() == Code::scan_limit_exceeded && is_whole(sent)) {
      sent.push_back(sent.back());  // the page is whole; what follows is for the next call to find
      return sent;
    }
    if (!done) return std::move(done).error();
    return sent;
  }

  Result<Places> take_best(std::size_t wanted) {
    std::string after;
    if (limits_->after) after = place_among_all(*limits_->after, query_.order);
    indexes::query::Best<Ranked> best(wanted, !query_.oldest_first);
    CALLISTO_TRY(for_each_match([&](const MessagePlaceParts& parts) {
      Ranked one{place_among_all(parts, query_.order), parts};
      if (after.empty() || best.is_before(after, one.place)) best.add(std::move(one));
      return true;
    }));
    Places sent;
    for (const Ranked& one : std::move(best).take()) sent.push_back(one.parts);
    return sent;
  }

  /// The records of messages, a chunk at a time.
  Result<void> fetch(std::span<const MessagePlaceParts> sent, std::vector<Bytes>& rows) {
    meter_.records_fetched(sent.size());
    while (!sent.empty()) {
      std::vector<std::string> keys;
      for (const MessagePlaceParts& one : sent.first(std::min(sent.size(), kFetchChunk))) {
        keys.push_back(message_key(context_.space(), one.at));
      }
      sent = sent.subspan(keys.size());
      auto fetched = fetch_records(context_, keys);
      if (!fetched) return std::move(fetched).error();
      for (Bytes& row : *fetched) rows.push_back(std::move(row));
    }
    return {};
  }

  ReadContext& context_;
  const MessageQuery& query_;
  const MessageLimits* limits_;
  Meter& meter_;
  const MessageFilter filter_;
  const bool is_ordered_;
  SenderMerge merge_;
};

indexes::query::Plan plan_of(const MessageQuery& query) {
  using indexes::query::Use;
  indexes::query::Plan plan;
  plan.is_ordered = query.order == MessageOrder::time;
  const auto step = [&](bool is_asked, const char* name, Use use,
                        std::optional<schema::IndexId> index) {
    if (is_asked) plan.steps.push_back({name, use, index, std::nullopt});
  };
  step(true, "sender", Use::drives, schema::IndexId::message_by_sender);
  step(query.time.from || query.time.to, "time", Use::on_entry, std::nullopt);
  step(query.role.has_value(), "role", Use::on_entry, std::nullopt);
  step(query.agent.has_value(), "agent", Use::on_entry, std::nullopt);
  step(query.state.has_value(), "state", Use::on_entry, std::nullopt);
  step(query.min_importance || query.max_importance, "importance", Use::on_entry, std::nullopt);
  return plan;
}

}  // namespace

Result<MessageAnswer> run_by_sender(ReadContext& context, const MessageQuery& query,
                                    const MessageLimits* limits, QueryPlan* explained) {
  Meter meter = meter_for(context, query.max_scanned);
  auto answer = SenderRun(context, query, limits, meter).run();
  if (answer && explained != nullptr) {
    *explained = explanation_of(plan_of(query), meter, answer->found.rows.size());
  }
  return answer;
}

}  // namespace callisto::detail
