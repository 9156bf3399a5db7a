#pragma once

// Records for tests, with ids that are easy to tell apart.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "callisto/id.h"
#include "schema/keys.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto::indexes::testing {

namespace fb = schema::fb;

inline constexpr schema::SpaceNumber kSpace = 1;
/// 2026-11-21T12:00:00Z.
inline constexpr std::int64_t kNoon = 1'795'262'400'000'000;
inline constexpr std::int64_t kMinute = 60'000'000;

/// 00000000-0000-7000-8000-0000NNNNNNNN.
template <class IdType>
IdType id(std::uint32_t number) {
  UuidBytes bytes{};
  bytes[6] = 0x70;
  bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i) bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return IdType(bytes);
}
inline UserId user_id(std::uint32_t number) { return id<UserId>(number); }
inline ConversationId conversation_id(std::uint32_t number) { return id<ConversationId>(number); }
inline MemoryId memory_id(std::uint32_t number) { return id<MemoryId>(number); }

template <class Tag>
std::unique_ptr<fb::Uuid> uuid(const Id<Tag>& id) {
  return std::make_unique<fb::Uuid>(schema::to_fb(id));
}

template <class Tag>
std::unique_ptr<fb::Stamp> stamp(const Id<Tag>& id, std::int64_t created_at = kNoon,
                                 std::int64_t updated_at = kNoon) {
  return std::make_unique<fb::Stamp>(schema::to_fb(id), 1, created_at, created_at, updated_at);
}

template <class Table>
std::string bytes_of(const typename Table::NativeTableType& fields) {
  return schema::encode<Table>(fields).value();
}

/// A row as it is written.
struct StoredRow {
  schema::TableId table;
  std::string key;
  std::string bytes;
};

StoredRow user_row(const UserId& id, bool is_active = true, std::int64_t created_at = kNoon);
StoredRow user_tail_row(const UserId& id, const schema::UserTail& tail);
StoredRow identity_row(const UserId& user, const std::string& platform,
                       const std::string& platform_id, const std::string& username = {});
StoredRow datum_row(const UserId& user, const std::string& category, const std::string& value,
                    std::int64_t created_at = kNoon, std::uint8_t probe = 0);
StoredRow conversation_row(const fb::ConversationT& fields);
StoredRow conversation_tail_row(const ConversationId& id, const schema::ConversationTail& tail);
StoredRow message_row(const fb::MessageT& fields);
StoredRow memory_row(const fb::MemoryT& fields);

/// A header with its participants.
fb::ConversationT conversation(const ConversationId& id, const std::vector<UserId>& participants,
                               std::int64_t created_at = kNoon);
/// Message number `sequence`, a minute behind the one before it.
fb::MessageT message(const ConversationId& conversation, std::uint64_t sequence,
                     std::uint32_t id_number);
fb::MemoryT memory(const MemoryId& id, std::int64_t created_at = kNoon);

}  // namespace callisto::indexes::testing
