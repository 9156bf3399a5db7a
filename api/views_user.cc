// Accessors of User, PlatformIdentifier and UserDatum.

#include "api/view_record.h"
#include "callisto/user.h"
#include "schema/records.h"

namespace callisto {

namespace {

using schema::text;
namespace fb = schema::fb;

template <class Table>
const fb::Stamp& stamp(const Bytes& bytes) noexcept {
  return *detail::record_in<Table>(bytes).stamp();
}

template <class IdType, class Table>
IdType id_of(const Bytes& bytes) noexcept {
  return schema::from_fb<IdType>(&stamp<Table>(bytes).id());
}

const fb::User* user_in(const Bytes& bytes) noexcept { return &detail::record_in<fb::User>(bytes); }
const fb::PlatformIdentifier* identity_in(const Bytes& bytes) noexcept {
  return &detail::record_in<fb::PlatformIdentifier>(bytes);
}
const fb::UserDatum* datum_in(const Bytes& bytes) noexcept {
  return &detail::record_in<fb::UserDatum>(bytes);
}

}  // namespace

UserId User::id() const noexcept { return id_of<UserId, fb::User>(bytes_); }
std::uint64_t User::version() const noexcept { return stamp<fb::User>(bytes_).version(); }
Time User::created_at() const noexcept { return Time(stamp<fb::User>(bytes_).created_at()); }
Time User::recorded_at() const noexcept { return Time(stamp<fb::User>(bytes_).recorded_at()); }
Time User::updated_at() const noexcept { return Time(stamp<fb::User>(bytes_).updated_at()); }
bool User::is_active() const noexcept { return user_in(bytes_)->is_active(); }
JsonView User::profile() const noexcept { return detail::json_in(bytes_, user_in(bytes_)->profile()); }
JsonView User::preferences() const noexcept { return detail::json_in(bytes_, user_in(bytes_)->preferences()); }
JsonView User::metadata() const noexcept { return detail::json_in(bytes_, user_in(bytes_)->metadata()); }
std::string_view User::external_id() const noexcept { return text(user_in(bytes_)->external_id()); }
std::string_view User::external_source() const noexcept {
  return text(user_in(bytes_)->external_source());
}

PlatformIdentifierId PlatformIdentifier::id() const noexcept {
  return id_of<PlatformIdentifierId, fb::PlatformIdentifier>(bytes_);
}
std::uint64_t PlatformIdentifier::version() const noexcept {
  return stamp<fb::PlatformIdentifier>(bytes_).version();
}
Time PlatformIdentifier::created_at() const noexcept {
  return Time(stamp<fb::PlatformIdentifier>(bytes_).created_at());
}
Time PlatformIdentifier::recorded_at() const noexcept {
  return Time(stamp<fb::PlatformIdentifier>(bytes_).recorded_at());
}
Time PlatformIdentifier::updated_at() const noexcept {
  return Time(stamp<fb::PlatformIdentifier>(bytes_).updated_at());
}
std::string_view PlatformIdentifier::platform() const noexcept {
  return text(identity_in(bytes_)->platform());
}
std::string_view PlatformIdentifier::platform_id() const noexcept {
  return text(identity_in(bytes_)->platform_id());
}
std::string_view PlatformIdentifier::username() const noexcept {
  return text(identity_in(bytes_)->username());
}
Time PlatformIdentifier::last_seen() const noexcept {
  return Time(identity_in(bytes_)->last_seen());
}
JsonView PlatformIdentifier::metadata() const noexcept {
  return detail::json_in(bytes_, identity_in(bytes_)->metadata());
}
std::string_view PlatformIdentifier::external_id() const noexcept {
  return text(identity_in(bytes_)->external_id());
}
std::string_view PlatformIdentifier::external_source() const noexcept {
  return text(identity_in(bytes_)->external_source());
}

UserDatumId UserDatum::id() const noexcept { return id_of<UserDatumId, fb::UserDatum>(bytes_); }
std::uint64_t UserDatum::version() const noexcept { return stamp<fb::UserDatum>(bytes_).version(); }
Time UserDatum::created_at() const noexcept {
  return Time(stamp<fb::UserDatum>(bytes_).created_at());
}
Time UserDatum::recorded_at() const noexcept {
  return Time(stamp<fb::UserDatum>(bytes_).recorded_at());
}
Time UserDatum::updated_at() const noexcept {
  return Time(stamp<fb::UserDatum>(bytes_).updated_at());
}
std::string_view UserDatum::category() const noexcept { return text(datum_in(bytes_)->category()); }
CategoryKind UserDatum::kind() const noexcept {
  return static_cast<CategoryKind>(datum_in(bytes_)->kind());
}
std::string_view UserDatum::value() const noexcept { return text(datum_in(bytes_)->value()); }
JsonView UserDatum::metadata() const noexcept { return detail::json_in(bytes_, datum_in(bytes_)->metadata()); }
std::string_view UserDatum::external_id() const noexcept {
  return text(datum_in(bytes_)->external_id());
}
std::string_view UserDatum::external_source() const noexcept {
  return text(datum_in(bytes_)->external_source());
}

}  // namespace callisto
