#include "api/conversation_run.h"

#include <algorithm>
#include <utility>

#include "api/conversation_request.h"

namespace callisto::detail {

namespace {

namespace core = indexes::query;
namespace fb = schema::fb;
using schema::IndexId;

constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kPositionBytes = kTimeBytes + std::tuple_size_v<UuidBytes>;

/// Reads entries of every index of conversations.
class ConversationJudge final : public core::Judge {
 public:
  ConversationJudge(ReadContext& context, const ConversationQuery& asked, const core::Plan& plan,
                    core::Meter& meter)
      : context_(context),
        asked_(asked),
        meter_(meter),
        filter_(asked, context.state()),
        is_by_activity_(plan.driver.index == IndexId::conversation_by_activity),
        needs_tail_(!is_by_activity_ && (asked.order == ConversationOrder::activity ||
                                         asked.activity.from || asked.activity.to)),
        is_exact_(!plan.needs_records && !plan.is_told_by_hashes && plan.probed.empty() &&
                  context.state().is_idle()) {}

  Result<void> look(const core::ListCursor& entry) override {
    if (!read(entry.position(), entry.value())) return damaged("index entries", entry.key());
    if (!needs_tail_ || !filter_.admits_created(created_at_)) return {};
    meter_.records_fetched(1);
    auto tail = fetch_conversation_tail(context_.reader(), context_.space(), id());
    if (!tail) return std::move(tail).error();
    if (!*tail) return damaged("conversations", record_key());
    activity_at_ = (*tail)->activity_at();
    return {};
  }

  bool admits() const override {
    return filter_.admits_created(created_at_) &&
           (!(needs_tail_ || is_by_activity_) || filter_.admits_activity(activity_at_));
  }
  std::string_view position() const override { return position_; }

  void append_place(std::string& place) const override {
    if (asked_.order == ConversationOrder::activity) {
      place.append(conversation_place(activity_at_, id()));
    } else {
      place.append(position_);
    }
  }
  std::string record_key() const override {
    return schema::conversation_key(context_.space(), id());
  }

  bool peek(const kv::ListEntry* entry, std::array<Bytes, kv::HintRef::kPlaces>& rows) override {
    kv::Reader& reader = context_.reader();
    if (reader.peek(entry, kHeaderPlace, rows[kHeaderPlace]) &&
        reader.peek(entry, kTailPlace, rows[kTailPlace])) {
      return true;
    }
    rows[kHeaderPlace] = Bytes();
    return false;
  }

  Result<void> check(std::span<core::Found> found, std::vector<char>& matches) override {
    return fetch(found, [&](std::size_t i, ConversationRows&& rows) {
      matches[i] = 1;
      found[i].rows[kHeaderPlace] = std::move(rows.header);
      found[i].rows[kTailPlace] = std::move(rows.tail_row);
    });
  }
  Result<std::size_t> take(std::span<core::Found> found) override {
    const std::size_t before = rows_.size();
    if (before == 0) rows_.reserve(found.size());
    CALLISTO_TRY(fetch(
        found, [&](std::size_t, ConversationRows&& rows) { rows_.push_back(std::move(rows)); }));
    return rows_.size() - before;
  }

  std::vector<ConversationRows> take_rows() && { return std::move(rows_); }

 private:
  bool read(std::string_view position, std::string_view value) {
    if (position.size() != kPositionBytes) return false;
    schema::KeyReader reader(position);
    created_at_ = place_time_ = reader.time_down();
    position_ = driver_position_ = position;
    if (!is_by_activity_) return true;
    activity_at_ = created_at_;
    const auto created_at = schema::take_created(value, activity_at_);
    if (!created_at) return false;
    created_at_ = *created_at;
    common_position_ = conversation_place(created_at_, id());
    position_ = common_position_;
    return true;
  }

  /// Of the entry that was read last.
  ConversationId id() const {
    schema::KeyReader reader(driver_position_.substr(kTimeBytes));
    return reader.id_at<ConversationId>(place_time_);
  }

