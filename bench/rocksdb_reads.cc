#include "bench/rocksdb_reads.h"

#include <rocksdb/iterator.h>
#include <rocksdb/snapshot.h>

#include <algorithm>
#include <optional>

#include "engine/rocksdb/options.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"
#include "schema/records.h"
#include "schema/tails.h"
#include "schema/text.h"

namespace callisto::bench {

namespace {

using schema::kDefaultSpace;
namespace fb = schema::fb;

constexpr std::uint16_t kNoSender = 0xFFFF;
/// Candidates whose records are fetched at once when the entry cannot decide.
constexpr std::size_t kFetchTogether = 64;

template <class Table>
const Table& root(std::string_view bytes) {
  return *flatbuffers::GetRoot<Table>(bytes.data());
}

std::string_view view(const fb::Uuid& uuid) {
  return {reinterpret_cast<const char*>(uuid.bytes()->Data()), 16};
}

Digest fold_memory(Digest sum, std::string_view bytes) {
  const auto& memory = root<fb::Memory>(bytes);
  return fold(sum, MemoryFace{.id = view(memory.stamp()->id()),
                              .category = schema::text(memory.category()),
                              .key = schema::text(memory.key()),
                              .entity_id = schema::text(memory.entity_id()),
                              .created_at = memory.stamp()->created_at(),
                              .priority = memory.priority()});
}

Digest fold_conversation(Digest sum, std::string_view header,
                         const schema::ConversationTail& tail) {
  const auto& conversation = root<fb::Conversation>(header);
  return fold(sum, ConversationFace{.id = view(conversation.stamp()->id()),
                                    .title = schema::text(conversation.title()),
                                    .message_count = tail.message_count,
                                    .last_message_at = tail.last_message_at,
                                    .is_processed = tail.is_processed()});
}

Digest fold_message(Digest sum, std::string_view bytes, const fb::Conversation* header) {
  const auto& message = root<fb::Message>(bytes);
  std::string_view sender;
  if (message.sender_slot() != kNoSender && header != nullptr) {
    sender = view(header->participants()->Get(message.sender_slot())->user());
  }
  return fold(sum, MessageFace{.id = view(message.stamp()->id()),
                               .sender = sender,
                               .role = schema::text(message.role()),
                               .content = schema::text(message.content()),
                               .timestamp = message.timestamp()});
}

/// One read: a state, and lookups in it.
class Reading {
 public:
  explicit Reading(const RocksDatabase& database) : database_(database), snapshot_(&database.db()) {
    options_.snapshot = snapshot_.snapshot();
  }

  bool get(kv::Family family, const std::string& key, rocksdb::PinnableSlice& value) const {
    const rocksdb::Status status =
        database_.db().Get(options_, database_.handle(family), key, &value);
    if (!status.IsNotFound()) require(status, "get");
    return status.ok();
  }

  std::vector<rocksdb::PinnableSlice> multi_get(kv::Family family,
                                                const std::vector<std::string>& wanted) const {
    std::vector<rocksdb::Slice> keys(wanted.begin(), wanted.end());
    std::vector<rocksdb::PinnableSlice> values(wanted.size());
    std::vector<rocksdb::Status> statuses(wanted.size());
    database_.db().MultiGet(options_, database_.handle(family), keys.size(), keys.data(),
                            values.data(), statuses.data(),
                            std::is_sorted(wanted.begin(), wanted.end()));
    for (const rocksdb::Status& status : statuses) require(status, "multi_get");
    return values;
  }

  /// An iterator on the first key of the range, which must outlive it.
  struct Scan {
    rocksdb::Slice lower;
    rocksdb::Slice upper;
    std::unique_ptr<rocksdb::Iterator> iterator;
    bool valid() const { return iterator->Valid(); }
    std::string_view key() const { return iterator->key().ToStringView(); }
    std::string_view value() const { return iterator->value().ToStringView(); }
    void next() { iterator->Next(); }
  };
  std::unique_ptr<Scan> scan(kv::Family family, const indexes::KeyRange& range) const {
    auto scan = std::make_unique<Scan>(Scan{range.lower, range.upper, nullptr});
    auto options = kv::scan_options(family, scan->lower, scan->upper, false, true);
    options.snapshot = options_.snapshot;
    scan->iterator.reset(database_.db().NewIterator(options, database_.handle(family)));
    scan->iterator->Seek(scan->lower);
    return scan;
  }

 private:
  const RocksDatabase& database_;
  rocksdb::ManagedSnapshot snapshot_;
  rocksdb::ReadOptions options_;
};

template <class IdType>
IdType id_behind_created(std::string_view key) {
  return indexes::parse_created_tail(key)->as<IdType>();
}

/// One overload for each reading operation.
class Runner {
 public:
  explicit Runner(const RocksDatabase& database) : database_(database) {}

  Digest operator()(const FindUser& find) const;
  Digest operator()(const GetMemory& get) const;
  Digest operator()(const GetMemoryByName& get) const;
  Digest operator()(const LatestMessages& latest) const;
  Digest operator()(const GetWhole& get) const;
  Digest operator()(const ConversationsOfUser& of) const;
  Digest operator()(const UnprocessedConversations& ask) const;
  Digest operator()(const FindMemories& find) const;
  template <class Write>
  Digest operator()(const Write&) const {
    fail("not a read");
  }

