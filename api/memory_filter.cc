#include "api/memory_filter.h"

#include <algorithm>

#include "schema/text.h"

namespace callisto::detail {

namespace {

bool is_within(std::int64_t time, const TimeRange& range) {
  if (range.from && time < range.from->micros()) return false;
  return !range.to || time < range.to->micros();
}

std::optional<std::string> kind_of(const std::optional<Source>& source) {
  if (!source) return std::nullopt;
  return source->kind;
}

std::optional<std::string> id_of(const std::optional<Source>& source) {
  if (!source) return std::nullopt;
  return source->id;
}

std::optional<std::int64_t> expiry_of(const schema::fb::Memory& memory) {
  if (!memory.expires_at().has_value()) return std::nullopt;
  return *memory.expires_at();
}

}  // namespace

MemoryFilter::Spelling::Spelling(const std::optional<std::string>& text) {
  if (text) text_ = schema::nfc(*text);
}

bool MemoryFilter::Spelling::admits(std::string_view stored) const {
  return !text_ || stored == *text_ || schema::nfc(stored) == *text_;
}

MemoryFilter::Tags::Tags(const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    folded.push_back(schema::fold(tag));
    hashes.push_back(schema::tag_hash(folded.back()));
  }
}

MemoryFilter::MemoryFilter(const MemoryQuery& query, const indexes::SpaceState& state, Time now)
    : query_(query),
      state_(state),
      now_(now.micros()),
      category_(query.category),
      key_(query.key),
      entity_type_(query.entity_type),
      entity_id_(query.entity_id),
      type_(query.type),
      source_agent_(query.source_agent),
      task_(query.task),
      source_kind_(kind_of(query.source)),
      source_id_(id_of(query.source)),
      all_(query.tags_all),
      any_(query.tags_any),
      none_(query.tags_none) {}

bool MemoryFilter::admits(const schema::MemoryCover& cover) const {
  if (!cover.is_active && !query_.include_inactive) return false;
  if (cover.is_superseded && !query_.include_superseded) return false;
  if (!admits_expiry(cover.expires_at)) return false;
  const auto is_there = [&](std::uint32_t hash) { return cover.has_tag(hash); };
  if (!std::all_of(all_.hashes.begin(), all_.hashes.end(), is_there)) return false;
  return any_.hashes.empty() || std::any_of(any_.hashes.begin(), any_.hashes.end(), is_there);
}

bool MemoryFilter::admits_expiry(std::optional<std::int64_t> expires_at) const {
  if (!expires_at) {
    return !query_.expires.from && !query_.expires.to && query_.order != MemoryOrder::expiry;
  }
  if (*expires_at <= now_ && !query_.include_expired) return false;
  return is_within(*expires_at, query_.expires);
}

bool MemoryFilter::matches(const schema::fb::Memory& memory) const {
  return matches_state(memory) && matches_numbers(memory) && matches_owner(memory) &&
         matches_texts(memory) && matches_tags(memory) && matches_source(memory);
}

bool MemoryFilter::matches_state(const schema::fb::Memory& memory) const {
  if (!memory.is_active() && !query_.include_inactive) return false;
  const bool is_superseded = !schema::from_fb<MemoryId>(memory.superseded_by()).is_nil();
  if (is_superseded && !query_.include_superseded) return false;
  return admits_expiry(expiry_of(memory)) && !is_hidden(state_, memory);
}

bool MemoryFilter::matches_numbers(const schema::fb::Memory& memory) const {
  if (query_.min_priority && memory.priority() < *query_.min_priority) return false;
  if (query_.min_importance && memory.importance() < *query_.min_importance) return false;
  return is_within(memory.stamp()->created_at(), query_.created) &&
         is_within(memory.stamp()->updated_at(), query_.updated);
}

bool MemoryFilter::matches_owner(const schema::fb::Memory& memory) const {
  if (query_.conversation &&
      schema::from_fb<ConversationId>(memory.conversation()) != *query_.conversation) {
    return false;
  }
  if (!query_.user && !query_.without_user) return true;
  return state_.resolve(schema::from_fb<UserId>(memory.user())) == query_.user.value_or(UserId());
}

bool MemoryFilter::matches_texts(const schema::fb::Memory& memory) const {
  return category_.admits(schema::text(memory.category())) &&
         key_.admits(schema::text(memory.key())) &&
         entity_type_.admits(schema::text(memory.entity_type())) &&
         entity_id_.admits(schema::text(memory.entity_id())) &&
         type_.admits(schema::text(memory.type())) &&
         source_agent_.admits(schema::text(memory.source_agent())) &&
         task_.admits(schema::text(memory.task()));
}

bool MemoryFilter::matches_tags(const schema::fb::Memory& memory) const {
  if (all_.folded.empty() && any_.folded.empty() && none_.folded.empty()) return true;
  std::vector<std::string> tags;
  if (memory.tags() != nullptr) {
    for (const auto* tag : *memory.tags()) tags.push_back(schema::fold(schema::text(tag)));
  }
  std::sort(tags.begin(), tags.end());
  const auto is_there = [&](const std::string& tag) {
    return std::binary_search(tags.begin(), tags.end(), tag);
  };
  if (!std::all_of(all_.folded.begin(), all_.folded.end(), is_there)) return false;
  if (std::any_of(none_.folded.begin(), none_.folded.end(), is_there)) return false;
  return any_.folded.empty() || std::any_of(any_.folded.begin(), any_.folded.end(), is_there);
}

bool MemoryFilter::matches_source(const schema::fb::Memory& memory) const {
  if (!query_.source) return true;
  if (memory.sources() == nullptr) return false;
  return std::any_of(memory.sources()->begin(), memory.sources()->end(), [&](const auto* source) {
    return source_kind_.admits(schema::text(source->kind())) &&
           source_id_.admits(schema::text(source->id()));
  });
}

bool is_hidden(const indexes::SpaceState& state, const schema::fb::Memory& memory) {
  if (state.is_idle()) return false;
  const auto conversation = schema::from_fb<ConversationId>(memory.conversation());
  return !conversation.is_nil() && state.is_hidden(conversation);
}

}  // namespace callisto::detail
