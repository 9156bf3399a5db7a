#include "api/user_rows.h"

#include <utility>

#include "api/conversation_rows.h"
#include "schema/keys.h"

namespace callisto::detail {

namespace {

constexpr std::int64_t kSeenStepMicros = 60'000'000;

std::optional<std::string> encoded(const std::optional<schema::UserTail>& tail) {
  if (!tail) return std::nullopt;
  return schema::encode(*tail);
}

Result<std::vector<std::optional<schema::UserTail>>> fetch_tails(ReadContext& context,
                                                                 std::span<const UserId> users) {
  std::vector<std::string> keys;
  keys.reserve(users.size());
  for (const UserId& user : users) keys.push_back(schema::user_tail_key(context.space(), user));
  std::vector<std::optional<schema::UserTail>> tails(users.size());
  auto done = context.reader().multi_get(
      kv::Family::users, keys,
      [&](std::size_t i, std::string_view value) { tails[i] = schema::decode_user_tail(value); });
  if (!done) return std::move(done).error();
  for (std::size_t i = 0; i < tails.size(); ++i) {
    if (!tails[i]) return damaged("user_tails", keys[i]);
  }
  return tails;
}

template <class Table>
constexpr const char* kTableName = "";
template <>
constexpr const char* kTableName<schema::fb::PlatformIdentifier> = "platform_identifiers";
template <>
constexpr const char* kTableName<schema::fb::UserDatum> = "user_data";
template <>
constexpr const char* kTableName<schema::fb::Conversation> = "conversations";
template <>
constexpr const char* kTableName<schema::fb::Memory> = "memories";

template <class Table>
constexpr kv::Family kFamilyOf = kv::Family::conversations;
template <>
constexpr kv::Family kFamilyOf<schema::fb::Memory> = kv::Family::memories;
template <>
constexpr kv::Family kFamilyOf<schema::fb::UserDatum> = kv::Family::user_data;

}  // namespace

Result<std::vector<std::string>> next_row_keys(kv::Reader& reader, kv::Family family,
                                               std::string& lower, const std::string& upper,
                                               RowKey row_key, std::size_t most) {
  std::vector<std::string> keys;
  std::string last;
  auto done = for_each(reader, family, lower, upper, false,
                       [&](std::string_view found, std::string_view) -> Result<bool> {
                         auto key = row_key(found);
                         if (!key) return damaged("indexes", found);
                         keys.push_back(std::move(*key));
                         last.assign(found);
                         return keys.size() < most;
                       });
  if (!done) return std::move(done).error();
  // A short chunk was the last: no scan that finds nothing more.
  lower = keys.size() < most ? upper : last + '\0';
  return keys;
}

std::optional<std::string> own_key(std::string_view found) { return std::string(found); }

template <class Table>
Result<void> for_each_indexed(ReadContext& context, schema::IndexId index,
                              const std::string& prefix, RowKey row_key,
                              const std::function<Result<bool>(const Bytes&)>& each) {
  const auto version = require_version(context, index);
  if (!version) return version.error();
  std::string lower = indexes::in_version(prefix, *version);
  const std::string upper = schema::prefix_end(lower);
  // Rows may be large, and few may be wanted: chunks grow.
  constexpr std::size_t kFirstChunk = 8;
  for (std::size_t most = kFirstChunk;; most = std::min(2 * most, kChunkRows)) {
    auto keys = next_row_keys(context.reader(), kv::Family::indexes, lower, upper, row_key, most);
    if (!keys) return std::move(keys).error();
    auto rows = fetch_many<Table>(context.reader(), *keys);
    if (!rows) return std::move(rows).error();
    for (std::size_t i = 0; i < keys->size(); ++i) {
      if (!(*rows)[i]) return damaged(kTableName<Table>, (*keys)[i]);
      auto go_on = each(*(*rows)[i]);
      if (!go_on) return std::move(go_on).error();
      if (!*go_on) return {};
    }
    if (keys->size() < most) return {};
  }
}

template <class Table>
Result<Bytes> listed_row_for_update(WriteContext& context, std::string_view key) {
  auto row = fetch_for_update<Table>(context.transaction(), key);
  if (!row) return std::move(row).error();
  if (!*row) return damaged(kTableName<Table>, key);
  return std::move(**row);
}

template <class Table>
Result<std::vector<Bytes>> listed_rows_for_update(WriteContext& context,
                                                  std::span<const std::string> keys) {
  for (const std::string& key : keys) context.transaction().guard(kFamilyOf<Table>, key);
  auto found = fetch_many<Table>(context.reader(), keys);
  if (!found) return std::move(found).error();
  std::vector<Bytes> rows;
  rows.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!(*found)[i]) return damaged(kTableName<Table>, keys[i]);
    rows.push_back(std::move(*(*found)[i]));
  }
  return rows;
}

