#pragma once

// The questions as the bare engines answer them from Callisto's keys: as few lookups as the keys
// allow. What looks up is a Reading, one state of the data:
//
//   static std::string_view view_of(const Value&)
//   bool get(Family, key, Value&)
//   std::vector<Value> multi_get(Family, keys)             all of them are there
//   std::unique_ptr<Scan> scan(Family, const KeyRange&)    on the first key of the range; then
//                                                          valid(), key(), value(), next();
//                                                          to_last() and previous() backwards

#include <memory>
#include <string>
#include <vector>

#include "bench/bare_faces.h"
#include "bench/failure.h"
#include "engine/kv.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"

namespace callisto::bench::bare {

using kv::Family;
using schema::kDefaultSpace;

template <class IdType>
IdType id_behind_created(std::string_view key) {
  return indexes::parse_created_tail(key)->as<IdType>();
}

/// One overload for each reading operation.
template <class Reading>
class Reader {
 public:
  explicit Reader(Reading& reading) : reading_(reading) {}

  Digest operator()(const FindUser& find) const;
  Digest operator()(const GetMemory& get) const {
    Value value;
    const std::string key = schema::memory_key(kDefaultSpace, get.id);
    return reading_.get(Family::memories, key, value) ? fold_memory(1, view_of(value)) : 1;
  }
  Digest operator()(const GetMemoryByName& get) const {
    return find_in(indexes::range_of(indexes::memory_by_name_prefix(kDefaultSpace, get.user,
                                                                    get.category, get.key)),
                   Living(), 1);
  }
  Digest operator()(const LatestMessages& latest) const;
  Digest operator()(const GetWhole& get) const;
  Digest operator()(const ConversationsOfUser& of) const;
  Digest operator()(const UnprocessedConversations& ask) const;
  Digest operator()(const FindMemories& find) const;
  Digest operator()(const ValuesOfUser& ask) const;
  template <class Write>
  Digest operator()(const Write&) const {
    fail("not a read");
  }

 private:
  using Value = typename Reading::Value;
  static std::string_view view_of(const Value& value) { return Reading::view_of(value); }
  using Scan = typename Reading::Scan;

  Digest find_in(const indexes::KeyRange& range, const Living& living, std::size_t limit) const;
  Digest find_by_union(const MemoryQuery& query) const;
  Digest fold_memories(const std::vector<std::string>& keys) const;
  std::vector<Value> fetch_conversations(const std::vector<ConversationId>& ids) const;
  Digest fold_conversations(const std::vector<ConversationId>& ids) const;

