// Lists of users, and accounts that a person may want to link.

#include <algorithm>
#include <map>
#include <utility>

#include "api/conversation_rows.h"
#include "api/user_rows.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"
#include "schema/text.h"

namespace callisto {

namespace detail {

namespace {

constexpr std::size_t kMinChunkUsers = 32;
constexpr std::size_t kMaxChunkUsers = 256;
/// Identities of one name that a suggestion looks at.
constexpr std::uint32_t kMaxNamesakes = 1000;

bool is_within(Time time, const TimeRange& range) {
  return (!range.from || time >= *range.from) && (!range.to || time < *range.to);
}

std::optional<std::int64_t> micros(const std::optional<Time>& time) {
  if (!time) return std::nullopt;
  return time->micros();
}

/// Runs one query: walks an index, fetches users in chunks, keeps those that match.
class UserList {
 public:
  UserList(ReadContext& context, const UserQuery& query, std::uint32_t limit)
      : context_(context), query_(query), limit_(limit) {
    if (is_by_last_seen()) {
      add_range(indexes::user_by_last_seen_prefix(context.space()), query.last_seen);
      return;
    }
    for (const bool is_active : {false, true}) {
      if (query.is_active.value_or(is_active) != is_active) continue;
      add_range(indexes::user_by_active_prefix(context.space(), is_active), query.created);
    }
  }

  Result<std::vector<User>> run();

 private:
  bool is_by_last_seen() const { return query_.last_seen.from || query_.last_seen.to; }
  void add_range(const std::string& prefix, const TimeRange& times) {
    auto range = indexes::newest_first_range(prefix, micros(times.from), micros(times.to));
    ranges_.push_back({std::move(range.lower), std::move(range.upper)});
    skip_.push_back(prefix.size());
  }
  bool matches(const User& user) const {
    return user.is_active() == query_.is_active.value_or(user.is_active()) &&
           is_within(user.created_at(), query_.created);
  }
  /// Only lists by last_seen filter records, and so may need more than they give.
  std::size_t chunk_size() const {
    const std::size_t least = is_by_last_seen() ? kMinChunkUsers : 1;
    return std::clamp<std::size_t>(limit_ - users_.size(), least, kMaxChunkUsers);
  }
  /// Fetches what was collected; false when the list is full.
  Result<bool> take_chunk();