template Result<std::vector<Bytes>> listed_rows_for_update<schema::fb::UserDatum>(
    WriteContext&, std::span<const std::string>);
template Result<std::vector<Bytes>> listed_rows_for_update<schema::fb::Conversation>(
    WriteContext&, std::span<const std::string>);
template Result<std::vector<Bytes>> listed_rows_for_update<schema::fb::Memory>(
    WriteContext&, std::span<const std::string>);
template Result<Bytes> listed_row_for_update<schema::fb::PlatformIdentifier>(WriteContext&,
                                                                             std::string_view);
template Result<Bytes> listed_row_for_update<schema::fb::UserDatum>(WriteContext&,
                                                                    std::string_view);
template Result<Bytes> listed_row_for_update<schema::fb::Conversation>(WriteContext&,
                                                                       std::string_view);
template Result<Bytes> listed_row_for_update<schema::fb::Memory>(WriteContext&, std::string_view);
template Result<void> for_each_indexed<schema::fb::PlatformIdentifier>(
    ReadContext&, schema::IndexId, const std::string&, RowKey,
    const std::function<Result<bool>(const Bytes&)>&);
template Result<void> for_each_indexed<schema::fb::UserDatum>(
    ReadContext&, schema::IndexId, const std::string&, RowKey,
    const std::function<Result<bool>(const Bytes&)>&);

schema::fb::Stamp with_version(const schema::fb::Stamp& stamp, std::uint64_t version) noexcept {
  return {stamp.id(), version, stamp.created_at(), stamp.recorded_at(), stamp.updated_at()};
}

schema::fb::Stamp with_created(const schema::fb::Stamp& stamp, std::int64_t created_at) noexcept {
  return {stamp.id(), stamp.version(), created_at, stamp.recorded_at(), stamp.updated_at()};
}

bool is_present(const SpaceState& state, const UserId& user) noexcept {
  return state.is_idle() || state.resolve(user) == user;
}

Result<std::optional<User>> load_user(ReadContext& context, const UserId& user) {
  auto row = fetch<schema::fb::User>(context.reader(), schema::user_key(context.space(), user));
  if (!row) return std::move(row).error();
  if (!*row) return std::optional<User>();
  auto tail = fetch_user_tail(context.reader(), context.space(), user);
  if (!tail) return std::move(tail).error();
  if (!*tail) return damaged("user_tails", schema::user_tail_key(context.space(), user));
  return std::optional<User>(ViewAccess::user(**row, **tail));
}

Result<std::vector<User>> load_users(ReadContext& context, std::span<const UserId> users) {
  std::vector<User> views;
  if (users.empty()) return views;
  std::vector<std::string> keys;
  keys.reserve(users.size());
  for (const UserId& user : users) keys.push_back(schema::user_key(context.space(), user));
  auto rows = fetch_many<schema::fb::User>(context.reader(), keys);
  if (!rows) return std::move(rows).error();
  auto tails = fetch_tails(context, users);
  if (!tails) return std::move(tails).error();
  views.reserve(users.size());
  for (std::size_t i = 0; i < users.size(); ++i) {
    if (!(*rows)[i]) return damaged("users", keys[i]);
    views.push_back(ViewAccess::user(*(*rows)[i], *(*tails)[i]));
  }
  return views;
}

Result<schema::UserTail> require_tail(WriteContext& context, const UserId& user,
                                      const char* field) {
  auto tail = fetch_user_tail_for_update(context.transaction(), context.space(), user);
  if (!tail) return std::move(tail).error();
  if (!*tail) return Error(Code::not_found, field, "no such user");
  return **tail;
}

Result<void> write_tail(WriteContext& context, const UserId& user,
                        const std::optional<schema::UserTail>& before,
                        const std::optional<schema::UserTail>& after) {
  if (before == after) return {};
  return context.write_row(TableId::user_tails, schema::user_tail_key(context.space(), user),
                           encoded(before), encoded(after));
}

bool is_worth_noting(Time at, std::int64_t last_seen) noexcept {
  // Does not overflow: kMaxTime leaves more than a minute.
  return at.micros() >= last_seen + kSeenStepMicros;
}

}  // namespace callisto::detail
