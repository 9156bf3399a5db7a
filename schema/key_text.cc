// Keys in words: every table, index and system row as a list of named parts.

#include <algorithm>
#include <array>
#include <boost/algorithm/hex.hpp>
#include <charconv>
#include <iterator>

#include "schema/keys.h"
#include "schema/text.h"

namespace callisto::schema {

namespace {

enum class Kind : std::uint8_t {
  none,
  id,
  turned_id,  // behind a time
  text,
  hash,
  time,
  time_down,
  number8,
  number8_down,
  number16,
  number64,
  number64_down,
  flag,
  importance_down,
  index,   // an IndexId
  target,  // of work: the last part; 16 bytes of an id or 4 of a space
};

struct Part {
  const char* name = nullptr;
  Kind kind = Kind::none;
};

constexpr std::size_t kMaxParts = 6;

/// What follows S X.
struct Shape {
  std::uint16_t number;
  const char* name;
  std::array<Part, kMaxParts> parts;
};

template <class X>
constexpr Shape shape(X x, const char* name, std::array<Part, kMaxParts> parts = {}) {
  return {static_cast<std::uint16_t>(x), name, parts};
}

constexpr Part kUser{"user", Kind::id};
constexpr Part kConversation{"conversation", Kind::id};
constexpr Part kMessage{"message", Kind::id};
constexpr Part kMemory{"memory", Kind::id};
constexpr Part kUserAtTime{"user", Kind::turned_id};
constexpr Part kConversationAtTime{"conversation", Kind::turned_id};
constexpr Part kMemoryAtTime{"memory", Kind::turned_id};
constexpr Part kPlatform{"platform", Kind::text};
constexpr Part kPlatformId{"platform_id", Kind::text};
constexpr Part kCategory{"category", Kind::text};
constexpr Part kType{"type", Kind::text};
constexpr Part kHash{"hash", Kind::hash};
constexpr Part kProbe{"probe", Kind::number8};
constexpr Part kNewestCreated{"created", Kind::time_down};

// Conversations and messages are not here: a byte behind their id says what follows.
constexpr Shape kShapes[] = {
    shape(TableId::users, "users", {kUser}),
    shape(TableId::user_tails, "user_tails", {kUser}),
    shape(TableId::platform_identifiers, "platform_identifiers", {kPlatform, kPlatformId}),
    shape(TableId::user_data, "user_data", {kUser, kCategory, kHash, kProbe}),
    shape(TableId::memories, "memories", {kMemory}),

    shape(IndexId::user_by_active, "user_by_active",
          {{{"active", Kind::flag}, kNewestCreated, kUserAtTime}}),
    shape(IndexId::user_by_last_seen, "user_by_last_seen",
          {{{"last_seen", Kind::time_down}, kUserAtTime}}),
    shape(IndexId::identity_by_user, "identity_by_user", {kUser, kPlatform, kPlatformId}),
    shape(IndexId::identity_by_username, "identity_by_username",
          {{{"username", Kind::text}, kUser, kPlatform, kPlatformId}}),
    shape(IndexId::datum_newest, "datum_newest", {kUser, kCategory, kNewestCreated, kHash, kProbe}),
    shape(IndexId::user_by_preferred_name, "user_by_preferred_name",
          {{{"name", Kind::text}, kUser, kHash, kProbe}}),

    shape(IndexId::conversation_by_participant, "conversation_by_participant",
          {kUser, kNewestCreated, kConversationAtTime}),
    shape(IndexId::conversation_by_owner, "conversation_by_owner",
          {kUser, kNewestCreated, kConversationAtTime}),
    shape(IndexId::conversation_by_type, "conversation_by_type",
          {kType, kNewestCreated, kConversationAtTime}),
    shape(IndexId::conversation_by_persona, "conversation_by_persona",
          {{{"persona", Kind::id}, kNewestCreated, kConversationAtTime}}),
    shape(IndexId::conversation_by_saved, "conversation_by_saved",
          {{{"saved", Kind::flag}, kNewestCreated, kConversationAtTime}}),
    shape(IndexId::conversation_by_archived, "conversation_by_archived",
          {{{"archived", Kind::flag}, kNewestCreated, kConversationAtTime}}),
    shape(IndexId::conversation_by_ended, "conversation_by_ended",
          {{{"ended", Kind::flag}, kNewestCreated, kConversationAtTime}}),
    shape(IndexId::conversation_unprocessed, "conversation_unprocessed",
          {kNewestCreated, kConversationAtTime}),
    shape(IndexId::conversation_by_activity, "conversation_by_activity",
          {{{"activity", Kind::time_down}, kConversationAtTime}}),
    shape(IndexId::conversation_by_created, "conversation_by_created",
          {kNewestCreated, kConversationAtTime}),

    shape(IndexId::message_by_id, "message_by_id", {kMessage}),
    shape(IndexId::message_by_time, "message_by_time",
          {{{"timestamp", Kind::time}, kConversation, {"sequence", Kind::number64}}}),

    shape(IndexId::memory_by_category, "memory_by_category",
          {kCategory, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_key, "memory_by_key", {kHash, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_name, "memory_by_name", {kUser, kHash, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_entity, "memory_by_entity",
          {{{"entity_type", Kind::text}, kHash, kNewestCreated, kMemoryAtTime}}),
    shape(IndexId::memory_by_entity_type, "memory_by_entity_type",
          {{{"entity_type", Kind::text}, kNewestCreated, kMemoryAtTime}}),
    shape(IndexId::memory_by_tag, "memory_by_tag",
          {{{"tag", Kind::text}, kNewestCreated, kMemoryAtTime}}),
    shape(IndexId::memory_by_type, "memory_by_type", {kType, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_agent, "memory_by_agent",
          {{{"agent", Kind::text}, kNewestCreated, kMemoryAtTime}}),
    shape(IndexId::memory_by_user, "memory_by_user", {kUser, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_conversation, "memory_by_conversation",
          {kConversation, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_priority, "memory_by_priority",
          {{{"priority", Kind::number8_down}, kNewestCreated, kMemoryAtTime}}),
    shape(IndexId::memory_by_source, "memory_by_source", {kHash, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_task, "memory_by_task", {kHash, kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_created, "memory_by_created", {kNewestCreated, kMemoryAtTime}),
    shape(IndexId::memory_by_updated, "memory_by_updated",
          {{{"updated", Kind::time_down}, kMemoryAtTime}}),
    shape(IndexId::memory_by_expiry, "memory_by_expiry",
          {{{"expires", Kind::time}, kMemoryAtTime}}),

    shape(SystemId::format, "format"),
    shape(SystemId::space_by_name, "space_by_name", {{{"name", Kind::text}}}),
    shape(SystemId::next_space, "next_space"),
    shape(SystemId::counters, "counters"),
    shape(SystemId::work, "work", {{{"op", Kind::number8}, {"target", Kind::target}}}),
    shape(SystemId::alias, "alias", {kUser}),
    shape(SystemId::work_guard, "work_guard"),
    shape(SystemId::space_name, "space_name"),
    shape(SystemId::name_guard, "name_guard", {kUser, kHash}),
    shape(SystemId::index_set, "index_set"),
    shape(SystemId::index_progress, "index_progress", {{{"index", Kind::index}}}),
    shape(SystemId::cardinality, "cardinality", {{{"part", Kind::number8}}}),
};

const Shape* find_shape(std::uint16_t number) noexcept {
  const auto* const found = std::find_if(std::begin(kShapes), std::end(kShapes),
                                         [&](const Shape& one) { return one.number == number; });
  return found == std::end(kShapes) ? nullptr : found;
}

/// In quotes; quotes, backslashes, control characters and what is not UTF-8 escaped, so that a
/// terminal or a line-wise reader is not led astray by what a key holds.
std::string quote(std::string_view text) {
  const bool is_utf8 = is_valid_utf8(text);
  std::string out = "\"";
  bool is_c1_trail = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are C2 80 to C2 9F.
    const bool is_c1_lead =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_utf8) || is_c1_lead || is_c1_trail) {
      out += "\\x" + to_hex(text.substr(i, 1));
    } else {
      if (byte == '"' || byte == '\\') out += '\\';
      out += text[i];
    }
    is_c1_trail = is_c1_lead;
  }
  return out + "\"";
}

std::string float_text(float value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

/// Of a work row: an id, or the number of a space.
std::optional<std::string> target_text(KeyReader& reader) {
  const std::size_t size = reader.rest().size();
  if (size == sizeof(SpaceNumber)) return std::to_string(reader.u32());
  if (size == sizeof(UuidBytes)) return reader.id<Id<void>>().to_string();
  return std::nullopt;
}

std::optional<std::string> flag_text(std::uint8_t value) {
  if (value > 1) return std::nullopt;
  return value == 1 ? "true" : "false";
}

std::string index_text(std::uint16_t number) {
  const Shape* const found = find_shape(number);
  return found == nullptr ? std::to_string(number) : found->name;
}

/// A part in words; nullopt, or !reader.ok(), when it does not fit. `time`: the last one before it.
std::optional<std::string> part_text(Kind kind, KeyReader& reader, std::int64_t& time) {
  switch (kind) {
    case Kind::none:
      break;
    case Kind::id:
      return reader.id<Id<void>>().to_string();
    case Kind::turned_id:
      return reader.id_at<Id<void>>(time).to_string();
    case Kind::text:
      return quote(reader.text());
    case Kind::hash:
      return to_hex(reader.raw(std::tuple_size_v<Hash128>));
    case Kind::time:
      return Time(time = reader.time()).to_string();
    case Kind::time_down:
      return Time(time = reader.time_down()).to_string();
    case Kind::number8:
      return std::to_string(reader.u8());
    case Kind::number8_down:
      return std::to_string(255 - reader.u8());
    case Kind::number16:
      return std::to_string(reader.u16());
    case Kind::number64:
      return std::to_string(reader.u64());
    case Kind::number64_down:
      return std::to_string(reader.u64_down());
    case Kind::flag:
      return flag_text(reader.u8());
    case Kind::importance_down:
      return float_text(reader.importance_down());
    case Kind::index:
      return index_text(reader.u16());
    case Kind::target:
      return target_text(reader);
  }
  return std::nullopt;
}

bool append_parts(std::string& out, KeyReader& reader, const std::array<Part, kMaxParts>& parts) {
  std::int64_t time = 0;
  for (const Part& part : parts) {
    if (part.kind == Kind::none) break;
    const std::optional<std::string> words = part_text(part.kind, reader, time);
    if (!words || !reader.ok()) return false;
    out.append(" ").append(part.name).append("=").append(*words);
  }
  return true;
}

bool append_conversation(std::string& out, KeyReader& reader) {
  if (!append_parts(out, reader, {kConversation})) return false;
  switch (static_cast<ConversationPart>(reader.u8())) {
    case ConversationPart::header:
      out += " header";
      return true;
    case ConversationPart::tail:
      out += " tail";
      return true;
  }
  return false;
}

bool append_message(std::string& out, KeyReader& reader) {
  constexpr Part kTimestamp{"timestamp", Kind::time_down};
  constexpr Part kSequence{"sequence", Kind::number64_down};
  if (!append_parts(out, reader, {kConversation})) return false;
  switch (static_cast<MessagePart>(reader.u8())) {
    case MessagePart::record:
      out += " record";
      return append_parts(out, reader, {kTimestamp, kSequence});
    case MessagePart::by_sender:
      out += " by_sender";
      return append_parts(out, reader, {{{"slot", Kind::number16}, kTimestamp, kSequence}});
    case MessagePart::by_importance:
      out += " by_importance";
      return append_parts(out, reader,
                          {{{"importance", Kind::importance_down}, kTimestamp, kSequence}});
  }
  return false;
}

/// What follows S X.
bool append_rest(std::string& out, std::uint16_t number, KeyReader& reader) {
  if (number == static_cast<std::uint16_t>(TableId::conversations)) {
    return append_conversation(out, reader);
  }
  if (number == static_cast<std::uint16_t>(TableId::messages)) return append_message(out, reader);
  return append_parts(out, reader, find_shape(number)->parts);
}

const char* name_of(std::uint16_t number) noexcept {
  if (number == static_cast<std::uint16_t>(TableId::conversations)) return "conversations";
  if (number == static_cast<std::uint16_t>(TableId::messages)) return "messages";
  const Shape* const found = find_shape(number);
  return found == nullptr ? nullptr : found->name;
}

}  // namespace

std::string describe_key(std::string_view key) {
  KeyReader reader(key);
  const SpaceNumber space = reader.u32();
  const std::uint16_t number = reader.u16();
  const char* const name = reader.ok() ? name_of(number) : nullptr;
  if (name == nullptr) return to_hex(key);
  std::string out = std::string(name) + " " + std::to_string(space);
  if (!append_rest(out, number, reader) || !reader.at_end()) return to_hex(key);
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  boost::algorithm::hex_lower(bytes.begin(), bytes.end(), std::back_inserter(text));
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  const auto is_digit = [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f') ||
           (letter >= 'A' && letter <= 'F');
  };
  if (text.size() % 2 != 0 || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  boost::algorithm::unhex(text.begin(), text.end(), std::back_inserter(bytes));
  return bytes;
}

}  // namespace callisto::schema
