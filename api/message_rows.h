#pragma once

// What the calls about messages share: input into fields, where a message lies, and views of many.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/check.h"
#include "api/core.h"
#include "api/rows.h"
#include "callisto/message.h"
#include "schema/message_record.h"

namespace callisto::detail {

/// fb::Message::sender_slot of a message without a sender.
inline constexpr std::uint16_t kNoSlot = 0xFFFF;
/// Sequences are 1 to this, so that adding to one never overflows.
inline constexpr std::uint64_t kMaxSequence = std::uint64_t{1} << 62;

/// Checked input as a message's fields, without what its conversation decides: conversation,
/// sender_slot, sequence and timestamp; and without the envelope, which fill_envelope() adds.
Result<schema::fb::MessageT> message_fields(const NewMessage& message);
/// The two halves of it, for a caller that checks many messages before it writes the first: all
/// that message_fields() refuses; and the fields of a message that was checked.
Result<void> check_message(const NewMessage& message);
Result<schema::fb::MessageT> checked_message_fields(const NewMessage& message);
/// The same, and what of the envelope is the caller's, in a form that is encoded without copies.
Result<schema::MessageRecord> checked_message_record(const NewMessage& message);

/// Where a message lies.
struct MessageAt {
  ConversationId conversation;
  schema::MessageOrder order;
};
std::string message_key(SpaceNumber space, const MessageAt& at);
MessageAt place_of(const schema::fb::Message& message);

/// The place of a message, also of one in a conversation that is being purged or staged. While the
/// index of ids is built anew: a pass over all messages that the build has not come to.
Result<std::optional<MessageAt>> find_message(ReadContext& context, const MessageId& id);
/// The same, read for update. A message that is not visible is there too.
Result<std::optional<MessageAt>> find_message_for_update(WriteContext& context,
                                                         const MessageId& id);
/// The place of the message that has the id which `message` brings. One that the store draws for it
/// is no one's.
Result<std::optional<MessageAt>> find_namesake(WriteContext& context, const NewMessage& message);
/// For many ids at once: a message that has one of them and no entry yet; nullopt while the index
/// of ids can be read.
struct TakenId {
  MessageId id;
  MessageAt at;
};
Result<std::optional<TakenId>> find_unindexed(WriteContext& context,
                                              const std::vector<MessageId>& ids);
/// find_message_for_update() after find_unindexed() has found none of the ids.
Result<std::optional<MessageAt>> find_indexed(WriteContext& context, const MessageId& id);
/// The same of the ids that several messages bring, in their order. The commit checks those that are
/// taken here, and those that are free where their entries are written.
Result<std::vector<std::optional<MessageAt>>> find_indexed(WriteContext& context,
                                                           std::span<const NewMessage> messages);
/// The record of a message that an index entry names: it must be there.
Result<Bytes> fetch_message_for_update(WriteContext& context, const MessageAt& at);

/// The time of a message that comes without one: now, but never before the conversation's newest
/// message. A clock that lies more than a minute behind it is noted in the store's health.
std::int64_t timestamp_after(StoreCore& core, Time now, std::optional<std::int64_t> newest);
/// Takes a new message into its conversation's counts.
void count_message(schema::ConversationTail& tail, const schema::MessageOrder& order,
                   std::uint32_t tokens);
/// Writes a new message.
Result<void> insert_message(WriteContext& context, const MessageAt& at, std::string_view bytes);

/// The records of a conversation in [lower, upper), at most `limit`, in scan order.
Result<std::vector<Bytes>> scan_messages(ReadContext& context, const KeyRange& range, bool reverse,
                                         std::size_t limit);
/// Views of checked records, which are taken out of `rows`; each conversation's header is fetched once, and only for senders.
Result<std::vector<Message>> message_views(ReadContext& context, std::span<Bytes> rows);
/// The same for messages of one conversation. `header`: null when it is not known yet.
Result<std::vector<Message>> message_views(ReadContext& context, std::span<Bytes> rows,
                                           const ConversationId& conversation, const Bytes* header);
/// Views of the messages at these places, in their order.
Result<std::vector<Message>> fetch_messages(ReadContext& context,
                                            std::span<const MessageAt> places);

}  // namespace callisto::detail
