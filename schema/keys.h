#pragma once

// The one place that knows key bytes. Grammar with examples: FORMAT.md. Every key starts with
// S (4 bytes) X (2 bytes), big-endian; text is escaped and terminated, or hashed where it is not
// bounded; times and sequences are big-endian with the sign flipped, inverted where newest leads.

#include <boost/endian/conversion.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "callisto/id.h"
#include "callisto/time.h"
#include "schema/hash.h"
#include "schema/ids.h"

namespace callisto::schema {

/// The bytes of an id that stands behind a time: its last ten, then how much its first six, as a
/// number, are above the milliseconds of the time.
UuidBytes turn_id_at(std::int64_t micros, const UuidBytes& id) noexcept;
UuidBytes turn_id_back(std::int64_t micros, const UuidBytes& turned) noexcept;

/// Appends key parts. Order of the bytes is the order of the values. Most keys fit into the writer
/// itself: to write one and look at it allocates nothing.
class KeyWriter {
 public:
  template <class X>
  KeyWriter(SpaceNumber space, X x) {
    u32(space);
    u16(static_cast<std::uint16_t>(x));
  }
  /// Goes on behind a prefix.
  explicit KeyWriter(std::string_view prefix) { raw(prefix); }
  KeyWriter& u8(std::uint8_t value) { return big(value); }
  KeyWriter& u16(std::uint16_t value) { return big(value); }
  KeyWriter& u32(std::uint32_t value) { return big(value); }
  KeyWriter& u64(std::uint64_t value) { return big(value); }
  /// Highest first.
  KeyWriter& u64_down(std::uint64_t value) { return big(~value); }
  KeyWriter& time(std::int64_t micros) { return big(flip_sign(micros)); }
  /// Newest first.
  KeyWriter& time_down(std::int64_t micros) { return big(~flip_sign(micros)); }
  /// Importance 0..1, highest first.
  KeyWriter& importance_down(float importance);
  /// 00 -> 00 FF, then 00 01.
  KeyWriter& text(std::string_view text);
  KeyWriter& raw(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
    return *this;
  }
  template <class Tag>
  KeyWriter& id(const Id<Tag>& id) {
    return raw(id.view());
  }
  /// An id behind a time in a list. One that was made in that millisecond ends in six zeros, so
  /// that what is already said takes no room on disk.
  template <class Tag>
  KeyWriter& id_at(std::int64_t micros, const Id<Tag>& id) {
    const UuidBytes bytes = turn_id_at(micros, id.bytes());
    return raw({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  KeyWriter& hash(const Hash128& hash) { return raw(schema::view(hash)); }

  /// What was written, until more is.
  std::string_view view() const noexcept { return {large_ ? large_.get() : small_, size_}; }
  std::string str() const { return std::string(view()); }
  std::string take() && { return str(); }

 private:
  static constexpr std::size_t kSmallBytes = 104;

  static std::uint64_t flip_sign(std::int64_t value) noexcept {
    return static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63);
  }
  template <class T>
  KeyWriter& big(T value) {
    value = boost::endian::native_to_big(value);
    std::memcpy(extend(sizeof(value)), &value, sizeof(value));
    return *this;
  }
  /// Room for so many bytes more.
  char* extend(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    char* const at = (large_ ? large_.get() : small_) + size_;
    size_ += bytes;
    return at;
  }
  void grow(std::size_t bytes);

  std::size_t size_ = 0;
  std::size_t capacity_ = kSmallBytes;
  std::unique_ptr<char[]> large_;  ///< Set when the key does not fit below.
  char small_[kSmallBytes];
};

/// Reads what KeyWriter wrote. After the first part that does not fit, ok() is false and every
/// further part is empty.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}
  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  std::uint64_t u64_down();
  std::int64_t time();
  std::int64_t time_down();
  float importance_down();
  std::string text();
  std::string_view raw(std::size_t size);
  template <class IdType>
  IdType id() {
    UuidBytes bytes{};
    std::string_view part = raw(bytes.size());
    if (ok_) std::memcpy(bytes.data(), part.data(), bytes.size());
    return IdType(bytes);
  }
  /// Behind a time that was read.
  template <class IdType>
  IdType id_at(std::int64_t micros) {
    const IdType turned = id<IdType>();
    return ok_ ? IdType(turn_id_back(micros, turned.bytes())) : turned;
  }
  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && rest_.empty(); }
  std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// The first key after all that start with `prefix`: the exclusive upper bound of its range. Empty
/// when every byte is FF: no number in use gives such a prefix.
std::string prefix_end(std::string_view prefix);

inline constexpr std::size_t kKeyHeadBytes = 6;  // S X
/// What the keys of one user's data have in common: S X user.
inline constexpr std::size_t kUserDataBytes = kKeyHeadBytes + sizeof(UuidBytes);
/// What follows the category in the key of a datum: hash(value) probe.
inline constexpr std::size_t kDatumTailBytes = sizeof(Hash128) + 1;
/// What the keys of one part of a conversation have in common: S X conversation part.
inline constexpr std::size_t kMessagePartBytes = kKeyHeadBytes + sizeof(UuidBytes) + 1;

/// A key of an index, or how one begins, in another version of the index, whose keys have the same
/// form. Not of entries among the messages.
std::string in_version(std::string key, IndexId version);

/// S: the start of every key of a space, and the target of the work that drops it.
std::string space_prefix(SpaceNumber space);

// Records.
std::string user_key(SpaceNumber space, const UserId& user);
std::string user_tail_key(SpaceNumber space, const UserId& user);
std::string identity_key(SpaceNumber space, std::string_view platform,
                         std::string_view platform_id);
/// user_data: S X user category hash(value) probe. The probe tells values apart whose hashes meet;
/// probes of one hash are dense from 0.
std::string datum_key(SpaceNumber space, const UserId& user, std::string_view category,
                      const Hash128& value_hash, std::uint8_t probe);
std::string datum_prefix(SpaceNumber space, const UserId& user);
std::string datum_prefix(SpaceNumber space, const UserId& user, std::string_view category);
struct DatumKey {
  UserId user;
  std::string category;
  Hash128 value_hash{};
  std::uint8_t probe = 0;
};
std::optional<DatumKey> parse_datum_key(std::string_view key);
std::string conversation_key(SpaceNumber space, const ConversationId& conversation);
std::string conversation_tail_key(SpaceNumber space, const ConversationId& conversation);
std::string memory_key(SpaceNumber space, const MemoryId& memory);

// Messages: one range per conversation.
/// The place of a message in its conversation: orders by (timestamp, sequence).
struct MessageOrder {
  std::int64_t timestamp = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const MessageOrder&, const MessageOrder&) = default;
};
/// S X conversation: all parts.
std::string message_range(SpaceNumber space, const ConversationId& conversation);
/// S X conversation part.
std::string message_range(SpaceNumber space, const ConversationId& conversation, MessagePart part);
std::string message_key(SpaceNumber space, const ConversationId& conversation,
                        const MessageOrder& order);
std::string message_sender_prefix(SpaceNumber space, const ConversationId& conversation,
                                  std::uint16_t slot);
std::string message_sender_key(SpaceNumber space, const ConversationId& conversation,
                               std::uint16_t slot, const MessageOrder& order);
std::string message_importance_key(SpaceNumber space, const ConversationId& conversation,
                                   float importance, const MessageOrder& order);
/// The same keys in their writers: for who only looks at them.
KeyWriter write_message_sender_key(SpaceNumber space, const ConversationId& conversation,
                                   std::uint16_t slot, const MessageOrder& order);
KeyWriter write_message_importance_key(SpaceNumber space, const ConversationId& conversation,
                                       float importance, const MessageOrder& order);
/// Any part's key: its place is always its last 16 bytes.
struct MessageKey {
  SpaceNumber space = 0;
  ConversationId conversation;
  MessagePart part = MessagePart::record;
  std::uint16_t slot = 0;  // by_sender
  float importance = 0;    // by_importance
  MessageOrder order;
};
std::optional<MessageKey> parse_message_key(std::string_view key);

// System rows.
std::string format_key();
std::string space_key(std::string_view name);
std::string next_space_key();
std::string space_name_key(SpaceNumber space);
std::string counters_key(SpaceNumber space);
std::string index_set_key(SpaceNumber space);
std::string index_progress_key(SpaceNumber space, IndexId index);
/// `target` is an id's 16 bytes, or a space number big-endian.
std::string work_key(SpaceNumber space, std::uint8_t op, std::string_view target);
std::string alias_key(SpaceNumber space, const UserId& secondary);
std::string work_guard_key(SpaceNumber space);
std::string name_guard_key(SpaceNumber space, const UserId& user, std::string_view category,
                           std::string_view key);
/// Of S = 0. `part`: a chunk of cells, or kCardinalityRevision.
std::string cardinality_key(std::uint8_t part);
inline constexpr std::uint8_t kCardinalityRevision = 0xFF;
/// All rows of one system id in one space.
std::string system_prefix(SpaceNumber space, SystemId id);

/// A key in words for dump --keys and for reports: memory_by_tag 1 tag="pie" created=...
/// memory=...; hexadecimal where it does not parse.
std::string describe_key(std::string_view key);
/// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);

}  // namespace callisto::schema
