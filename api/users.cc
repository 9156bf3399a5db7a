// Users: creating, finding by id and platform, changing.

#include <utility>

#include "api/datum_rows.h"
#include "api/user_rows.h"
#include "schema/keys.h"

namespace callisto {

namespace detail {

namespace fb = schema::fb;
using indexes::WorkOp;

// Creating ----------------------------------------------------------------

NewIdentity identity_of(const NewUser& user) {
  NewIdentity identity;
  identity.platform = user.platform;
  identity.platform_id = user.platform_id;
  identity.username = user.username.empty() ? user.name : user.username;
  identity.created_at = user.created_at;
  identity.last_seen = user.last_seen;
  return identity;
}

NewDatum name_of(const NewUser& user) {
  NewDatum datum;
  datum.category = kPreferredName;
  datum.value = user.name;
  datum.created_at = user.created_at;
  return datum;
}

Result<void> check_new_user(const NewUser& user) {
  if (!user.name.empty()) CALLISTO_TRY(check_preferred_name(user.name, "name"));
  if (user.platform.empty() && !user.platform_id.empty()) {
    return Error(Code::invalid_argument, "platform", "needed with platform_id");
  }
  if (user.platform.empty() && !user.username.empty()) {
    return Error(Code::invalid_argument, "platform", "needed with username");
  }
  if (!user.platform.empty()) CALLISTO_TRY(check_identity(identity_of(user)));
  CALLISTO_TRY(check_time(user.last_seen, "last_seen"));
  return check_envelope(envelope_of(user));
}

Result<fb::UserT> own_fields(const NewUser& user) {
  auto profile = check_json(user.profile, "profile", true);
  if (!profile) return std::move(profile).error();
  auto preferences = check_json(user.preferences, "preferences", true);
  if (!preferences) return std::move(preferences).error();
  fb::UserT fields;
  fields.profile = std::move(*profile);
  fields.preferences = std::move(*preferences);
  fields.is_active = user.is_active;
  return fields;
}

namespace {

Error other_content() {
  return Error(Code::already_exists, "id", "taken by a user with other content");
}

/// One attempt to create a user.
class UserCreation {
 public:
  /// `fields`: own_fields() of `given`.
  UserCreation(WriteContext& context, const NewUser& given, fb::UserT fields)
      : context_(context), given_(given), fields_(std::move(fields)) {}

  Result<UserId> run();

 private:
  Result<UserId> compare(const Bytes& stored);
  Result<void> compare_name();
  Result<void> compare_identity();
  Result<void> write();
  Result<void> write_name();
  Result<void> write_identity();