 private:
  Digest find_by_union(const MemoryQuery& query) const;

  const RocksDatabase& database_;
};

Digest Runner::operator()(const FindUser& find) const {
  const Reading reading(database_);
  rocksdb::PinnableSlice value;
  if (!reading.get(kv::Family::platform_identifiers,
                   schema::identity_key(kDefaultSpace, find.platform, find.platform_id), value)) {
    return 1;
  }
  const auto user =
      schema::from_fb<UserId>(root<fb::PlatformIdentifier>(value.ToStringView()).user());
  const auto rows = reading.multi_get(
      kv::Family::users,
      {schema::user_key(kDefaultSpace, user), schema::user_tail_key(kDefaultSpace, user)});
  const auto& record = root<fb::User>(rows[0].ToStringView());
  const auto tail = schema::decode_user_tail(rows[1].ToStringView());
  return fold(
      1,
      UserFace{.id = user.view(), .last_seen = tail->last_seen, .is_active = record.is_active()});
}

Digest Runner::operator()(const GetMemory& get) const {
  rocksdb::PinnableSlice value;
  const auto status = database_.db().Get({}, database_.handle(kv::Family::memories),
                                         schema::memory_key(kDefaultSpace, get.id), &value);
  if (status.IsNotFound()) return 1;
  require(status, "get");
  return fold_memory(1, value.ToStringView());
}

/// What a query for living memories leaves out, by the entry.
class Living {
 public:
  explicit Living(std::vector<std::string> tags = {}) {
    for (const std::string& tag : tags) hashes_.push_back(schema::tag_hash(schema::fold(tag)));
  }
  bool admits(std::string_view entry) const {
    const auto cover = schema::decode_memory_cover(entry);
    if (!cover->is_active || cover->is_superseded) return false;
    if (cover->expires_at && *cover->expires_at <= now_) return false;
    return std::all_of(hashes_.begin(), hashes_.end(),
                       [&](std::uint32_t hash) { return cover->has_tag(hash); });
  }

