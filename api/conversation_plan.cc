#include "api/conversation_plan.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "api/conversation_rows.h"

namespace callisto::detail {

namespace fb = schema::fb;

namespace {

/// What a message costs beside its texts: the fixed part of the record, its keys and entries.
constexpr std::size_t kMessageBytes = 800;
/// The same for a header, and for each participant.
constexpr std::size_t kHeaderBytes = 2000;
constexpr std::size_t kParticipantBytes = 160;
/// Well below the limits of a transaction: a message has at most five keys, a header one for each
/// participant and a few.
constexpr std::size_t kWholeBytes = 6u << 20;
constexpr std::size_t kWholeMessages = 1500;
static_assert(kWholeMessages * 5 + kMaxParticipants + 100 < kv::kMaxTransactionKeys);

std::size_t header_bytes(const NewConversation& conversation) {
  return kHeaderBytes + conversation.title.size() + conversation.recap.size() +
         conversation.summary.size() + conversation.metadata.size() +
         conversation.participants.size() * kParticipantBytes;
}

}  // namespace

Error in_message(const Error& error, std::size_t i) {
  return error.in("messages[" + std::to_string(i) + "].");
}

Result<void> ConversationPlan::check() {
  auto header = conversation_fields(conversation_);
  if (!header) return std::move(header).error();
  header_ = std::move(*header);
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    if (auto checked = check_message(messages_[i]); !checked) return in_message(checked.error(), i);
  }
  places_.assign(messages_.size(), Place{});
  CALLISTO_TRY(check_ids());
  CALLISTO_TRY(add_slots());
  return add_sequences();
}

/// Every id once. A parent is one of the messages, so it has an id of the caller's.
Result<void> ConversationPlan::check_ids() const {
  std::vector<MessageId> ids;
  ids.reserve(messages_.size());
  for (const NewMessage& message : messages_) {
    if (message.id) ids.push_back(message.id);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) return second_of_an_id();
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    const auto& parent = messages_[i].parent;
    if (accepts_lost_parents_ && messages_[i].origin) continue;
    if (parent && *parent && !std::binary_search(ids.begin(), ids.end(), *parent)) {
      return in_message(Error(Code::not_found, "parent", "a message of the conversation"), i);
    }
  }
  return {};
}

/// What is wrong where an id comes more than once.
Error ConversationPlan::second_of_an_id() const {
  std::unordered_set<MessageId> seen;
  std::size_t i = 0;
  while (!messages_[i].id || seen.insert(messages_[i].id).second) ++i;
  return in_message(Error(Code::already_exists, "id", "each once"), i);
}

Result<void> ConversationPlan::add_slots() {
  std::unordered_map<UserId, std::uint16_t> slots;
  for (const fb::Participant& participant : header_.participants) {
    slots.emplace(schema::from_fb<UserId>(&participant.user()),
                  static_cast<std::uint16_t>(slots.size()));
  }
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    if (!messages_[i].sender) continue;
    const auto slot = slots.find(messages_[i].sender);
    if (slot == slots.end()) {
      return in_message(
          Error(Code::invalid_argument, "sender", "takes no part in the conversation"), i);
    }
    places_[i].slot = slot->second;
  }
  return {};
}

Result<void> ConversationPlan::add_sequences() {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    const std::uint64_t sequence = messages_[i].sequence.value_or(last + 1);
    if (sequence > kMaxSequence)
      return in_message(Error(Code::limit_exceeded, "sequence", "1 to 2^62"), i);
    places_[i].sequence = sequence;
    last = std::max(last, sequence);
  }
  by_sequence_.resize(messages_.size());
  std::iota(by_sequence_.begin(), by_sequence_.end(), std::size_t{0});
  const auto place = [&](std::size_t i) { return std::pair(places_[i].sequence, i); };
  std::sort(by_sequence_.begin(), by_sequence_.end(),
            [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  const auto twice = std::adjacent_find(
      by_sequence_.begin(), by_sequence_.end(),
      [&](std::size_t a, std::size_t b) { return places_[a].sequence == places_[b].sequence; });
  if (twice == by_sequence_.end()) return {};
  return in_message(Error(Code::already_exists, "sequence", "each once"), *std::next(twice));
}

void ConversationPlan::add_times(StoreCore& core, Time now) {
  std::optional<std::int64_t> newest;
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    const auto& given = messages_[i].timestamp;
    places_[i].timestamp = given ? given->micros() : timestamp_after(core, now, newest);
    newest = newest ? std::max(*newest, places_[i].timestamp) : places_[i].timestamp;
  }
}

Result<fb::MessageT> ConversationPlan::fields(std::size_t i, MadeIds& ids, Time now) const {
  auto fields = checked_message_fields(messages_[i]);
  if (!fields) return fields;
  fields->conversation = std::make_unique<fb::Uuid>(header_.stamp->id());
  fields->sequence = places_[i].sequence;
  fields->timestamp = places_[i].timestamp;
  fields->sender_slot = places_[i].slot;
  CALLISTO_TRY(
      fill_envelope(*fields, envelope_of(messages_[i]), ids, now, Time(fields->timestamp)));
  return fields;
}

Result<schema::MessageRecord> ConversationPlan::record(std::size_t i, MadeIds& ids,
                                                       Time now) const {
  const Place& place = places_[i];
  auto record = checked_message_record(messages_[i]);
  if (!record) return record;
  record->conversation = header_.stamp->id();
  record->sequence = place.sequence;
  record->timestamp = place.timestamp;
  record->sender_slot = place.slot;
  record->stamp = make_stamp(envelope_of(messages_[i]), ids, now, Time(place.timestamp));
  return record;
}

std::optional<std::size_t> ConversationPlan::find(std::uint64_t sequence) const {
  const auto found = std::lower_bound(
      by_sequence_.begin(), by_sequence_.end(), sequence,
      [&](std::size_t i, std::uint64_t wanted) { return places_[i].sequence < wanted; });
  if (found == by_sequence_.end() || places_[*found].sequence != sequence) return std::nullopt;
  return *found;
}

schema::ConversationTail ConversationPlan::tail() const {
  schema::ConversationTail tail = new_tail(conversation_, header_);
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    count_message(tail, {places_[i].timestamp, places_[i].sequence},
                  messages_[i].token_usage.value_or(0));
  }
  if (conversation_.is_processed && !conversation_.processed_up_to)
    tail.processed_up_to = tail.last_sequence;
  return tail;
}

std::size_t ConversationPlan::bytes(std::size_t i) const {
  const NewMessage& message = messages_[i];
  return kMessageBytes + message.role.size() + message.content.size() + message.name.size() +
         message.agent.size() + message.parts.size() + message.tool_call_id.size() +
         message.model.size() + message.metadata.size() + message.external_id.size() +
         message.external_source.size();
}

bool ConversationPlan::fits_one_transaction() const {
  if (messages_.size() > kWholeMessages) return false;
  std::size_t sum = header_bytes(conversation_);
  for (std::size_t i = 0; i < messages_.size() && sum <= kWholeBytes; ++i) sum += bytes(i);
  return sum <= kWholeBytes;
}

}  // namespace callisto::detail
