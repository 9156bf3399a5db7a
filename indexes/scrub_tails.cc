#include "indexes/scrub_tails.h"

#include <algorithm>
#include <array>
#include <utility>

#include "indexes/aligned_bytes.h"
#include "indexes/extract.h"
#include "indexes/scrub_sequences.h"
#include "indexes/scrub_walk.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using schema::IndexId;
using schema::TableId;

constexpr std::size_t kIdBytes = 16;

/// Keys that start with S X id, group by group.
class GroupScan {
 public:
  GroupScan(kv::Reader& reader, kv::Family family, std::string prefix, std::string_view only)
      : scan_(reader, family, std::move(prefix.append(only))) {
    skip_short();
  }

  bool valid() const { return scan_.valid(); }
  bool is_at(std::string_view id) const { return scan_.valid() && this->id() == id; }
  std::string_view id() const { return scan_.key().substr(schema::kKeyHeadBytes, kIdBytes); }
  std::string_view key() const { return scan_.key(); }
  std::string_view value() const { return scan_.value(); }
  void next() {
    scan_.next();
    skip_short();
  }
  Result<void> status() const { return scan_.status(); }

 private:
  /// No row's key is that short.
  void skip_short() {
    while (scan_.valid() && scan_.key().size() < schema::kKeyHeadBytes + kIdBytes) scan_.next();
  }

  PrefixScan scan_;
};

/// The lowest id that any of the scans stands on.
template <std::size_t count>
std::optional<std::string> lowest(const std::array<GroupScan*, count>& scans) {
  std::optional<std::string> id;
  for (const GroupScan* scan : scans) {
    if (scan->valid() && (!id || scan->id() < *id)) id = scan->id();
  }
  return id;
}

template <std::size_t count>
Result<void> status_of(const std::array<GroupScan*, count>& scans) {
  for (const GroupScan* scan : scans) {
    if (auto status = scan->status(); !status) return status;
  }
  return {};
}

template <class IdType>
std::string only_bytes(const std::optional<IdType>& only) {
  return only ? std::string(only->view()) : std::string();
}

template <class IdType>
IdType to_id(std::string_view bytes) {
  return schema::KeyReader(bytes).id<IdType>();
}

/// Looks at one stored row.
class RowReader {
 public:
  RowReader(const Catalogue& catalogue, schema::SpaceNumber space, TableId table)
      : table_(catalogue.table(table)), space_(space) {}

  bool is_row(std::string_view key) const { return table_.is_row(key); }
  Presence read(std::string_view key, std::string_view value) {
    row_ = {space_, key, bytes_.assign(value)};
    return table_.is_intact(row_.bytes) ? Presence::intact : Presence::damaged;
  }
  const Row& row() const noexcept { return row_; }

 private:
  const TableDefinition& table_;
  const schema::SpaceNumber space_;
  AlignedBytes bytes_;
  Row row_;
};

/// Takes the group's rows off the scan, one by one.
template <class Function>
void take_group(GroupScan& scan, std::string_view id, Function&& each) {
  for (; scan.is_at(id); scan.next()) each(scan.key(), scan.value());
}

class ConversationJoin {
 public:
  ConversationJoin(kv::Reader& reader, const Catalogue& catalogue, schema::SpaceNumber space)
      : reader_(reader),
        space_(space),
        header_(catalogue, space, TableId::conversations),
        tail_(catalogue, space, TableId::conversation_tails),
        message_(catalogue, space, TableId::messages) {}

  void take_row(ConversationFacts& facts, std::string_view key, std::string_view value) {
    if (header_.is_row(key)) {
      facts.header = header_.read(key, value);
      if (facts.header != Presence::intact) return;
      const auto* stamp = record_of<schema::fb::Conversation>(header_.row()).stamp();
      facts.created_at = stamp->created_at();
      facts.updated_at = stamp->updated_at();
    } else if (tail_.is_row(key)) {
      facts.stored = tail_.read(key, value);
      facts.tail = schema::decode_conversation_tail(value).value_or(schema::ConversationTail{});
    }
  }

  void take_message(ConversationFacts& facts, std::string_view key, std::string_view value) {
    const auto parsed = schema::parse_message_key(key);
    if (!parsed || parsed->part != schema::MessagePart::record) return;
    repeats_.add(parsed->order.sequence);
    if (message_.read(key, value) != Presence::intact) {
      facts.has_damaged_messages = true;
      return;
    }
    const auto& message = record_of<schema::fb::Message>(message_.row());
    const std::int64_t timestamp = message.timestamp();
    facts.last_message_at =
        facts.message_count == 0 ? timestamp : std::max(facts.last_message_at, timestamp);
    ++facts.message_count;
    facts.token_count += message.token_usage().value_or(0);
    facts.highest_sequence = std::max(facts.highest_sequence, message.sequence());
  }

