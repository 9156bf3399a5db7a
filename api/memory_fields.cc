#include "api/memory_fields.h"

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

#include "api/check.h"
#include "schema/hash.h"
#include "schema/json.h"
#include "schema/text.h"

namespace callisto::detail {

namespace {

using schema::fb::MemoryT;
using StoredTime = flatbuffers::Optional<std::int64_t>;

std::string element(const char* field, std::size_t index) {
  return std::string(field) + "[" + std::to_string(index) + "]";
}

template <class IdType>
std::unique_ptr<schema::fb::Uuid> stored_id(const IdType& id) {
  if (id.is_nil()) return nullptr;
  return std::make_unique<schema::fb::Uuid>(schema::to_fb(id));
}

template <class IdType>
std::unique_ptr<schema::fb::Uuid> stored_id(const std::optional<IdType>& id) {
  return stored_id(id.value_or(IdType()));
}

StoredTime stored_time(const std::optional<Time>& time) {
  if (!time) return flatbuffers::nullopt;
  return time->micros();
}

/// Text and hash as value and given text have them.
void derive(MemoryT& fields) {
  if (fields.text_is_derived || fields.text.empty()) {
    fields.text = schema::flex_text_member(fields.value);
    fields.text_is_derived = !fields.text.empty();
  }
  const std::string value = schema::flex_to_json(fields.value.data(), fields.value.size());
  const schema::Hash128 hash = schema::hash128(value, fields.text);
  fields.content_hash = std::make_unique<schema::fb::Uuid>(flatbuffers::make_span(hash));
}

/// Rules between fields.
Result<void> check_whole(const MemoryT& fields) {
  if (!fields.entity_id.empty() && fields.entity_type.empty()) {
    return Error(Code::invalid_argument, "entity_id", "only together with entity_type");
  }
  if (fields.valid_from && fields.valid_to && *fields.valid_from > *fields.valid_to) {
    return Error(Code::invalid_argument, "valid_to", "not before valid_from");
  }
  return {};
}

Result<void> check_texts(const NewMemory& memory) {
  CALLISTO_TRY(schema::check_text(memory.category, "category", kMaxCategory));
  CALLISTO_TRY(schema::check_text(memory.key, "key", kMaxKey));
  CALLISTO_TRY(schema::check_text(memory.type, "type", kMaxType));
  CALLISTO_TRY(schema::check_utf8(memory.text, "text"));
  CALLISTO_TRY(schema::check_text(memory.entity_type, "entity_type", kMaxEntityType));
  CALLISTO_TRY(schema::check_text(memory.entity_id, "entity_id", kMaxEntityId));
  CALLISTO_TRY(schema::check_text(memory.source_agent, "source_agent", kMaxAgent));
  CALLISTO_TRY(schema::check_text(memory.module, "module", kMaxModule));
  CALLISTO_TRY(schema::check_text(memory.task, "task", kMaxTask));
  return schema::check_text(memory.updated_by, "updated_by", kMaxModule);
}

Result<void> check_numbers(const NewMemory& memory) {
  CALLISTO_TRY(check_priority(memory.priority, "priority"));
  if (memory.importance) CALLISTO_TRY(check_importance(*memory.importance, "importance"));
  CALLISTO_TRY(check_time(memory.expires_at, "expires_at"));
  CALLISTO_TRY(check_time(memory.valid_from, "valid_from"));
  return check_time(memory.valid_to, "valid_to");
}

Result<void> check_sources(const std::vector<Source>& sources) {
  if (sources.size() > kMaxSources) {
    return Error(Code::invalid_argument, "sources", "at most " + std::to_string(kMaxSources));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto kind = schema::check_text(sources[i].kind, "kind", kMaxSourceKind, 1);
    if (!kind) return kind.error().in(element("sources", i) + ".");
    auto id = schema::check_text(sources[i].id, "id", kMaxSourceId, 1);
    if (!id) return id.error().in(element("sources", i) + ".");
  }
  return {};
}

std::vector<std::unique_ptr<schema::fb::SourceT>> stored_sources(
    const std::vector<Source>& sources) {
  std::vector<std::unique_ptr<schema::fb::SourceT>> stored;
  stored.reserve(sources.size());
  for (const Source& source : sources) {
    auto fields = std::make_unique<schema::fb::SourceT>();
    fields->kind = source.kind;
    fields->id = source.id;
    stored.push_back(std::move(fields));
  }
  return stored;
}

}  // namespace

Result<std::vector<std::string>> checked_tags(const std::vector<std::string>& tags,
                                              const char* field) {
  std::vector<std::string> kept;
  std::unordered_set<std::string> folded;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (auto done = schema::check_text(tags[i], "", kMaxTag, 1); !done) {
      return done.error().in(element(field, i));
    }
    if (!folded.insert(schema::fold(tags[i])).second) continue;
    if (kept.size() == kMaxTags) {
      return Error(Code::invalid_argument, field, "at most " + std::to_string(kMaxTags));
    }
    kept.push_back(tags[i]);
  }
  return kept;
}

