#include "api/view_record.h"
#include "callisto/memory.h"
#include "schema/keys.h"
#include "schema/records.h"

namespace callisto {

namespace {

const schema::fb::Memory& memory_in(const Bytes& bytes) noexcept {
  return detail::record_in<schema::fb::Memory>(bytes);
}

const schema::fb::Stamp& stamp(const Bytes& bytes) noexcept { return *memory_in(bytes).stamp(); }

std::optional<Time> present_time(flatbuffers::Optional<std::int64_t> stored) noexcept {
  if (!stored.has_value()) return std::nullopt;
  return Time(*stored);
}

const schema::fb::Source* source_at(const schema::fb::Memory& memory, std::size_t i) noexcept {
  const auto* sources = memory.sources();
  if (sources == nullptr || i >= sources->size()) return nullptr;
  return sources->Get(static_cast<flatbuffers::uoffset_t>(i));
}

}  // namespace

MemoryId Memory::id() const noexcept { return schema::from_fb<MemoryId>(&stamp(bytes_).id()); }
std::uint64_t Memory::version() const noexcept { return stamp(bytes_).version(); }
Time Memory::created_at() const noexcept { return Time(stamp(bytes_).created_at()); }
Time Memory::recorded_at() const noexcept { return Time(stamp(bytes_).recorded_at()); }
Time Memory::updated_at() const noexcept { return Time(stamp(bytes_).updated_at()); }
std::string_view Memory::category() const noexcept {
  return schema::text(memory_in(bytes_).category());
}
std::string_view Memory::key() const noexcept { return schema::text(memory_in(bytes_).key()); }
std::string_view Memory::type() const noexcept { return schema::text(memory_in(bytes_).type()); }
JsonView Memory::value() const noexcept { return detail::json_in(bytes_, memory_in(bytes_).value()); }
std::string_view Memory::text() const noexcept { return schema::text(memory_in(bytes_).text()); }

std::size_t Memory::tag_count() const noexcept {
  const auto* tags = memory_in(bytes_).tags();
  return tags == nullptr ? 0 : tags->size();
}

std::string_view Memory::tag(std::size_t i) const noexcept {
  if (i >= tag_count()) return {};
  return schema::text(memory_in(bytes_).tags()->Get(static_cast<flatbuffers::uoffset_t>(i)));
}

std::vector<std::string_view> Memory::tags() const {
  std::vector<std::string_view> tags;
  tags.reserve(tag_count());
  for (std::size_t i = 0; i < tag_count(); ++i) tags.push_back(tag(i));
  return tags;
}

std::string_view Memory::entity_type() const noexcept {
  return schema::text(memory_in(bytes_).entity_type());
}
std::string_view Memory::entity_id() const noexcept {
  return schema::text(memory_in(bytes_).entity_id());
}
std::optional<ConversationId> Memory::conversation() const noexcept {
  return detail::present_id<ConversationId>(memory_in(bytes_).conversation());
}
std::string_view Memory::source_agent() const noexcept {
  return schema::text(memory_in(bytes_).source_agent());
}
std::uint8_t Memory::priority() const noexcept { return memory_in(bytes_).priority(); }
float Memory::importance() const noexcept { return memory_in(bytes_).importance(); }
std::optional<Time> Memory::expires_at() const noexcept {
  return present_time(memory_in(bytes_).expires_at());
}
bool Memory::is_active() const noexcept { return memory_in(bytes_).is_active(); }
std::optional<Time> Memory::valid_from() const noexcept {
  return present_time(memory_in(bytes_).valid_from());
}
std::optional<Time> Memory::valid_to() const noexcept {
  return present_time(memory_in(bytes_).valid_to());
}
std::optional<MemoryId> Memory::superseded_by() const noexcept {
  return detail::present_id<MemoryId>(memory_in(bytes_).superseded_by());
}

std::string Memory::content_hash() const {
  const auto* hash = memory_in(bytes_).content_hash();
  if (hash == nullptr) return {};
  return schema::to_hex(schema::from_fb<MemoryId>(hash).view());
}

std::string_view Memory::module() const noexcept {
  return schema::text(memory_in(bytes_).module_());
}
std::string_view Memory::task() const noexcept { return schema::text(memory_in(bytes_).task()); }
std::string_view Memory::updated_by() const noexcept {
  return schema::text(memory_in(bytes_).updated_by());
}

std::size_t Memory::source_count() const noexcept {
  const auto* sources = memory_in(bytes_).sources();
  return sources == nullptr ? 0 : sources->size();
}

std::string_view Memory::source_kind(std::size_t i) const noexcept {
  const auto* source = source_at(memory_in(bytes_), i);
  return source == nullptr ? std::string_view{} : schema::text(source->kind());
}

std::string_view Memory::source_id(std::size_t i) const noexcept {
  const auto* source = source_at(memory_in(bytes_), i);
  return source == nullptr ? std::string_view{} : schema::text(source->id());
}

JsonView Memory::metadata() const noexcept { return detail::json_in(bytes_, memory_in(bytes_).metadata()); }
std::string_view Memory::external_id() const noexcept {
  return schema::text(memory_in(bytes_).external_id());
}
std::string_view Memory::external_source() const noexcept {
  return schema::text(memory_in(bytes_).external_source());
}

}  // namespace callisto
