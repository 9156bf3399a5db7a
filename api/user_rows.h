#pragma once

// What the calls on users share: their rows, written and read.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/check.h"
#include "api/core.h"
#include "api/rows.h"
#include "callisto/user.h"
#include "schema/hash.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto::detail {

/// The category that holds what a user wants to be called. Always single.
inline constexpr std::string_view kPreferredName = "preferred_name";
/// The category that shows the usernames of a user's identities. Never stored.
inline constexpr std::string_view kPlatformUsername = "platform_username";

/// Encodes `fields` and writes them over `before` (nullopt: the row is new).
template <class Fields>
Result<void> write_record(WriteContext& context, TableId table, std::string_view key,
                          const std::optional<Bytes>& before, const Fields& fields) {
  auto after = schema::encode<typename Fields::TableType>(fields);
  if (!after) return std::move(after).error();
  std::optional<std::string_view> old;
  if (before) old = before->view();
  return context.write_row(table, key, old, *after);
}

/// Copies of a stamp with one field changed.
schema::fb::Stamp with_version(const schema::fb::Stamp& stamp, std::uint64_t version) noexcept;
schema::fb::Stamp with_created(const schema::fb::Stamp& stamp, std::int64_t created_at) noexcept;

/// Whether the rows of a user may be shown: false while a deleted user's rows are being removed.
bool is_present(const SpaceState& state, const UserId& user) noexcept;

/// The view of a user; nullopt when there is none. Damaged when one of its two rows is missing.
Result<std::optional<User>> load_user(ReadContext& context, const UserId& user);
/// Views of users that index entries name, in their order.
Result<std::vector<User>> load_users(ReadContext& context, std::span<const UserId> users);

// Tails. One is there exactly while its user is, and every change of the number of a user's rows
// changes it: reading it for update is what keeps a user alive and its limits true.
/// not_found naming `field` when there is no such user.
Result<schema::UserTail> require_tail(WriteContext& context, const UserId& user,
                                      const char* field = "user");
/// `before` nullopt: a new user. `after` nullopt: the user goes.
Result<void> write_tail(WriteContext& context, const UserId& user,
                        const std::optional<schema::UserTail>& before,
                        const std::optional<schema::UserTail>& after);

/// Whether `at` is so much later than `last_seen` that it is worth a write (a minute).
bool is_worth_noting(Time at, std::int64_t last_seen) noexcept;

/// How a key that a scan meets leads to a row.
using RowKey = std::optional<std::string> (*)(std::string_view found);
inline constexpr std::size_t kChunkRows = 64;
/// Keys of rows that the first keys of [lower, upper) lead to, a chunk of at most `most` at a time;
/// `lower` moves behind the last one. Empty at the end.
Result<std::vector<std::string>> next_row_keys(kv::Reader& reader, kv::Family family,
                                               std::string& lower, const std::string& upper,
                                               RowKey row_key,
                                               std::size_t most = kChunkRows);
/// For keys that are those of rows.
std::optional<std::string> own_key(std::string_view found);

/// The row at a key that a scan of this transaction led to, read for update: its absence is damage.
/// Tables: PlatformIdentifier, UserDatum, Conversation, Memory.
template <class Table>
Result<Bytes> listed_row_for_update(WriteContext& context, std::string_view key);

/// Rows that are read at once by who changes them: each may be as large as a record can be.
inline constexpr std::size_t kRowsTogether = 16;
/// The same of several rows, all different, in one MultiGet. Tables: UserDatum, Conversation,
/// Memory.
template <class Table>
Result<std::vector<Bytes>> listed_rows_for_update(WriteContext& context,
                                                  std::span<const std::string> keys);

/// Fetches, in chunks, the rows that the entries behind `prefix` lead to, and calls `each` in the
/// entries' order until it returns false. An entry without its row is damage;
/// index_not_ready. Tables: PlatformIdentifier, UserDatum.
template <class Table>
Result<void> for_each_indexed(ReadContext& context, schema::IndexId index,
                              const std::string& prefix, RowKey row_key,
                              const std::function<Result<bool>(const Bytes&)>& each);

/// Erases identities and data of a user that is gone, while the transaction stays below both
/// bounds, and counts them in `erased`; true when nothing is left (user_removal.cc).
Result<bool> erase_user_rows(WriteContext& context, const UserId& user, std::size_t max_bytes,
                             std::size_t max_keys, std::uint64_t& erased);

// Users to create (users.cc).
Result<void> check_new_user(const NewUser& user);
/// Fields of a checked user, without the envelope.
Result<schema::fb::UserT> own_fields(const NewUser& user);
/// What a new user brings along, where name and platform are given.
NewIdentity identity_of(const NewUser& user);
NewDatum name_of(const NewUser& user);

// Identities (identities.cc).
/// The keys of a user's identities, rising, where no version of identity_by_user can be read: a
/// pass over all identities, up to the number that the user's tail says.
Result<std::vector<std::string>> identity_keys(ReadContext& context, const UserId& user,
                                               std::uint32_t number);
/// Platform and platform id as identities are found by: compared as NFC. Requires valid UTF-8.
std::string identity_key_of(SpaceNumber space, std::string_view platform,
                            std::string_view platform_id);
Result<void> check_identity_name(std::string_view platform, std::string_view platform_id);
Result<void> check_identity(const NewIdentity& identity);
/// The stored identity, read for update, without those of deleted users; `leftover` then holds what
/// a deleted user left at the key.
struct StoredIdentity {
  std::optional<Bytes> row;
  std::optional<Bytes> leftover;
};
Result<StoredIdentity> identity_for_update(WriteContext& context, std::string_view key);
/// Writes a new identity at `key` over `leftover`. The caller counts it in the user's tail.
Result<PlatformIdentifierId> put_identity(WriteContext& context, const UserId& user,
                                          const NewIdentity& identity, std::string_view key,
                                          const std::optional<Bytes>& leftover);
/// Views of one user's identities, by platform, then platform id.
Result<std::vector<PlatformIdentifier>> list_identities(ReadContext& context, const UserId& user,
                                                        std::uint32_t limit);
/// Views of every user's identities with a username, compared folded; those of one user together.
Result<std::vector<PlatformIdentifier>> list_by_username(ReadContext& context,
                                                         std::string_view username,
                                                         std::uint32_t limit);

}  // namespace callisto::detail
