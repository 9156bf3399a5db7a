#pragma once

// The ledger in code: numbers that reach the disk. Never changed, never reused; FORMAT.md and
// ledger.txt list them with what they meant. A changed index definition takes a new number.

#include <cstdint>

namespace callisto::schema {

/// A tenant's number; it leads every key of the tenant. 0 is the store itself, 1 the default space.
using SpaceNumber = std::uint32_t;
inline constexpr SpaceNumber kStoreSpace = 0;
inline constexpr SpaceNumber kDefaultSpace = 1;

enum class TableId : std::uint16_t {
  users = 0x0001,
  user_tails = 0x0002,
  platform_identifiers = 0x0003,
  user_data = 0x0004,
  conversations = 0x0005,  // header and tail of a conversation lie together, told apart by a byte
  conversation_tails = 0x0006,  // no keys of its own: names the tail in counters and reports
  messages = 0x0007,
  memories = 0x0008,
};

/// Bytes behind S X conversation in the families `conversations` and `messages`.
enum class ConversationPart : std::uint8_t { header = 0x01, tail = 0x02 };
enum class MessagePart : std::uint8_t { record = 0x10, by_sender = 0x11, by_importance = 0x12 };

enum class IndexId : std::uint16_t {
  user_by_active = 0x0101,
  user_by_last_seen = 0x0102,
  identity_by_user = 0x0111,
  identity_by_username = 0x0112,
  datum_newest = 0x0121,
  user_by_preferred_name = 0x0122,
  conversation_by_participant = 0x0131,
  conversation_by_owner = 0x0132,
  conversation_by_type = 0x0133,
  conversation_by_persona = 0x0134,
  conversation_by_saved = 0x0135,
  conversation_by_archived = 0x0136,
  conversation_by_ended = 0x0137,
  conversation_unprocessed = 0x0138,
  conversation_by_activity = 0x0139,
  conversation_by_created = 0x013A,
  message_by_id = 0x0141,
  message_by_time = 0x0142,
  message_by_sender = 0x0143,      // in the family messages, part 0x11
  message_by_importance = 0x0144,  // in the family messages, part 0x12
  memory_by_category = 0x0151,
  memory_by_key = 0x0152,
  memory_by_name = 0x0153,
  memory_by_entity = 0x0154,
  memory_by_entity_type = 0x0155,
  memory_by_tag = 0x0156,
  memory_by_type = 0x0157,
  memory_by_agent = 0x0158,
  memory_by_user = 0x0159,
  memory_by_conversation = 0x015A,
  memory_by_priority = 0x015B,
  memory_by_source = 0x015C,
  memory_by_task = 0x015D,
  memory_by_created = 0x015E,
  memory_by_updated = 0x015F,
  memory_by_expiry = 0x0160,
};

/// Rows of the family `system`.
enum class SystemId : std::uint16_t {
  format = 0x0201,        // S = 0: format version and feature bits
  space_by_name = 0x0202, // S = 0: name -> number
  next_space = 0x0203,    // S = 0: the number that the next space takes
  counters = 0x0204,      // one row per space
  work = 0x0206,          // the ledger of unfinished work; also S = 0 for dropped spaces
  alias = 0x0207,         // secondary user -> primary user, or nil when the user is gone
  work_guard = 0x0208,    // never stored: guarded by who relies on work and aliases, touched by who changes them
  space_name = 0x020A,    // per space: number -> name; absent once the space is dropped
  name_guard = 0x0209,    // never stored: (user, category, key) of a memory that put() decides on
  index_set = 0x020B,      // per space: the indexes that it holds, and their states
  index_progress = 0x020C, // per space and index: how far its build or its removal has come
  cardinality = 0x020D,   // S = 0: what the estimates of index prefixes go by
  // Reserved: 0x0280 history, 0x0281 change log, 0x0282 merge log.
};

}  // namespace callisto::schema
