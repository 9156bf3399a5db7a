#include "api/memory_drive.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "indexes/index_keys.h"

namespace callisto::detail {

namespace {

using schema::IndexId;

/// Texts that are "" have no entries, so they cannot drive.
bool is_given(const std::optional<std::string>& text) { return text && !text->empty(); }

std::optional<std::int64_t> micros(const std::optional<Time>& time) {
  if (!time) return std::nullopt;
  return time->micros();
}

bool has_end(const TimeRange& range) { return range.from || range.to; }

/// Ids under which the memories of the asked user are found; without one, those of users who are
/// gone count too.
std::vector<UserId> owners_of(const MemoryQuery& query, const SpaceState& state) {
  if (query.user) return state.ids_of(*query.user);
  std::vector<UserId> owners{UserId()};
  for (const auto& [gone, primary] : state.aliases()) {
    if (primary.is_nil()) owners.push_back(gone);
  }
  return owners;
}

/// Where what was asked for begins in an index ordered by creation.
struct Prefixes {
  IndexId index;
  std::vector<std::string> of;
};

Prefixes name_prefixes(const MemoryQuery& query, const SpaceState& state) {
  Prefixes prefixes{IndexId::memory_by_name, {}};
  for (const UserId& owner : owners_of(query, state)) {
    prefixes.of.push_back(
        indexes::memory_by_name_prefix(state.space(), owner, *query.category, *query.key));
  }
  return prefixes;
}

Prefixes tag_prefixes(const MemoryQuery& query, SpaceNumber space) {
  if (!query.tags_all.empty()) {
    return {IndexId::memory_by_tag, {indexes::memory_by_tag_prefix(space, query.tags_all.front())}};
  }
  Prefixes prefixes{IndexId::memory_by_tag, {}};
  for (const std::string& tag : query.tags_any) {
    prefixes.of.push_back(indexes::memory_by_tag_prefix(space, tag));
  }
  // Two spellings of one tag are one range.
  std::sort(prefixes.of.begin(), prefixes.of.end());
  prefixes.of.erase(std::unique(prefixes.of.begin(), prefixes.of.end()), prefixes.of.end());
  return prefixes;
}

Prefixes user_prefixes(const MemoryQuery& query, const SpaceState& state) {
  Prefixes prefixes{IndexId::memory_by_user, {}};
  for (const UserId& owner : owners_of(query, state)) {
    prefixes.of.push_back(indexes::memory_by_user_prefix(state.space(), owner));
  }
  return prefixes;
}

/// What few memories share.
std::optional<Prefixes> narrow_prefixes(const MemoryQuery& query, const SpaceState& state) {
  const SpaceNumber space = state.space();
  if (is_given(query.category) && is_given(query.key) && (query.user || query.without_user)) {
    return name_prefixes(query, state);
  }
  if (is_given(query.key)) {
    return Prefixes{IndexId::memory_by_key, {indexes::memory_by_key_prefix(space, *query.key)}};
  }
  if (is_given(query.entity_type) && is_given(query.entity_id)) {
    return Prefixes{
        IndexId::memory_by_entity,
        {indexes::memory_by_entity_prefix(space, *query.entity_type, *query.entity_id)}};
  }
  if (query.source) {
    return Prefixes{
        IndexId::memory_by_source,
        {indexes::memory_by_source_prefix(space, query.source->kind, query.source->id)}};
  }
  if (!query.tags_all.empty() || !query.tags_any.empty()) return tag_prefixes(query, space);
  if (is_given(query.task)) {
    return Prefixes{IndexId::memory_by_task, {indexes::memory_by_task_prefix(space, *query.task)}};
  }
  if (query.conversation) {
    return Prefixes{IndexId::memory_by_conversation,
                    {indexes::memory_by_conversation_prefix(space, *query.conversation)}};
  }
  if (query.user) return user_prefixes(query, state);
  return std::nullopt;
}

/// What many memories share.
std::optional<Prefixes> wide_prefixes(const MemoryQuery& query, SpaceNumber space) {
  if (is_given(query.entity_type)) {
    return Prefixes{IndexId::memory_by_entity_type,
                    {indexes::memory_by_entity_type_prefix(space, *query.entity_type)}};
  }
  if (is_given(query.category)) {
    return Prefixes{IndexId::memory_by_category,
                    {indexes::memory_by_category_prefix(space, *query.category)}};
  }
  if (is_given(query.type)) {
    return Prefixes{IndexId::memory_by_type, {indexes::memory_by_type_prefix(space, *query.type)}};
  }
  if (is_given(query.source_agent)) {
    return Prefixes{IndexId::memory_by_agent,
                    {indexes::memory_by_agent_prefix(space, *query.source_agent)}};
  }
  return std::nullopt;
}

MemoryDrive drive_by_creation(const MemoryQuery& query, const Prefixes& prefixes) {
  MemoryDrive drive{prefixes.index, {}, {}, MemoryOrder::created};
  for (const std::string& prefix : prefixes.of) {
    drive.ranges.push_back(
        indexes::newest_first_range(prefix, micros(query.created.from), micros(query.created.to)));
    drive.skip.push_back(prefix.size());
  }
  return drive;
}

MemoryDrive drive_by_update(const MemoryQuery& query, SpaceNumber space) {
  const std::string prefix = indexes::memory_by_updated_prefix(space);
  return {
      IndexId::memory_by_updated,
      {indexes::newest_first_range(prefix, micros(query.updated.from), micros(query.updated.to))},
      {prefix.size()},
      MemoryOrder::updated};
}

MemoryDrive drive_by_expiry(const MemoryQuery& query, SpaceNumber space, Time now) {
  const std::string prefix = indexes::memory_by_expiry_prefix(space);
  std::optional<std::int64_t> from = micros(query.expires.from);
  if (!query.include_expired && now.micros() < std::numeric_limits<std::int64_t>::max()) {
    from = std::max(from.value_or(kMinTime.micros()), now.micros() + 1);
  }
  return {IndexId::memory_by_expiry,
          {indexes::oldest_first_range(prefix, from, micros(query.expires.to))},
          {prefix.size()},
          MemoryOrder::expiry};
}

MemoryDrive drive_by_priority(const MemoryQuery& query, SpaceNumber space) {
  const std::string prefix = indexes::memory_by_priority_prefix(space);
  KeyRange range = indexes::range_of(prefix);
  if (query.min_priority) {
    range.upper =
        schema::prefix_end(indexes::memory_by_priority_prefix(space, *query.min_priority));
  }
  return {IndexId::memory_by_priority, {std::move(range)}, {prefix.size()}, MemoryOrder::priority};
}

}  // namespace

MemoryDrive choose_drive(const MemoryQuery& query, const SpaceState& state, Time now) {
  const SpaceNumber space = state.space();
  std::optional<Prefixes> prefixes = narrow_prefixes(query, state);
  if (!prefixes) prefixes = wide_prefixes(query, space);
  if (prefixes) return drive_by_creation(query, *prefixes);
  if (has_end(query.expires) || query.order == MemoryOrder::expiry) {
    return drive_by_expiry(query, space, now);
  }
  if (query.order == MemoryOrder::priority) return drive_by_priority(query, space);
  if (has_end(query.updated) || query.order == MemoryOrder::updated) {
    return drive_by_update(query, space);
  }
  return drive_by_creation(
      query, {IndexId::memory_by_created, {indexes::memory_by_created_prefix(space)}});
}

bool is_reverse(MemoryOrder order, bool oldest_first) noexcept {
  // Expiry is the one index whose keys rise with its time.
  return order == MemoryOrder::expiry ? !oldest_first : oldest_first;
}

}  // namespace callisto::detail
