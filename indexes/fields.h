#pragma once

// What of a record an index reads, so that a change of other fields need not look for its entries.

#include <cstdint>

namespace callisto::indexes {

struct Row;

/// Fields of one table, as bits.
using FieldSet = std::uint32_t;
/// Of a definition that says nothing of what it reads.
inline constexpr FieldSet kEveryField = ~FieldSet{0};

namespace field {

enum Shared : FieldSet {
  identity = 1U << 0,  ///< Id and created_at.
  updated = 1U << 1,
};

enum Memory : FieldSet {
  cover = 1U << 2,  ///< Whatever TableDefinition::cover is made of.
  category = 1U << 3,
  key = 1U << 4,
  memory_type = 1U << 5,
  tags = 1U << 6,
  entity_type = 1U << 7,
  entity_id = 1U << 8,
  user = 1U << 9,
  conversation = 1U << 10,
  agent = 1U << 11,
  priority = 1U << 12,
  sources = 1U << 13,
  task = 1U << 14,
  expiry = 1U << 15,
};

enum Conversation : FieldSet {
  participants = 1U << 2,
  owner = 1U << 3,
  conversation_type = 1U << 4,
  persona = 1U << 5,
  saved = 1U << 6,
  archived = 1U << 7,
  ended = 1U << 8,
};

}  // namespace field

/// The fields in which two checked records under one key differ, of those that have a bit.
FieldSet changed_in_memory(const Row& before, const Row& after);
FieldSet changed_in_conversation(const Row& before, const Row& after);

}  // namespace callisto::indexes
