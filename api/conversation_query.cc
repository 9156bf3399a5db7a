// Reading of conversations.

#include <algorithm>
#include <utility>

#include "api/conversation_drive.h"
#include "api/conversation_rows.h"
#include "api/message_rows.h"
#include "callisto/conversation.h"
#include "indexes/index_keys.h"

namespace callisto {

using detail::ConversationRows;
using detail::ReadContext;
namespace fb = schema::fb;

namespace {

/// Entries that one query reads at most.
constexpr std::uint64_t kMaxScannedEntries = 1'000'000;

Conversation view_of(const ReadContext& context, const ConversationRows& rows) {
  return detail::ViewAccess::conversation(rows.header, detail::tail_bytes(rows.tail),
                                          context.state());
}

/// A conversation's place in an order. It rises as the keys of the newest-first indexes do, so that
/// a sorted list and a scanned one agree, also where times are equal.
struct Place {
  std::int64_t time = 0;
  ConversationId id{};

  bool is_before(const Place& other, bool oldest_first) const {
    if (oldest_first) return time != other.time ? time < other.time : other.id < id;
    return time != other.time ? other.time < time : id < other.id;
  }
};

struct Found {
  Place place;
  ConversationRows rows;
};

struct IsBefore {
  bool oldest_first;

  bool operator()(const Found& a, const Found& b) const {
    return a.place.is_before(b.place, oldest_first);
  }
};

/// Runs a query over its driving index: tails first, then headers of what they admit.
class ConversationScan {
 public:
  ConversationScan(ReadContext& context, const ConversationQuery& query, std::size_t limit)
      : context_(context),
        query_(query),
        limit_(limit),
        filter_(query, context.state()),
        drive_(detail::choose_drive(query, context.state())),
        is_ordered_(drive_.order == query.order),
        before_{query.oldest_first} {}

  Result<std::vector<Conversation>> run() {
    CALLISTO_TRY(detail::require_index(context_.state(), drive_.index));
    const bool reverse = is_ordered_ && query_.oldest_first != drive_.is_ascending;
    CALLISTO_TRY(detail::for_each_merged(
        context_.reader(), kv::Family::indexes, drive_.ranges, drive_.skip, reverse,
        [this](const detail::RangeEntry& entry) { return visit(entry); }));
    CALLISTO_TRY(fetch_pending());
    if (!is_ordered_) std::sort_heap(found_.begin(), found_.end(), before_);
    std::vector<Conversation> views;
    views.reserve(found_.size());
    for (const Found& found : found_) views.push_back(view_of(context_, found.rows));
    return views;
  }

 private:
  /// False when there is enough.
  Result<bool> visit(const detail::RangeEntry& entry) {
    if (++scanned_ > kMaxScannedEntries) {
      return Error(Code::limit_exceeded, "query", "at most 1,000,000 index entries read");
    }
    const auto tail = drive_.is_ascending ? indexes::parse_time_tail(entry.key)
                                          : indexes::parse_created_tail(entry.key);
    if (!tail) return detail::damaged("conversations", entry.key);
    const auto id = tail->as<ConversationId>();
    // A user and one merged into it can both take part: their entries lie at one place.
    if (id == last_) return true;
    last_ = id;
    pending_.push_back(id);
    if (pending_.size() < chunk()) return true;
    CALLISTO_TRY(fetch_pending());
    return !is_ordered_ || found_.size() < limit_;
  }

  std::size_t chunk() const {
    return is_ordered_ ? std::min(limit_ - found_.size(), detail::kFetchChunk)
                       : detail::kFetchChunk;
  }

  Result<void> fetch_pending() {
    auto tails = detail::fetch_tails(context_, pending_);
    if (!tails) return std::move(tails).error();
    std::vector<std::size_t> wanted;
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      if (!filter_.admits((*tails)[i]) || !is_wanted(place_of(i, (*tails)[i]))) continue;
      wanted.push_back(i);
      keys.push_back(schema::conversation_key(context_.space(), pending_[i]));
    }
    auto headers = detail::fetch_many<fb::Conversation>(context_.reader(), keys);
    if (!headers) return std::move(headers).error();
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      const std::size_t i = wanted[k];
      std::optional<Bytes>& header = (*headers)[k];
      if (!header) return detail::damaged("conversations", keys[k]);
      if (!filter_.matches(*schema::root<fb::Conversation>(*header))) continue;
      keep({place_of(i, (*tails)[i]), {std::move(*header), (*tails)[i]}});
    }
    pending_.clear();
    return {};
  }

