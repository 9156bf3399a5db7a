// Queries on what a user sent, over all conversations: its messages are merged in the order of
// time, and records decide the rest.

#include <algorithm>
#include <limits>
#include <utility>

#include "api/conversation_rows.h"
#include "api/message_run.h"
#include "api/sender_merge.h"

namespace callisto::detail {

namespace {

namespace fb = schema::fb;
using indexes::query::Meter;

constexpr std::uint64_t kLastSequence = std::numeric_limits<std::uint64_t>::max();

/// A message that matches. Its record is there where it was fetched to decide.
struct Sent {
  MessagePlaceParts place;
  std::optional<Bytes> row;
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
        needs_record_(filter_.needs_fields() || query.min_importance || query.max_importance ||
                      (limits != nullptr && !is_ordered_)),
        merge_(context, *query.sender, query.oldest_first, start()) {}

  Result<MessageAnswer> run() {
    CALLISTO_TRY(merge_.open());
    MessageAnswer answer;
    if (limits_ == nullptr) {
      CALLISTO_TRY(for_each_match(kFetchChunk, [&](Sent&&) {
        ++answer.count;
        return true;
      }));
      return answer;
    }
    const std::size_t wanted = limits_->limit + (limits_->wants_more ? 1 : 0);
    std::vector<Sent> sent;
    CALLISTO_TRY(is_ordered_ ? take_first(wanted, sent) : take_best(wanted, sent));
    const bool has_more = sent.size() > limits_->limit;
    if (has_more) sent.pop_back();
    if (has_more) answer.found.end = sent.back().place;
    CALLISTO_TRY(take_rows(sent, answer.found.rows));
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

  /// Calls each(Sent&&) for what matches, in the order of time, until it answers false. Records
  /// that must decide are fetched `chunk` at a time.
  template <class Each>
  Result<void> for_each_match(std::size_t chunk, Each&& each) {
    std::vector<MessageAt> pending;
    while (true) {
      auto at = merge_.next();
      if (!at) return std::move(at).error();
      const bool is_end = !*at || is_beyond((*at)->order.timestamp);
      if (!is_end) {
        CALLISTO_TRY(meter_.key_read());
        if (!filter_.admits_time((*at)->order.timestamp)) continue;
        pending.push_back(**at);
      }
      if (!is_end && needs_record_ && pending.size() < chunk) continue;
      auto goes_on = decide(pending, each);
      if (!goes_on) return std::move(goes_on).error();
      if (is_end || !*goes_on) return {};
      pending.clear();
    }
  }

  template <class Each>
  Result<bool> decide(const std::vector<MessageAt>& pending, Each&& each) {
    std::vector<Bytes> rows;
    if (needs_record_) {
      auto fetched = fetch(pending);
      if (!fetched) return std::move(fetched).error();
      rows = std::move(*fetched);
    }
    for (std::size_t i = 0; i < pending.size(); ++i) {
      Sent sent{{pending[i], 0}, std::nullopt};
      if (needs_record_) {
        const auto& message = *schema::root<fb::Message>(rows[i]);
        if (!filter_.matches(message)) continue;
        sent.place.importance = message.importance();
        sent.row = std::move(rows[i]);
      }
      if (!each(std::move(sent))) return false;
    }
    return true;
  }

  Result<std::vector<Bytes>> fetch(std::span<const MessageAt> places) {
    std::vector<std::string> keys;
    for (const MessageAt& at : places) keys.push_back(message_key(context_.space(), at));
    meter_.records_fetched(keys.size());
    return fetch_records(context_, keys);
  }

  Result<void> take_first(std::size_t wanted, std::vector<Sent>& sent) {
    return for_each_match(std::min(wanted, kFetchChunk), [&](Sent&& one) {
      sent.push_back(std::move(one));
      return sent.size() < wanted;
    });
  }

  /// Into a heap of the best, with the last of them on top.
  Result<void> take_best(std::size_t wanted, std::vector<Sent>& best) {
    const auto place = [](const Sent& one) {
      return place_among_all(one.place, MessageOrder::importance);
    };
    const auto is_before = [&](const std::string& a, const std::string& b) {
      return query_.oldest_first ? a < b : b < a;
    };
    const auto before = [&](const Sent& a, const Sent& b) { return is_before(place(a), place(b)); };
    std::optional<std::string> after;
    if (limits_->after) after = place_among_all(*limits_->after, MessageOrder::importance);
    CALLISTO_TRY(for_each_match(kFetchChunk, [&](Sent&& one) {
      if (after && !is_before(*after, place(one))) return true;
      if (best.size() == wanted && !before(one, best.front())) return true;
      best.push_back(std::move(one));
      std::push_heap(best.begin(), best.end(), before);
      if (best.size() > wanted) {
        std::pop_heap(best.begin(), best.end(), before);
        best.pop_back();
      }
      return true;
    }));
    std::sort_heap(best.begin(), best.end(), before);
    return {};
  }

  Result<void> take_rows(std::vector<Sent>& sent, std::vector<Bytes>& rows) {
    if (needs_record_) {
      for (Sent& one : sent) rows.push_back(std::move(*one.row));
      return {};
    }
    std::vector<MessageAt> places;
    for (const Sent& one : sent) places.push_back(one.place.at);
    for (std::span<const MessageAt> rest = places; !rest.empty();) {
      const auto chunk = rest.first(std::min(rest.size(), kFetchChunk));
      rest = rest.subspan(chunk.size());
      auto fetched = fetch(chunk);
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
  const bool needs_record_;
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
  step(query.role.has_value(), "role", Use::on_record, std::nullopt);
  step(query.agent.has_value(), "agent", Use::on_record, std::nullopt);
  step(query.state.has_value(), "state", Use::on_record, std::nullopt);
  step(query.min_importance || query.max_importance, "importance", Use::on_record, std::nullopt);
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
