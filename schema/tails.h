#pragma once

// Hot rows beside a record: small fixed structs, little-endian, rewritten often. FORMAT.md has
// them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callisto::schema {

/// Beside a user: what changes without the user changing.
struct UserTail {
  std::int64_t last_seen = 0;
  std::uint32_t data_rows = 0;
  std::uint32_t identities = 0;

  bool operator==(const UserTail&) const = default;
};
std::string encode(const UserTail& tail);
std::optional<UserTail> decode_user_tail(std::string_view bytes);

/// Beside a conversation's header: what an append moves. It exists exactly while the header does.
struct ConversationTail {
  std::int64_t created_at = 0;       ///< The header's; never changes.
  std::int64_t updated_at = 0;       ///< The header's.
  std::int64_t last_message_at = 0;  ///< Highest timestamp; 0 without messages (see message_count).
  std::uint64_t last_sequence = 0;   ///< Of the message that arrived last; the next takes + 1.
  std::uint64_t message_count = 0;
  std::uint64_t token_count = 0;
  std::uint64_t processed_up_to = 0;
  std::uint64_t memory_up_to = 0;  ///< Reserved for the conversation memory.
  bool is_marked = false;          ///< mark_processed was called.
  bool reopens = true;

  bool is_processed() const noexcept {
    return is_marked && (!reopens || processed_up_to >= last_sequence);
  }
  std::int64_t activity_at() const noexcept {
    return message_count > 0 && last_message_at > updated_at ? last_message_at : updated_at;
  }
  bool operator==(const ConversationTail&) const = default;
};
std::string encode(const ConversationTail& tail);
std::optional<ConversationTail> decode_conversation_tail(std::string_view bytes);

/// What an entry of message_by_id leads to.
struct MessagePlace {
  std::string conversation;  ///< 16 bytes.
  std::int64_t timestamp = 0;
  std::uint64_t sequence = 0;
};
/// The bytes of a place. They are held here: one is made for every message.
class MessagePlaceBytes {
 public:
  /// `message` and `conversation`: 16 bytes each.
  MessagePlaceBytes(std::string_view message, std::string_view conversation, std::int64_t timestamp,
                    std::uint64_t sequence) noexcept;
  std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 16 + 2 * 10> bytes_{};
  std::size_t size_ = 0;
};
/// `key` is that of the entry: its id says most of the time.
std::optional<MessagePlace> decode_message_place(std::string_view key, std::string_view bytes);

/// Which fields of a memory are there: not empty, not nil.
enum MemoryField : std::uint8_t {
  kHasCategory = 0x01,
  kHasKey = 0x02,
  kHasType = 0x04,
  kHasEntityType = 0x08,
  kHasEntityId = 0x10,
  kHasAgent = 0x20,
  kHasTask = 0x40,
  kHasUser = 0x80,
};

/// What every index entry of a memory carries, so that filters run before the record is fetched.
struct MemoryCover {
  bool is_active = true;
  bool is_superseded = false;
  std::uint8_t fields = 0;  ///< MemoryField.
  std::uint8_t priority = 5;
  float importance = 0.5F;
  std::optional<std::int64_t> expires_at;
  /// Where it differs from the record's created_at.
  std::optional<std::int64_t> updated_at;
  std::string tag_hashes;  ///< 2 bytes each: the lowest of XXH3-64 of the folded tag,
                           ///< little-endian, rising.

  /// Whether a tag may be there: hashes meet.
  bool has_tag(std::uint16_t hash) const noexcept;
  /// Fills tag_hashes: sorts, drops repeats.
  void set_tags(std::vector<std::uint16_t> hashes);
};
std::uint16_t tag_hash(std::string_view folded_tag) noexcept;
std::string encode(const MemoryCover& cover);
std::optional<MemoryCover> decode_memory_cover(std::string_view bytes);
/// The same into `cover`, which means nothing where it answers false.
bool read_memory_cover(std::string_view bytes, MemoryCover& cover);
/// False when a cover at the end of `bytes` surely has no tag with this hash: without decoding it.
bool may_have_tag(std::string_view bytes, std::uint16_t hash) noexcept;

/// Bits of a tag's hash. What has the tag has them all: tags_signature() of it.
std::uint64_t tag_signature(std::uint16_t hash) noexcept;
/// Of all tags of a cover at the end of `bytes`, without decoding it; and of what may look like
/// one.
std::uint64_t tags_signature(std::string_view bytes);

/// In entries whose key has another time than created_at (by update, by expiry, by activity), in
/// front of what else the value holds.
std::string encode_created(std::int64_t created_at, std::int64_t key_time);
/// Takes it away from `value`; nullopt when that does not begin with it.
std::optional<std::int64_t> take_created(std::string_view& value, std::int64_t key_time);

/// What index entries of a message carry, so that filters run before the record is fetched. Most
/// messages are what no field says otherwise of, and their cover is empty.
struct MessageCover {
  static constexpr float kUsualImportance = 0.5F;

  float importance = kUsualImportance;
  std::uint8_t state = 0;
  std::string role{"user"};  ///< As it compares: NFC.
  std::string agent{};       ///< The same.
  friend bool operator==(const MessageCover&, const MessageCover&) = default;
};
std::string encode(const MessageCover& cover);
std::optional<MessageCover> decode_message_cover(std::string_view bytes);
/// The bytes of a cover without the importance, which is then the usual one: for entries whose key
/// has it. `cover` is what encode() gave.
std::string without_importance(std::string_view cover);

}  // namespace callisto::schema