  WriteContext& context_;
  const NewUser& given_;
  fb::UserT fields_;
  UserId id_;
};

Result<UserId> UserCreation::run() {
  CALLISTO_TRY(fill_envelope(fields_, envelope_of(given_), context_.made_ids(), context_.now()));
  id_ = schema::from_fb<UserId>(&fields_.stamp->id());
  auto stored =
      fetch_for_update<fb::User>(context_.transaction(), schema::user_key(context_.space(), id_));
  if (!stored) return std::move(stored).error();
  if (*stored) return compare(**stored);
  CALLISTO_TRY(write());
  return id_;
}

/// What is given must be there; a name or an identity that is not given does not count.
Result<UserId> UserCreation::compare(const Bytes& stored) {
  if (!has_equal_content<fb::User>(stored, fields_, envelope_of(given_))) return other_content();
  if (!given_.name.empty()) CALLISTO_TRY(compare_name());
  if (!given_.platform.empty()) CALLISTO_TRY(compare_identity());
  return id_;
}

Result<void> UserCreation::compare_name() {
  auto found =
      find_datum_for_update(context_, place_of(id_, kPreferredName, given_.name), given_.name);
  if (!found) return std::move(found).error();
  if (!found->row) return other_content();
  return {};
}

Result<void> UserCreation::compare_identity() {
  auto stored = identity_for_update(
      context_, identity_key_of(context_.space(), given_.platform, given_.platform_id));
  if (!stored) return std::move(stored).error();
  if (!stored->row) return other_content();
  const auto* fields = schema::root<fb::PlatformIdentifier>(*stored->row);
  const bool is_equal = schema::from_fb<UserId>(fields->user()) == id_ &&
                        schema::text(fields->username()) == identity_of(given_).username;
  if (!is_equal) return other_content();
  return {};
}

Result<void> UserCreation::write() {
  schema::UserTail tail;
  tail.last_seen = given_.last_seen ? given_.last_seen->micros() : fields_.stamp->created_at();
  tail.data_rows = given_.name.empty() ? 0 : 1;
  tail.identities = given_.platform.empty() ? 0 : 1;
  CALLISTO_TRY(write_record(context_, TableId::users, schema::user_key(context_.space(), id_),
                            std::nullopt, fields_));
  CALLISTO_TRY(write_tail(context_, id_, std::nullopt, tail));
  if (!given_.name.empty()) CALLISTO_TRY(write_name());
  if (!given_.platform.empty()) CALLISTO_TRY(write_identity());
  return {};
}

Result<void> UserCreation::write_name() {
  auto found =
      find_datum_for_update(context_, place_of(id_, kPreferredName, given_.name), given_.name);
  if (!found) return std::move(found).error();
  touch_category(context_, id_, kPreferredName);
  return put_datum(context_, found->key, id_, name_of(given_),
                   {CategoryKind::single, fields_.stamp->created_at(), 1});
}

Result<void> UserCreation::write_identity() {
  const std::string key = identity_key_of(context_.space(), given_.platform, given_.platform_id);
  auto stored = identity_for_update(context_, key);
  if (!stored) return std::move(stored).error();
  if (stored->row) return Error(Code::already_exists, "platform_id", "leads to another user");
  auto id = put_identity(context_, id_, identity_of(given_), key, stored->leftover);
  if (!id) return std::move(id).error();
  return {};
}

/// Whether steps of a user's removal or merge are left: until then the id cannot be taken anew.
bool is_unfinished(const SpaceState& state, const UserId& user) {
  return state.resolve(user) != user ||
         state.find_work(WorkOp::rewrite_user, user.view()) != nullptr;
}

/// Runs what is left of an id's former life. Not inside the user's transaction, whose view is
/// fixed.
Result<void> finish_former_life(const Scope& scope, const UserId& user, const kv::Limits& limits) {
  CallGuard guard(*scope.core);
  if (!guard.is_open()) return closed_error();
  return scope.core->finish_work(scope.slot->space(), WorkOp::rewrite_user, user.view(), limits);
}

// Changing ----------------------------------------------------------------

/// A patch whose JSON is parsed.
struct CheckedPatch {
  std::optional<std::vector<std::uint8_t>> profile;
  std::optional<std::vector<std::uint8_t>> preferences;
  std::optional<std::vector<std::uint8_t>> metadata;
  std::optional<bool> is_active;
  std::optional<Origin> origin;
};

Result<void> check_change(const Change<std::string>& change, const char* field,
                          std::optional<std::vector<std::uint8_t>>& checked) {
  if (change.is_kept()) return {};
  auto json = check_json(change.is_set() ? change.value() : "", field, true);
  if (!json) return std::move(json).error();
  checked = std::move(*json);
  return {};
}

Result<CheckedPatch> check_patch(const UserPatch& patch) {
  CheckedPatch checked;
  CALLISTO_TRY(check_change(patch.profile, "profile", checked.profile));
  CALLISTO_TRY(check_change(patch.preferences, "preferences", checked.preferences));
  CALLISTO_TRY(check_change(patch.metadata, "metadata", checked.metadata));
  checked.is_active = patch.is_active;
  if (patch.origin) CALLISTO_TRY(check_time(patch.origin->updated_at, "origin.updated_at"));
  checked.origin = patch.origin;
  return checked;
}

/// Whether the record changes.
bool apply(fb::UserT& fields, const CheckedPatch& patch) {
  bool is_changed = false;
  const auto take = [&](auto& field, const auto& value) {
    if (!value || *value == field) return;
    field = *value;
    is_changed = true;
  };
  take(fields.profile, patch.profile);
  take(fields.preferences, patch.preferences);
  take(fields.metadata, patch.metadata);
  take(fields.is_active, patch.is_active);
  return is_changed;
}

Result<std::uint64_t> update_user(WriteContext& context, const UserId& id,
                                  const CheckedPatch& patch) {
  const std::string key = schema::user_key(context.space(), id);
  auto row = fetch_for_update<fb::User>(context.transaction(), key);
  if (!row) return std::move(row).error();
  if (!*row) return Error(Code::not_found, "id", "no such user");
  auto fields = schema::unpack<fb::User>(**row);
  CALLISTO_TRY(check_version(context.options(), fields.stamp->version()));
  if (!apply(fields, patch) && !patch.origin) return fields.stamp->version();
  touch_envelope(fields, context.now());
  impose_origin(fields, patch.origin);
  CALLISTO_TRY(write_record(context, TableId::users, key, *row, fields));
  return fields.stamp->version();
}

/// Reads without a guard first: nearly always there is nothing to write.
Result<void> note_seen(WriteContext& context, const UserId& user, Time at) {
  auto known = fetch_user_tail(context.reader(), context.space(), user);
  if (!known) return std::move(known).error();
  if (*known && !is_worth_noting(at, (*known)->last_seen)) return {};
  auto tail = require_tail(context, user);
  if (!tail) return std::move(tail).error();
  schema::UserTail seen = *tail;
  seen.last_seen = at.micros();
  return write_tail(context, user, *tail, seen);
}

Result<void> note_seen_on(WriteContext& context, std::string_view platform,
                          std::string_view platform_id, Time at) {
  const std::string key = identity_key_of(context.space(), platform, platform_id);
  auto stored = identity_for_update(context, key);
  if (!stored) return std::move(stored).error();
  if (!stored->row) return Error(Code::not_found, "platform_id", "no such identity");
  const auto* there = schema::root<fb::PlatformIdentifier>(*stored->row);
  if (is_worth_noting(at, there->last_seen())) {
    auto fields = schema::unpack<fb::PlatformIdentifier>(*stored->row);
    fields.last_seen = at.micros();
    CALLISTO_TRY(write_record(context, TableId::platform_identifiers, key, stored->row, fields));
  }
  return note_seen(context, context.state().resolve(schema::from_fb<UserId>(there->user())), at);
}

}  // namespace

}  // namespace detail

namespace fb = schema::fb;
using detail::ReadContext;
using detail::WriteContext;

Result<UserId> Users::create(const NewUser& user, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_create);
  CALLISTO_TRY(detail::check_new_user(user));
  CALLISTO_TRY(detail::check_caller(options.caller));
  auto fields = detail::own_fields(user);
  if (!fields) return std::move(fields).error();
  const kv::Limits limits = scope_->begin(options);
  const detail::Scope call = scope_->within(limits);
  while (true) {
    bool is_blocked = false;
    auto created =
        detail::write<UserId>(call, options, [&](WriteContext& context) -> Result<UserId> {
          is_blocked = detail::is_unfinished(context.state(), user.id);
          if (is_blocked)
            return Error(Code::conflict, "id", "its removal or merge is not finished");
          return detail::UserCreation(context, user, *fields).run();
        });
    if (!is_blocked || scope_->transaction != nullptr) return created;
    CALLISTO_TRY(detail::finish_former_life(*scope_, user.id, limits));
  }
}