  /// Calls each(i, rows) for the conversations that match. Every entry has its header and its tail.
  template <class Each>
  Result<void> fetch(std::span<core::Found> found, Each&& each) {
    meter_.records_fetched(found.size());
    std::vector<std::string> keys;
    std::vector<ConversationId> ids;
    std::vector<kv::HintRef> hints;
    for (const core::Found& one : found) {
      if (one.rows[kHeaderPlace]) continue;
      keys.push_back(one.key);
      ids.push_back(schema::KeyReader(std::string_view(one.key).substr(schema::kKeyHeadBytes))
                        .id<ConversationId>());
      hints.push_back(one.hints);
    }
    auto headers = fetch_rows<fb::Conversation>(context_.reader(), keys, hints);
    if (!headers) return std::move(headers).error();
    auto tails = fetch_tails(context_, ids, hints);
    if (!tails) return std::move(tails).error();
    std::size_t next = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const bool is_known = static_cast<bool>(found[i].rows[kHeaderPlace]);
      auto rows = is_known ? known_rows(found[i])
                           : fetched_rows(found[i], (*headers)[next], (*tails)[next]);
      if (!is_known) ++next;
      if (!rows) return std::move(rows).error();
      if (is_exact_ || filter_.matches(*schema::root<fb::Conversation>(rows->header), rows->tail)) {
        each(i, std::move(*rows));
      }
    }
    return {};
  }

  Result<ConversationRows> known_rows(core::Found& found) const {
    const auto* header = schema::root<fb::Conversation>(found.rows[kHeaderPlace]);
    auto tail = tail_row(context_.space(), schema::from_fb<ConversationId>(&header->stamp()->id()),
                         std::move(found.rows[kTailPlace]));
    if (!tail) return std::move(tail).error();
    return ConversationRows{std::move(found.rows[kHeaderPlace]), tail->tail, std::move(tail->row)};
  }
  static Result<ConversationRows> fetched_rows(const core::Found& found, Bytes& header,
                                               TailRow& tail) {
    if (!header) return damaged("conversations", found.key);
    return ConversationRows{std::move(header), tail.tail, std::move(tail.row)};
  }

  ReadContext& context_;
  const ConversationQuery& asked_;
  core::Meter& meter_;
  const ConversationFilter filter_;
  const bool is_by_activity_;
  const bool needs_tail_;
  const bool is_exact_;  // entries and lists leave nothing for the records to decide
  std::vector<ConversationRows> rows_;

  // The entry that is looked at.
  std::string_view driver_position_;
  std::int64_t place_time_ = 0;  // what the id lies behind
  std::string_view position_;
  std::string common_position_;
  std::int64_t created_at_ = 0;
  std::int64_t activity_at_ = 0;
};

/// Whether a list that every row must be in is of nobody: nil, gone or merged away.
bool is_empty(const core::Request& request) {
  return std::any_of(request.all.begin(), request.all.end(),
                     [](const core::Condition& condition) { return condition.list.parts.empty(); });
}

/// What the tail tells, because a list drives that is not in the order of activity.
void tell_of_tails(const ConversationQuery& query, core::Plan& plan) {
  const bool is_asked =
      query.activity.from || query.activity.to || query.order == ConversationOrder::activity;
  if (plan.driver.index == IndexId::conversation_by_activity || !is_asked) return;
  plan.steps.push_back({"activity", core::Use::on_record, std::nullopt, std::nullopt});
}

}  // namespace

Result<FoundConversations> run_query(ReadContext& context, const ConversationQuery& query,
                                     const ConversationLimits& limits, QueryPlan* explained) {
  auto request = conversation_request(query, context.state(), limits.limit);
  if (is_empty(request)) return FoundConversations();
  core::Meter meter = meter_for(context, query.max_scanned);
  const auto make_plan = [&](bool is_sure) -> Result<core::Plan> {
    if (is_sure) request = conversation_request(query, context.state(), limits.limit);
    request.is_sure = is_sure;
    request.wants_estimates = explained != nullptr;
    auto plan = plan_for(context, std::move(request));
    if (plan) tell_of_tails(query, *plan);
    return plan;
  };
  const auto make_judge = [&](const core::Plan& plan) {
    return ConversationJudge(context, query, plan, meter);
  };
  return run_plans<FoundConversations>(
      context, meter, {limits.limit, limits.after, limits.wants_more, query.oldest_first},
      make_plan, make_judge, explained);
}

Result<std::uint64_t> count_rows(ReadContext& context, const ConversationQuery& query) {
  auto request = conversation_request(query, context.state(), 0);
  if (is_empty(request)) return std::uint64_t{0};
  auto plan = plan_for(context, std::move(request));
  if (!plan) return std::move(plan).error();
  core::Meter meter = meter_for(context, query.max_scanned);
  ConversationJudge judge(context, query, *plan, meter);
  return core::Run(context.reader(), *plan, judge, meter).count();
}

}  // namespace callisto::detail