  Reading& reading_;
};

template <class Reading>
Digest Reader<Reading>::operator()(const FindUser& find) const {
  Value value;
  const std::string key = schema::identity_key(kDefaultSpace, find.platform, find.platform_id);
  if (!reading_.get(Family::platform_identifiers, key, value)) return 1;
  const auto user = schema::from_fb<UserId>(root<fb::PlatformIdentifier>(view_of(value)).user());
  const auto rows = reading_.multi_get(Family::users, {schema::user_key(kDefaultSpace, user),
                                                       schema::user_tail_key(kDefaultSpace, user)});
  const auto tail = schema::decode_user_tail(view_of(rows[1]));
  return fold(1, UserFace{.id = user.view(),
                          .last_seen = tail->last_seen,
                          .is_active = root<fb::User>(view_of(rows[0])).is_active()});
}

template <class Reading>
Digest Reader<Reading>::operator()(const ValuesOfUser& ask) const {
  const auto range = indexes::range_of(schema::datum_prefix(kDefaultSpace, ask.user, ask.category));
  Digest sum = 1;
  for (const auto scan = reading_.scan(Family::user_data, range); scan->valid(); scan->next()) {
    const auto& datum = root<fb::UserDatum>(scan->value());
    sum += digest_of(DatumFace{schema::text(datum.value()), datum.stamp()->created_at()});
  }
  return sum;
}

// Memories ----------------------------------------------------------------------------------------

template <class Reading>
Digest Reader<Reading>::fold_memories(const std::vector<std::string>& keys) const {
  Digest sum = 1;
  if (keys.empty()) return sum;
  for (const auto& value : reading_.multi_get(Family::memories, keys)) {
    sum = fold_memory(sum, view_of(value));
  }
  return sum;
}

template <class Reading>
Digest Reader<Reading>::find_in(const indexes::KeyRange& range, const Living& living,
                                std::size_t limit) const {
  const auto scan = reading_.scan(Family::indexes, range);
  Digest sum = 1;
  for (std::size_t found = 0; found < limit && scan->valid();) {
    std::vector<std::string> keys;
    for (; scan->valid() && found + keys.size() < limit; scan->next()) {
      if (!living.admits(scan->value())) continue;
      keys.push_back(schema::memory_key(kDefaultSpace, id_behind_created<MemoryId>(scan->key())));
    }
    if (keys.empty()) break;
    for (const Value& row : reading_.multi_get(Family::memories, keys)) {
      if (!living.has_tags(view_of(row))) continue;
      sum = fold_memory(sum, view_of(row));
      ++found;
    }
  }
  return sum;
}

template <class Reading>
Digest Reader<Reading>::operator()(const FindMemories& find) const {
  const MemoryQuery& query = find.query;
  if (query.entity_id) {
    const auto prefix =
        indexes::memory_by_entity_prefix(kDefaultSpace, *query.entity_type, *query.entity_id);
    return find_in(indexes::range_of(prefix), Living(), query.limit);
  }
  if (query.created.from) {
    const auto range =
        indexes::newest_first_range(indexes::memory_by_created_prefix(kDefaultSpace),
                                    query.created.from->micros(), query.created.to->micros());
    return find_in(range, Living(), query.limit);
  }
  if (!query.tags_any.empty()) return find_by_union(query);
  // Of several tags the last is the rarest: the workload says so, and an ideal reader knows.
  const auto range =
      indexes::range_of(indexes::memory_by_tag_prefix(kDefaultSpace, query.tags_all.back()));
  const std::vector<std::string> others(query.tags_all.begin(), query.tags_all.end() - 1);
  return find_in(range, Living(others), query.limit);
}

template <class Reading>
Digest Reader<Reading>::find_by_union(const MemoryQuery& query) const {
  const Living living;
  std::vector<indexes::KeyRange> ranges;
  for (const std::string& tag : query.tags_any) {
    ranges.push_back(indexes::range_of(indexes::memory_by_tag_prefix(kDefaultSpace, tag)));
  }
  std::vector<std::unique_ptr<Scan>> scans;
  for (const auto& range : ranges) scans.push_back(reading_.scan(Family::indexes, range));
  // Every entry ends with its place in the common order.
  const auto place = [](const Scan& scan) { return scan.key().substr(scan.key().size() - 24); };
  std::vector<std::string> keys;
  while (keys.size() < query.limit) {
    Scan* first = nullptr;
    for (const auto& scan : scans) {
      if (scan->valid() && (first == nullptr || place(*scan) < place(*first))) first = scan.get();
    }
    if (first == nullptr) break;
    if (living.admits(first->value())) {
      std::string key =
          schema::memory_key(kDefaultSpace, id_behind_created<MemoryId>(first->key()));
      if (keys.empty() || keys.back() != key) keys.push_back(std::move(key));
    }
    first->next();
  }
  return fold_memories(keys);
}

// Conversations -----------------------------------------------------------------------------------

template <class Reading>
Digest Reader<Reading>::operator()(const LatestMessages& latest) const {
  const auto range = indexes::range_of(
      schema::message_range(kDefaultSpace, latest.conversation, schema::MessagePart::record));
  const auto scan = reading_.scan(Family::messages, range);
  if (!scan->valid()) return 1;
  Value header;
  if (!reading_.get(Family::conversations,
                    schema::conversation_key(kDefaultSpace, latest.conversation), header)) {
    fail("messages without a conversation");
  }
  const auto& conversation = root<fb::Conversation>(view_of(header));
  Digest sum = 1;
  for (std::uint32_t i = 0; i < latest.limit && scan->valid(); ++i, scan->next()) {
    sum = fold_message(sum, scan->value(), conversation);
  }
  return sum;
}

/// Headers and then tails, in one lookup.
template <class Reading>
std::vector<typename Reading::Value> Reader<Reading>::fetch_conversations(
    const std::vector<ConversationId>& ids) const {
  std::vector<std::string> keys;
  keys.reserve(2 * ids.size());
  for (const auto& id : ids) keys.push_back(schema::conversation_key(kDefaultSpace, id));
  for (const auto& id : ids) keys.push_back(schema::conversation_tail_key(kDefaultSpace, id));
  if (keys.empty()) return {};
  return reading_.multi_get(Family::conversations, keys);
}

template <class Reading>
Digest Reader<Reading>::fold_conversations(const std::vector<ConversationId>& ids) const {
  const auto rows = fetch_conversations(ids);
  Digest sum = 1;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto tail = schema::decode_conversation_tail(view_of(rows[ids.size() + i]));
    sum = fold_conversation(sum, view_of(rows[i]), *tail);
  }
  return sum;
}

