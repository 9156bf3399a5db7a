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

/// Whether the rows of a user may be shown: false while a deleted user's rows are being removed.
bool is_present(const SpaceState& state, const UserId& user) noexcept;

/// The view of a user; nullopt when there is none. Damaged when one of its two rows is missing.
Result<std::optional<User>> load_user(ReadContext& context, const UserId& user);
/// Views of users that index entries name, in their order.
Result<std::vector<User>> load_users(ReadContext& context, std::span<const UserId> users);

// Tails. One is there exactly while its user is, and every change of the number of a user's rows
// changes it: reading it for update is what keeps a user alive and its limits true.
/// not_found naming `field` when there is no such user.
Result<schema::UserTail> require_tail(WriteContext& context, const UserId& user, const char* field = "user");
/// `before` nullopt: a new user. `after` nullopt: the user goes.
Result<void> write_tail(WriteContext& context, const UserId& user,
                        const std::optional<schema::UserTail>& before,
                        const std::optional<schema::UserTail>& after);

/// Whether `at` is so much later than `last_seen` that it is worth a write (a minute).
bool is_worth_noting(Time at, std::int64_t last_seen) noexcept;

/// Fetches, in chunks, the rows that the entries behind `prefix` lead to, and calls `each` in the
/// entries' order until it returns false. An entry without its row is damage. Tables:
/// PlatformIdentifier, UserDatum.
template <class Table>
Result<void> for_each_indexed(ReadContext& context, const std::string& prefix,
                              std::optional<std::string> (*row_key)(std::string_view entry_key),
                              const std::function<Result<bool>(const Bytes&)>& each);

// Identities (identities.cc).
/// Platform and platform id as identities are found by: compared as NFC. Requires valid UTF-8.
std::string identity_key_of(SpaceNumber space, std::string_view platform, std::string_view platform_id);
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
Result<std::vector<PlatformIdentifier>> list_by_username(ReadContext& context, std::string_view username,
                                                         std::uint32_t limit);

}  // namespace callisto::detail
