// Platform identities: who leads to which user.

#include <algorithm>
#include <utility>

#include "api/conversation_rows.h"
#include "api/user_rows.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"
#include "schema/text.h"

namespace callisto {

namespace detail {

namespace {

namespace fb = schema::fb;

Result<void> check_platform(std::string_view platform, std::string_view platform_id) {
  CALLISTO_TRY(schema::check_text(platform, "platform", kMaxPlatform, 1));
  return schema::check_text(platform_id, "platform_id", kMaxName, 1);
}

/// NFC makes some characters longer, so that a text within its limit could pass that of a key.
Result<void> check_key_sizes(const NewIdentity& identity) {
  const std::string key = identity_key_of(0, identity.platform, identity.platform_id);
  const std::size_t rest = key.size() - schema::kKeyHeadBytes;
  const std::size_t longest =
      indexes::identity_by_username_prefix(0, identity.username).size() + sizeof(UuidBytes) + rest;
  if (longest <= kv::kMaxKeyBytes) return {};
  return Error(Code::invalid_argument, "platform_id",
               "with platform and folded username at most 996 bytes in normalisation form C");
}

UserId user_of(const Bytes& row, const SpaceState& state) {
  return state.resolve(schema::from_fb<UserId>(schema::root<fb::PlatformIdentifier>(row)->user()));
}

/// Takes over what `given` says; whether the record changes.
Result<bool> change_identity(fb::PlatformIdentifierT& fields, const NewIdentity& given) {
  auto metadata = check_json(given.metadata, "metadata", true);
  if (!metadata) return std::move(metadata).error();
  bool is_changed = false;
  const auto take = [&](auto& field, const auto& value) {
    if (value.empty() || field == value) return;
    field = value;
    is_changed = true;
  };
  take(fields.username, given.username);
  take(fields.metadata, *metadata);
  take(fields.external_id, given.external_id);
  take(fields.external_source, given.external_source);
  return is_changed;
}

/// The identity is there: it must be this user's, and follows what is given.
Result<PlatformIdentifierId> update_identity(WriteContext& context, const UserId& user,
                                             const NewIdentity& given, std::string_view key,
                                             const Bytes& row) {
  if (user_of(row, context.state()) != user) {
    return Error(Code::already_exists, "platform_id", "leads to another user");
  }
  auto fields = schema::unpack<fb::PlatformIdentifier>(row);
  CALLISTO_TRY(check_version(context.options(), fields.stamp->version()));
  auto is_changed = change_identity(fields, given);
  if (!is_changed) return std::move(is_changed).error();
  if (*is_changed) touch_envelope(fields, context.now());
  const bool is_later = given.last_seen && given.last_seen->micros() > fields.last_seen;
  if (is_later) fields.last_seen = given.last_seen->micros();
  if (*is_changed || is_later) {
    CALLISTO_TRY(write_record(context, TableId::platform_identifiers, key, row, fields));
  }
  return schema::from_fb<PlatformIdentifierId>(&fields.stamp->id());
}

/// Collects views of identities that are still somebody's.
class IdentityList {
 public:
  IdentityList(const SpaceState& state, std::uint32_t limit) : state_(state), limit_(limit) {}

  Result<bool> add(const Bytes& row) {
    PlatformIdentifier view = ViewAccess::identity(row, state_);
    if (!view.user().is_nil()) views_.push_back(std::move(view));
    return views_.size() < limit_;
  }
  std::vector<PlatformIdentifier> take() && { return std::move(views_); }