 private:
  const std::int64_t now_ = Environment::system().now().micros();
  std::vector<std::uint32_t> hashes_;
};

Digest fold_memories(const Reading& reading, const std::vector<std::string>& keys) {
  Digest sum = 1;
  if (keys.empty()) return sum;
  for (const auto& value : reading.multi_get(kv::Family::memories, keys)) {
    sum = fold_memory(sum, value.ToStringView());
  }
  return sum;
}

std::vector<std::string> living_keys(Reading::Scan& scan, const Living& living, std::size_t limit) {
  std::vector<std::string> keys;
  for (; scan.valid() && keys.size() < limit; scan.next()) {
    if (!living.admits(scan.value())) continue;
    keys.push_back(schema::memory_key(kDefaultSpace, id_behind_created<MemoryId>(scan.key())));
  }
  return keys;
}

Digest find_in(const RocksDatabase& database, const indexes::KeyRange& range, const Living& living,
               std::size_t limit) {
  const Reading reading(database);
  const auto scan = reading.scan(kv::Family::indexes, range);
  return fold_memories(reading, living_keys(*scan, living, limit));
}

Digest Runner::operator()(const GetMemoryByName& get) const {
  const auto range = indexes::range_of(
      indexes::memory_by_name_prefix(kDefaultSpace, get.user, get.category, get.key));
  return find_in(database_, range, Living(), 1);
}

Digest Runner::operator()(const FindMemories& find) const {
  const MemoryQuery& query = find.query;
  if (query.entity_id) {
    const auto prefix =
        indexes::memory_by_entity_prefix(kDefaultSpace, *query.entity_type, *query.entity_id);
    return find_in(database_, indexes::range_of(prefix), Living(), query.limit);
  }
  if (query.created.from) {
    const auto range =
        indexes::newest_first_range(indexes::memory_by_created_prefix(kDefaultSpace),
                                    query.created.from->micros(), query.created.to->micros());
    return find_in(database_, range, Living(), query.limit);
  }
  if (!query.tags_any.empty()) return find_by_union(query);
  // Of several tags the last is the rarest: the workload says so, and an ideal reader knows.
  const auto range =
      indexes::range_of(indexes::memory_by_tag_prefix(kDefaultSpace, query.tags_all.back()));
  std::vector<std::string> others(query.tags_all.begin(), query.tags_all.end() - 1);
  return find_in(database_, range, Living(std::move(others)), query.limit);
}

Digest Runner::find_by_union(const MemoryQuery& query) const {
  const Reading reading(database_);
  const Living living;
  std::vector<indexes::KeyRange> ranges;
  for (const std::string& tag : query.tags_any) {
    ranges.push_back(indexes::range_of(indexes::memory_by_tag_prefix(kDefaultSpace, tag)));
  }
  std::vector<std::unique_ptr<Reading::Scan>> scans;
  for (const auto& range : ranges) scans.push_back(reading.scan(kv::Family::indexes, range));
  // Every entry ends with its place in the common order.
  const auto place = [](const Reading::Scan& scan) {
    return scan.key().substr(scan.key().size() - 24);
  };
  std::vector<std::string> keys;
  while (keys.size() < query.limit) {
    Reading::Scan* first = nullptr;
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
  return fold_memories(reading, keys);
}

Digest Runner::operator()(const LatestMessages& latest) const {
  const Reading reading(database_);
  const auto range = indexes::range_of(
      schema::message_range(kDefaultSpace, latest.conversation, schema::MessagePart::record));
  const auto scan = reading.scan(kv::Family::messages, range);
  if (!scan->valid()) return 1;
  rocksdb::PinnableSlice header;
  if (!reading.get(kv::Family::conversations,
                   schema::conversation_key(kDefaultSpace, latest.conversation), header)) {
    fail("messages without a conversation");
  }
  const auto& participants = root<fb::Conversation>(header.ToStringView());
  Digest sum = 1;
  for (std::uint32_t i = 0; i < latest.limit && scan->valid(); ++i, scan->next()) {
    sum = fold_message(sum, scan->value(), &participants);
  }
  return sum;
}

/// Headers and tails by conversation, in one lookup.
std::vector<rocksdb::PinnableSlice> fetch_conversations(const Reading& reading,
                                                        const std::vector<ConversationId>& ids) {
  std::vector<std::string> keys;
  keys.reserve(2 * ids.size());
  for (const auto& id : ids) keys.push_back(schema::conversation_key(kDefaultSpace, id));
  for (const auto& id : ids) keys.push_back(schema::conversation_tail_key(kDefaultSpace, id));
  if (keys.empty()) return {};
  return reading.multi_get(kv::Family::conversations, keys);
}

Digest fold_conversations(const Reading& reading, const std::vector<ConversationId>& ids) {
  const auto rows = fetch_conversations(reading, ids);
  Digest sum = 1;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto tail = schema::decode_conversation_tail(rows[ids.size() + i].ToStringView());
    sum = fold_conversation(sum, rows[i].ToStringView(), *tail);
  }
  return sum;
}

Digest Runner::operator()(const GetWhole& get) const {
  const Reading reading(database_);
  const auto rows = fetch_conversations(reading, {get.conversation});
  const auto tail = schema::decode_conversation_tail(rows[1].ToStringView());
  Digest sum = fold_conversation(1, rows[0].ToStringView(), *tail);
  const auto& header = root<fb::Conversation>(rows[0].ToStringView());
  Digest users = 0;
  for (const auto* participant : *header.participants())
    users += fold_id(1, view(participant->user()));
  sum = fold(sum, users);
  const auto range = indexes::range_of(
      schema::message_range(kDefaultSpace, get.conversation, schema::MessagePart::record));
  const auto scan = reading.scan(kv::Family::messages, range);
  // Newest first on disk, oldest first in the answer.
  std::vector<std::string> messages;
  messages.reserve(tail->message_count);
  for (; scan->valid(); scan->next()) messages.emplace_back(scan->value());
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    sum = fold_message(sum, *message, &header);
  }
  return sum;
}

Digest Runner::operator()(const ConversationsOfUser& of) const {
  const Reading reading(database_);
  const auto range =
      indexes::range_of(indexes::conversation_by_participant_prefix(kDefaultSpace, of.user));
  const auto scan = reading.scan(kv::Family::indexes, range);
  std::vector<ConversationId> found;
  while (scan->valid() && found.size() < of.limit) {
    std::vector<ConversationId> ids;
    const std::size_t wanted = of.only_unprocessed ? kFetchTogether : of.limit;
    for (; scan->valid() && ids.size() < wanted; scan->next()) {
      ids.push_back(id_behind_created<ConversationId>(scan->key()));
    }
    if (!of.only_unprocessed) return fold_conversations(reading, ids);
    std::vector<std::string> keys;
    for (const auto& id : ids) keys.push_back(schema::conversation_tail_key(kDefaultSpace, id));
    const auto tails = reading.multi_get(kv::Family::conversations, keys);
    for (std::size_t i = 0; i < ids.size() && found.size() < of.limit; ++i) {
      const auto tail = schema::decode_conversation_tail(tails[i].ToStringView());
      if (!tail->is_processed()) found.push_back(ids[i]);
    }
  }
  return fold_conversations(reading, found);
}

Digest Runner::operator()(const UnprocessedConversations& ask) const {
  const Reading reading(database_);
  const auto range = indexes::range_of(indexes::conversation_unprocessed_prefix(kDefaultSpace));
  const auto scan = reading.scan(kv::Family::indexes, range);
  std::vector<ConversationId> ids;
  // The oldest first, which lie at the end.
  for (scan->iterator->SeekToLast(); scan->valid() && ids.size() < ask.limit;
       scan->iterator->Prev()) {
    ids.push_back(id_behind_created<ConversationId>(scan->key()));
  }
  return fold_conversations(reading, ids);
}

}  // namespace

Digest read_bare(const RocksDatabase& database, const Operation& operation) {
  return std::visit(Runner(database), operation);
}

}  // namespace callisto::bench