Result<bool> change_tags(MemoryT& fields, const std::vector<std::string>& add,
                         const std::vector<std::string>& remove) {
  std::unordered_set<std::string> unwanted;
  for (const std::string& tag : remove) unwanted.insert(schema::fold(tag));
  // What is added in the same change stays.
  for (const std::string& tag : add) unwanted.erase(schema::fold(tag));
  const std::size_t removed = std::erase_if(
      fields.tags, [&](const std::string& tag) { return unwanted.contains(schema::fold(tag)); });

  std::unordered_set<std::string> present;
  for (const std::string& tag : fields.tags) present.insert(schema::fold(tag));
  std::size_t added = 0;
  for (const std::string& tag : add) {
    if (!present.insert(schema::fold(tag)).second) continue;
    fields.tags.push_back(tag);
    ++added;
  }
  if (fields.tags.size() > kMaxTags) {
    return Error(Code::limit_exceeded, "tags", "at most " + std::to_string(kMaxTags));
  }
  return removed + added > 0;
}

Result<MemoryT> memory_fields(const NewMemory& memory, const Caller& caller) {
  CALLISTO_TRY(check_envelope(envelope_of(memory)));
  CALLISTO_TRY(check_texts(memory));
  CALLISTO_TRY(check_numbers(memory));
  CALLISTO_TRY(check_sources(memory.sources));
  auto value = check_json(memory.value, "value", false);
  if (!value) return std::move(value).error();
  auto tags = checked_tags(memory.tags, "tags");
  if (!tags) return std::move(tags).error();

  MemoryT fields;
  fields.category = memory.category;
  fields.key = memory.key;
  fields.type = memory.type;
  fields.value = std::move(*value);
  fields.text = memory.text;
  fields.tags = std::move(*tags);
  fields.entity_type = memory.entity_type;
  fields.entity_id = memory.entity_id;
  fields.user = stored_id(memory.user);
  fields.conversation = stored_id(memory.conversation);
  fields.source_agent = memory.source_agent;
  fields.priority = memory.priority;
  fields.importance = memory.importance.value_or(static_cast<float>(memory.priority) / 10.0F);
  fields.expires_at = stored_time(memory.expires_at);
  fields.is_active = memory.is_active;
  fields.valid_from = stored_time(memory.valid_from);
  fields.valid_to = stored_time(memory.valid_to);
  fields.superseded_by = stored_id(memory.superseded_by);
  fields.module_ = memory.module.empty() ? caller.module : memory.module;
  fields.task = memory.task.empty() ? caller.task : memory.task;
  fields.updated_by = memory.updated_by;
  fields.sources = stored_sources(memory.sources);
  derive(fields);
  CALLISTO_TRY(check_whole(fields));
  return fields;
}

MemoryT replaced_fields(const MemoryT& before, const MemoryT& given) {
  MemoryT after = given;
  after.stamp = std::make_unique<schema::fb::Stamp>(*before.stamp);
  // Stored under another id, it stands for the same user.
  after.user = before.user ? std::make_unique<schema::fb::Uuid>(*before.user) : nullptr;
  after.module_ = before.module_;
  after.task = before.task;
  after.updated_by = before.updated_by;
  if (given.external_id.empty() && given.external_source.empty()) {
    after.external_id = before.external_id;
    after.external_source = before.external_source;
  }
  return after;
}