 private:
  const SpaceState& state_;
  const std::uint32_t limit_;
  std::vector<PlatformIdentifier> views_;
};

}  // namespace

std::string identity_key_of(SpaceNumber space, std::string_view platform,
                            std::string_view platform_id) {
  return schema::identity_key(space, schema::nfc(platform), schema::nfc(platform_id));
}

Result<void> check_identity_name(std::string_view platform, std::string_view platform_id) {
  return check_platform(platform, platform_id);
}

Result<void> check_identity(const NewIdentity& identity) {
  CALLISTO_TRY(check_platform(identity.platform, identity.platform_id));
  CALLISTO_TRY(schema::check_text(identity.username, "username", kMaxName));
  CALLISTO_TRY(check_key_sizes(identity));
  CALLISTO_TRY(check_time(identity.last_seen, "last_seen"));
  return check_envelope(envelope_of(identity));
}

Result<StoredIdentity> identity_for_update(WriteContext& context, std::string_view key) {
  auto row = fetch_for_update<fb::PlatformIdentifier>(context.transaction(), key);
  if (!row) return std::move(row).error();
  StoredIdentity stored;
  const bool is_leftover = *row && user_of(**row, context.state()).is_nil();
  (is_leftover ? stored.leftover : stored.row) = std::move(*row);
  return stored;
}

Result<PlatformIdentifierId> put_identity(WriteContext& context, const UserId& user,
                                          const NewIdentity& identity, std::string_view key,
                                          const std::optional<Bytes>& leftover) {
  fb::PlatformIdentifierT fields;
  CALLISTO_TRY(fill_envelope(fields, envelope_of(identity), context.made_ids(), context.now()));
  fields.user = std::make_unique<fb::Uuid>(schema::to_fb(user));
  fields.platform = identity.platform;
  fields.platform_id = identity.platform_id;
  fields.username = identity.username;
  fields.last_seen = identity.last_seen ? identity.last_seen->micros() : fields.stamp->created_at();
  CALLISTO_TRY(write_record(context, TableId::platform_identifiers, key, leftover, fields));
  return schema::from_fb<PlatformIdentifierId>(&fields.stamp->id());
}

Result<std::vector<std::string>> identity_keys(ReadContext& context, const UserId& user,
                                               std::uint32_t number) {
  std::vector<std::string> keys;
  if (number == 0) return keys;
  const std::string prefix = indexes::table_prefix(context.space(), TableId::platform_identifiers);
  CALLISTO_TRY(for_each_prefix(context.reader(), kv::Family::platform_identifiers, prefix, false,
                               [&](std::string_view key, std::string_view value) -> Result<bool> {
                                 // What cannot be decoded is nobody's.
                                 const auto row = take_row<fb::PlatformIdentifier>(key, value);
                                 if (!row) return true;
                                 const auto* identity = schema::root<fb::PlatformIdentifier>(*row);
                                 if (schema::from_fb<UserId>(identity->user()) == user)
                                   keys.emplace_back(key);
                                 return keys.size() < number;
                               }));
  return keys;
}

namespace {

/// What the index would lead to, while it cannot be read.
Result<std::vector<PlatformIdentifier>> list_without_index(ReadContext& context, const UserId& user,
                                                           std::uint32_t limit) {
  auto tail = fetch_user_tail(context.reader(), context.space(), user);
  if (!tail) return std::move(tail).error();
  if (!*tail) return std::vector<PlatformIdentifier>();
  auto keys = identity_keys(context, user, std::min((*tail)->identities, limit));
  if (!keys) return std::move(keys).error();
  auto rows = fetch_many<fb::PlatformIdentifier>(context.reader(), *keys);
  if (!rows) return std::move(rows).error();
  IdentityList list(context.state(), limit);
  for (const std::optional<Bytes>& row : *rows) {
    if (row) CALLISTO_TRY(list.add(*row));
  }
  return std::move(list).take();
}

}  // namespace

Result<std::vector<PlatformIdentifier>> list_identities(ReadContext& context, const UserId& user,
                                                        std::uint32_t limit) {
  if (!is_present(context.state(), user)) return std::vector<PlatformIdentifier>();
  if (!readable_version(context, schema::IndexId::identity_by_user)) {
    return list_without_index(context, user, limit);
  }
  IdentityList list(context.state(), limit);
  auto done = for_each_indexed<fb::PlatformIdentifier>(
      context, schema::IndexId::identity_by_user,
      indexes::identity_by_user_prefix(context.space(), user), indexes::identity_row_key,
      [&](const Bytes& row) { return list.add(row); });
  if (!done) return std::move(done).error();
  return std::move(list).take();
}

Result<std::vector<PlatformIdentifier>> list_by_username(ReadContext& context,
                                                         std::string_view username,
                                                         std::uint32_t limit) {
  IdentityList list(context.state(), limit);
  auto done = for_each_indexed<fb::PlatformIdentifier>(
      context, schema::IndexId::identity_by_username,
      indexes::identity_by_username_prefix(context.space(), username), indexes::identity_row_key,
      [&](const Bytes& row) { return list.add(row); });
  if (!done) return std::move(done).error();
  return std::move(list).take();
}

}  // namespace detail

namespace fb = schema::fb;
using detail::ReadContext;
using detail::WriteContext;

Result<PlatformIdentifierId> Users::add_identity(UserId user, const NewIdentity& identity,
                                                 const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_add_identity);
  CALLISTO_TRY(detail::check_identity(identity));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<PlatformIdentifierId>(
      *scope_, options, [&](WriteContext& context) -> Result<PlatformIdentifierId> {
        auto tail = detail::require_tail(context, user);
        if (!tail) return std::move(tail).error();
        const std::string key =
            detail::identity_key_of(context.space(), identity.platform, identity.platform_id);
        auto stored = detail::identity_for_update(context, key);
        if (!stored) return std::move(stored).error();
        if (stored->row) return detail::update_identity(context, user, identity, key, *stored->row);
        schema::UserTail counted = *tail;
        ++counted.identities;
        CALLISTO_TRY(detail::write_tail(context, user, *tail, counted));
        return detail::put_identity(context, user, identity, key, stored->leftover);
      });
}

