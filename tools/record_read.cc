#include "tools/record_read.h"

#include <limits>

#include "schema/json.h"
#include "tools/fields.h"
#include "tools/quick_fields.h"

namespace callisto::tools {

namespace {

constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();

/// The envelope's part of a record.
template <class From, class New>
void read_envelope(From& fields, New& record) {
  record.id = fields.template id<decltype(record.id)>("id");
  record.created_at = fields.time("created_at");
  record.metadata = fields.json("metadata");
  record.external_id = fields.text("external_id");
  record.external_source = fields.text("external_source");
  if (record.id.is_nil() && !record.external_id.empty()) {
    record.id = decltype(record.id)::from_external(record.external_source, record.external_id);
  }
  // What a line leaves out is not made up: an import that is run again must end in the same store.
  const auto updated_at = fields.time("updated_at");
  const auto version = fields.number("version", kAnyNumber);
  if (record.created_at) {
    record.origin = Origin{updated_at.value_or(*record.created_at), version.value_or(1)};
  } else if (updated_at) {
    fields.fail("created_at", "given where updated_at is");
  }
}

template <class From>
void read_user(From& fields, Record& record) {
  auto& user = record.emplace<NewUser>();
  read_envelope(fields, user);
  user.name = fields.text("name");
  user.platform = fields.text("platform");
  user.platform_id = fields.text("platform_id");
  user.username = fields.text("username");
  user.profile = fields.json("profile");
  user.preferences = fields.json("preferences");
  user.is_active = fields.flag("is_active").value_or(true);
  user.last_seen = fields.time("last_seen");
}

template <class From>
void read_identity(From& fields, Record& record) {
  auto& line = record.emplace<IdentityLine>();
  read_envelope(fields, line.identity);
  line.user = fields.template id<UserId>("user");
  line.identity.platform = fields.required_text("platform");
  line.identity.platform_id = fields.required_text("platform_id");
  line.identity.username = fields.text("username");
  line.identity.last_seen = fields.time("last_seen");
}

template <class From>
void read_datum(From& fields, Record& record) {
  auto& line = record.emplace<DatumLine>();
  read_envelope(fields, line.datum);
  line.user = fields.template id<UserId>("user");
  line.datum.category = fields.required_text("category");
  line.datum.value = fields.required_text("value");
  const std::string kind = fields.text("kind");
  if (kind == "single") {
    line.kind = CategoryKind::single;
  } else if (!kind.empty() && kind != "list") {
    fields.fail("kind", "single or list");
  }
}

template <class From>
void read_conversation(From& fields, Record& record) {
  auto& conversation = record.emplace<NewConversation>();
  read_envelope(fields, conversation);
  conversation.title = fields.text("title");
  conversation.type = fields.text("type");
  conversation.owner = fields.template id<UserId>("owner");
  conversation.participants = fields.template ids<UserId>("participants");
  conversation.persona = fields.template optional_id<PersonaId>("persona");
  conversation.model = fields.text("model");
  conversation.recap = fields.text("recap");
  conversation.summary = fields.text("summary");
  conversation.is_saved = fields.flag("is_saved").value_or(false);
  conversation.is_archived = fields.flag("is_archived").value_or(false);
  conversation.ended_at = fields.time("ended_at");
  conversation.reopens = fields.flag("reopens").value_or(true);
  conversation.is_processed = fields.flag("is_processed").value_or(false);
  conversation.processed_up_to = fields.number("processed_up_to", kAnyNumber);
}

template <class From>
MessageState read_state(From& fields) {
  const std::string state = fields.text("state");
  if (state.empty() || state == "final") return MessageState::final;
  if (state == "partial") return MessageState::partial;
  if (state == "interrupted") return MessageState::interrupted;
  fields.fail("state", "final, partial or interrupted");
  return MessageState::final;
}

template <class From>
void read_message(From& fields, Record& record) {
  auto& message = record.emplace<NewMessage>();
  read_envelope(fields, message);
  message.conversation = fields.template id<ConversationId>("conversation");
  message.sequence = fields.number("sequence", kAnyNumber);
  message.timestamp = fields.time("timestamp");
  message.parent = fields.template optional_id<MessageId>("parent");
  message.sender = fields.template id<UserId>("sender");
  message.name = fields.text("name");
  message.agent = fields.text("agent");
  message.role = fields.text("role");
  message.content = fields.text("content");
  message.parts = fields.json("parts");
  message.tool_call_id = fields.text("tool_call_id");
  message.state = read_state(fields);
  message.model = fields.text("model");
  if (auto tokens = fields.number("token_usage", std::numeric_limits<std::uint32_t>::max())) {
    message.token_usage = static_cast<std::uint32_t>(*tokens);
  }
  message.importance = fields.real("importance");
  // A message is said when it is created, and the other way round, where a line says only one.
  if (!message.timestamp) message.timestamp = message.created_at;
  if (!message.origin && message.timestamp) {
    message.created_at = message.timestamp;
    message.origin = Origin{*message.timestamp, 1};
  }
}

template <class From>
std::vector<Source> read_sources(From& fields) {
  std::vector<Source> sources;
  for (const JsonView& object : fields.objects("sources")) {
    const auto kind = object["kind"].as_string();
    const auto id = object["id"].as_string();
    if (!kind || !id || object.size() != 2) fields.fail("sources", "objects with the strings kind and id");
    sources.push_back({std::string(kind.value_or("")), std::string(id.value_or(""))});
  }
  return sources;
}

template <class From>
void read_memory(From& fields, Record& record) {
  auto& memory = record.emplace<NewMemory>();
  read_envelope(fields, memory);
  memory.category = fields.text("category");
  memory.key = fields.text("key");
  memory.type = fields.text("type");
  memory.value = fields.json("value");
  memory.text = fields.text("text");
  memory.tags = fields.texts("tags");
  memory.entity_type = fields.text("entity_type");
  memory.entity_id = fields.text("entity_id");
  memory.user = fields.template id<UserId>("user");
  memory.conversation = fields.template optional_id<ConversationId>("conversation");
  memory.source_agent = fields.text("source_agent");
  memory.priority = static_cast<std::uint8_t>(fields.number("priority", 10).value_or(5));
  memory.importance = fields.real("importance");
  memory.expires_at = fields.time("expires_at");
  memory.is_active = fields.flag("is_active").value_or(true);
  memory.valid_from = fields.time("valid_from");
  memory.valid_to = fields.time("valid_to");
  memory.superseded_by = fields.template optional_id<MemoryId>("superseded_by");
  memory.module = fields.text("module");
  memory.task = fields.text("task");
  memory.updated_by = fields.text("updated_by");
  memory.sources = read_sources(fields);
}

template <class From>
void read_space(From& fields, Record& record) {
  record.emplace<NewSpace>().name = fields.required_text("name");
}

struct Table {
  std::string_view name;
  void (*read)(Fields&, Record&);
  void (*read_quickly)(QuickFields&, Record&);
  /// What `list --json` prints beside what an import restores.
  std::vector<std::string_view> ignored;
};

const std::vector<Table>& tables() {
  static const std::vector<Table> all{
      {"spaces", read_space<Fields>, read_space<QuickFields>, {}},
      {"users", read_user<Fields>, read_user<QuickFields>, {"recorded_at"}},
      {"platform_identifiers", read_identity<Fields>, read_identity<QuickFields>, {"recorded_at"}},
      {"user_data", read_datum<Fields>, read_datum<QuickFields>, {"recorded_at"}},
      {"conversations",
       read_conversation<Fields>,
       read_conversation<QuickFields>,
       {"recorded_at", "message_count", "token_count", "last_sequence", "last_message_at",
        "activity_at"}},
      {"messages", read_message<Fields>, read_message<QuickFields>, {"recorded_at"}},
      {"memories", read_memory<Fields>, read_memory<QuickFields>, {"recorded_at", "content_hash"}},
  };
  return all;
}

/// A line without an id gets one from its number and text: the same file gives the same store.
void give_id(Record& record, std::uint64_t number, std::string_view text) {
  const auto give = [&](auto& id) {
    if (!id.is_nil()) return;
    id = std::remove_reference_t<decltype(id)>::from_external(
        "callisto/jsonl", std::to_string(number) + ":" + std::string(text));
  };
  std::visit(
      [&](auto& line) {
        if constexpr (requires { line.identity; }) {
          give(line.identity.id);
        } else if constexpr (requires { line.datum; }) {
          give(line.datum.id);
        } else if constexpr (requires { line.id; }) {
          give(line.id);
        }
      },
      record);
}

bool has_id(const Record& record) {
  return std::visit(
      [](const auto& line) {
        if constexpr (requires { line.identity; }) {
          return !line.identity.id.is_nil();
        } else if constexpr (requires { line.datum; }) {
          return !line.datum.id.is_nil();
        } else if constexpr (requires { line.id; }) {
          return !line.id.is_nil();
        } else {
          return true;
        }
      },
      record);
}

}  // namespace

Result<Line> read_line(std::string_view text, std::uint64_t number) {
  auto flex = schema::json_line_to_flex(text, kMaxLineBytes);
  if (!flex) return std::move(flex).error();
  const Bytes bytes = Bytes::copy_of({reinterpret_cast<const char*>(flex->data()), flex->size()});
  const JsonView object(bytes, bytes.data(), bytes.size());
  if (object["callisto"].as_string() == "export") {
    if (object["format"].as_int64() != 1) {
      return Error(Code::invalid_argument, "format", "1: a newer Callisto wrote this export");
    }
    return Line{"", ExportHead{}};
  }
  const auto name = object["table"].as_string();
  for (const Table& table : tables()) {
    if (name != table.name) continue;
    auto ignored = table.ignored;
    ignored.push_back("table");
    Fields fields(object, std::move(ignored));
    Line line;
    line.space = fields.text("space");
    table.read(fields, line.record);
    if (auto done = fields.finish(); !done) return std::move(done).error();
    give_id(line.record, number, text);
    return line;
  }
  return Error(Code::invalid_argument, "table",
               "spaces, users, platform_identifiers, user_data, conversations, messages or memories");
}

bool read_line_quickly(std::string_view text, QuickFields& fields, Line& line) {
  if (!fields.begin(text)) return false;
  const std::string_view name = fields.view("table");
  for (const Table& table : tables()) {
    if (name != table.name) continue;
    line.space = fields.text("space");
    table.read_quickly(fields, line.record);
    return fields.is_done() && has_id(line.record);
  }
  return false;
}

}  // namespace callisto::tools