namespace {

/// Checks one field of a patch, where it is set.
Result<void> check_change(const Change<std::string>& change, const char* field, std::size_t max) {
  if (!change.is_set()) return {};
  return schema::check_text(change.value(), field, max);
}

Result<void> check_change(const Change<Time>& change, const char* field) {
  if (!change.is_set()) return {};
  return check_time(change.value(), field);
}

Result<std::vector<std::uint8_t>> parsed_change(const Change<std::string>& change,
                                                const char* field, bool object_only) {
  if (!change.is_set()) return std::vector<std::uint8_t>();
  return check_json(change.value(), field, object_only);
}

Result<void> check_patch_texts(const MemoryPatch& patch) {
  CALLISTO_TRY(check_change(patch.category, "category", kMaxCategory));
  CALLISTO_TRY(check_change(patch.key, "key", kMaxKey));
  CALLISTO_TRY(check_change(patch.type, "type", kMaxType));
  if (patch.text.is_set()) CALLISTO_TRY(schema::check_utf8(patch.text.value(), "text"));
  CALLISTO_TRY(check_change(patch.entity_type, "entity_type", kMaxEntityType));
  CALLISTO_TRY(check_change(patch.entity_id, "entity_id", kMaxEntityId));
  CALLISTO_TRY(check_change(patch.source_agent, "source_agent", kMaxAgent));
  return schema::check_text(patch.updated_by, "updated_by", kMaxModule);
}

Result<void> check_patch_numbers(const MemoryPatch& patch) {
  if (patch.priority) CALLISTO_TRY(check_priority(*patch.priority, "priority"));
  if (patch.importance) CALLISTO_TRY(check_importance(*patch.importance, "importance"));
  CALLISTO_TRY(check_change(patch.expires_at, "expires_at"));
  CALLISTO_TRY(check_change(patch.valid_from, "valid_from"));
  return check_change(patch.valid_to, "valid_to");
}

void apply(std::string& text, const Change<std::string>& change) {
  if (!change.is_kept()) text = change.is_set() ? change.value() : std::string();
}

void apply(StoredTime& time, const Change<Time>& change) {
  if (change.is_kept()) return;
  time = change.is_set() ? StoredTime(change.value().micros()) : StoredTime();
}

template <class IdType>
void apply(std::unique_ptr<schema::fb::Uuid>& id, const Change<IdType>& change) {
  if (!change.is_kept()) id = stored_id(change.is_set() ? change.value() : IdType());
}

void apply_texts(MemoryT& fields, const MemoryPatch& patch) {
  apply(fields.category, patch.category);
  apply(fields.key, patch.key);
  apply(fields.type, patch.type);
  apply(fields.entity_type, patch.entity_type);
  apply(fields.entity_id, patch.entity_id);
  apply(fields.source_agent, patch.source_agent);
  if (!patch.text.is_kept()) {
    apply(fields.text, patch.text);
    fields.text_is_derived = false;
  }
}

}  // namespace

Result<MemoryChange> memory_change(const MemoryPatch& patch) {
  CALLISTO_TRY(check_patch_texts(patch));
  CALLISTO_TRY(check_patch_numbers(patch));
  if (patch.sources) CALLISTO_TRY(check_sources(*patch.sources));
  auto value = parsed_change(patch.value, "value", false);
  if (!value) return std::move(value).error();
  auto metadata = parsed_change(patch.metadata, "metadata", true);
  if (!metadata) return std::move(metadata).error();
  Result<std::vector<std::string>> tags = std::vector<std::string>();
  if (patch.tags) tags = checked_tags(*patch.tags, "tags");
  if (!tags) return std::move(tags).error();
  return MemoryChange{&patch, std::move(*value), std::move(*metadata), std::move(*tags)};
}

Result<void> apply_change(MemoryT& fields, const MemoryChange& change) {
  const MemoryPatch& patch = *change.patch;
  apply_texts(fields, patch);
  if (!patch.value.is_kept()) fields.value = change.value;
  if (!patch.metadata.is_kept()) fields.metadata = change.metadata;
  if (patch.tags) fields.tags = change.tags;
  apply(fields.user, patch.user);
  apply(fields.conversation, patch.conversation);
  apply(fields.superseded_by, patch.superseded_by);
  if (patch.priority) fields.priority = *patch.priority;
  if (patch.importance) fields.importance = *patch.importance;
  apply(fields.expires_at, patch.expires_at);
  apply(fields.valid_from, patch.valid_from);
  apply(fields.valid_to, patch.valid_to);
  if (patch.is_active) fields.is_active = *patch.is_active;
  if (patch.sources) fields.sources = stored_sources(*patch.sources);
  if (!patch.value.is_kept() || !patch.text.is_kept()) derive(fields);
  return check_whole(fields);
}

Result<bool> is_same_record(const MemoryT& a, const MemoryT& b) {
  // What most changes change, looked at before both are laid out.
  if (a.value != b.value || a.tags != b.tags || a.text != b.text) return false;
  const auto a_bytes = schema::encode<schema::fb::Memory>(a);
  if (!a_bytes) return a_bytes.error();
  const auto b_bytes = schema::encode<schema::fb::Memory>(b);
  if (!b_bytes) return b_bytes.error();
  return *a_bytes == *b_bytes;
}

}  // namespace callisto::detail
