#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/options.h"
#include "callisto/record.h"

namespace callisto {

namespace detail {
struct Scope;
struct ViewAccess;
}  // namespace detail

/// Everything about one person that is not a list: a view (see Bytes for its lifetime).
class CALLISTO_API User {
 public:
  UserId id() const noexcept;
  /// Counts the changes of the record, from 1. Seeing the user does not count.
  std::uint64_t version() const noexcept;
  Time created_at() const noexcept;
  Time recorded_at() const noexcept;
  Time updated_at() const noexcept;
  /// When any platform last saw the user; written at most once a minute. Not part of `version`.
  Time last_seen() const noexcept { return last_seen_; }
  bool is_active() const noexcept;
  JsonView profile() const noexcept;
  JsonView preferences() const noexcept;
  JsonView metadata() const noexcept;
  std::string_view external_id() const noexcept;
  std::string_view external_source() const noexcept;

 private:
  friend struct detail::ViewAccess;
  Bytes bytes_;
  Time last_seen_;
};

/// One identity of a user on one platform: a view.
class CALLISTO_API PlatformIdentifier {
 public:
  PlatformIdentifierId id() const noexcept;
  std::uint64_t version() const noexcept;
  Time created_at() const noexcept;
  Time recorded_at() const noexcept;
  Time updated_at() const noexcept;
  std::string_view platform() const noexcept;
  std::string_view platform_id() const noexcept;
  std::string_view username() const noexcept;
  /// The user that it leads to, with merges resolved.
  UserId user() const noexcept { return user_; }
  Time last_seen() const noexcept;
  JsonView metadata() const noexcept;
  std::string_view external_id() const noexcept;
  std::string_view external_source() const noexcept;

 private:
  friend struct detail::ViewAccess;
  Bytes bytes_;
  UserId user_;
};

/// Whether a category of user data holds one value or many. Fixed by its first write.
enum class CategoryKind : std::uint8_t { single = 0, list = 1 };

/// One value of one category of a user: a view.
class CALLISTO_API UserDatum {
 public:
  UserDatumId id() const noexcept;
  std::uint64_t version() const noexcept;
  Time created_at() const noexcept;
  Time recorded_at() const noexcept;
  Time updated_at() const noexcept;
  UserId user() const noexcept { return user_; }
  std::string_view category() const noexcept;
  CategoryKind kind() const noexcept;
  std::string_view value() const noexcept;
  JsonView metadata() const noexcept;
  std::string_view external_id() const noexcept;
  std::string_view external_source() const noexcept;