  ReadContext& context_;
  const UserQuery& query_;
  const std::uint32_t limit_;
  std::vector<KeyRange> ranges_;
  std::vector<std::size_t> skip_;
  std::vector<UserId> chunk_;
  std::vector<User> users_;
};

Result<std::vector<User>> UserList::run() {
  const auto version =
      require_version(context_, is_by_last_seen() ? schema::IndexId::user_by_last_seen
                                                  : schema::IndexId::user_by_active);
  if (!version) return version.error();
  for (KeyRange& range : ranges_) range = indexes::in_version(std::move(range), *version);
  auto done = for_each_merged(context_.reader(), kv::Family::indexes, ranges_, skip_,
                              query_.oldest_first, [&](const RangeEntry& entry) -> Result<bool> {
                                const auto place = indexes::parse_created_tail(entry.key);
                                if (!place) return damaged("indexes", entry.key);
                                chunk_.push_back(place->as<UserId>());
                                if (chunk_.size() < chunk_size()) return true;
                                return take_chunk();
                              });
  if (!done) return std::move(done).error();
  if (auto rest = take_chunk(); !rest) return std::move(rest).error();
  return std::move(users_);
}

Result<bool> UserList::take_chunk() {
  auto fetched = load_users(context_, chunk_);
  if (!fetched) return std::move(fetched).error();
  chunk_.clear();
  for (User& user : *fetched) {
    if (users_.size() == limit_) break;
    if (matches(user)) users_.push_back(std::move(user));
  }
  return users_.size() < limit_;
}

Result<std::vector<User>> list_named(ReadContext& context, std::string_view name,
                                     std::uint32_t limit) {
  const auto version = require_version(context, schema::IndexId::user_by_preferred_name);
  if (!version) return version.error();
  std::vector<UserId> ids;
  const std::string prefix =
      indexes::in_version(indexes::user_by_preferred_name_prefix(context.space(), name), *version);
  auto done = for_each_prefix(context.reader(), kv::Family::indexes, prefix, false,
                              [&](std::string_view entry, std::string_view) -> Result<bool> {
                                const auto user = indexes::preferred_name_user(entry);
                                if (!user) return damaged("indexes", entry);
                                if (is_present(context.state(), *user)) ids.push_back(*user);
                                return ids.size() < limit;
                              });
  if (!done) return std::move(done).error();
  return load_users(context, ids);
}

/// Several users on several platforms.
bool is_worth_suggesting(const std::vector<PlatformIdentifier>& identities) {
  const PlatformIdentifier& first = identities.front();
  const auto is_other_user = [&](const auto& identity) { return identity.user() != first.user(); };
  const auto is_elsewhere = [&](const auto& identity) {
    return schema::nfc(identity.platform()) != schema::nfc(first.platform());
  };
  return std::any_of(identities.begin(), identities.end(), is_other_user) &&
         std::any_of(identities.begin(), identities.end(), is_elsewhere);
}

/// Other users' identities under a name join the user's own.
Result<void> add_namesakes(ReadContext& context, const UserId& user, LinkSuggestion& suggestion) {
  auto identities = list_by_username(context, suggestion.name, kMaxNamesakes);
  if (!identities) return std::move(identities).error();
  for (PlatformIdentifier& identity : *identities) {
    if (identity.user() != user) suggestion.identities.push_back(std::move(identity));
  }
  return {};
}

Result<std::vector<LinkSuggestion>> suggest_links(ReadContext& context, const UserId& user) {
  auto own = list_identities(context, user, kMaxListed);
  if (!own) return std::move(own).error();
  std::map<std::string, LinkSuggestion> by_name;
  for (PlatformIdentifier& identity : *own) {
    if (identity.username().empty()) continue;
    LinkSuggestion& suggestion = by_name[schema::fold(identity.username())];
    if (suggestion.identities.empty()) suggestion.name = identity.username();
    suggestion.identities.push_back(std::move(identity));
  }
  std::vector<LinkSuggestion> suggestions;
  for (auto& [folded, suggestion] : by_name) {
    CALLISTO_TRY(add_namesakes(context, user, suggestion));
    if (is_worth_suggesting(suggestion.identities)) suggestions.push_back(std::move(suggestion));
  }
  return suggestions;
}

}  // namespace

}  // namespace detail

using detail::ReadContext;

Result<std::vector<User>> Users::list(const UserQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_list);
  CALLISTO_TRY(detail::check_range(query.last_seen, "last_seen"));
  CALLISTO_TRY(detail::check_range(query.created, "created"));
  auto limit = detail::check_limit(query.limit);
  if (!limit) return std::move(limit).error();
  return detail::read<std::vector<User>>(*scope_, [&](ReadContext& context) {
    return detail::UserList(context, query, *limit).run();
  });
}

Result<std::vector<User>> Users::by_preferred_name(std::string_view name,
                                                   std::uint32_t limit) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_by_preferred_name);
  CALLISTO_TRY(schema::check_text(name, "name", detail::kMaxName, 1));
  auto most = detail::check_limit(limit);
  if (!most) return std::move(most).error();
  return detail::read<std::vector<User>>(
      *scope_, [&](ReadContext& context) { return detail::list_named(context, name, *most); });
}

Result<std::vector<LinkSuggestion>> Users::link_suggestions(UserId user) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_link_suggestions);
  return detail::read<std::vector<LinkSuggestion>>(
      *scope_, [&](ReadContext& context) { return detail::suggest_links(context, user); });
}

}  // namespace callisto