  Place place_of(std::size_t i, const schema::ConversationTail& tail) const {
    const bool by_activity = query_.order == ConversationOrder::activity;
    return {by_activity ? tail.activity_at() : tail.created_at, pending_[i]};
  }

  bool is_wanted(const Place& place) const {
    return is_ordered_ || found_.size() < limit_ ||
           place.is_before(found_.front().place, query_.oldest_first);
  }

  /// In order: to the end. Else into a heap of the best, with the last of them on top.
  void keep(Found found) {
    if (!is_wanted(found.place)) return;
    found_.push_back(std::move(found));
    if (is_ordered_) return;
    std::push_heap(found_.begin(), found_.end(), before_);
    if (found_.size() <= limit_) return;
    std::pop_heap(found_.begin(), found_.end(), before_);
    found_.pop_back();
  }

  ReadContext& context_;
  const ConversationQuery& query_;
  const std::size_t limit_;
  const detail::ConversationFilter filter_;
  const detail::ConversationDrive drive_;
  const bool is_ordered_;
  const IsBefore before_;
  std::uint64_t scanned_ = 0;
  ConversationId last_;
  std::vector<ConversationId> pending_;
  std::vector<Found> found_;
};

Result<void> check_query(const ConversationQuery& query) {
  if (query.type) CALLISTO_TRY(schema::check_text(*query.type, "type", detail::kMaxType));
  CALLISTO_TRY(detail::check_range(query.created, "created"));
  CALLISTO_TRY(detail::check_range(query.activity, "activity"));
  if (query.order > ConversationOrder::activity) {
    return Error(Code::invalid_argument, "order", "created or activity");
  }
  return {};
}

Result<std::optional<WholeConversation>> read_whole(ReadContext& context,
                                                    const ConversationId& id) {
  auto rows = detail::fetch_conversation(context, id);
  if (!rows) return std::move(rows).error();
  if (!*rows) return std::optional<WholeConversation>();
  std::vector<Bytes> records;
  CALLISTO_TRY(detail::for_each_prefix(
      context.reader(), kv::Family::messages,
      schema::message_range(context.space(), id, schema::MessagePart::record), true,
      [&](std::string_view key, std::string_view value) -> Result<bool> {
        auto record = detail::take_row<fb::Message>(key, value);
        if (!record) return std::move(record).error();
        records.push_back(std::move(*record));
        return true;
      }));
  auto messages = detail::message_views(context, records);
  if (!messages) return std::move(messages).error();
  return std::optional<WholeConversation>({view_of(context, **rows), std::move(*messages)});
}

}  // namespace

Result<std::optional<Conversation>> Conversations::get(ConversationId id) const {
  return detail::read<std::optional<Conversation>>(
      *scope_, [&](ReadContext& context) -> Result<std::optional<Conversation>> {
        auto rows = detail::fetch_conversation(context, id);
        if (!rows) return std::move(rows).error();
        if (!*rows) return std::optional<Conversation>();
        return std::optional<Conversation>(view_of(context, **rows));
      });
}

Result<std::optional<WholeConversation>> Conversations::whole(ConversationId id) const {
  return detail::read<std::optional<WholeConversation>>(
      *scope_, [&](ReadContext& context) { return read_whole(context, id); });
}

Result<std::vector<Conversation>> Conversations::find(const ConversationQuery& query) const {
  CALLISTO_TRY(check_query(query));
  const auto limit = detail::check_limit(query.limit);
  if (!limit) return limit.error();
  return detail::read<std::vector<Conversation>>(*scope_, [&](ReadContext& context) {
    return ConversationScan(context, query, *limit).run();
  });
}

Result<std::vector<Conversation>> Conversations::of_user(UserId user, std::uint32_t limit,
                                                         std::optional<bool> processed) const {
  ConversationQuery query;
  query.participant = user;
  query.is_processed = processed;
  query.limit = limit;
  return find(query);
}

Result<std::vector<Conversation>> Conversations::unprocessed(std::uint32_t limit) const {
  ConversationQuery query;
  query.is_processed = false;
  query.oldest_first = true;
  query.limit = limit;
  return find(query);
}

}  // namespace callisto
