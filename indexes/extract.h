#pragma once

// Inside of the catalogue: the extractors, one per index and named as it is, in a file per record
// family; and how the key of an entry leads back to its row.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "indexes/catalogue.h"
#include "indexes/entry_key.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"
#include "schema/records.h"

namespace callisto::indexes {

/// The record in a row's checked bytes.
template <class Table>
const Table& record_of(const Row& row) noexcept {
  return *flatbuffers::GetRoot<Table>(row.bytes.data());
}

/// Emits prefix ~time id.
template <class Tag>
void emit_newest_first(Entries& entries, schema::KeyWriter prefix, std::int64_t time,
                       const Id<Tag>& id, std::string_view value = {}) {
  prefix.time_down(time).id_at(time, id);
  entries.add(prefix.view(), value);
}

/// Emits prefix time id.
template <class Tag>
void emit_oldest_first(Entries& entries, schema::KeyWriter prefix, std::int64_t time,
                       const Id<Tag>& id, std::string_view value = {}) {
  prefix.time(time).id_at(time, id);
  entries.add(prefix.view(), value);
}

namespace extract {

// extract_users.cc
void user_by_active(const Row& row, Entries& entries);
void user_by_last_seen(const Row& row, Entries& entries);
void identity_by_user(const Row& row, Entries& entries);
void identity_by_username(const Row& row, Entries& entries);
void datum_newest(const Row& row, Entries& entries);
void user_by_preferred_name(const Row& row, Entries& entries);

// extract_conversations.cc
void conversation_by_participant(const Row& row, Entries& entries);
void conversation_by_owner(const Row& row, Entries& entries);
void conversation_by_type(const Row& row, Entries& entries);
void conversation_by_persona(const Row& row, Entries& entries);
void conversation_by_saved(const Row& row, Entries& entries);
void conversation_by_archived(const Row& row, Entries& entries);
void conversation_by_ended(const Row& row, Entries& entries);
void conversation_unprocessed(const Row& row, Entries& entries);
void conversation_by_activity(const Row& row, Entries& entries);
void conversation_by_created(const Row& row, Entries& entries);

// extract_messages.cc
std::string message_cover(const Row& row);
void message_by_id(const Row& row, Entries& entries);
void message_by_time(const Row& row, Entries& entries);
void message_by_sender(const Row& row, Entries& entries);
void message_by_importance(const Row& row, Entries& entries);

// extract_memories.cc
std::string memory_cover(const Row& row);
void memory_by_category(const Row& row, Entries& entries);
void memory_by_key(const Row& row, Entries& entries);
void memory_by_name(const Row& row, Entries& entries);
void memory_by_entity(const Row& row, Entries& entries);
void memory_by_entity_type(const Row& row, Entries& entries);
void memory_by_tag(const Row& row, Entries& entries);
void memory_by_type(const Row& row, Entries& entries);
void memory_by_agent(const Row& row, Entries& entries);
void memory_by_user(const Row& row, Entries& entries);
void memory_by_conversation(const Row& row, Entries& entries);
void memory_by_priority(const Row& row, Entries& entries);
void memory_by_source(const Row& row, Entries& entries);
void memory_by_task(const Row& row, Entries& entries);
void memory_by_created(const Row& row, Entries& entries);
void memory_by_updated(const Row& row, Entries& entries);
void memory_by_expiry(const Row& row, Entries& entries);

}  // namespace extract

namespace row_key {

/// What lies between S X and the time in an entry that ends in a time and an id.
enum class Shape : std::uint8_t { none, byte, id, text, text_and_hash, id_and_hash };
inline constexpr Shape kHash = Shape::id;  // 16 bytes either way

inline void skip(schema::KeyReader& reader, Shape shape) {
  constexpr std::size_t kIdBytes = 16;
  switch (shape) {
    case Shape::none:
      break;
    case Shape::byte:
      reader.u8();
      break;
    case Shape::id:
      reader.raw(kIdBytes);
      break;
    case Shape::text:
      reader.text();
      break;
    case Shape::text_and_hash:
      reader.text();
      reader.raw(kIdBytes);
      break;
    case Shape::id_and_hash:
      reader.raw(2 * kIdBytes);
      break;
  }
}

/// The row of an entry that ends in a time and an id; `make` is the function of schema/keys.h that
/// gives the key of a row.
template <Shape shape, class IdType, std::string (*make)(schema::SpaceNumber, const IdType&),
          bool is_time_rising = false>
std::optional<std::string> of(std::string_view entry_key, std::string_view /*entry_value*/) {
  schema::KeyReader reader(entry_key);
  const schema::SpaceNumber space = reader.u32();
  reader.u16();
  skip(reader, shape);
  const std::int64_t time = is_time_rising ? reader.time() : reader.time_down();
  const auto id = reader.id_at<IdType>(time);
  if (!reader.at_end()) return std::nullopt;
  return make(space, id);
}

template <Shape shape>
std::optional<std::string> of_user(std::string_view entry_key, std::string_view entry_value) {
  return of<shape, UserId, schema::user_key>(entry_key, entry_value);
}
template <Shape shape>
std::optional<std::string> of_conversation(std::string_view entry_key,
                                           std::string_view entry_value) {
  return of<shape, ConversationId, schema::conversation_key>(entry_key, entry_value);
}
template <Shape shape>
std::optional<std::string> of_memory(std::string_view entry_key, std::string_view entry_value) {
  return of<shape, MemoryId, schema::memory_key>(entry_key, entry_value);
}
inline std::optional<std::string> of_expiring_memory(std::string_view entry_key,
                                                     std::string_view entry_value) {
  return of<Shape::none, MemoryId, schema::memory_key, true>(entry_key, entry_value);
}
inline std::optional<std::string> of_user_tail(std::string_view entry_key,
                                               std::string_view entry_value) {
  return of<Shape::none, UserId, schema::user_tail_key>(entry_key, entry_value);
}
inline std::optional<std::string> of_conversation_tail(std::string_view entry_key,
                                                       std::string_view entry_value) {
  return of<Shape::none, ConversationId, schema::conversation_tail_key>(entry_key, entry_value);
}

std::optional<std::string> of_identity(std::string_view entry_key, std::string_view entry_value);
std::optional<std::string> of_datum(std::string_view entry_key, std::string_view entry_value);
std::optional<std::string> of_message_by_id(std::string_view entry_key,
                                            std::string_view entry_value);
std::optional<std::string> of_message_by_time(std::string_view entry_key,
                                              std::string_view entry_value);
/// Of the parts by_sender and by_importance.
std::optional<std::string> of_message_part(std::string_view entry_key,
                                           std::string_view entry_value);

}  // namespace row_key

}  // namespace callisto::indexes
