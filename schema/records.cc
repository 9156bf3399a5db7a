#include "schema/records.h"

#include "schema/json.h"
#include "schema/message_record.h"

namespace callisto::schema {

namespace {

// Enough for every record: tables nest once (a memory's sources, 1,024 of them).
constexpr flatbuffers::uoffset_t kMaxTableDepth = 4;
constexpr flatbuffers::uoffset_t kMaxTables = 2048;
// A builder that grew beyond this gives its memory back.
constexpr std::size_t kKeptBuilderBytes = 64u << 10;

// What a table holds of variable size, counted before it is copied into a builder, which ends the
// program at 2 GiB.

template <class Fields>
std::size_t envelope_bytes(const Fields& fields) {
  return fields.metadata.size() + fields.external_id.size() + fields.external_source.size();
}

std::size_t content_bytes(const fb::UserT& user) {
  return envelope_bytes(user) + user.profile.size() + user.preferences.size();
}

std::size_t content_bytes(const fb::PlatformIdentifierT& identity) {
  return envelope_bytes(identity) + identity.platform.size() + identity.platform_id.size() +
         identity.username.size();
}

std::size_t content_bytes(const fb::UserDatumT& datum) {
  return envelope_bytes(datum) + datum.category.size() + datum.value.size();
}

std::size_t content_bytes(const fb::ConversationT& conversation) {
  return envelope_bytes(conversation) + conversation.title.size() + conversation.type.size() +
         conversation.model.size() + conversation.recap.size() + conversation.summary.size() +
         conversation.participants.size() * sizeof(fb::Participant);
}

template <class Fields>
std::size_t message_bytes(const Fields& message) {
  return envelope_bytes(message) + message.name.size() + message.agent.size() +
         message.role.size() + message.content.size() + message.parts.size() +
         message.tool_call_id.size() + message.model.size();
}

std::size_t content_bytes(const fb::MessageT& message) { return message_bytes(message); }
std::size_t content_bytes(const MessageRecord& message) { return message_bytes(message); }

std::size_t content_bytes(const fb::MemoryT& memory) {
  std::size_t bytes = envelope_bytes(memory) + memory.category.size() + memory.key.size() +
                      memory.type.size() + memory.value.size() + memory.text.size() +
                      memory.entity_type.size() + memory.entity_id.size() +
                      memory.source_agent.size() + memory.module_.size() + memory.task.size() +
                      memory.updated_by.size();
  for (const std::string& tag : memory.tags) bytes += tag.size();
  for (const auto& source : memory.sources) bytes += source->kind.size() + source->id.size();
  return bytes;
}

// What the verifier does not know: that byte vectors hold JSON, and which numbers are enumerators.

bool is_intact_json(const flatbuffers::Vector<std::uint8_t>* bytes) {
  return bytes == nullptr || is_intact_flex(bytes->data(), bytes->size());
}

template <class Enum>
bool is_enumerator(Enum value) {
  return value >= Enum::MIN && value <= Enum::MAX;
}

bool has_intact_content(const fb::User& user) {
  return is_intact_json(user.profile()) && is_intact_json(user.preferences());
}

bool has_intact_content(const fb::PlatformIdentifier&) { return true; }

bool has_intact_content(const fb::UserDatum& datum) { return is_enumerator(datum.kind()); }

bool has_intact_content(const fb::Conversation&) { return true; }

bool has_intact_content(const fb::Message& message) {
  return is_intact_json(message.parts()) && is_enumerator(message.state());
}

bool has_intact_content(const fb::Memory& memory) { return is_intact_json(memory.value()); }

Error record_too_large() { return Error(Code::too_large, "record", "at most 4 MiB"); }

}  // namespace

namespace {

/// What `pack(builder)` makes, as the bytes of a record.
template <class Fields, class Pack>
Result<std::string> encode_packed(const Fields& fields, Pack&& pack) {
  if (content_bytes(fields) > kMaxRecordBytes) return record_too_large();
  thread_local flatbuffers::FlatBufferBuilder builder;
  builder.Clear();
  builder.Finish(pack(builder));
  std::string bytes(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  if (bytes.size() > kKeptBuilderBytes) builder.Reset();
  if (bytes.size() > kMaxRecordBytes) return record_too_large();
  return bytes;
}

/// As the generated code has it: what is empty is left out.
flatbuffers::Offset<flatbuffers::String> pack_text(flatbuffers::FlatBufferBuilder& builder,
                                                   std::string_view text) {
  return text.empty() ? 0 : builder.CreateString(text.data(), text.size());
}

flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> pack_json(
    flatbuffers::FlatBufferBuilder& builder, const std::vector<std::uint8_t>& json) {
  builder.ForceVectorAlignment(json.size(), sizeof(std::uint8_t), 8);
  return json.empty() ? 0 : builder.CreateVector(json);
}

}  // namespace

template <class Table>
Result<std::string> encode(const typename Table::NativeTableType& fields) {
  return encode_packed(fields, [&](auto& builder) { return Table::Pack(builder, &fields); });
}

// Parts lie in the order in which they are made, which is that of the generated code.
Result<std::string> encode(const MessageRecord& message) {
  return encode_packed(message, [&](auto& builder) {
    const auto metadata = pack_json(builder, message.metadata);
    const auto external_id = pack_text(builder, message.external_id);
    const auto external_source = pack_text(builder, message.external_source);
    const auto name = pack_text(builder, message.name);
    const auto agent = pack_text(builder, message.agent);
    const auto role = pack_text(builder, message.role);
    const auto content = pack_text(builder, message.content);
    const auto parts = pack_json(builder, message.parts);
    const auto tool_call_id = pack_text(builder, message.tool_call_id);
    const auto model = pack_text(builder, message.model);
    return fb::CreateMessage(builder, &message.stamp, metadata, external_id, external_source,
                             &message.conversation, message.sequence, message.timestamp,
                             message.parent ? &*message.parent : nullptr, message.sender_slot, name,
                             agent, role, content, parts, tool_call_id, message.state, model,
                             message.token_usage, message.importance);
  });
}

// Flattened: every read checks a record, and the verifier's steps cost less than the calls to them.
template <class Table>
[[gnu::flatten]] bool is_intact(const std::uint8_t* data, std::size_t size) {
  if (data == nullptr || reinterpret_cast<std::uintptr_t>(data) % 8 != 0) return false;
  if (size > kMaxRecordBytes) return false;
  flatbuffers::Verifier::Options limits;
  limits.max_depth = kMaxTableDepth;
  limits.max_tables = kMaxTables;
  flatbuffers::Verifier verifier(data, size, limits);
  if (!verifier.VerifyBuffer<Table>(nullptr)) return false;
  const Table& table = *flatbuffers::GetRoot<Table>(data);
  return is_intact_json(table.metadata()) && has_intact_content(table);
}

template <class Table>
std::optional<Bytes> take(std::string_view bytes) {
  if (bytes.size() > kMaxRecordBytes) return std::nullopt;
  Bytes held = Bytes::copy_of(bytes);
  if (!is_intact<Table>(held.data(), held.size())) return std::nullopt;
  return held;
}

template <class Table>
typename Table::NativeTableType unpack(const Bytes& bytes) {
  typename Table::NativeTableType fields;
  root<Table>(bytes)->UnPackTo(&fields);
  return fields;
}

#define CALLISTO_RECORD(Table)                                                       \
  template Result<std::string> encode<fb::Table>(const fb::Table::NativeTableType&); \
  template bool is_intact<fb::Table>(const std::uint8_t*, std::size_t);              \
  template std::optional<Bytes> take<fb::Table>(std::string_view);                   \
  template fb::Table::NativeTableType unpack<fb::Table>(const Bytes&);

CALLISTO_RECORD(User)
CALLISTO_RECORD(PlatformIdentifier)
CALLISTO_RECORD(UserDatum)
CALLISTO_RECORD(Conversation)
CALLISTO_RECORD(Message)
CALLISTO_RECORD(Memory)

#undef CALLISTO_RECORD

}  // namespace callisto::schema
