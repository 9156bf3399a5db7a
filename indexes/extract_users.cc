// Users, their tails, their platform identities and their data.

#include "indexes/extract.h"
#include "schema/tails.h"

namespace callisto::indexes {

namespace {

using schema::KeyReader;
using schema::KeyWriter;
using schema::kKeyHeadBytes;
using schema::text;

constexpr std::size_t kIdBytes = 16;
/// How the key of a datum ends: the value's hash and the probe.
constexpr std::size_t kDatumEndBytes = 16 + 1;

/// Of a row whose key is S X id.
UserId user_of_key(const Row& row) { return KeyReader(row.key.substr(kKeyHeadBytes)).id<UserId>(); }

/// What follows S X in a row's key.
std::string_view rest_of_key(const Row& row) { return row.key.substr(kKeyHeadBytes); }

std::string_view end_of_datum_key(const Row& row) {
  return row.key.substr(row.key.size() - kDatumEndBytes);
}

void emit_behind(Entries& entries, KeyWriter key, std::string_view rest) {
  key.raw(rest);
  entries.add(key.view(), {});
}

}  // namespace

namespace extract {

void user_by_active(const Row& row, Entries& entries) {
  const auto& user = record_of<schema::fb::User>(row);
  emit_newest_first(entries, entry_key::user_by_active(row.space, user.is_active()),
                    user.stamp()->created_at(), schema::from_fb<UserId>(&user.stamp()->id()));
}

void user_by_last_seen(const Row& row, Entries& entries) {
  const auto tail = schema::decode_user_tail(row.bytes);
  if (!tail) return;
  emit_newest_first(entries, entry_key::user_by_last_seen(row.space), tail->last_seen,
                    user_of_key(row));
}

// The entries of identities and data take over the parts of the row's key as they are: whatever
// rule spelled them, an entry leads back to its row.

void identity_by_user(const Row& row, Entries& entries) {
  const auto& identity = record_of<schema::fb::PlatformIdentifier>(row);
  const auto user = schema::from_fb<UserId>(identity.user());
  emit_behind(entries, entry_key::identity_by_user(row.space, user), rest_of_key(row));
}

void identity_by_username(const Row& row, Entries& entries) {
  const auto& identity = record_of<schema::fb::PlatformIdentifier>(row);
  const std::string_view username = text(identity.username());
  if (username.empty()) return;
  KeyWriter key = entry_key::identity_by_username(row.space, username);
  key.id(schema::from_fb<UserId>(identity.user()));
  emit_behind(entries, std::move(key), rest_of_key(row));
}

void datum_newest(const Row& row, Entries& entries) {
  const auto& datum = record_of<schema::fb::UserDatum>(row);
  const auto user = schema::from_fb<UserId>(datum.user());
  const std::string_view rest = rest_of_key(row);
  KeyWriter key = entry_key::datum_newest(row.space, user);
  key.raw(rest.substr(kIdBytes, rest.size() - kIdBytes - kDatumEndBytes));
  key.time_down(datum.stamp()->created_at());
  emit_behind(entries, std::move(key), end_of_datum_key(row));
}

void user_by_preferred_name(const Row& row, Entries& entries) {
  const auto& datum = record_of<schema::fb::UserDatum>(row);
  const std::string_view name = text(datum.value());
  if (text(datum.category()) != kPreferredName || name.empty()) return;
  KeyWriter key = entry_key::user_by_preferred_name(row.space, name);
  key.id(schema::from_fb<UserId>(datum.user()));
  emit_behind(entries, std::move(key), end_of_datum_key(row));
}

}  // namespace extract

namespace row_key {

std::optional<std::string> of_identity(std::string_view entry_key,
                                       std::string_view /*entry_value*/) {
  return identity_row_key(entry_key);
}

std::optional<std::string> of_datum(std::string_view entry_key, std::string_view /*entry_value*/) {
  return datum_row_key(entry_key);
}

}  // namespace row_key

}  // namespace callisto::indexes
