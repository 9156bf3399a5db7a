#pragma once

// Rows of user data: S X user category hash probe. Values whose hashes meet lie behind one another,
// their probes dense from 0.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/user_rows.h"

namespace callisto::detail {

/// Where a value of a user's category lies. The hash is the value's; tests bring two values to one.
struct DatumPlace {
  UserId user{};
  std::string category{};  ///< In NFC, as keys hold it.
  schema::Hash128 hash{};
};
DatumPlace place_of(const UserId& user, std::string_view category, std::string_view value);

/// The rows of one user's data in [lower, upper), in key order, until `each` returns false or
/// fails. A cache answers where it remembers them.
Result<void> for_each_datum(
    kv::Reader& reader, std::string_view lower, std::string_view upper,
    const std::function<Result<bool>(std::string_view key, Bytes row)>& each);

/// What a search for a value came to.
struct FoundDatum {
  std::string key{};           ///< Of the row, or where the value would go.
  std::optional<Bytes> row{};  ///< nullopt: the value is not there.
};
Result<FoundDatum> find_datum(kv::Reader& reader, SpaceNumber space, const DatumPlace& place,
                              std::string_view value);
/// The same, every probe read for update. limit_exceeded when all 256 probes hold other values.
Result<FoundDatum> find_datum_for_update(WriteContext& context, const DatumPlace& place,
                                         std::string_view value);

/// What replace() takes, and append().
Result<void> check_datum(const NewDatum& datum);
Result<void> check_list_datum(const NewDatum& datum);
/// A name to be found by: 1 to 100 code points whose folded form fits a key. `field` is named.
Result<void> check_preferred_name(std::string_view name, const char* field);

/// What put_datum() writes beside the datum itself.
struct DatumOrigin {
  CategoryKind kind = CategoryKind::single;
  std::int64_t created_at = 0;  ///< Where the datum has none.
  std::uint64_t version = 1;    ///< Where the datum has no origin.
};
/// Writes a new row at `key`, where find_datum_for_update() said that the value goes.
Result<void> put_datum(WriteContext& context, std::string_view key, const UserId& user,
                       const NewDatum& datum, const DatumOrigin& origin);

/// Erases the row at `key`, and moves the last value of its hash into the hole.
Result<void> erase_datum(WriteContext& context, std::string_view key, const Bytes& row);

/// One row of a category, whatever its value.
struct DatumRow {
  std::string key;
  Bytes row;
};
/// The first row of a category in key order; nullopt when the category is empty.
Result<std::optional<DatumRow>> first_of_category(ReadContext& context, const UserId& user,
                                                  std::string_view category);
CategoryKind kind_of(const Bytes& row) noexcept;
std::int64_t created_of(const Bytes& row) noexcept;

/// Guards what was decided on a category as a whole: its kind and that it is empty.
void guard_category(WriteContext& context, const UserId& user, std::string_view category);
/// Tells those who guard the category that it began, changed its values, or ended.
void touch_category(WriteContext& context, const UserId& user, std::string_view category);

}  // namespace callisto::detail