Result<bool> Users::remove_identity(std::string_view platform, std::string_view platform_id,
                                    const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_remove_identity);
  CALLISTO_TRY(detail::check_identity_name(platform, platform_id));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<bool>(*scope_, options, [&](WriteContext& context) -> Result<bool> {
    const std::string key = detail::identity_key_of(context.space(), platform, platform_id);
    auto stored = detail::identity_for_update(context, key);
    if (!stored) return std::move(stored).error();
    if (!stored->row) return false;
    const auto* fields = schema::root<fb::PlatformIdentifier>(*stored->row);
    CALLISTO_TRY(detail::check_version(options, fields->stamp()->version()));
    const UserId user = detail::user_of(*stored->row, context.state());
    auto tail = detail::fetch_user_tail_for_update(context.transaction(), context.space(), user);
    if (!tail) return std::move(tail).error();
    if (!*tail) return detail::damaged("user_tails", schema::user_tail_key(context.space(), user));
    schema::UserTail counted = **tail;
    counted.identities -= std::min<std::uint32_t>(counted.identities, 1);
    CALLISTO_TRY(detail::write_tail(context, user, *tail, counted));
    CALLISTO_TRY(context.write_row(detail::TableId::platform_identifiers, key, stored->row->view(),
                                   std::nullopt));
    return true;
  });
}

Result<std::optional<PlatformIdentifier>> Users::identity(std::string_view platform,
                                                          std::string_view platform_id) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_identity);
  CALLISTO_TRY(detail::check_identity_name(platform, platform_id));
  return detail::read<std::optional<PlatformIdentifier>>(
      *scope_, [&](ReadContext& context) -> Result<std::optional<PlatformIdentifier>> {
        auto row = detail::fetch<fb::PlatformIdentifier>(
            context.reader(), detail::identity_key_of(context.space(), platform, platform_id));
        if (!row) return std::move(row).error();
        if (!*row) return std::optional<PlatformIdentifier>();
        PlatformIdentifier view = detail::ViewAccess::identity(**row, context.state());
        if (view.user().is_nil()) return std::optional<PlatformIdentifier>();
        return std::optional<PlatformIdentifier>(std::move(view));
      });
}

Result<std::vector<PlatformIdentifier>> Users::identities(UserId user, std::uint32_t limit) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_identities);
  auto most = detail::check_limit(limit);
  if (!most) return std::move(most).error();
  return detail::read<std::vector<PlatformIdentifier>>(
      *scope_, [&](ReadContext& context) { return detail::list_identities(context, user, *most); });
}

Result<std::vector<PlatformIdentifier>> Users::identities_by_username(std::string_view username,
                                                                      std::uint32_t limit) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_identities_by_username);
  CALLISTO_TRY(schema::check_text(username, "username", detail::kMaxName, 1));
  auto most = detail::check_limit(limit);
  if (!most) return std::move(most).error();
  return detail::read<std::vector<PlatformIdentifier>>(*scope_, [&](ReadContext& context) {
    return detail::list_by_username(context, username, *most);
  });
}

}  // namespace callisto