template <class Reading>
Digest Reader<Reading>::operator()(const GetWhole& get) const {
  const auto rows = fetch_conversations({get.conversation});
  const auto tail = schema::decode_conversation_tail(view_of(rows[1]));
  const auto& header = root<fb::Conversation>(view_of(rows[0]));
  Digest sum = fold_conversation(1, view_of(rows[0]), *tail);
  sum = fold(sum, digest_of_participants(header));
  const auto range = indexes::range_of(
      schema::message_range(kDefaultSpace, get.conversation, schema::MessagePart::record));
  const auto scan = reading_.scan(Family::messages, range);
  // Newest first on disk, oldest first in the answer.
  std::vector<std::string> messages;
  messages.reserve(tail->message_count);
  for (; scan->valid(); scan->next()) messages.emplace_back(scan->value());
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    sum = fold_message(sum, *message, header);
  }
  return sum;
}

template <class Reading>
Digest Reader<Reading>::operator()(const ConversationsOfUser& of) const {
  const auto range =
      indexes::range_of(indexes::conversation_by_participant_prefix(kDefaultSpace, of.user));
  const auto scan = reading_.scan(Family::indexes, range);
  /// Tails that are fetched at once when the entry cannot decide.
  constexpr std::size_t kFetchTogether = 64;
  std::vector<ConversationId> found;
  while (scan->valid() && found.size() < of.limit) {
    std::vector<ConversationId> ids;
    const std::size_t wanted = of.only_unprocessed ? kFetchTogether : of.limit;
    for (; scan->valid() && ids.size() < wanted; scan->next()) {
      ids.push_back(id_behind_created<ConversationId>(scan->key()));
    }
    if (!of.only_unprocessed) return fold_conversations(ids);
    std::vector<std::string> keys;
    for (const auto& id : ids) keys.push_back(schema::conversation_tail_key(kDefaultSpace, id));
    const auto tails = reading_.multi_get(Family::conversations, keys);
    for (std::size_t i = 0; i < ids.size() && found.size() < of.limit; ++i) {
      const auto tail = schema::decode_conversation_tail(view_of(tails[i]));
      if (!tail->is_processed()) found.push_back(ids[i]);
    }
  }
  return fold_conversations(found);
}

template <class Reading>
Digest Reader<Reading>::operator()(const UnprocessedConversations& ask) const {
  const auto range = indexes::range_of(indexes::conversation_unprocessed_prefix(kDefaultSpace));
  const auto scan = reading_.scan(Family::indexes, range);
  std::vector<ConversationId> ids;
  // The oldest first, which lie at the end.
  for (scan->to_last(); scan->valid() && ids.size() < ask.limit; scan->previous()) {
    ids.push_back(id_behind_created<ConversationId>(scan->key()));
  }
  return fold_conversations(ids);
}

}  // namespace callisto::bench::bare
