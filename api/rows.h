#pragma once

// Fetching rows as checked bytes, and making views of them.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/core.h"
#include "callisto/store.h"
#include "indexes/index_keys.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto::detail {

using indexes::KeyRange;

/// "damaged record in TABLE at KEY (hex)": what is damaged is named, never served.
Error damaged(std::string_view table, std::string_view key);

/// A record as counted, checked bytes; nullopt when absent; corruption when damaged.
template <class Table>
Result<std::optional<Bytes>> fetch(kv::Reader& reader, std::string_view key);
/// The same, read for update: present or absent, a concurrent change makes the commit conflict.
template <class Table>
Result<std::optional<Bytes>> fetch_for_update(kv::Transaction& transaction, std::string_view key);
/// Many records of one table in one MultiGet; `keys` in any order, the answer in theirs, nullopt
/// where absent.
template <class Table>
Result<std::vector<std::optional<Bytes>>> fetch_many(kv::Reader& reader, std::span<const std::string> keys);
/// The same with an empty hold where a row is absent; hints[i], where there are any, learns where
/// keys[i] leads.
template <class Table>
Result<std::vector<Bytes>> fetch_rows(kv::Reader& reader, std::span<const std::string> keys,
                                      std::span<const kv::HintRef> hints);
/// The record that a cursor stands on, as counted, checked bytes.
template <class Table>
Result<Bytes> row_at(const kv::Cursor& cursor);
/// Checked bytes of a record from what a cursor showed.
template <class Table>
Result<Bytes> take_row(std::string_view key, std::string_view value);

Result<std::optional<schema::UserTail>> fetch_user_tail(kv::Reader& reader, SpaceNumber space,
                                                        const UserId& user);
Result<std::optional<schema::UserTail>> fetch_user_tail_for_update(kv::Transaction& transaction,
                                                                   SpaceNumber space, const UserId& user);
Result<std::optional<schema::ConversationTail>> fetch_conversation_tail(kv::Reader& reader, SpaceNumber space,
                                                                        const ConversationId& conversation);
Result<std::optional<schema::ConversationTail>> fetch_conversation_tail_for_update(
    kv::Transaction& transaction, SpaceNumber space, const ConversationId& conversation);

/// Makes views from checked bytes, resolving users through the state's aliases.
struct ViewAccess {
  static User user(const Bytes& bytes, const schema::UserTail& tail);
  static PlatformIdentifier identity(const Bytes& bytes, const SpaceState& state);
  static UserDatum datum(const Bytes& bytes, const SpaceState& state);
  static Conversation conversation(Bytes header, Bytes tail, const SpaceState& state);
  /// `header`: the conversation's, for the sender's slot; null when the message has no sender.
  static Message message(Bytes bytes, const schema::fb::Conversation* header, const SpaceState& state);
  static Memory memory(Bytes bytes, const SpaceState& state);

  static const Bytes& bytes(const User& view) noexcept { return view.bytes_; }
  static const Bytes& bytes(const PlatformIdentifier& view) noexcept { return view.bytes_; }
  static const Bytes& bytes(const UserDatum& view) noexcept { return view.bytes_; }
  static const Bytes& bytes(const Conversation& view) noexcept { return view.bytes_; }
  static const Bytes& bytes(const Message& view) noexcept { return view.bytes_; }
  static const Bytes& bytes(const Memory& view) noexcept { return view.bytes_; }
};

/// The stored tail of a Conversation view as bytes, for ViewAccess::conversation: its stored form,
/// which schema::decode_conversation_tail() reads.
Bytes tail_bytes(const schema::ConversationTail& tail);

/// Calls `each(key, value)` over [lower, upper) until it returns false or fails. Checks the cursor.
Result<void> for_each(kv::Reader& reader, kv::Family family, std::string_view lower, std::string_view upper,
                      bool reverse,
                      const std::function<Result<bool>(std::string_view key, std::string_view value)>& each);
/// Over all keys with a prefix.
Result<void> for_each_prefix(kv::Reader& reader, kv::Family family, std::string_view prefix, bool reverse,
                             const std::function<Result<bool>(std::string_view, std::string_view)>& each);

/// One position of a merge of several key ranges that share an order.
struct RangeEntry {
  std::string_view key;
  std::string_view value;
  std::size_t range = 0;  ///< Which of the ranges.
};
/// Merges ranges of one family by what follows the first `skip` bytes of each range's keys (the
/// prefix differs, the order behind it is one), forward or in reverse: the joined list of a user and
/// its aliases, of several tags, of both values of a flag. `skip[i]` belongs to ranges[i].
Result<void> for_each_merged(kv::Reader& reader, kv::Family family, std::span<const KeyRange> ranges,
                             std::span<const std::size_t> skip, bool reverse,
                             const std::function<Result<bool>(const RangeEntry&)>& each);

}  // namespace callisto::detail
