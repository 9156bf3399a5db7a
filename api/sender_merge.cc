#include "api/sender_merge.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "api/conversation_rows.h"
#include "indexes/index_keys.h"

namespace callisto::detail {

namespace fb = schema::fb;

namespace {

/// Entries that a conversation gives at once after its first.
constexpr std::size_t kRun = 64;

}  // namespace

/// Equal times are told apart by conversation, then by number: as entries by time lie.
struct SenderMerge::IsLater {
  bool oldest_first;

  bool operator()(const Head& a, const Head& b) const {
    const auto place = [](const Head& head) {
      return std::tie(head.order().timestamp, head.conversation, head.order().sequence);
    };
    return oldest_first ? place(b) < place(a) : place(a) < place(b);
  }
};

Result<void> SenderMerge::open() {
  const auto version = require_version(context_, schema::IndexId::conversation_by_participant);
  if (!version) return version.error();
  CALLISTO_TRY(require_index(context_.state(), schema::IndexId::message_by_sender));
  std::vector<ConversationId> ids;
  for (const UserId& user : context_.state().ids_of(user_)) {
    const std::string prefix = indexes::in_version(
        indexes::conversation_by_participant_prefix(context_.space(), user), *version);
    CALLISTO_TRY(for_each_prefix(context_.reader(), kv::Family::indexes, prefix, false,
                                 [&](std::string_view key, std::string_view) -> Result<bool> {
                                   if (auto read = meter_.key_read(); !read) return read.error();
                                   const auto tail = indexes::parse_created_tail(key);
                                   if (!tail) return damaged("conversation_by_participant", key);
                                   ids.push_back(tail->as<ConversationId>());
                                   return true;
                                 }));
  }
  // A merge can have made two participants one.
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return take_in(ids);
}

std::optional<schema::MessageOrder> SenderMerge::start_in(
    const ConversationId& conversation) const {
  if (!after_) return std::nullopt;
  if (after_->conversation == conversation) return after_->order;
  // At the same time, conversations with a lower id come before.
  constexpr std::uint64_t kAllOfThem = std::numeric_limits<std::uint64_t>::max();
  return schema::MessageOrder{after_->order.timestamp,
                              conversation < after_->conversation ? kAllOfThem : 0};
}

Result<void> SenderMerge::take_in(std::vector<ConversationId>& ids) {
  constexpr auto kTime = std::numeric_limits<std::int64_t>::min();
  for (std::span<const ConversationId> rest = ids; !rest.empty();) {
    const auto chunk = rest.first(std::min(rest.size(), kFetchChunk));
    rest = rest.subspan(chunk.size());
    auto tails = fetch_tails(context_, chunk);
    if (!tails) return std::move(tails).error();
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      CALLISTO_TRY(meter_.key_read());
      const schema::ConversationTail& tail = (*tails)[i].tail;
      if (tail.message_count == 0) continue;
      // Where the oldest message lies is not known before it is looked for.
      schema::MessageOrder bound = oldest_first_
                                       ? schema::MessageOrder{kTime, 0}
                                       : schema::MessageOrder{tail.last_message_at, kMaxSequence};
      if (after_ && !oldest_first_) {
        bound.timestamp = std::min(bound.timestamp, after_->order.timestamp);
      }
      push({chunk[i], std::nullopt, {{bound}}, 0});
    }
  }
  return {};
}

void SenderMerge::push(Head head) {
  heap_.push_back(std::move(head));
  std::push_heap(heap_.begin(), heap_.end(), IsLater{oldest_first_});
}

SenderMerge::Head SenderMerge::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), IsLater{oldest_first_});
  Head head = std::move(heap_.back());
  heap_.pop_back();
  return head;
}

Result<std::optional<SentMessage>> SenderMerge::next() {
  while (!heap_.empty()) {
    Head head = pop();
    if (!head.slot) {
      CALLISTO_TRY(look_into(head.conversation));
      continue;
    }
    SentMessage found{{head.conversation, head.order()}, std::move(head.run[head.at].cover)};
    if (++head.at < head.run.size()) {
      push(std::move(head));
    } else {
      CALLISTO_TRY(refill(std::move(head), found.at.order, kRun));
    }
    return std::optional<SentMessage>(std::move(found));
  }
  return std::optional<SentMessage>();
}

Result<void> SenderMerge::look_into(const ConversationId& conversation) {
  CALLISTO_TRY(meter_.key_read());
  const std::string key = schema::conversation_key(context_.space(), conversation);
  auto header = fetch<fb::Conversation>(context_.reader(), key);
  if (!header) return std::move(header).error();
  if (!*header) return damaged("conversations", key);
  for (std::uint16_t slot :
       slots_of(context_.state(), *schema::root<fb::Conversation>(**header), user_)) {
    CALLISTO_TRY(refill({conversation, slot, {}, 0}, start_in(conversation), 1));
  }
  return {};
}

Result<void> SenderMerge::refill(Head head, std::optional<schema::MessageOrder> after,
                                 std::size_t count) {
  const std::string prefix =
      schema::message_sender_prefix(context_.space(), head.conversation, *head.slot);
  KeyRange range{prefix, schema::prefix_end(prefix)};
  if (after) {
    const std::string key =
        schema::message_sender_key(context_.space(), head.conversation, *head.slot, *after);
    (oldest_first_ ? range.upper : range.lower) = oldest_first_ ? key : key + '\0';
  }
  head.run.clear();
  head.at = 0;
  CALLISTO_TRY(for_each(context_.reader(), kv::Family::messages, range.lower, range.upper,
                        oldest_first_,
                        [&](std::string_view key, std::string_view value) -> Result<bool> {
                          if (auto read = meter_.key_read(); !read) return read.error();
                          const auto parsed = schema::parse_message_key(key);
                          if (!parsed) return damaged("message_by_sender", key);
                          head.run.push_back({parsed->order, std::string(value)});
                          return head.run.size() < count;
                        }));
  if (!head.run.empty()) push(std::move(head));
  return {};
}

}  // namespace callisto::detail
