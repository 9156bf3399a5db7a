// The reading half of index_keys.h: from an entry to what it stands for.

#include <optional>
#include <string>
#include <utility>

#include "indexes/index_keys.h"

namespace callisto::indexes {

namespace {

using schema::IndexId;
using schema::KeyReader;
using schema::KeyWriter;
using schema::TableId;

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kTimeTailBytes = 8 + kIdBytes;
/// How the key of a datum ends: the value's hash and the probe.
constexpr std::size_t kDatumEndBytes = 16 + 1;

struct Head {
  SpaceNumber space = 0;
  IndexId index{};
};

Head read_head(KeyReader& reader) {
  const SpaceNumber space = reader.u32();
  return {space, static_cast<IndexId>(reader.u16())};
}

std::optional<KeyReader> time_tail_of(std::string_view entry_key) {
  if (entry_key.size() < schema::kKeyHeadBytes + kTimeTailBytes) return std::nullopt;
  return KeyReader(entry_key.substr(entry_key.size() - kTimeTailBytes));
}

}  // namespace

std::optional<TimeTail> parse_created_tail(std::string_view entry_key) {
  auto reader = time_tail_of(entry_key);
  if (!reader) return std::nullopt;
  const std::int64_t time = reader->time_down();
  return TimeTail{time, reader->id_at<Id<void>>(time).bytes()};
}

std::optional<TimeTail> parse_time_tail(std::string_view entry_key) {
  auto reader = time_tail_of(entry_key);
  if (!reader) return std::nullopt;
  const std::int64_t time = reader->time();
  return TimeTail{time, reader->id_at<Id<void>>(time).bytes()};
}

std::optional<std::string> identity_row_key(std::string_view entry_key) {
  KeyReader reader(entry_key);
  const Head head = read_head(reader);
  if (head.index == IndexId::identity_by_username) reader.text();
  reader.raw(kIdBytes);
  const std::string_view identity = reader.rest();
  reader.text();
  reader.text();
  if (!reader.at_end()) return std::nullopt;
  return std::move(KeyWriter(head.space, TableId::platform_identifiers).raw(identity)).take();
}

std::optional<std::string> datum_row_key(std::string_view entry_key) {
  KeyReader reader(entry_key);
  const Head head = read_head(reader);
  KeyWriter key(head.space, TableId::user_data);
  if (head.index == IndexId::user_by_preferred_name) {
    reader.text();
    key.raw(reader.raw(kIdBytes)).text(kPreferredName);
  } else {
    key.raw(reader.raw(kIdBytes)).text(reader.text());
    reader.time_down();
  }
  key.raw(reader.raw(kDatumEndBytes));
  if (!reader.at_end()) return std::nullopt;
  return std::move(key).take();
}

std::optional<UserId> preferred_name_user(std::string_view entry_key) {
  constexpr std::size_t kEnd = kIdBytes + kDatumEndBytes;
  if (entry_key.size() < schema::kKeyHeadBytes + kEnd) return std::nullopt;
  return KeyReader(entry_key.substr(entry_key.size() - kEnd)).id<UserId>();
}

std::optional<schema::MessageKey> parse_message_by_time(std::string_view entry_key) {
  KeyReader reader(entry_key);
  schema::MessageKey key;
  key.space = read_head(reader).space;
  key.order.timestamp = reader.time();
  key.conversation = reader.id<ConversationId>();
  key.order.sequence = reader.u64();
  if (!reader.at_end()) return std::nullopt;
  return key;
}

}  // namespace callisto::indexes
