// Queries on what a user sent, over all conversations: its messages are merged in the order of
// time, and entries decide the rest.

#include <algorithm>
#include <limits>
#include <utility>

#include "api/conversation_rows.h"
#include "api/message_run.h"
#include "api/sender_merge.h"

namespace callisto::detail {

namespace {

using indexes::query::Meter;

constexpr std::uint64_t kLastSequence = std::numeric_limits<std::uint64_t>::max();

/// The first `limit` of what comes in any order.
class BestSent {
 public:
  BestSent(std::size_t limit, const MessageQuery& query, const MessageLimits& limits)
      : limit_(limit), order_(query.order), before_{query.oldest_first} {
    if (limits.after) after_ = place_among_all(*limits.after, order_);
  }

  void add(const MessagePlaceParts& parts) {
    Ranked one{place_among_all(parts, order_), parts};
    if (after_ && !before_.places(*after_, one.place)) return;
    if (heap_.size() == limit_ && !before_(one, heap_.front())) return;
    heap_.push_back(std::move(one));
    std::push_heap(heap_.begin(), heap_.end(), before_);
    if (heap_.size() <= limit_) return;
    std::pop_heap(heap_.begin(), heap_.end(), before_);
    heap_.pop_back();
  }
  std::vector<MessagePlaceParts> take() && {
    std::sort_heap(heap_.begin(), heap_.end(), before_);
    std::vector<MessagePlaceParts> sent;
    sent.reserve(heap_.size());
    for (const Ranked& one : heap_) sent.push_back(one.parts);
    return sent;
  }

 private:
  struct Ranked {
    std::string place;
    MessagePlaceParts parts;
  };
  struct Before {
    bool oldest_first;
    bool places(const std::string& a, const std::string& b) const {
      return oldest_first ? a < b : b < a;
    }
    bool operator()(const Ranked& a, const Ranked& b) const { return places(a.place, b.place); }
  };
  const std::size_t limit_;
  const MessageOrder order_;
  const Before before_;
  std::optional<std::string> after_;
  std::vector<Ranked> heap_;  // the last one on top
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
        merge_(context, *query.sender, query.oldest_first, start()) {}

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
      CALLISTO_TRY(meter_.key_read());
      const MessageAt& at = (*sent)->at;
      if (!filter_.admits_time(at.order.timestamp)) continue;
      const auto cover = schema::decode_message_cover((*sent)->cover);
      if (!cover) return damaged("message_by_sender", message_key(context_.space(), at));
      if (filter_.admits(*cover) && !each(MessagePlaceParts{at, cover->importance})) return {};
    }
  }

  using Places = std::vector<MessagePlaceParts>;

  Result<Places> take_first(std::size_t wanted) {
    Places sent;
    CALLISTO_TRY(for_each_match([&](const MessagePlaceParts& place) {
      sent.push_back(place);
      return sent.size() < wanted;
    }));
    return sent;
  }

  Result<Places> take_best(std::size_t wanted) {
    BestSent best(wanted, query_, *limits_);
    CALLISTO_TRY(for_each_match([&](const MessagePlaceParts& place) {
      best.add(place);
      return true;
    }));
    return std::move(best).take();
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
