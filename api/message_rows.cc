#include "api/message_rows.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "api/conversation_rows.h"
#include "indexes/index_build.h"
#include "indexes/index_keys.h"

namespace callisto::detail {

namespace fb = schema::fb;

namespace {

/// Room for as many rows is made at once.
constexpr std::size_t kUsualPage = 64;

/// How far a clock may lie behind the newest message.
constexpr std::uint64_t kSuspectMicros = 60'000'000;

std::string_view role_of(const NewMessage& message) {
  if (!message.role.empty()) return message.role;
  return message.sender ? Role::user : Role::assistant;
}

Result<void> check_message_texts(const NewMessage& message) {
  CALLISTO_TRY(schema::check_text(message.role, "role", kMaxType));
  CALLISTO_TRY(schema::check_utf8(message.content, "content"));
  CALLISTO_TRY(schema::check_text(message.name, "name", kMaxName));
  CALLISTO_TRY(schema::check_text(message.agent, "agent", kMaxAgent));
  CALLISTO_TRY(schema::check_text(message.tool_call_id, "tool_call_id", kMaxKey));
  return schema::check_text(message.model, "model", kMaxName);
}

Result<void> check_all_but_json(const NewMessage& message) {
  CALLISTO_TRY(check_envelope(envelope_of(message)));
  CALLISTO_TRY(check_message_texts(message));
  CALLISTO_TRY(check_time(message.timestamp, "timestamp"));
  if (message.importance) CALLISTO_TRY(check_importance(*message.importance, "importance"));
  if (message.state > MessageState::interrupted) {
    return Error(Code::invalid_argument, "state", "final, partial or interrupted");
  }
  if (message.sequence && (*message.sequence == 0 || *message.sequence > kMaxSequence)) {
    return Error(Code::invalid_argument, "sequence", "1 to 2^62");
  }
  return {};
}

MessageAt place_in(const schema::MessagePlace& place) {
  return {schema::KeyReader(place.conversation).id<ConversationId>(),
          {place.timestamp, place.sequence}};
}

Result<std::optional<MessageAt>> read_place(std::string_view key, const Result<bool>& found,
                                            const kv::Value& value) {
  if (!found) return found.error();
  if (!*found) return std::optional<MessageAt>();
  const auto place = schema::decode_message_place(key, value.view());
  if (!place) return damaged("message_by_id", key);
  return std::optional<MessageAt>(place_in(*place));
}

/// The version of message_by_id whose entries are right, though there may be more to come; nullopt
/// when no entry means anything.
std::optional<schema::IndexId> version_of_ids(const ReadContext& context) {
  if (const auto version = readable_version(context, schema::IndexId::message_by_id)) {
    return version;
  }
  const bool is_built =
      context.state().index_state(schema::IndexId::message_by_id) == IndexState::building;
  return is_built ? std::optional(schema::IndexId::message_by_id) : std::nullopt;
}

bool is_complete(const ReadContext& context, schema::IndexId version) {
  return indexes::is_complete(context.state().index_state(version));
}

std::string entry_of(const ReadContext& context, const MessageId& id, schema::IndexId version) {
  return indexes::in_version(indexes::message_by_id_key(context.space(), id), version);
}

/// The key of the first message that a build of message_by_id has not come to.
Result<std::string> first_unindexed(ReadContext& context) {
  std::string first = indexes::table_prefix(context.space(), TableId::messages);
  if (!version_of_ids(context)) return first;
  auto progress =
      indexes::index_progress(context.reader(), context.space(), schema::IndexId::message_by_id);
  if (!progress) return std::move(progress).error();
  if (*progress && !(*progress)->resume.empty()) first = std::move((*progress)->resume);
  return first;
}

/// A message with one of `ids` among those that no entry leads to yet.
Result<std::optional<TakenId>> pass_over_unindexed(ReadContext& context,
                                                   const std::vector<MessageId>& ids) {
  const std::unordered_set<MessageId> wanted(ids.begin(), ids.end());
  auto first = first_unindexed(context);
  if (!first) return std::move(first).error();
  const std::string end =
      schema::prefix_end(indexes::table_prefix(context.space(), TableId::messages));
  std::optional<TakenId> taken;
  const auto look_at = [&](std::string_view key, std::string_view value) -> Result<bool> {
    const auto place = schema::parse_message_key(key);
    if (!place || place->part != schema::MessagePart::record) return true;
    // What cannot be decoded has no id that anybody could ask for.
    const auto row = take_row<fb::Message>(key, value);
    if (!row) return true;
    const auto& message = *schema::root<fb::Message>(*row);
    const auto id = schema::from_fb<MessageId>(&message.stamp()->id());
    if (wanted.contains(id)) taken = TakenId{id, place_of(message)};
    return !taken;
  };
  CALLISTO_TRY(for_each(context.reader(), kv::Family::messages, *first, end, false, look_at));
  return taken;
}

/// Headers of the conversations in which rows have a sender.
using Headers = std::unordered_map<ConversationId, std::optional<Bytes>>;
Result<Headers> fetch_headers(ReadContext& context, std::span<const Bytes> rows) {
  Headers headers;
  std::vector<ConversationId> ids;
  std::vector<std::string> keys;
  for (const Bytes& row : rows) {
    const auto* message = schema::root<fb::Message>(row);
    if (message->sender_slot() == kNoSlot) continue;
    const auto id = schema::from_fb<ConversationId>(message->conversation());
    if ((!ids.empty() && ids.back() == id) || !headers.try_emplace(id).second) continue;
    ids.push_back(id);
    keys.push_back(schema::conversation_key(context.space(), id));
  }
  auto fetched = fetch_many<fb::Conversation>(context.reader(), keys);
  if (!fetched) return std::move(fetched).error();
  for (std::size_t i = 0; i < ids.size(); ++i) headers[ids[i]] = std::move((*fetched)[i]);
  return headers;
}

}  // namespace

Result<void> check_message(const NewMessage& message) {
  CALLISTO_TRY(check_all_but_json(message));
  if (message.parts.empty()) return {};
  auto parts = check_json(message.parts, "parts", false);
  if (!parts) return std::move(parts).error();
  return {};
}

Result<fb::MessageT> message_fields(const NewMessage& message) {
  CALLISTO_TRY(check_all_but_json(message));
  return checked_message_fields(message);
}

Result<schema::MessageRecord> checked_message_record(const NewMessage& message) {
  schema::MessageRecord record;
  auto parts = check_json(message.parts, "parts", false);
  if (!parts) return std::move(parts).error();
  record.parts = std::move(*parts);
  auto metadata = check_json(message.metadata, "metadata", true);
  if (!metadata) return std::move(metadata).error();
  record.metadata = std::move(*metadata);
  record.external_id = message.external_id;
  record.external_source = message.external_source;
  if (message.parent && *message.parent) record.parent = schema::to_fb(*message.parent);
  record.name = message.name;
  record.agent = message.agent;
  record.role = role_of(message);
  record.content = message.content;
  record.tool_call_id = message.tool_call_id;
  record.state = static_cast<fb::MessageState>(message.state);
  record.model = message.model;
  if (message.token_usage) record.token_usage = *message.token_usage;
  if (message.importance) record.importance = *message.importance;
  return record;
}

Result<fb::MessageT> checked_message_fields(const NewMessage& message) {
  auto parts = check_json(message.parts, "parts", false);
  if (!parts) return std::move(parts).error();
  fb::MessageT fields;
  fields.role = role_of(message);
  fields.content = message.content;
  fields.name = message.name;
  fields.agent = message.agent;
  fields.parts = std::move(*parts);
  fields.tool_call_id = message.tool_call_id;
  fields.state = static_cast<fb::MessageState>(message.state);
  fields.model = message.model;
  if (message.token_usage) fields.token_usage = *message.token_usage;
  if (message.importance) fields.importance = *message.importance;
  if (message.parent && *message.parent) {
    fields.parent = std::make_unique<fb::Uuid>(schema::to_fb(*message.parent));
  }
  return fields;
}

std::string message_key(SpaceNumber space, const MessageAt& at) {
  return schema::message_key(space, at.conversation, at.order);
}

MessageAt place_of(const fb::Message& message) {
  return {schema::from_fb<ConversationId>(message.conversation()),
          {message.timestamp(), message.sequence()}};
}

Result<std::optional<MessageAt>> find_message(ReadContext& context, const MessageId& id) {
  const auto version = version_of_ids(context);
  const std::string key = entry_of(context, id, version.value_or(schema::IndexId::message_by_id));
  kv::Value value;
  // Also where the entry means nothing: inside a transaction this meets who takes the id.
  const Result<bool> found = context.reader().get(kv::Family::indexes, key, value);
  if (version) {
    auto at = read_place(key, found, value);
    if (!at || *at || is_complete(context, *version)) return at;
  }
  auto taken = pass_over_unindexed(context, {id});
  if (!taken) return std::move(taken).error();
  return *taken ? std::optional<MessageAt>((*taken)->at) : std::nullopt;
}

Result<std::optional<MessageAt>> find_indexed(WriteContext& context, const MessageId& id) {
  const auto version = version_of_ids(context);
  const std::string key = entry_of(context, id, version.value_or(schema::IndexId::message_by_id));
  if (!version) {
    // Nobody writes the entry now: who takes the id, or ends it, meets this instead.
    context.transaction().guard(kv::Family::indexes, key);
    context.transaction().touch(kv::Family::indexes, key);
    return std::optional<MessageAt>();
  }
  kv::Value value;
  const Result<bool> found = context.transaction().get_for_update(kv::Family::indexes, key, value);
  return read_place(key, found, value);
}

Result<std::optional<TakenId>> find_unindexed(WriteContext& context,
                                              const std::vector<MessageId>& ids) {
  const auto version = version_of_ids(context);
  if (ids.empty() || (version && is_complete(context, *version))) return std::optional<TakenId>();
  return pass_over_unindexed(context, ids);
}

Result<std::optional<MessageAt>> find_message_for_update(WriteContext& context,
                                                         const MessageId& id) {
  auto at = find_indexed(context, id);
  if (!at || *at) return at;
  auto taken = find_unindexed(context, {id});
  if (!taken) return std::move(taken).error();
  return *taken ? std::optional<MessageAt>((*taken)->at) : std::nullopt;
}

Result<std::optional<MessageAt>> find_namesake(WriteContext& context, const NewMessage& message) {
  if (!message.id) return std::optional<MessageAt>();
  return find_message_for_update(context, message.id);
}

Result<std::vector<std::optional<MessageAt>>> find_indexed(WriteContext& context,
                                                           std::span<const NewMessage> messages) {
  std::vector<std::optional<MessageAt>> places(messages.size());
  const auto version = version_of_ids(context);
  if (!version) return places;
  const bool is_kept = is_complete(context, *version);
  std::vector<std::string> keys;
  std::vector<std::size_t> of;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].id) continue;
    keys.push_back(entry_of(context, messages[i].id, *version));
    of.push_back(i);
    if (!is_kept) context.transaction().guard(kv::Family::indexes, keys.back());
  }
  if (keys.empty()) return places;
  std::optional<std::size_t> damage;
  CALLISTO_TRY(context.reader().multi_get(
      kv::Family::indexes, keys, [&](std::size_t i, std::string_view value) {
        if (is_kept) context.transaction().guard(kv::Family::indexes, keys[i]);
        const auto place = schema::decode_message_place(keys[i], value);
        if (place) places[of[i]] = place_in(*place);
        if (!place) damage = i;
      }));
  if (damage) return damaged("message_by_id", keys[*damage]);
  return places;
}

