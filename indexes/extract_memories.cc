// Memories. Every entry carries the cover, so that filters run before the record is fetched.

#include "indexes/extract.h"
#include "schema/tails.h"
#include "schema/text.h"

namespace callisto::indexes {

namespace {

using schema::KeyWriter;
using schema::text;
using schema::fb::Memory;

MemoryId id_of(const Memory& memory) { return schema::from_fb<MemoryId>(&memory.stamp()->id()); }

/// prefix ~created memory -> cover
void emit(Entries& entries, const Row& row, KeyWriter prefix, const Memory& memory) {
  emit_newest_first(entries, std::move(prefix), memory.stamp()->created_at(), id_of(memory),
                    row.cover);
}

/// For an index by one text: no text, no entry.
void emit_text(Entries& entries, const Row& row, KeyWriter (*prefix)(SpaceNumber, std::string_view),
               const Memory& memory, std::string_view value) {
  if (!value.empty()) emit(entries, row, prefix(row.space, value), memory);
}

/// For an index whose key has `time` and not created_at: the value that finds the entry in those
/// that have.
std::string dated_cover(const Row& row, const Memory& memory, std::int64_t time) {
  return schema::encode_created(memory.stamp()->created_at(), time).append(row.cover);
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
    std::vector<std::uint16_t> hashes;
    hashes.reserve(memory.tags()->size());
    for (const auto* tag : *memory.tags())
      hashes.push_back(schema::tag_hash(schema::fold(text(tag))));
    cover.set_tags(std::move(hashes));
  }
  return schema::encode(cover);
}

void memory_by_category(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, entry_key::memory_by_category, memory, text(memory.category()));
}

void memory_by_key(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, entry_key::memory_by_key, memory, text(memory.key()));
}

void memory_by_name(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const std::string_view category = text(memory.category());
  const std::string_view key = text(memory.key());
  if (category.empty() || key.empty()) return;
  const auto user = schema::from_fb<UserId>(memory.user());
  emit(entries, row, entry_key::memory_by_name(row.space, user, category, key), memory);
}

void memory_by_entity(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const std::string_view type = text(memory.entity_type());
  const std::string_view id = text(memory.entity_id());
  if (type.empty() || id.empty()) return;
  emit(entries, row, entry_key::memory_by_entity(row.space, type, id), memory);
}

void memory_by_entity_type(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, entry_key::memory_by_entity_type, memory, text(memory.entity_type()));
}

void memory_by_tag(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  if (memory.tags() == nullptr) return;
  const std::size_t first = entries.size();
  for (const auto* tag : *memory.tags()) {
    emit_text(entries, row, entry_key::memory_by_tag, memory, text(tag));
  }
  entries.drop_repeats(first);
}

void memory_by_type(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, entry_key::memory_by_type, memory, text(memory.type()));
}

void memory_by_agent(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, entry_key::memory_by_agent, memory, text(memory.source_agent()));
}

void memory_by_user(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const auto user = schema::from_fb<UserId>(memory.user());
  if (user) emit(entries, row, entry_key::memory_by_user(row.space, user), memory);
}

void memory_by_conversation(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const auto conversation = schema::from_fb<ConversationId>(memory.conversation());
  if (!conversation) return;
  emit(entries, row, entry_key::memory_by_conversation(row.space, conversation), memory);
}

void memory_by_priority(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit(entries, row, entry_key::memory_by_priority(row.space, memory.priority()), memory);
}

void memory_by_source(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  if (memory.sources() == nullptr) return;
  const std::size_t first = entries.size();
  for (const auto* source : *memory.sources()) {
    const std::string_view kind = text(source->kind());
    const std::string_view id = text(source->id());
    if (kind.empty() || id.empty()) continue;
    emit(entries, row, entry_key::memory_by_source(row.space, kind, id), memory);
  }
  entries.drop_repeats(first);
}

void memory_by_task(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  emit_text(entries, row, entry_key::memory_by_task, memory, text(memory.task()));
}

void memory_by_created(const Row& row, Entries& entries) {
  emit(entries, row, entry_key::memory_by_created(row.space), record_of<Memory>(row));
}

void memory_by_updated(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  const std::int64_t time = memory.stamp()->updated_at();
  emit_newest_first(entries, entry_key::memory_by_updated(row.space), time, id_of(memory),
                    dated_cover(row, memory, time));
}

void memory_by_expiry(const Row& row, Entries& entries) {
  const auto& memory = record_of<Memory>(row);
  if (!memory.expires_at().has_value()) return;
  const std::int64_t time = *memory.expires_at();
  emit_oldest_first(entries, entry_key::memory_by_expiry(row.space), time, id_of(memory),
                    dated_cover(row, memory, time));
}

}  // namespace extract

}  // namespace callisto::indexes
