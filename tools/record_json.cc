#include "tools/record_json.h"

namespace callisto::tools {

namespace {

bool is_shown(const LineContext& context) { return context.form == LineForm::shown; }

template <class View>
JsonLine begin(const char* table, const View& view, const LineContext& context) {
  JsonLine line;
  if (!is_shown(context)) line.text("table", table);
  if (context.space != "default") line.text("space", context.space);
  line.id("id", view.id());
  return line;
}

/// The part of the envelope that ends every line.
template <class View>
std::string end(JsonLine& line, const View& view, const LineContext& context) {
  line.time("created_at", view.created_at()).time("updated_at", view.updated_at());
  if (is_shown(context)) line.time("recorded_at", view.recorded_at());
  line.number("version", view.version());
  line.json_if("metadata", view.metadata());
  line.text_if("external_id", view.external_id()).text_if("external_source", view.external_source());
  return line.str();
}

/// [{"slot":0,"user":"..."}] for people; the slots of a store's own are kept by an import through
/// the order of the participants.
std::string participants_json(const Conversation& conversation) {
  std::string json;
  for (const Participant& participant : conversation.participants()) {
    json += json.empty() ? '[' : ',';
    json += '"' + participant.user.to_string() + '"';
  }
  return json + "]";
}

std::string sources_json(const Memory& memory) {
  std::string json;
  for (std::size_t i = 0; i < memory.source_count(); ++i) {
    json += json.empty() ? '[' : ',';
    json += JsonLine().text("kind", memory.source_kind(i)).text("id", memory.source_id(i)).str();
  }
  return json + "]";
}

}  // namespace

std::string_view to_string(MessageState state) noexcept {
  switch (state) {
    case MessageState::final:
      return "final";
    case MessageState::partial:
      return "partial";
    case MessageState::interrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string_view to_string(CategoryKind kind) noexcept {
  return kind == CategoryKind::single ? "single" : "list";
}

std::string to_json(const User& user, const LineContext& context) {
  JsonLine line = begin("users", user, context);
  line.time("last_seen", user.last_seen()).flag("is_active", user.is_active());
  line.json_if("profile", user.profile()).json_if("preferences", user.preferences());
  return end(line, user, context);
}

std::string to_json(const PlatformIdentifier& identity, const LineContext& context) {
  JsonLine line = begin("platform_identifiers", identity, context);
  line.id("user", identity.user());
  line.text("platform", identity.platform()).text("platform_id", identity.platform_id());
  line.text_if("username", identity.username()).time("last_seen", identity.last_seen());
  return end(line, identity, context);
}

std::string to_json(const UserDatum& datum, const LineContext& context) {
  JsonLine line = begin("user_data", datum, context);
  line.id("user", datum.user()).text("category", datum.category());
  line.text("kind", to_string(datum.kind())).text("value", datum.value());
  return end(line, datum, context);
}

std::string to_json(const Conversation& conversation, const LineContext& context) {
  JsonLine line = begin("conversations", conversation, context);
  line.text_if("title", conversation.title()).text("type", conversation.type());
  line.id_if("owner", conversation.owner());
  if (!conversation.participants().empty()) line.raw("participants", participants_json(conversation));
  if (conversation.persona()) line.id("persona", *conversation.persona());
  line.text_if("model", conversation.model()).text_if("recap", conversation.recap());
  line.text_if("summary", conversation.summary());
  line.flag("is_saved", conversation.is_saved()).flag("is_archived", conversation.is_archived());
  line.time_if("ended_at", conversation.ended_at()).flag("reopens", conversation.reopens());
  line.flag("is_processed", conversation.is_processed());
  line.number("processed_up_to", conversation.processed_up_to());
  if (is_shown(context)) {
    line.number("message_count", conversation.message_count());
    line.number("token_count", conversation.token_count());
    line.number("last_sequence", conversation.last_sequence());
    line.time_if("last_message_at", conversation.last_message_at());
    line.time("activity_at", conversation.activity_at());
  }
  return end(line, conversation, context);
}

std::string to_json(const Message& message, const LineContext& context) {
  JsonLine line = begin("messages", message, context);
  line.id("conversation", message.conversation()).number("sequence", message.sequence());
  line.time("timestamp", message.timestamp());
  if (message.parent()) line.id("parent", *message.parent());
  line.id_if("sender", message.sender()).text_if("name", message.name());
  line.text_if("agent", message.agent()).text("role", message.role());
  line.text("content", message.content()).json_if("parts", message.parts());
  line.text_if("tool_call_id", message.tool_call_id()).text("state", to_string(message.state()));
  line.text_if("model", message.model());
  if (message.token_usage()) line.number("token_usage", *message.token_usage());
  line.real("importance", message.importance());
  return end(line, message, context);
}

std::string to_json(const Memory& memory, const LineContext& context) {
  JsonLine line = begin("memories", memory, context);
  line.text_if("category", memory.category()).text_if("key", memory.key());
  line.text_if("type", memory.type()).json_if("value", memory.value());
  // A text that value.text gives is derived again by the import.
  if (is_shown(context) || memory.value()["text"].as_string() != memory.text()) {
    line.text_if("text", memory.text());
  }
  line.texts_if("tags", memory.tags());
  line.text_if("entity_type", memory.entity_type()).text_if("entity_id", memory.entity_id());
  line.id_if("user", memory.user());
  if (memory.conversation()) line.id("conversation", *memory.conversation());
  line.text_if("source_agent", memory.source_agent());
  line.number("priority", memory.priority()).real("importance", memory.importance());
  line.time_if("expires_at", memory.expires_at()).flag("is_active", memory.is_active());
  line.time_if("valid_from", memory.valid_from()).time_if("valid_to", memory.valid_to());
  if (memory.superseded_by()) line.id("superseded_by", *memory.superseded_by());
  line.text_if("module", memory.module()).text_if("task", memory.task());
  line.text_if("updated_by", memory.updated_by());
  if (memory.source_count() > 0) line.raw("sources", sources_json(memory));
  if (is_shown(context)) line.text("content_hash", memory.content_hash());
  return end(line, memory, context);
}

std::string to_json(const QueryPlan& plan) {
  std::string steps = "[";
  for (const QueryStep& step : plan.steps) {
    JsonLine line;
    line.text("use", to_string(step.use)).text_if("index", step.index);
    line.text_if("condition", step.condition);
    if (step.estimate) line.number("estimate", *step.estimate);
    steps += (steps.size() > 1 ? "," : "") + line.str();
  }
  JsonLine line;
  line.raw("steps", steps + "]").flag("is_ordered", plan.is_ordered);
  line.text_if("given_up", plan.given_up);
  line.number("keys_read", plan.keys_read).number("records_fetched", plan.records_fetched);
  return line.number("rows_returned", plan.rows_returned).str();
}

}  // namespace callisto::tools