 private:
  friend struct detail::ViewAccess;
  Bytes bytes_;
  UserId user_;
};

/// A user to create.
struct NewUser {
  UserId id{};
  /// The preferred name; "" for none. At most 100 code points. Becomes the single category
  /// `preferred_name`.
  std::string name{};
  /// The first identity; both or neither. At most 20 and 100 code points.
  std::string platform{};
  std::string platform_id{};
  /// On that platform; "" takes `name`. At most 100 code points.
  std::string username{};
  std::string profile{};      ///< JSON object text or "".
  std::string preferences{};  ///< JSON object text or "".
  bool is_active = true;
  std::optional<Time> created_at{};
  std::optional<Time> last_seen{};  ///< Empty: created_at.
  std::string metadata{};
  std::string external_id{};
  std::string external_source{};
  std::optional<Origin> origin{};
};

/// A further identity of a user.
struct NewIdentity {
  PlatformIdentifierId id{};
  std::string platform{};     ///< 1 to 20 code points.
  std::string platform_id{};  ///< 1 to 100 code points.
  /// At most 100 code points. "" keeps what an identity that is there already has; so do empty
  /// metadata and external ids.
  std::string username{};
  std::optional<Time> created_at{};
  std::optional<Time> last_seen{};
  std::string metadata{};
  std::string external_id{};
  std::string external_source{};
  std::optional<Origin> origin{};
};

struct UserPatch {
  Change<std::string> profile{};
  Change<std::string> preferences{};
  Change<std::string> metadata{};
  std::optional<bool> is_active{};
  std::optional<Origin> origin{};  ///< Set by importers only.
};

/// Which users to list.
struct UserQuery {
  std::optional<bool> is_active{};
  TimeRange last_seen{};
  TimeRange created{};
  std::uint32_t limit = 100;
  /// Order by last_seen when `last_seen` has an end, by created_at else; newest first unless set.
  bool oldest_first = false;
};

/// One name on several platforms, of different users: accounts that a person may want to link.
struct LinkSuggestion {
  std::string name{};  ///< As the first identity spells it; compared by NFC and case-folded.
  /// At least two users on at least two platforms; those of the user who was asked about lead, then
  /// at most 1,000 of others.
  std::vector<PlatformIdentifier> identities{};
};

/// Users and their platform identities (seed 000).
/// Each call is one transaction, or part of the transaction that the object comes from; after a
/// failed call nothing of it is there. Thread-safe as its store is. Must not outlive the store,
/// transaction or snapshot that it comes from.
class CALLISTO_API Users {
 public:
  /// Creates a user, the single category `preferred_name` and the first identity.
  /// already_exists (platform_id) when the identity leads to another user; already_exists (id) when
  /// the id is taken and what is given is not what is there (a name or an identity that is not
  /// given does not count). The id of a user who was deleted or merged away can be taken again:
  /// what is left of that is finished first, or, inside a transaction, `conflict` is the answer.
  Result<UserId> create(const NewUser& user, const CallOptions& options = {}) const;
  Result<std::optional<User>> get(UserId id) const;
  /// The user behind a platform identity: one lookup.
  Result<std::optional<User>> by_platform(std::string_view platform,
                                          std::string_view platform_id) const;
  /// Users whose `preferred_name` equals `name` after NFC and case folding.
  Result<std::vector<User>> by_preferred_name(std::string_view name,
                                              std::uint32_t limit = 100) const;
  Result<std::vector<User>> list(const UserQuery& query = {}) const;
  /// The new version; the old one, with nothing written, when nothing changes. not_found;
  /// version_mismatch.
  Result<std::uint64_t> update(UserId id, const UserPatch& patch,
                               const CallOptions& options = {}) const;
  /// Notes that the user was seen, on a platform where one is named; never sets a time back, and
  /// writes nothing when the stored time is less than a minute older. `version` stays. not_found.
  Result<void> seen(UserId id, std::optional<Time> at = {}, const CallOptions& options = {}) const;
  Result<void> seen(std::string_view platform, std::string_view platform_id,
                    std::optional<Time> at = {}, const CallOptions& options = {}) const;

  /// already_exists (platform_id) when (platform, platform_id), compared as NFC, leads to another
  /// user. An identity that is this user's already keeps its id and times, and takes over another
  /// username and what else is given. not_found (user).
  Result<PlatformIdentifierId> add_identity(UserId user, const NewIdentity& identity,
                                            const CallOptions& options = {}) const;
  /// False when there was none.
  Result<bool> remove_identity(std::string_view platform, std::string_view platform_id,
                               const CallOptions& options = {}) const;
  Result<std::optional<PlatformIdentifier>> identity(std::string_view platform,
                                                     std::string_view platform_id) const;
  /// Ordered by platform, then platform id.
  Result<std::vector<PlatformIdentifier>> identities(UserId user, std::uint32_t limit = 1000) const;
  /// Identities that carry this username on any platform.
  Result<std::vector<PlatformIdentifier>> identities_by_username(std::string_view username,
                                                                 std::uint32_t limit = 100) const;
  /// Identities of several users on several platforms that share a username with this user's,
  /// grouped by name (seed 000, "suggest account linking").
  Result<std::vector<LinkSuggestion>> link_suggestions(UserId user) const;

