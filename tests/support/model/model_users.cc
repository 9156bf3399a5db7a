#include <algorithm>

#include "tests/support/model/model.h"

namespace callisto::testing::model {

namespace {

constexpr std::int64_t kMinuteMicros = 60'000'000;

void advance(Time& stored, Time at) {
  if (at.micros() - stored.micros() >= kMinuteMicros) stored = at;
}

/// Both; where both have a name, the value of `newer`.
Json joined(const Json& newer, const Json& older) {
  Json result = newer;
  result.insert(older.begin(), older.end());
  return result;
}

}  // namespace

std::string text_of(const Json& json) {
  if (json.empty()) return "";
  std::string text = "{";
  for (const auto& [name, value] : json) {
    if (text.size() > 1) text += ",";
    text += "\"" + name + "\":" + value;
  }
  return text + "}";
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Answer Model::create_user(const NewUser& user, const Json& profile, const Json& metadata) {
  if (users.contains(user.id)) return {.codes = {Code::already_exists}};
  if (!user.platform.empty() && identities.contains({user.platform, user.platform_id})) {
    return {.codes = {Code::already_exists}};
  }
  User made{.id = user.id,
            .created_at = user.created_at.value_or(now),
            .recorded_at = now,
            .is_active = user.is_active,
            .profile = profile,
            .metadata = metadata};
  made.updated_at = made.created_at;
  made.last_seen = user.last_seen.value_or(made.created_at);
  if (!user.name.empty()) {
    made.data["preferred_name"] = {CategoryKind::single, {{user.name, made.created_at}}};
  }
  users[user.id] = made;
  if (!user.platform.empty()) {
    write_identity(user.id, {.platform = user.platform,
                             .platform_id = user.platform_id,
                             .username = user.username.empty() ? user.name : user.username,
                             .created_at = made.created_at,
                             .last_seen = made.last_seen});
  }
  return {.text = user.id.to_string()};
}

Answer Model::update_user(UserId id, const std::optional<Json>& profile, std::optional<bool> is_active,
                          std::optional<std::uint64_t> if_version) {
  const auto it = users.find(id);
  if (it == users.end()) return {.codes = {Code::not_found}};
  User& user = it->second;
  if (if_version && *if_version != user.version) return {.codes = {Code::version_mismatch}};
  User changed = user;
  if (profile) changed.profile = *profile;
  if (is_active) changed.is_active = *is_active;
  if (changed.profile != user.profile || changed.is_active != user.is_active) {
    ++changed.version;
    changed.updated_at = now;
    user = changed;
  }
  return {.text = std::to_string(user.version)};
}

Answer Model::seen(UserId id, Time at) {
  const auto it = users.find(id);
  if (it == users.end()) return {.codes = {Code::not_found}};
  advance(it->second.last_seen, at);
  return {.text = "done"};
}

Answer Model::seen(const std::string& platform, const std::string& platform_id, Time at) {
  const auto it = identities.find({platform, platform_id});
  if (it == identities.end()) return {.codes = {Code::not_found}};
  advance(it->second.last_seen, at);
  return seen(it->second.user, at);
}

void Model::write_identity(UserId user, const NewIdentity& identity) {
  Identity made{.user = user,
                .platform = identity.platform,
                .platform_id = identity.platform_id,
                .username = identity.username,
                .created_at = identity.created_at.value_or(now)};
  made.last_seen = identity.last_seen.value_or(made.created_at);
  identities[{identity.platform, identity.platform_id}] = made;
}

Answer Model::add_identity(UserId user, const NewIdentity& identity) {
  std::set<Code> codes;
  if (!users.contains(user)) codes.insert(Code::not_found);
  const auto it = identities.find({identity.platform, identity.platform_id});
  if (it != identities.end() && it->second.user != user) codes.insert(Code::already_exists);
  if (!codes.empty()) return {.codes = codes};
  if (it == identities.end()) {
    write_identity(user, identity);
  } else if (!identity.username.empty()) {
    it->second.username = identity.username;
  }
  return {.text = "done"};
}

Answer Model::remove_identity(const std::string& platform, const std::string& platform_id) {
  return {.text = identities.erase({platform, platform_id}) == 1 ? "true" : "false"};
}

void Model::join_data(User& primary, const User& secondary) const {
  for (const auto& [name, theirs] : secondary.data) {
    const auto it = primary.data.find(name);
    if (it == primary.data.end()) {
      primary.data[name] = theirs;
      continue;
    }
    Category& ours = it->second;
    if (ours.kind == CategoryKind::single && theirs.kind == CategoryKind::single) {
      if (theirs.values.begin()->second > ours.values.begin()->second) ours = theirs;
      continue;
    }
    ours.kind = CategoryKind::list;
    for (const auto& [value, time] : theirs.values) {
      const auto [place, is_new] = ours.values.emplace(value, time);
      if (!is_new) place->second = std::max(place->second, time);
    }
  }
}

void Model::name_instead(UserId from, UserId to) {
  for (auto& [id, conversation] : conversations) {
    if (conversation.owner == from) conversation.owner = to;
    std::replace(conversation.slots.begin(), conversation.slots.end(), from, to);
  }
  for (auto& [id, memory] : memories) {
    if (memory.user == from) memory.user = to;
  }
}

Answer Model::merge(UserId primary, UserId secondary, std::optional<std::uint64_t> if_version) {
  if (primary == secondary) return {.codes = {Code::invalid_argument}};
  if (!users.contains(primary) || !users.contains(secondary)) {
    return {.codes = {Code::not_found}};
  }
  User& one = users[primary];
  const User two = users[secondary];
  if (if_version && *if_version != one.version) return {.codes = {Code::version_mismatch}};
  const bool is_newer = two.updated_at > one.updated_at;
  const auto join = [&](Json& ours, const Json& theirs) {
    ours = is_newer ? joined(theirs, ours) : joined(ours, theirs);
  };
  join(one.profile, two.profile);
  join(one.preferences, two.preferences);
  join(one.metadata, two.metadata);
  one.created_at = std::min(one.created_at, two.created_at);
  one.last_seen = std::max(one.last_seen, two.last_seen);
  one.updated_at = now;
  ++one.version;
  join_data(one, two);
  for (auto& [key, identity] : identities) {
    if (identity.user == secondary) identity.user = primary;
  }
  name_instead(secondary, primary);
  users.erase(secondary);
  return {.text = "done"};
}

Answer Model::remove_user(UserId id) {
  if (users.erase(id) == 0) return {.text = "false"};
  std::erase_if(identities, [&](const auto& row) { return row.second.user == id; });
  name_instead(id, UserId{});
  return {.text = "true"};
}

std::vector<const Identity*> Model::identities_of(UserId user) const {
  std::vector<const Identity*> found;
  for (const auto& [key, identity] : identities) {
    if (identity.user == user) found.push_back(&identity);
  }
  return found;
}

std::vector<std::string> Model::by_preferred_name(const std::string& name) const {
  std::vector<std::string> found;
  for (const auto& [id, user] : users) {
    const auto it = user.data.find("preferred_name");
    if (it != user.data.end() && lower(it->second.values.begin()->first) == lower(name)) {
      found.push_back(id.to_string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> Model::by_username(const std::string& username) const {
  std::vector<std::string> found;
  for (const auto& [key, identity] : identities) {
    if (lower(identity.username) == lower(username)) found.push_back(describe(identity));
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> Model::link_suggestions(UserId user) const {
  std::set<std::string> names;
  for (const Identity* identity : identities_of(user)) {
    if (!identity->username.empty()) names.insert(lower(identity->username));
  }
  std::vector<std::string> lines;
  for (const std::string& name : names) {
    std::set<std::string> platforms;
    std::set<UserId> people;
    for (const auto& [key, identity] : identities) {
      if (lower(identity.username) != name) continue;
      platforms.insert(identity.platform);
      people.insert(identity.user);
    }
    if (platforms.size() < 2 || people.size() < 2) continue;
    std::string line = name;
    for (const std::string& identity : by_username(name)) line += " | " + identity;
    lines.push_back(line);
  }
  return lines;
}

std::vector<const User*> Model::list_users(const UserQuery& query) const {
  const bool by_sight = query.last_seen.from || query.last_seen.to;
  const auto in = [](const TimeRange& range, Time time) {
    return (!range.from || time >= *range.from) && (!range.to || time < *range.to);
  };
  std::vector<const User*> found;
  for (const auto& [id, user] : users) {
    if (query.is_active && *query.is_active != user.is_active) continue;
    if (in(query.created, user.created_at) && in(query.last_seen, user.last_seen)) found.push_back(&user);
  }
  std::sort(found.begin(), found.end(), [&](const User* a, const User* b) {
    const Time left = by_sight ? a->last_seen : a->created_at;
    const Time right = by_sight ? b->last_seen : b->created_at;
    return query.oldest_first ? left < right : left > right;
  });
  if (found.size() > query.limit) found.resize(query.limit);
  return found;
}

}  // namespace callisto::testing::model
