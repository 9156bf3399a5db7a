#pragma once

// What the calls about conversations share: input into fields, and header and tail as one thing.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/check.h"
#include "api/core.h"
#include "api/rows.h"
#include "callisto/conversation.h"

namespace callisto::detail {

/// Rows that a list fetches in one MultiGet.
inline constexpr std::size_t kFetchChunk = 256;
inline constexpr const char* kDefaultConversationType = "conversation";

/// Checked input as a header's fields, every participant once. Stamp, metadata and foreign id come
/// later, by fill_envelope().
Result<schema::fb::ConversationT> conversation_fields(const NewConversation& conversation);
/// The rules of the texts that create and update share; one that is not given is "".
struct ConversationTexts {
  std::string_view title{};
  std::string_view type{};
  std::string_view model{};
  std::string_view recap{};
  std::string_view summary{};
};
Result<void> check_texts(const ConversationTexts& texts);

Error no_such_conversation();
/// not_found naming the field when the user is not there; a concurrent removal makes the commit
/// conflict.
Result<void> require_user(WriteContext& context, const UserId& user, const std::string& field);
/// Owner and participants of a conversation to create.
Result<void> require_users(WriteContext& context, const NewConversation& conversation);
/// First slot of the header whose user stands for `user`; nullopt when it takes no part.
std::optional<std::uint16_t> slot_of(const SpaceState& state,
                                     const schema::fb::Conversation& header, const UserId& user);
/// All such slots, rising.
std::vector<std::uint16_t> slots_of(const SpaceState& state, const schema::fb::Conversation& header,
                                    const UserId& user);

/// Header and tail: both are there or neither, else it is damage.
struct ConversationRows {
  Bytes header;
  schema::ConversationTail tail;
  Bytes tail_row{};  ///< The tail as it is stored; empty where it is not of the store.
};
Result<std::optional<ConversationRows>> fetch_conversation(ReadContext& context,
                                                           const ConversationId& id);
Result<std::optional<ConversationRows>> fetch_conversation_for_update(WriteContext& context,
                                                                      const ConversationId& id);
/// A tail, as it is stored and decoded.
struct TailRow {
  Bytes row;
  schema::ConversationTail tail;
};
Result<TailRow> tail_row(SpaceNumber space, const ConversationId& id, Bytes row);
/// Tails in the order of `ids`; corruption where one is missing. hints[i], where there are any,
/// learns where it lies.
Result<std::vector<TailRow>> fetch_tails(ReadContext& context, std::span<const ConversationId> ids,
                                         std::span<const kv::HintRef> hints = {});
/// Rows that lie beside each other in a hint: the header, and the tail.
inline constexpr std::size_t kHeaderPlace = 0;
inline constexpr std::size_t kTailPlace = 1;

/// What create() and store() begin with. The rows when a conversation with this id and equal
/// content is there already; nullopt when the id is free and the users exist; then `fields` has its
/// envelope. already_exists (id); not_found (owner, participants[i]); conflict (see
/// check_unfinished).
Result<std::optional<ConversationRows>> prepare_conversation(WriteContext& context,
                                                             const NewConversation& conversation,
                                                             schema::fb::ConversationT& fields,
                                                             std::optional<ConversationId>& purge);
/// The tail of a new conversation without messages, whose fields have their stamp.
schema::ConversationTail new_tail(const NewConversation& conversation,
                                  const schema::fb::ConversationT& fields);
/// Writes a new header and its tail.
Result<void> insert_conversation(WriteContext& context, const schema::fb::ConversationT& fields,
                                 const schema::ConversationTail& tail);
/// Writes changed fields over a header, and the tail that changes with it.
Result<void> update_conversation(WriteContext& context, const ConversationRows& before,
                                 const schema::fb::ConversationT& fields,
                                 const schema::ConversationTail& tail);
/// Moves a tail; nothing is written when it stays as it is.
Result<void> write_tail(WriteContext& context, const ConversationId& id,
                        const schema::ConversationTail& before,
                        const schema::ConversationTail& after);
/// Writers of one conversation queue on its tail, which nearly all of them move.
QueueKey tail_queue(const Scope& scope, const ConversationId& conversation);

/// How much of a purge one transaction does.
struct PurgeBudget {
  std::size_t rows = 0;
  std::size_t bytes = 0;  ///< Of records, with kPurgeRowBytes more for each.
};
inline constexpr std::size_t kPurgeRowBytes = 512;
/// Removes messages and owned memories of a conversation whose header is gone, from where the item
/// says on, and counts them there. True when nothing is left; else the item says where to go on:
/// memories wait until memory_by_conversation can be read.
/// (work_conversations.cc)
Result<bool> purge_rows(WriteContext& context, const ConversationId& conversation,
                        indexes::WorkItem& item, PurgeBudget budget);

/// Where none of several indexes is ready.
Error index_not_ready();
/// index_not_ready, with its name, unless the index is ready in this state. For entries among the
/// messages, which have no versions; others are asked by require_version().
Result<void> require_index(const SpaceState& state, schema::IndexId index);
/// The version of an index that can be read in this state, for indexes::in_version(); nullopt where
/// none can.
std::optional<schema::IndexId> readable_version(const ReadContext& context, schema::IndexId index);
/// The same; index_not_ready, with its name, where none can.
Result<schema::IndexId> require_version(const ReadContext& context, schema::IndexId index);

}  // namespace callisto::detail
