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
      none_(query.tags_none),
      has_texts_(category_.is_asked() || key_.is_asked() || entity_type_.is_asked() ||
                 entity_id_.is_asked() || type_.is_asked() || source_agent_.is_asked() ||
                 task_.is_asked()) {
  const auto ask = [this](const std::optional<std::string>& text, schema::MemoryField field) {
    if (!text) return;
    std::uint8_t& fields = text->empty() ? unwanted_ : needed_;
    fields = static_cast<std::uint8_t>(fields | field);
  };
  ask(query.category, schema::kHasCategory);
  ask(query.key, schema::kHasKey);
  ask(query.entity_type, schema::kHasEntityType);
  ask(query.entity_id, schema::kHasEntityId);
  ask(query.type, schema::kHasType);
  ask(query.source_agent, schema::kHasAgent);
  ask(query.task, schema::kHasTask);
  if (query.user) needed_ |= schema::kHasUser;
  // The record names a user who is gone until it is rewritten.
  const auto is_gone = [](const auto& alias) { return alias.second.is_nil(); };
  const auto& aliases = state.aliases();
  if (query.without_user && std::none_of(aliases.begin(), aliases.end(), is_gone)) {
    unwanted_ |= schema::kHasUser;
  }
}

bool MemoryFilter::admits(const schema::MemoryCover& cover, std::int64_t created_at) const {
  return (cover.fields & needed_) == needed_ && (cover.fields & unwanted_) == 0 &&
         admits_state(cover.is_active, cover.is_superseded) && admits_expiry(cover.expires_at) &&
         admits_numbers(cover.priority, cover.importance) &&
         admits_times(created_at, cover.updated_at.value_or(created_at)) && admits_tags(cover);
}

bool MemoryFilter::admits_state(bool is_active, bool is_superseded) const {
  const auto admits = [](bool is_so, bool include, bool only) {
    return is_so ? include || only : !only;
  };
  return admits(!is_active, query_.include_inactive, query_.only_inactive) &&
         admits(is_superseded, query_.include_superseded, query_.only_superseded);
}

bool MemoryFilter::admits_expiry(std::optional<std::int64_t> expires_at) const {
  if (!expires_at) {
    return !query_.expires.from && !query_.expires.to && !query_.only_expired &&
           query_.order != MemoryOrder::expiry;
  }
  const bool is_expired = *expires_at <= now_;
  if (is_expired ? !query_.include_expired && !query_.only_expired : query_.only_expired) {
    return false;
  }
  return is_within(*expires_at, query_.expires);
}

bool MemoryFilter::admits_numbers(std::uint8_t priority, float importance) const {
  return (!query_.min_priority || priority >= *query_.min_priority) &&
         (!query_.max_priority || priority <= *query_.max_priority) &&
         (!query_.min_importance || importance >= *query_.min_importance) &&
         (!query_.max_importance || importance <= *query_.max_importance);
}

bool MemoryFilter::admits_times(std::int64_t created_at, std::int64_t updated_at) const {
  return is_within(created_at, query_.created) && is_within(updated_at, query_.updated);
}

bool MemoryFilter::admits_tags(const schema::MemoryCover& cover) const {
  const auto is_there = [&](std::uint16_t hash) { return cover.has_tag(hash); };
  if (!std::all_of(all_.hashes.begin(), all_.hashes.end(), is_there)) return false;
  return any_.hashes.empty() || std::any_of(any_.hashes.begin(), any_.hashes.end(), is_there);
}

bool MemoryFilter::matches(const schema::fb::Memory& memory) const {
  return matches_state(memory) && matches_numbers(memory) && matches_owner(memory) &&
         matches_texts(memory) && matches_tags(memory) && matches_source(memory);
}

bool MemoryFilter::matches_state(const schema::fb::Memory& memory) const {
  const bool is_superseded = !schema::from_fb<MemoryId>(memory.superseded_by()).is_nil();
  return admits_state(memory.is_active(), is_superseded) && admits_expiry(expiry_of(memory)) &&
         !is_hidden(state_, memory);
}

bool MemoryFilter::matches_numbers(const schema::fb::Memory& memory) const {
  return admits_numbers(memory.priority(), memory.importance()) &&
         admits_times(memory.stamp()->created_at(), memory.stamp()->updated_at());
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
  if (!has_texts_) return true;
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
  // Most tags are written as they are folded; the others are folded when it matters.
  std::vector<std::string> folded;
  const auto is_there = [&](const std::string& asked) {
    if (memory.tags() == nullptr) return false;
    const auto& tags = *memory.tags();
    const auto is_asked = [&](const auto* tag) { return schema::text(tag) == asked; };
    if (std::any_of(tags.begin(), tags.end(), is_asked)) return true;
    if (folded.empty()) {
      for (const auto* tag : tags) folded.push_back(schema::fold(schema::text(tag)));
    }
    return std::find(folded.begin(), folded.end(), asked) != folded.end();
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