  void begin() {
    repeats_.reset();
    repeats_.begin_pass();
  }

  /// Judges the sequences that take_message() saw; reads them again while they are too many.
  Result<void> end(ConversationFacts& facts) {
    while (repeats_.end_pass()) {
      repeats_.begin_pass();
      PrefixScan scan(reader_, kv::Family::messages,
                      schema::message_range(space_, facts.id, schema::MessagePart::record));
      for (; scan.valid(); scan.next()) {
        const auto parsed = schema::parse_message_key(scan.key());
        if (parsed) repeats_.add(parsed->order.sequence);
      }
      if (auto status = scan.status(); !status) return status;
    }
    facts.repeated_sequences = repeats_.repeats();
    return {};
  }

 private:
  kv::Reader& reader_;
  const schema::SpaceNumber space_;
  RowReader header_;
  RowReader tail_;
  RowReader message_;
  RepeatCheck repeats_;
};

}  // namespace

schema::UserTail right_tail(const UserFacts& facts) {
  schema::UserTail tail = facts.tail;
  if (facts.stored == Presence::absent) tail.last_seen = facts.created_at;
  tail.data_rows = facts.data_rows;
  tail.identities = facts.identities;
  return tail;
}

schema::ConversationTail right_tail(const ConversationFacts& facts) {
  schema::ConversationTail tail = facts.tail;
  tail.created_at = facts.created_at;
  tail.updated_at = facts.updated_at;
  tail.last_message_at = facts.last_message_at;
  tail.last_sequence = std::max(tail.last_sequence, facts.highest_sequence);
  tail.message_count = facts.message_count;
  tail.token_count = facts.token_count;
  return tail;
}

Result<void> for_each_user(kv::Reader& reader, const Catalogue& catalogue,
                           schema::SpaceNumber space, std::optional<UserId> only,
                           const std::function<Result<void>(const UserFacts&)>& each) {
  const std::string id = only_bytes(only);
  GroupScan users(reader, kv::Family::users, table_prefix(space, TableId::users), id);
  GroupScan tails(reader, kv::Family::users, table_prefix(space, TableId::user_tails), id);
  GroupScan data(reader, kv::Family::user_data, table_prefix(space, TableId::user_data), id);
  GroupScan identities(reader, kv::Family::indexes, index_prefix(space, IndexId::identity_by_user),
                       id);
  const std::array scans{&users, &tails, &data, &identities};
  RowReader user(catalogue, space, TableId::users);
  RowReader tail(catalogue, space, TableId::user_tails);
  while (const auto next = lowest(scans)) {
    UserFacts facts;
    facts.id = to_id<UserId>(*next);
    take_group(users, *next, [&](std::string_view key, std::string_view value) {
      if (!user.is_row(key)) return;
      facts.record = user.read(key, value);
      if (facts.record != Presence::intact) return;
      facts.created_at = record_of<schema::fb::User>(user.row()).stamp()->created_at();
    });
    take_group(tails, *next, [&](std::string_view key, std::string_view value) {
      if (!tail.is_row(key)) return;
      facts.stored = tail.read(key, value);
      facts.tail = schema::decode_user_tail(value).value_or(schema::UserTail{});
    });
    take_group(data, *next, [&](std::string_view, std::string_view) { ++facts.data_rows; });
    take_group(identities, *next, [&](std::string_view, std::string_view) { ++facts.identities; });
    if (auto status = status_of(scans); !status) return status;
    if (auto done = each(facts); !done) return done;
  }
  return status_of(scans);
}

Result<void> for_each_conversation(
    kv::Reader& reader, const Catalogue& catalogue, schema::SpaceNumber space,
    std::optional<ConversationId> only,
    const std::function<Result<void>(const ConversationFacts&)>& each) {
  const std::string id = only_bytes(only);
  GroupScan rows(reader, kv::Family::conversations, table_prefix(space, TableId::conversations),
                 id);
  GroupScan messages(reader, kv::Family::messages, table_prefix(space, TableId::messages), id);
  const std::array scans{&rows, &messages};
  ConversationJoin join(reader, catalogue, space);
  while (const auto next = lowest(scans)) {
    ConversationFacts facts;
    facts.id = to_id<ConversationId>(*next);
    join.begin();
    take_group(rows, *next, [&](std::string_view key, std::string_view value) {
      join.take_row(facts, key, value);
    });
    take_group(messages, *next, [&](std::string_view key, std::string_view value) {
      join.take_message(facts, key, value);
    });
    if (auto status = status_of(scans); !status) return status;
    if (auto done = join.end(facts); !done) return done;
    if (auto done = each(facts); !done) return done;
  }
  return status_of(scans);
}

}  // namespace callisto::indexes