  /// Joins `secondary` into `primary` (seed 000, "User Identity Merging"; DESIGN.md 4): identities
  /// move; of a single category the newer value stays; lists are joined without duplicates;
  /// participations, senders, owned conversations and memories follow; profile, preferences and
  /// metadata are joined per path, the newer record's value winning; created_at becomes the
  /// earlier, last_seen the later. A value that both have is one row with the newer time; where one
  /// user's category is single and the other's a list, it becomes a list with both users' values.
  /// is_active and external ids stay the primary's (it takes over external ids that it has none
  /// of). One commit, visible at once; `secondary` answers absent afterwards. What names the
  /// secondary inside other records is rewritten in steps (finish_pending_work()). if_version is
  /// the primary's. not_found (primary, secondary); invalid_argument when both are the same;
  /// limit_exceeded above 2,000 data rows; too_large when identities and data do not fit one
  /// commit, or a joined JSON is above 1 MiB. Then both users are as they were.
  Result<void> merge(UserId primary, UserId secondary, const CallOptions& options = {}) const;

  /// Deletes a user with its identities and data. Messages keep their text and lose their sender;
  /// owned conversations and memories lose the user. False when there was none. Visible at once.
  Result<bool> remove(UserId id, const CallOptions& options = {}) const;

  explicit Users(const detail::Scope& scope) noexcept : scope_(&scope) {}

 private:
  const detail::Scope* scope_;
};

/// A value to append or to replace.
struct NewDatum {
  UserDatumId id{};
  std::string category{};  ///< 1 to 50 code points; not `platform_username` (kept by identities).
  std::string value{};     ///< 1 byte to 1 MiB.
  /// Empty: now, or when the value there has a later time, that: a value without a time of its own
  /// is never a late arrival.
  std::optional<Time> created_at{};
  std::string metadata{};
  std::string external_id{};
  std::string external_source{};
  std::optional<Origin> origin{};
};

/// Categorised user data (seed 000): 'favourite_foods: pies, ice cream'. Categories compare as NFC,
/// values byte by byte. `preferred_name` is always single, its value a name of at most 100 code
/// points. Writes answer not_found (user) for an unknown user; reads have nothing. if_version is
/// that of the row which would change, 0 standing for a row that is not there. See Users for
/// transactions, threads and lifetime.
class CALLISTO_API UserData {
 public:
  /// Adds a value to a list category, making the category a list at its first write. An equal value
  /// that is there already keeps its place, and takes a newer created_at. True when something was
  /// written. invalid_argument (category) when it is single; limit_exceeded above 2,000 rows.
  Result<bool> append(UserId user, std::string_view category, std::string_view value,
                      const CallOptions& options = {}) const;
  Result<bool> append(UserId user, const NewDatum& datum, const CallOptions& options = {}) const;
  /// Sets the value of a single category; its version goes on. A datum older than the stored one is
  /// a late arrival: it changes nothing and the answer is false; so is it when nothing would
  /// change. invalid_argument (category) when it is a list; limit_exceeded above 2,000 rows.
  Result<bool> replace(UserId user, std::string_view category, std::string_view value,
                       const CallOptions& options = {}) const;
  Result<bool> replace(UserId user, const NewDatum& datum, const CallOptions& options = {}) const;

  /// Values of one category, newest first. `platform_username` answers the identities' usernames,
  /// each once; a datum's id and times are then those of the newest identity that has it.
  Result<std::vector<UserDatum>> values(UserId user, std::string_view category,
                                        std::uint32_t limit = 2000) const;
  /// All data of a user, by category in byte order, newest first inside each, `platform_username`
  /// among them.
  Result<std::vector<UserDatum>> all(UserId user) const;
  Result<std::optional<UserDatum>> get(UserId user, std::string_view category,
                                       std::string_view value) const;

  /// False when the value was not there.
  Result<bool> remove(UserId user, std::string_view category, std::string_view value,
                      const CallOptions& options = {}) const;
  /// How many values went. The category may be written anew as either kind.
  Result<std::uint32_t> remove_category(UserId user, std::string_view category,
                                        const CallOptions& options = {}) const;

  explicit UserData(const detail::Scope& scope) noexcept : scope_(&scope) {}

 private:
  const detail::Scope* scope_;
};

}  // namespace callisto