Result<Bytes> fetch_message_for_update(WriteContext& context, const MessageAt& at) {
  const std::string key = message_key(context.space(), at);
  auto record = fetch_for_update<fb::Message>(context.transaction(), key);
  if (!record) return std::move(record).error();
  if (!*record) return damaged("messages", key);
  return std::move(**record);
}

std::int64_t timestamp_after(StoreCore& core, Time now, std::optional<std::int64_t> newest) {
  if (!newest || *newest <= now.micros()) return now.micros();
  // Unsigned, since the distance of two times may not fit.
  const auto behind =
      static_cast<std::uint64_t>(*newest) - static_cast<std::uint64_t>(now.micros());
  if (behind > kSuspectMicros) core.note_clock_suspect();
  return *newest;
}

void count_message(schema::ConversationTail& tail, const schema::MessageOrder& order,
                   std::uint32_t tokens) {
  const bool is_first = tail.message_count == 0;
  tail.last_message_at =
      is_first ? order.timestamp : std::max(tail.last_message_at, order.timestamp);
  tail.last_sequence = std::max(tail.last_sequence, order.sequence);
  tail.message_count += 1;
  tail.token_count += tokens;
}

Result<void> insert_message(WriteContext& context, const MessageAt& at, std::string_view bytes) {
  return context.write_row(TableId::messages, message_key(context.space(), at), std::nullopt,
                           bytes);
}