Result<std::optional<User>> Users::get(UserId id) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_get);
  return detail::read<std::optional<User>>(
      *scope_, [&](ReadContext& context) { return detail::load_user(context, id); });
}

Result<std::optional<User>> Users::by_platform(std::string_view platform,
                                               std::string_view platform_id) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_by_platform);
  CALLISTO_TRY(detail::check_identity_name(platform, platform_id));
  return detail::read<std::optional<User>>(
      *scope_, [&](ReadContext& context) -> Result<std::optional<User>> {
        const std::string key = detail::identity_key_of(context.space(), platform, platform_id);
        auto row = detail::fetch<fb::PlatformIdentifier>(context.reader(), key);
        if (!row) return std::move(row).error();
        if (!*row) return std::optional<User>();
        const UserId user = detail::ViewAccess::identity(**row, context.state()).user();
        if (user.is_nil()) return std::optional<User>();
        auto view = detail::load_user(context, user);
        if (view && !*view)
          return detail::damaged("users", schema::user_key(context.space(), user));
        return view;
      });
}

Result<std::uint64_t> Users::update(UserId id, const UserPatch& patch,
                                    const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_update);
  auto checked = detail::check_patch(patch);
  if (!checked) return std::move(checked).error();
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<std::uint64_t>(*scope_, options, [&](WriteContext& context) {
    return detail::update_user(context, id, *checked);
  });
}

Result<void> Users::seen(UserId id, std::optional<Time> at, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_seen);
  CALLISTO_TRY(detail::check_time(at, "at"));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write_in(*scope_, options, {}, [&](WriteContext& context) {
    return detail::note_seen(context, id, at.value_or(context.now()));
  });
}

Result<void> Users::seen(std::string_view platform, std::string_view platform_id,
                         std::optional<Time> at, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_seen);
  CALLISTO_TRY(detail::check_identity_name(platform, platform_id));
  CALLISTO_TRY(detail::check_time(at, "at"));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write_in(*scope_, options, {}, [&](WriteContext& context) {
    return detail::note_seen_on(context, platform, platform_id, at.value_or(context.now()));
  });
}

}  // namespace callisto
