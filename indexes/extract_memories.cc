// Memories. Every entry carries the cover, so that filters run before the record is fetched.

#include <algorithm>

#include "indexes/extract.h"
#include "schema/tails.h"
#include "schema/text.h"

namespace callisto::indexes {

namespace {

using schema::text;
using schema::fb::Memory;

MemoryId id_of(const Memory& memory) { return schema::from_fb<MemoryId>(&memory.stamp()->id()); }

/// prefix ~created memory -> cover
void emit(std::vector<Entry>& entries, const Row& row, std::string prefix, const Memory& memory) {
  emit_newest_first(entries, std::move(prefix), memory.stamp()->created_at(), id_of(memory),
                    row.cover);
}

/// For an index by one text: no text, no entry.
void emit_text(std::vector<Entry>& entries, const Row& row,
               std::string (*prefix)(SpaceNumber, std::string_view), const Memory& memory,
               std::string_view value) {
  if (!value.empty()) emit(entries, row, prefix(row.space, value), memory);
}

/// Prefixes that a record gives more than once count once.
void emit_each_once(std::vector<Entry>& entries, const Row& row, std::vector<std::string> prefixes,
                    const Memory& memory) {
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  for (std::string& prefix : prefixes) emit(entries, row, std::move(prefix), memory);
}

/// For an index whose key has no created_at: the value that finds the entry in those that have.
std::string dated_cover(const Row& row, const Memory& memory) {
  return schema::encode_created(memory.stamp()->created_at()).append(row.cover);
}

std::uint8_t fields_of(const Memory& memory) {
  const auto flag = [](bool is_there, schema::MemoryField field) { return is_there ? field : 0; };
  const int fields =
      flag(!text(memory.category()).empty(), schema::kHasCategory) |
      flag(!text(memory.key()).empty(), schema::kHasKey) |
      flag(!text(memory.type()).empty(), schema::kHasType) |
      flag(!text(memory.entity_type()).empty(), schema::kHasEntityType) |
      flag(!text(memory.entity_id()).empty(), schema::kHasEntityId) |
      flag(!text(memory.source_agent()).empty(), schema::kHasAgent) |
      flag(!text(memory.task()).empty(), schema::kHasTask) |
      flag(static_cast<bool>(schema::from_fb<UserId>(memory.user())), schema::kHasUser);
  return static_cast<std::uint8_t>(fields);
}

}  // namespace

namespace extract {

std::string memory_cover(const Row& row) {
  const auto& memory = record_of<Memory>(row);
  schema::MemoryCover cover;
  cover.is_active = memory.is_active();
  cover.is_superseded = static_cast<bool>(schema::from_fb<MemoryId>(memory.superseded_by()));
  cover.fields = fields_of(memory);
  cover.priority = memory.priority();
  cover.importance = memory.importance();
  if (memory.expires_at().has_value()) cover.expires_at = *memory.expires_at();
  const schema::fb::Stamp& stamp = *memory.stamp();
  if (stamp.updated_at() != stamp.created_at()) cover.updated_at = stamp.updated_at();
  if (memory.tags() != nullptr) {
    std::vector<std::uint32_t> hashes;
    hashes.reserve(memory.tags()->size());
    for (const auto* tag : *memory.tags())
      hashes.push_back(schema::tag_hash(schema::fold(text(tag))));
    cover.set_tags(std::move(hashes));
  }
  return schema::encode(cover);
}

void memory_by_category(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, memory_by_category_prefix, memory, text(memory.category()));
}

void memory_by_key(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, memory_by_key_prefix, memory, text(memory.key()));
}

void memory_by_name(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const std::string_view category = text(memory.category());
  const std::string_view key = text(memory.key());
  if (category.empty() || key.empty()) return;
  const auto user = schema::from_fb<UserId>(memory.user());
  emit(entries, row, memory_by_name_prefix(row.space, user, category, key), memory);
}

void memory_by_entity(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const std::string_view type = text(memory.entity_type());
  const std::string_view id = text(memory.entity_id());
  if (type.empty() || id.empty()) return;
  emit(entries, row, memory_by_entity_prefix(row.space, type, id), memory);
}

void memory_by_entity_type(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, memory_by_entity_type_prefix, memory, text(memory.entity_type()));
}

void memory_by_tag(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  if (memory.tags() == nullptr) return;
  std::vector<std::string> prefixes;
  prefixes.reserve(memory.tags()->size());
  for (const auto* tag : *memory.tags()) {
    if (!text(tag).empty()) prefixes.push_back(memory_by_tag_prefix(row.space, text(tag)));
  }
  emit_each_once(entries, row, std::move(prefixes), memory);
}

void memory_by_type(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, memory_by_type_prefix, memory, text(memory.type()));
}

void memory_by_agent(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, memory_by_agent_prefix, memory, text(memory.source_agent()));
}

void memory_by_user(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const auto user = schema::from_fb<UserId>(memory.user());
  if (user) emit(entries, row, memory_by_user_prefix(row.space, user), memory);
}

void memory_by_conversation(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const auto conversation = schema::from_fb<ConversationId>(memory.conversation());
  if (!conversation) return;
  emit(entries, row, memory_by_conversation_prefix(row.space, conversation), memory);
}

void memory_by_priority(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit(entries, row, memory_by_priority_prefix(row.space, memory.priority()), memory);
}

void memory_by_source(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  if (memory.sources() == nullptr) return;
  std::vector<std::string> prefixes;
  prefixes.reserve(memory.sources()->size());
  for (const auto* source : *memory.sources()) {
    const std::string_view kind = text(source->kind());
    const std::string_view id = text(source->id());
    if (kind.empty() || id.empty()) continue;
    prefixes.push_back(memory_by_source_prefix(row.space, kind, id));
  }
  emit_each_once(entries, row, std::move(prefixes), memory);
}

void memory_by_task(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, memory_by_task_prefix, memory, text(memory.task()));
}

void memory_by_created(const Row& row, Entries& entries) {
  emit(entries, row, memory_by_created_prefix(row.space), record_of<Memory>(row));
}

void memory_by_updated(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_newest_first(entries, memory_by_updated_prefix(row.space), memory.stamp()->updated_at(),
                    id_of(memory), dated_cover(row, memory));
}

void memory_by_expiry(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  if (!memory.expires_at().has_value()) return;
  emit_oldest_first(entries, memory_by_expiry_prefix(row.space), *memory.expires_at(),
                    id_of(memory), dated_cover(row, memory));
}

}  // namespace extract

}  // namespace callisto::indexes
