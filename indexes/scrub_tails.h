#pragma once

// Inside of scrub and repair: what tails must say, counted from what they stand for.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "callisto/id.h"
#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "schema/tails.h"

namespace callisto::indexes {

enum class Presence : std::uint8_t { absent, damaged, intact };

/// A user beside its tail and what the tail counts.
struct UserFacts {
  UserId id;
  Presence record = Presence::absent;
  Presence stored = Presence::absent;
  std::int64_t created_at = 0;  ///< The record's, when it is intact.
  schema::UserTail tail;        ///< When it is intact.
  std::uint32_t data_rows = 0;
  std::uint32_t identities = 0;  ///< Entries of identity_by_user.
};
/// What the tail must be.
schema::UserTail right_tail(const UserFacts& facts);

/// A conversation beside its tail and what the tail counts.
struct ConversationFacts {
  ConversationId id;
  Presence header = Presence::absent;
  Presence stored = Presence::absent;
  std::int64_t created_at = 0;  ///< The header's, when it is intact; updated_at too.
  std::int64_t updated_at = 0;
  schema::ConversationTail tail;  ///< When it is intact.
  std::uint64_t message_count = 0;
  std::uint64_t token_count = 0;
  std::uint64_t highest_sequence = 0;
  std::int64_t last_message_at = 0;  ///< 0 without messages.
  std::uint64_t repeated_sequences = 0;
  bool has_damaged_messages = false;  ///< Then nothing can be counted.
};
schema::ConversationTail right_tail(const ConversationFacts& facts);

/// In the order of ids, everything that is a user's or looks like one's; or one user's only.
/// Bounded memory.
Result<void> for_each_user(kv::Reader& reader, const Catalogue& catalogue,
                           schema::SpaceNumber space, std::optional<UserId> only,
                           const std::function<Result<void>(const UserFacts&)>& each);
/// The same for conversations.
Result<void> for_each_conversation(
    kv::Reader& reader, const Catalogue& catalogue, schema::SpaceNumber space,
    std::optional<ConversationId> only,
    const std::function<Result<void>(const ConversationFacts&)>& each);

}  // namespace callisto::indexes