Result<std::vector<Bytes>> scan_messages(ReadContext& context, const KeyRange& range, bool reverse,
                                         std::size_t limit) {
  std::vector<Bytes> rows;
  if (range.lower >= range.upper || limit == 0) return rows;
  rows.reserve(std::min(limit, kUsualPage));
  const auto cursor =
      context.reader().scan(kv::Family::messages, {.lower = range.lower,
                                                   .upper = range.upper,
                                                   .reverse = reverse,
                                                   .prefix_bytes = schema::kMessagePartBytes});
  for (; cursor->valid(); cursor->next()) {
    auto row = row_at<fb::Message>(*cursor);
    if (!row) return std::move(row).error();
    rows.push_back(std::move(*row));
    if (rows.size() == limit) return rows;
  }
  if (auto done = cursor->status(); !done) return std::move(done).error();
  return rows;
}

Result<std::vector<Message>> message_views(ReadContext& context, std::span<Bytes> rows) {
  auto headers = fetch_headers(context, rows);
  if (!headers) return std::move(headers).error();
  std::vector<Message> messages;
  messages.reserve(rows.size());
  for (Bytes& row : rows) {
    const fb::Conversation* header = nullptr;
    if (!headers->empty()) {
      const auto found = headers->find(place_of(*schema::root<fb::Message>(row)).conversation);
      if (found != headers->end() && found->second)
        header = schema::root<fb::Conversation>(*found->second);
    }
    messages.push_back(ViewAccess::message(std::move(row), header, context.state()));
  }
  return messages;
}

