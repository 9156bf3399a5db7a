#include <algorithm>
#include <tuple>

#include "tests/support/model/model.h"

namespace callisto::testing::model {
namespace {

bool has_tag(const std::vector<std::string>& tags, const std::string& tag) {
  return std::any_of(tags.begin(), tags.end(), [&](const auto& one) { return lower(one) == lower(tag); });
}

std::vector<std::string> each_once(const std::vector<std::string>& given) {
  std::vector<std::string> tags;
  for (const std::string& tag : given) {
    if (!has_tag(tags, tag)) tags.push_back(tag);
  }
  return tags;
}

bool is_in(const TimeRange& range, Time time) {
  return (!range.from || time >= *range.from) && (!range.to || time < *range.to);
}

Memory from(const NewMemory& given, const Json& value, const Caller& caller, Time now) {
  Memory made{.id = given.id,
              .created_at = given.created_at.value_or(now),
              .recorded_at = now,
              .category = given.category,
              .key = given.key,
              .type = given.type,
              .value = value,
              .text = given.text,
              .tags = each_once(given.tags),
              .entity_type = given.entity_type,
              .entity_id = given.entity_id,
              .user = given.user,
              .conversation = given.conversation,
              .priority = given.priority,
              .importance = given.importance.value_or(static_cast<float>(given.priority) / 10.0F),
              .expires_at = given.expires_at,
              .is_active = given.is_active,
              .module = caller.module,
              .task = caller.task};
  made.updated_at = made.created_at;
  return made;
}

bool is_equal(const Memory& a, const Memory& b) { return describe(a) == describe(b); }

}  // namespace

bool Model::is_live(const Memory& memory) const {
  return memory.is_active && (!memory.expires_at || *memory.expires_at > now);
}

std::set<Code> Model::check_references(const Memory& memory) const {
  std::set<Code> codes;
  if (memory.user && !users.contains(memory.user)) codes.insert(Code::not_found);
  if (memory.conversation && !conversations.contains(*memory.conversation)) codes.insert(Code::not_found);
  return codes;
}

Answer Model::create_memory(const NewMemory& given, const Json& value, const Caller& caller) {
  const Memory made = from(given, value, caller, now);
  std::set<Code> codes = check_references(made);
  if (memories.contains(given.id)) codes.insert(Code::already_exists);
  if (!codes.empty()) return {.codes = codes};
  memories[given.id] = made;
  return {.text = given.id.to_string()};
}

Answer Model::put_memory(const NewMemory& given, const Json& value, const Caller& caller) {
  Memory made = from(given, value, caller, now);
  if (auto codes = check_references(made); !codes.empty()) return {.codes = codes};
  Memory* named = nullptr;
  for (auto& [id, memory] : memories) {
    if (memory.user != given.user || memory.category != given.category || memory.key != given.key) continue;
    if (is_live(memory) && (named == nullptr || memory.created_at > named->created_at)) named = &memory;
  }
  if (named == nullptr) {
    memories[given.id] = made;
    return {.text = "created " + given.id.to_string()};
  }
  made.id = named->id;
  made.version = named->version;
  made.created_at = named->created_at;
  made.recorded_at = named->recorded_at;
  made.updated_at = named->updated_at;
  made.module = named->module;
  made.task = named->task;
  made.updated_by = named->updated_by;
  if (!is_equal(made, *named)) {
    ++made.version;
    made.updated_at = now;
    made.updated_by = caller.module;
    *named = made;
  }
  return {.text = "changed " + named->id.to_string()};
}

Answer Model::update_memory(MemoryId id, const MemoryPatch& patch, const Caller& caller,
                            std::optional<std::uint64_t> if_version) {
  const auto it = memories.find(id);
  if (it == memories.end()) return {.codes = {Code::not_found}};
  Memory changed = it->second;
  if (if_version && *if_version != changed.version) return {.codes = {Code::version_mismatch}};
  if (patch.category.is_set()) changed.category = patch.category.value();
  if (patch.key.is_set()) changed.key = patch.key.value();
  if (patch.key.is_clear()) changed.key.clear();
  if (patch.tags) changed.tags = each_once(*patch.tags);
  if (patch.user.is_set()) changed.user = patch.user.value();
  if (patch.user.is_clear()) changed.user = UserId{};
  if (patch.conversation.is_set()) changed.conversation = patch.conversation.value();
  if (patch.conversation.is_clear()) changed.conversation.reset();
  if (patch.priority) changed.priority = *patch.priority;
  if (patch.importance) changed.importance = *patch.importance;
  if (patch.expires_at.is_set()) changed.expires_at = patch.expires_at.value();
  if (patch.expires_at.is_clear()) changed.expires_at.reset();
  if (patch.is_active) changed.is_active = *patch.is_active;
  if (auto codes = check_references(changed); !codes.empty()) return {.codes = codes};
  if (!is_equal(changed, it->second)) {
    ++changed.version;
    changed.updated_at = now;
    changed.updated_by = caller.module;
    it->second = changed;
  }
  return {.text = std::to_string(it->second.version)};
}

Answer Model::tag(MemoryId id, const std::vector<std::string>& add, const std::vector<std::string>& remove) {
  const auto it = memories.find(id);
  if (it == memories.end()) return {.codes = {Code::not_found}};
  Memory changed = it->second;
  std::erase_if(changed.tags, [&](const auto& tag) { return has_tag(remove, tag) && !has_tag(add, tag); });
  changed.tags.insert(changed.tags.end(), add.begin(), add.end());
  changed.tags = each_once(changed.tags);
  if (changed.tags != it->second.tags) {
    ++changed.version;
    changed.updated_at = now;
    changed.updated_by.clear();
    it->second = changed;
  }
  return {.text = std::to_string(it->second.version)};
}

Answer Model::remove_memory(MemoryId id) { return {.text = memories.erase(id) == 1 ? "true" : "false"}; }

std::vector<const Memory*> Model::find(const MemoryQuery& query) const {
  std::vector<const Memory*> found;
  for (const auto& [id, one] : memories) {
    const auto has = [&](const std::string& tag) { return has_tag(one.tags, tag); };
    const auto differs = [](const std::optional<std::string>& wanted, const std::string& text) {
      return wanted && *wanted != text;
    };
    if (differs(query.category, one.category) || differs(query.key, one.key) || differs(query.type, one.type) ||
        differs(query.entity_type, one.entity_type) || differs(query.entity_id, one.entity_id) ||
        differs(query.task, one.task)) {
      continue;
    }
    if (!std::all_of(query.tags_all.begin(), query.tags_all.end(), has)) continue;
    if (!query.tags_any.empty() && std::none_of(query.tags_any.begin(), query.tags_any.end(), has)) continue;
    if (std::any_of(query.tags_none.begin(), query.tags_none.end(), has)) continue;
    if (query.user && (one.user != *query.user || !one.user)) continue;
    if (query.without_user && one.user) continue;
    if (query.conversation && one.conversation != query.conversation) continue;
    if (query.min_priority && one.priority < *query.min_priority) continue;
    if (query.min_importance && one.importance < *query.min_importance) continue;
    if (!is_in(query.created, one.created_at) || !is_in(query.updated, one.updated_at)) continue;
    const bool by_expiry = query.expires.from || query.expires.to || query.order == MemoryOrder::expiry;
    if (by_expiry && (!one.expires_at || !is_in(query.expires, *one.expires_at))) continue;
    if (!query.include_expired && one.expires_at && *one.expires_at <= now) continue;
    if (!query.include_inactive && !one.is_active) continue;
    found.push_back(&one);
  }
  std::sort(found.begin(), found.end(), [&](const Memory* a, const Memory* b) {
    const auto rank = [&](const Memory& one) -> std::tuple<int, Time> {
      switch (query.order) {
        case MemoryOrder::created: return {0, one.created_at};
        case MemoryOrder::updated: return {0, one.updated_at};
        case MemoryOrder::priority: return {one.priority, one.created_at};
        case MemoryOrder::expiry: return {0, *one.expires_at};
      }
      return {};
    };
    return query.oldest_first ? rank(*a) < rank(*b) : rank(*a) > rank(*b);
  });
  if (found.size() > query.limit) found.resize(query.limit);
  return found;
}

}  // namespace callisto::testing::model
