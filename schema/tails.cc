#include "schema/tails.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <boost/endian/conversion.hpp>
#include <cstring>
#include <iterator>

#include "schema/varint.h"

namespace callisto::schema {

namespace {

constexpr std::size_t kUserTailBytes = 16;
constexpr std::size_t kConversationTailBytes = 65;
constexpr std::size_t kTagHashBytes = 2;
constexpr std::size_t kIdBytes = 16;

enum ConversationFlag : std::uint8_t { kMarked = 0x01, kReopens = 0x02 };
enum CoverFlag : std::uint8_t {
  kActive = 0x01,
  kSuperseded = 0x02,
  kExpires = 0x04,
  kUpdated = 0x08,
  kImportance = 0x10,
};
constexpr int kCoverFlags = kActive | kSuperseded | kExpires | kUpdated | kImportance;

/// In the lowest bits of a message's cover.
enum class RoleCode : std::uint8_t {
  user = 0,
  assistant = 1,
  system = 2,
  tool = 3,
  none = 4,
  another = 5,
};
constexpr std::string_view kUsualRoles[] = {"user", "assistant", "system", "tool", ""};
constexpr int kRoleMask = 0x07;
constexpr int kStateMask = 0x18;
constexpr int kStateShift = 3;
constexpr std::uint8_t kHighestState = 2;
enum MessageCoverFlag : std::uint8_t { kTellsImportance = 0x20, kTellsAgent = 0x40 };

template <class T>
void append_little(std::string& out, T value) {
  value = boost::endian::native_to_little(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// Reads bytes whose number was checked before.
class LittleReader {
 public:
  explicit LittleReader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  void operator()(T& value) {
    std::memcpy(&value, rest_.data(), sizeof(value));
    boost::endian::little_to_native_inplace(value);
    rest_.remove_prefix(sizeof(value));
  }
  /// False when the bytes do not hold it.
  template <class T>
  bool try_read(std::optional<T>& value) {
    if (rest_.size() < sizeof(T)) return false;
    (*this)(value.emplace());
    return true;
  }
  std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

/// What importance is when nobody says otherwise.
float usual_importance(std::uint8_t priority) noexcept {
  return static_cast<float>(priority) / 10.0F;
}

RoleCode role_code(std::string_view role) noexcept {
  const auto* const usual = std::find(std::begin(kUsualRoles), std::end(kUsualRoles), role);
  return static_cast<RoleCode>(usual - std::begin(kUsualRoles));
}

/// Whether a cover of a message has to say it.
bool is_unusual_importance(float importance) noexcept {
  return importance >= 0 && importance <= 1 && importance != MessageCover::kUsualImportance;
}

/// What an id of version 7 says about when it was made, in microseconds; of others it is any
/// number.
std::int64_t time_in_id(std::string_view id) noexcept {
  constexpr std::int64_t kMicrosPerMilli = 1000;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(id.data());
  return static_cast<std::int64_t>(boost::endian::load_big_u48(bytes)) * kMicrosPerMilli;
}

std::uint16_t tag_hash_at(std::string_view hashes, std::size_t index) noexcept {
  std::uint16_t value = 0;
  std::memcpy(&value, hashes.data() + index * kTagHashBytes, sizeof(value));
  return boost::endian::little_to_native(value);
}

/// Whether the hashes are whole and rise: the one spelling of a set.
/// Flags, what the memory has, priority.
constexpr std::size_t kCoverHeadBytes = 3;

bool is_tag_set(std::string_view hashes) noexcept {
  if (hashes.size() % kTagHashBytes != 0) return false;
  const std::size_t count = hashes.size() / kTagHashBytes;
  for (std::size_t i = 1; i < count; ++i) {
    if (tag_hash_at(hashes, i - 1) >= tag_hash_at(hashes, i)) return false;
  }
  return true;
}

}  // namespace

std::string encode(const UserTail& tail) {
  std::string bytes;
  bytes.reserve(kUserTailBytes);
  append_little(bytes, tail.last_seen);
  append_little(bytes, tail.data_rows);
  append_little(bytes, tail.identities);
  return bytes;
}

std::optional<UserTail> decode_user_tail(std::string_view bytes) {
  if (bytes.size() != kUserTailBytes) return std::nullopt;
  UserTail tail;
  LittleReader read(bytes);
  read(tail.last_seen);
  read(tail.data_rows);
  read(tail.identities);
  return tail;
}

std::string encode(const ConversationTail& tail) {
  std::string bytes;
  bytes.reserve(kConversationTailBytes);
  append_little(bytes, tail.created_at);
  append_little(bytes, tail.updated_at);
  append_little(bytes, tail.last_message_at);
  append_little(bytes, tail.last_sequence);
  append_little(bytes, tail.message_count);
  append_little(bytes, tail.token_count);
  append_little(bytes, tail.processed_up_to);
  append_little(bytes, tail.memory_up_to);
  const int flags = (tail.is_marked ? kMarked : 0) | (tail.reopens ? kReopens : 0);
  append_little(bytes, static_cast<std::uint8_t>(flags));
  return bytes;
}

std::optional<ConversationTail> decode_conversation_tail(std::string_view bytes) {
  if (bytes.size() != kConversationTailBytes) return std::nullopt;
  ConversationTail tail;
  LittleReader read(bytes);
  read(tail.created_at);
  read(tail.updated_at);
  read(tail.last_message_at);
  read(tail.last_sequence);
  read(tail.message_count);
  read(tail.token_count);
  read(tail.processed_up_to);
  read(tail.memory_up_to);
  std::uint8_t flags = 0;
  read(flags);
  if ((flags & ~(kMarked | kReopens)) != 0) return std::nullopt;
  tail.is_marked = (flags & kMarked) != 0;
  tail.reopens = (flags & kReopens) != 0;
  return tail;
}

MessagePlaceBytes::MessagePlaceBytes(std::string_view message, std::string_view conversation,
                                     std::int64_t timestamp, std::uint64_t sequence) noexcept {
  std::memcpy(bytes_.data(), conversation.data(), std::min(conversation.size(), kIdBytes));
  char* end = bytes_.data() + kIdBytes;
  end = put_varint(end, distance(time_in_id(message), timestamp));
  end = put_varint(end, sequence);
  size_ = static_cast<std::size_t>(end - bytes_.data());
}

std::optional<MessagePlace> decode_message_place(std::string_view key, std::string_view bytes) {
  if (key.size() < kIdBytes || bytes.size() < kIdBytes) return std::nullopt;
  MessagePlace place;
  place.conversation = bytes.substr(0, kIdBytes);
  bytes.remove_prefix(kIdBytes);
  const auto away = take_varint(bytes);
  const auto sequence = take_varint(bytes);
  if (!away || !sequence || !bytes.empty()) return std::nullopt;
  place.timestamp = at_distance(time_in_id(key.substr(key.size() - kIdBytes)), *away);
  place.sequence = *sequence;
  return place;
}

bool MemoryCover::has_tag(std::uint16_t hash) const noexcept {
  std::size_t low = 0;
  std::size_t high = tag_hashes.size() / kTagHashBytes;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const std::uint16_t found = tag_hash_at(tag_hashes, middle);
    if (found == hash) return true;
    if (found < hash) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

void MemoryCover::set_tags(std::vector<std::uint16_t> hashes) {
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  tag_hashes.clear();
  tag_hashes.reserve(hashes.size() * kTagHashBytes);
  for (const std::uint16_t hash : hashes) append_little(tag_hashes, hash);
}

std::uint16_t tag_hash(std::string_view folded_tag) noexcept {
  return static_cast<std::uint16_t>(XXH3_64bits(folded_tag.data(), folded_tag.size()));
}

std::string encode(const MemoryCover& cover) {
  const bool is_unusual = cover.importance != usual_importance(cover.priority);
  const int flags = (cover.is_active ? kActive : 0) | (cover.is_superseded ? kSuperseded : 0) |
                    (cover.expires_at ? kExpires : 0) | (cover.updated_at ? kUpdated : 0) |
                    (is_unusual ? kImportance : 0);
  std::string bytes;
  bytes.reserve(3 + 2 * sizeof(std::int64_t) + sizeof(std::uint32_t) + cover.tag_hashes.size());
  append_little(bytes, static_cast<std::uint8_t>(flags));
  append_little(bytes, cover.fields);
  append_little(bytes, cover.priority);
  if (is_unusual) append_little(bytes, std::bit_cast<std::uint32_t>(cover.importance));
  if (cover.expires_at) append_little(bytes, *cover.expires_at);
  if (cover.updated_at) append_little(bytes, *cover.updated_at);
  bytes.append(cover.tag_hashes);
  return bytes;
}

bool read_memory_cover(std::string_view bytes, MemoryCover& cover) {
  if (bytes.size() < kCoverHeadBytes) return false;
  LittleReader read(bytes);
  std::uint8_t flags = 0;
  read(flags);
  if ((flags & ~kCoverFlags) != 0) return false;
  cover.is_active = (flags & kActive) != 0;
  cover.is_superseded = (flags & kSuperseded) != 0;
  read(cover.fields);
  read(cover.priority);
  cover.importance = usual_importance(cover.priority);
  cover.expires_at.reset();
  cover.updated_at.reset();
  if ((flags & kImportance) != 0) {
    std::optional<std::uint32_t> bits;
    if (!read.try_read(bits)) return false;
    const float importance = std::bit_cast<float>(*bits);
    if (importance == cover.importance) return false;  // has a shorter spelling
    cover.importance = importance;
  }
  if ((flags & kExpires) != 0 && !read.try_read(cover.expires_at)) return false;
  if ((flags & kUpdated) != 0 && !read.try_read(cover.updated_at)) return false;
  if (!is_tag_set(read.rest())) return false;
  cover.tag_hashes = read.rest();
  return true;
}

std::optional<MemoryCover> decode_memory_cover(std::string_view bytes) {
  std::optional<MemoryCover> cover(std::in_place);
  if (!read_memory_cover(bytes, *cover)) cover.reset();
  return cover;
}

namespace {

/// Tags are last. Where they begin is not asked: what lies before them may look like one. Until
/// `each` answers true.
template <class Each>
bool any_like_a_tag(std::string_view bytes, Each&& each) {
  for (std::size_t end = bytes.size(); end >= kCoverHeadBytes + kTagHashBytes;
       end -= kTagHashBytes) {
    if (each(tag_hash_at(bytes.substr(end - kTagHashBytes), 0))) return true;
  }
  return false;
}

}  // namespace

bool may_have_tag(std::string_view bytes, std::uint16_t hash) noexcept {
  return any_like_a_tag(bytes, [&](std::uint16_t found) { return found == hash; });
}

std::uint64_t tag_signature(std::uint16_t hash) noexcept {
  // Two bits, of 64 that some tags share: of four in a cover 1 in 70 has another one's.
  constexpr int kPlaceBits = 6;
  constexpr unsigned kPlace = (1U << kPlaceBits) - 1;
  return std::uint64_t{1} << (hash & kPlace) | std::uint64_t{1} << (hash >> kPlaceBits & kPlace);
}

std::uint64_t tags_signature(std::string_view bytes) {
  std::uint64_t signature = 0;
  any_like_a_tag(bytes, [&](std::uint16_t found) {
    signature |= tag_signature(found);
    return false;
  });
  return signature;
}

std::string encode_created(std::int64_t created_at, std::int64_t key_time) {
  std::array<char, kMaxVarintBytes> bytes{};
  return {bytes.data(), put_varint(bytes.data(), distance(key_time, created_at))};
}

std::optional<std::int64_t> take_created(std::string_view& value, std::int64_t key_time) {
  const auto away = take_varint(value);
  if (!away) return std::nullopt;
  return at_distance(key_time, *away);
}

std::string encode(const MessageCover& cover) {
  const auto role = role_code(cover.role);
  const bool is_unusual = cover.importance != MessageCover::kUsualImportance;
  const int flags = static_cast<int>(role) | (cover.state << kStateShift) |
                    (is_unusual ? kTellsImportance : 0) | (cover.agent.empty() ? 0 : kTellsAgent);
  std::string bytes;
  if (flags == 0) return bytes;
  append_little(bytes, static_cast<std::uint8_t>(flags));
  if (is_unusual) append_little(bytes, std::bit_cast<std::uint32_t>(cover.importance));
  if (role == RoleCode::another) {
    append_little(bytes, static_cast<std::uint16_t>(cover.role.size()));
    bytes.append(cover.role);
  }
  return bytes.append(cover.agent);
}

std::optional<MessageCover> decode_message_cover(std::string_view bytes) {
  MessageCover cover;
  if (bytes.empty()) return cover;
  LittleReader read(bytes);
  std::uint8_t flags = 0;
  read(flags);
  const auto role = static_cast<RoleCode>(flags & kRoleMask);
  cover.state = static_cast<std::uint8_t>((flags & kStateMask) >> kStateShift);
  if (flags == 0 || role > RoleCode::another || cover.state > kHighestState ||
      (flags & ~(kRoleMask | kStateMask | kTellsImportance | kTellsAgent)) != 0) {
    return std::nullopt;
  }
  if ((flags & kTellsImportance) != 0) {
    std::optional<std::uint32_t> bits;
    if (!read.try_read(bits)) return std::nullopt;
    cover.importance = std::bit_cast<float>(*bits);
    if (!is_unusual_importance(cover.importance)) return std::nullopt;
  }
  std::string_view texts = read.rest();
  if (role == RoleCode::another) {
    std::optional<std::uint16_t> role_bytes;
    if (!read.try_read(role_bytes) || read.rest().size() < *role_bytes) return std::nullopt;
    cover.role = read.rest().substr(0, *role_bytes);
    if (role_code(cover.role) != RoleCode::another) return std::nullopt;
    texts = read.rest().substr(*role_bytes);
  } else {
    cover.role = kUsualRoles[static_cast<std::size_t>(role)];
  }
  if (texts.empty() != ((flags & kTellsAgent) == 0)) return std::nullopt;
  cover.agent = texts;
  return cover;
}

std::string without_importance(std::string_view cover) {
  if (cover.empty() || (cover.front() & kTellsImportance) == 0) return std::string(cover);
  const auto flags = static_cast<char>(cover.front() & ~kTellsImportance);
  const std::string_view texts = cover.substr(1 + sizeof(std::uint32_t));
  if (flags == 0 && texts.empty()) return {};
  return std::string(1, flags).append(texts);
}

}  // namespace callisto::schema