Result<std::vector<Message>> message_views(ReadContext& context, std::span<Bytes> rows,
                                           const ConversationId& conversation,
                                           const Bytes* header) {
  const bool has_sender = std::any_of(rows.begin(), rows.end(), [](const Bytes& row) {
    return schema::root<fb::Message>(row)->sender_slot() != kNoSlot;
  });
  std::optional<Bytes> fetched;
  if (has_sender && header == nullptr) {
    auto row = fetch<fb::Conversation>(context.reader(),
                                       schema::conversation_key(context.space(), conversation));
    if (!row) return std::move(row).error();
    fetched = std::move(*row);
    if (fetched) header = &*fetched;
  }
  const auto* fields = header == nullptr ? nullptr : schema::root<fb::Conversation>(*header);
  std::vector<Message> messages;
  messages.reserve(rows.size());
  for (Bytes& row : rows)
    messages.push_back(ViewAccess::message(std::move(row), fields, context.state()));
  return messages;
}

Result<std::vector<Message>> fetch_messages(ReadContext& context,
                                            std::span<const MessageAt> places) {
  std::vector<Message> messages;
  messages.reserve(places.size());
  while (!places.empty()) {
    const auto chunk = places.first(std::min(places.size(), kFetchChunk));
    places = places.subspan(chunk.size());
    std::vector<std::string> keys;
    keys.reserve(chunk.size());
    for (const MessageAt& at : chunk) keys.push_back(message_key(context.space(), at));
    auto found = fetch_many<fb::Message>(context.reader(), keys);
    if (!found) return std::move(found).error();
    std::vector<Bytes> rows;
    rows.reserve(chunk.size());
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      if (!(*found)[i]) return damaged("messages", keys[i]);
      rows.push_back(std::move(*(*found)[i]));
    }
    auto views = message_views(context, rows);
    if (!views) return std::move(views).error();
    messages.insert(messages.end(), std::make_move_iterator(views->begin()),
                    std::make_move_iterator(views->end()));
  }
  return messages;
}

}  // namespace callisto::detail
