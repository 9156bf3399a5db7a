#include "schema/keys.h"

#include <algorithm>
#include <bit>
#include <boost/endian/conversion.hpp>
#include <cmath>

namespace callisto::schema {

namespace {

// Text in a key: 00 becomes 00 FF; the end is 00 01, below every byte that may follow a 00.
constexpr char kZero = '\x00';
constexpr char kEnd = '\x01';
constexpr char kEscapedZero = '\xFF';
constexpr char kEscaped[] = {kZero, kEscapedZero};
constexpr char kTerminator[] = {kZero, kEnd};

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

template <class T>
T read_big(std::string_view part) noexcept {
  T value = 0;
  if (part.size() == sizeof(value)) std::memcpy(&value, part.data(), sizeof(value));
  return boost::endian::big_to_native(value);
}

/// Maps signed order to unsigned order, and back.
std::uint64_t flip_sign(std::uint64_t value) noexcept { return value ^ kSignBit; }

/// The first bytes of an id: of one of version 7, when it was made, in milliseconds.
constexpr std::size_t kLeadBytes = 6;
constexpr std::uint64_t kLeadMask = (std::uint64_t{1} << (8 * kLeadBytes)) - 1;

/// Whole milliseconds, also of times before 1970: downwards.
std::uint64_t millis_of(std::int64_t micros) noexcept {
  constexpr std::int64_t kMicros = 1000;
  const std::int64_t millis = micros / kMicros;
  return static_cast<std::uint64_t>(micros % kMicros < 0 ? millis - 1 : millis);
}

bool is_importance(float value) noexcept { return value >= 0.0F && value <= 1.0F; }

KeyWriter messages_of(SpaceNumber space, const ConversationId& conversation, MessagePart part) {
  KeyWriter writer(space, TableId::messages);
  writer.id(conversation).u8(static_cast<std::uint8_t>(part));
  return writer;
}

void end_with(KeyWriter& writer, const MessageOrder& order) {
  writer.time_down(order.timestamp).u64_down(order.sequence);
}

std::string conversation_part(SpaceNumber space, const ConversationId& conversation,
                              ConversationPart part) {
  KeyWriter writer(space, TableId::conversations);
  writer.id(conversation).u8(static_cast<std::uint8_t>(part));
  return std::move(writer).take();
}

}  // namespace

KeyWriter& KeyWriter::importance_down(float importance) {
  // The bits of floats that are not negative order as the floats do; -0 counts as 0.
  const float value = importance == 0.0F ? 0.0F : importance;
  return u32(~std::bit_cast<std::uint32_t>(value));
}

KeyWriter& KeyWriter::text(std::string_view text) {
  for (;;) {
    const std::size_t zero = text.find(kZero);
    raw(text.substr(0, zero));
    if (zero == std::string_view::npos) break;
    raw(std::string_view(kEscaped, sizeof(kEscaped)));
    text.remove_prefix(zero + 1);
  }
  return raw(std::string_view(kTerminator, sizeof(kTerminator)));
}

UuidBytes turn_id_at(std::int64_t micros, const UuidBytes& id) noexcept {
  const std::uint64_t lead = boost::endian::load_big_u48(id.data()) - millis_of(micros);
  UuidBytes turned{};
  std::copy(id.begin() + kLeadBytes, id.end(), turned.begin());
  boost::endian::store_big_u48(turned.data() + turned.size() - kLeadBytes, lead & kLeadMask);
  return turned;
}

UuidBytes turn_id_back(std::int64_t micros, const UuidBytes& turned) noexcept {
  const auto lead_at = turned.end() - kLeadBytes;
  UuidBytes id{};
  std::copy(turned.begin(), lead_at, id.begin() + kLeadBytes);
  const std::uint64_t lead = boost::endian::load_big_u48(&*lead_at) + millis_of(micros);
  boost::endian::store_big_u48(id.data(), lead & kLeadMask);
  return id;
}

void KeyWriter::grow(std::size_t bytes) {
  const std::size_t capacity = std::max(2 * capacity_, size_ + bytes);
  std::unique_ptr<char[]> larger(new char[capacity]);
  std::memcpy(larger.get(), view().data(), size_);
  large_ = std::move(larger);
  capacity_ = capacity;
}

std::string_view KeyReader::raw(std::size_t size) {
  if (!ok_ || rest_.size() < size) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view part = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return part;
}

std::uint8_t KeyReader::u8() { return read_big<std::uint8_t>(raw(sizeof(std::uint8_t))); }

std::uint16_t KeyReader::u16() { return read_big<std::uint16_t>(raw(sizeof(std::uint16_t))); }

std::uint32_t KeyReader::u32() { return read_big<std::uint32_t>(raw(sizeof(std::uint32_t))); }

std::uint64_t KeyReader::u64() { return read_big<std::uint64_t>(raw(sizeof(std::uint64_t))); }

std::uint64_t KeyReader::u64_down() {
  const std::uint64_t value = ~u64();
  return ok_ ? value : 0;
}

std::int64_t KeyReader::time() {
  const std::uint64_t value = flip_sign(u64());
  return ok_ ? static_cast<std::int64_t>(value) : 0;
}

std::int64_t KeyReader::time_down() {
  const std::uint64_t value = flip_sign(u64_down());
  return ok_ ? static_cast<std::int64_t>(value) : 0;
}

float KeyReader::importance_down() {
  const auto value = std::bit_cast<float>(~u32());
  // -0 is equal to 0 and would be a second spelling of it.
  if (ok_ && is_importance(value) && !std::signbit(value)) return value;
  ok_ = false;
  rest_ = {};
  return 0;
}

std::string KeyReader::text() {
  std::string text;
  while (ok_) {
    const std::size_t zero = rest_.find(kZero);
    if (zero == std::string_view::npos || zero + 1 == rest_.size()) break;
    text.append(rest_.substr(0, zero));
    const char mark = rest_[zero + 1];
    if (mark != kEnd && mark != kEscapedZero) break;
    rest_.remove_prefix(zero + 2);
    if (mark == kEnd) return text;
    text.push_back(kZero);
  }
  ok_ = false;
  rest_ = {};
  return {};
}

std::string in_version(std::string key, IndexId version) {
  const auto number = static_cast<std::uint16_t>(version);
  key[kKeyHeadBytes - 2] = static_cast<char>(number >> 8);
  key[kKeyHeadBytes - 1] = static_cast<char>(number & 0xFF);
  return key;
}

std::string prefix_end(std::string_view prefix) {
  const std::size_t last = prefix.find_last_not_of('\xFF');
  if (last == std::string_view::npos) return {};
  std::string end(prefix.substr(0, last + 1));
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

std::string space_prefix(SpaceNumber space) {
  return KeyWriter(std::string_view()).u32(space).str();
}

std::string user_key(SpaceNumber space, const UserId& user) {
  return std::move(KeyWriter(space, TableId::users).id(user)).take();
}

std::string user_tail_key(SpaceNumber space, const UserId& user) {
  return std::move(KeyWriter(space, TableId::user_tails).id(user)).take();
}

std::string identity_key(SpaceNumber space, std::string_view platform,
                         std::string_view platform_id) {
  KeyWriter writer(space, TableId::platform_identifiers);
  writer.text(platform).text(platform_id);
  return std::move(writer).take();
}

std::string datum_key(SpaceNumber space, const UserId& user, std::string_view category,
                      const Hash128& value_hash, std::uint8_t probe) {
  KeyWriter writer(space, TableId::user_data);
  writer.id(user).text(category).hash(value_hash).u8(probe);
  return std::move(writer).take();
}

std::string datum_prefix(SpaceNumber space, const UserId& user) {
  return std::move(KeyWriter(space, TableId::user_data).id(user)).take();
}

std::string datum_prefix(SpaceNumber space, const UserId& user, std::string_view category) {
  return std::move(KeyWriter(space, TableId::user_data).id(user).text(category)).take();
}

std::optional<DatumKey> parse_datum_key(std::string_view key) {
  KeyReader reader(key);
  reader.u32();
  if (reader.u16() != static_cast<std::uint16_t>(TableId::user_data)) return std::nullopt;
  DatumKey result;
  result.user = reader.id<UserId>();
  result.category = reader.text();
  const std::string_view hash = reader.raw(result.value_hash.size());
  result.probe = reader.u8();
  if (!reader.at_end()) return std::nullopt;
  std::memcpy(result.value_hash.data(), hash.data(), hash.size());
  return result;
}

std::string conversation_key(SpaceNumber space, const ConversationId& conversation) {
  return conversation_part(space, conversation, ConversationPart::header);
}

std::string conversation_tail_key(SpaceNumber space, const ConversationId& conversation) {
  return conversation_part(space, conversation, ConversationPart::tail);
}

std::string memory_key(SpaceNumber space, const MemoryId& memory) {
  return std::move(KeyWriter(space, TableId::memories).id(memory)).take();
}

std::string message_range(SpaceNumber space, const ConversationId& conversation) {
  return std::move(KeyWriter(space, TableId::messages).id(conversation)).take();
}

std::string message_range(SpaceNumber space, const ConversationId& conversation, MessagePart part) {
  return messages_of(space, conversation, part).str();
}

std::string message_key(SpaceNumber space, const ConversationId& conversation,
                        const MessageOrder& order) {
  KeyWriter writer = messages_of(space, conversation, MessagePart::record);
  end_with(writer, order);
  return std::move(writer).take();
}

std::string message_sender_prefix(SpaceNumber space, const ConversationId& conversation,
                                  std::uint16_t slot) {
  return std::move(messages_of(space, conversation, MessagePart::by_sender).u16(slot)).take();
}

KeyWriter write_message_sender_key(SpaceNumber space, const ConversationId& conversation,
                                   std::uint16_t slot, const MessageOrder& order) {
  KeyWriter writer = messages_of(space, conversation, MessagePart::by_sender);
  end_with(writer.u16(slot), order);
  return writer;
}

KeyWriter write_message_importance_key(SpaceNumber space, const ConversationId& conversation,
                                       float importance, const MessageOrder& order) {
  KeyWriter writer = messages_of(space, conversation, MessagePart::by_importance);
  end_with(writer.importance_down(importance), order);
  return writer;
}

std::string message_sender_key(SpaceNumber space, const ConversationId& conversation,
                               std::uint16_t slot, const MessageOrder& order) {
  return write_message_sender_key(space, conversation, slot, order).take();
}

std::string message_importance_key(SpaceNumber space, const ConversationId& conversation,
                                   float importance, const MessageOrder& order) {
  return write_message_importance_key(space, conversation, importance, order).take();
}

std::optional<MessageKey> parse_message_key(std::string_view key) {
  KeyReader reader(key);
  MessageKey result;
  result.space = reader.u32();
  if (reader.u16() != static_cast<std::uint16_t>(TableId::messages)) return std::nullopt;
  result.conversation = reader.id<ConversationId>();
  result.part = static_cast<MessagePart>(reader.u8());
  switch (result.part) {
    case MessagePart::record:
      break;
    case MessagePart::by_sender:
      result.slot = reader.u16();
      break;
    case MessagePart::by_importance:
      result.importance = reader.importance_down();
      break;
    default:
      return std::nullopt;
  }
  result.order.timestamp = reader.time_down();
  result.order.sequence = reader.u64_down();
  if (!reader.at_end()) return std::nullopt;
  return result;
}

std::string format_key() { return system_prefix(kStoreSpace, SystemId::format); }

std::string space_key(std::string_view name) {
  return std::move(KeyWriter(kStoreSpace, SystemId::space_by_name).text(name)).take();
}

std::string next_space_key() { return system_prefix(kStoreSpace, SystemId::next_space); }

std::string space_name_key(SpaceNumber space) { return system_prefix(space, SystemId::space_name); }

std::string counters_key(SpaceNumber space) { return system_prefix(space, SystemId::counters); }

std::string index_set_key(SpaceNumber space) { return system_prefix(space, SystemId::index_set); }

std::string index_progress_key(SpaceNumber space, IndexId index) {
  KeyWriter writer(space, SystemId::index_progress);
  writer.u16(static_cast<std::uint16_t>(index));
  return std::move(writer).take();
}

std::string work_key(SpaceNumber space, std::uint8_t op, std::string_view target) {
  KeyWriter writer(space, SystemId::work);
  writer.u8(op).raw(target);
  return std::move(writer).take();
}

std::string alias_key(SpaceNumber space, const UserId& secondary) {
  return std::move(KeyWriter(space, SystemId::alias).id(secondary)).take();
}

std::string work_guard_key(SpaceNumber space) { return system_prefix(space, SystemId::work_guard); }

std::string name_guard_key(SpaceNumber space, const UserId& user, std::string_view category,
                           std::string_view key) {
  KeyWriter writer(space, SystemId::name_guard);
  writer.id(user).hash(hash128(category, key));
  return std::move(writer).take();
}

std::string cardinality_key(std::uint8_t part) {
  return std::move(KeyWriter(kStoreSpace, SystemId::cardinality).u8(part)).take();
}

std::string system_prefix(SpaceNumber space, SystemId id) { return KeyWriter(space, id).take(); }

}  // namespace callisto::schema
