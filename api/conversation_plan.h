#pragma once

// What store() decides about a whole conversation before it writes the first byte.

#include <cstdint>
#include <span>
#include <vector>

#include "api/core.h"
#include "api/message_rows.h"
#include "callisto/conversation.h"
#include "schema/records.h"

namespace callisto::detail {

/// An error about one message of a conversation, with its place in front: "messages[3].id".
Error in_message(const Error& error, std::size_t i);

/// A conversation and its messages, checked, and with every message's place. The input must outlive
/// it.
class ConversationPlan {
 public:
  ConversationPlan(const NewConversation& conversation, std::span<const NewMessage> messages)
      : conversation_(conversation), messages_(messages) {}

  /// Lets imported messages outlive their parents, as append() does.
  void accept_lost_parents() noexcept { accepts_lost_parents_ = true; }

  /// Every rule of input that needs no reading. See in_message() for errors about a message.
  Result<void> check();
  /// Gives a time to messages that come without one.
  void add_times(StoreCore& core, Time now);

  const NewConversation& conversation() const noexcept { return conversation_; }
  std::size_t message_count() const noexcept { return messages_.size(); }
  std::span<const NewMessage> messages() const noexcept { return messages_; }
  const NewMessage& message(std::size_t i) const noexcept { return messages_[i]; }
  /// The header's fields; prepare_conversation() adds the envelope.
  schema::fb::ConversationT& header() noexcept { return header_; }
  const schema::fb::ConversationT& header() const noexcept { return header_; }

  /// Complete fields of a message; header and times must be complete.
  Result<schema::fb::MessageT> fields(std::size_t i, MadeIds& ids, Time now) const;
  /// The same to be encoded.
  Result<schema::MessageRecord> record(std::size_t i, MadeIds& ids, Time now) const;
  /// The message with this number; nullopt when there is none.
  std::optional<std::size_t> find(std::uint64_t sequence) const;
  /// The tail once all messages are there.
  schema::ConversationTail tail() const;

  /// About what writing message i puts into a transaction: record, keys and entries.
  std::size_t bytes(std::size_t i) const;
  /// Whether the whole goes into one transaction with room to spare.
  bool fits_one_transaction() const;

 private:
  struct Place {
    std::uint64_t sequence = 0;
    std::int64_t timestamp = 0;
    std::uint16_t slot = kNoSlot;
  };
  Result<void> check_ids() const;
  Error second_of_an_id() const;
  Result<void> add_slots();
  Result<void> add_sequences();

  const NewConversation& conversation_;
  const std::span<const NewMessage> messages_;
  bool accepts_lost_parents_ = false;
  schema::fb::ConversationT header_;
  std::vector<Place> places_;
  /// Indexes of messages, in the order of their numbers.
  std::vector<std::size_t> by_sequence_;
};

}  // namespace callisto::detail
