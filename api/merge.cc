// Joining two users into one (seed 000, "User Identity Merging"; DESIGN.md section 4). One commit
// moves what belongs to the secondary; an alias stands for it in what names it, until the steps of
// work_users.cc have rewritten that.

#include <algorithm>
#include <span>
#include <utility>

#include "api/conversation_rows.h"
#include "api/datum_rows.h"
#include "indexes/index_keys.h"
#include "schema/json.h"
#include "schema/keys.h"

namespace callisto {

namespace detail {

namespace {

namespace fb = schema::fb;

/// Joins the data of two users: what is the secondary's becomes the primary's.
class DataMerge {
 public:
  DataMerge(WriteContext& context, const UserId& primary, const UserId& secondary)
      : context_(context), primary_(primary), secondary_(secondary) {}

  /// How many rows the primary has more than before.
  Result<std::uint32_t> run();

 private:
  /// The first row of a category was met: decides what becomes of all of it.
  Result<void> enter(const std::string& category, CategoryKind kind);
  /// A single category becomes a list, because the other user's is one.
  Result<void> make_list(const DatumRow& only);
  Result<void> move(std::span<const std::string> keys);
  Result<void> move(const std::string& key, const Bytes& row);
  Result<void> move_to_single(const DatumPlace& place, const Bytes& row);
  Result<void> move_to_list(const DatumPlace& place, const Bytes& row);
  /// Writes the secondary's row as the primary's.
  Result<void> insert(std::string_view key, const Bytes& row);

  WriteContext& context_;
  const UserId& primary_;
  const UserId& secondary_;
  std::uint32_t added_ = 0;

  // Of the category that rows are moved in.
  std::optional<std::string> category_;
  CategoryKind kind_ = CategoryKind::single;
  std::optional<DatumRow> primary_value_;  // what a single category of the primary held
};

Result<std::uint32_t> DataMerge::run() {
  std::string lower = schema::datum_prefix(context_.space(), secondary_);
  const std::string upper = schema::prefix_end(lower);
  while (true) {
    auto keys = next_row_keys(context_.reader(), kv::Family::user_data, lower, upper, own_key);
    if (!keys) return std::move(keys).error();
    if (keys->empty()) return added_;
    for (std::span<const std::string> rest = *keys; !rest.empty();) {
      const auto together = rest.first(std::min(kRowsTogether, rest.size()));
      CALLISTO_TRY(move(together));
      rest = rest.subspan(together.size());
    }
  }
}

/// To move one row of the secondary's changes no other.
Result<void> DataMerge::move(std::span<const std::string> keys) {
  auto rows = listed_rows_for_update<fb::UserDatum>(context_, keys);
  if (!rows) return std::move(rows).error();
  for (std::size_t i = 0; i < keys.size(); ++i) CALLISTO_TRY(move(keys[i], (*rows)[i]));
  return {};
}

Result<void> DataMerge::move(const std::string& key, const Bytes& row) {
  auto parts = schema::parse_datum_key(key);
  if (!parts) return damaged("user_data", key);
  if (category_ != parts->category) CALLISTO_TRY(enter(parts->category, kind_of(row)));
  CALLISTO_TRY(context_.write_row(TableId::user_data, key, row.view(), std::nullopt));
  const DatumPlace place{primary_, std::move(parts->category), parts->value_hash};
  return kind_ == CategoryKind::list ? move_to_list(place, row) : move_to_single(place, row);
}

Result<void> DataMerge::enter(const std::string& category, CategoryKind kind) {
  category_ = category;
  kind_ = kind;
  touch_category(context_, primary_, category);
  touch_category(context_, secondary_, category);
  auto first = first_of_category(context_, primary_, category);
  if (!first) return std::move(first).error();
  primary_value_ = std::move(*first);
  if (!primary_value_) return {};
  const CategoryKind there = kind_of(primary_value_->row);
  if (there == kind) return {};
  kind_ = CategoryKind::list;
  return there == CategoryKind::single ? make_list(*primary_value_) : Result<void>{};
}

Result<void> DataMerge::make_list(const DatumRow& only) {
  auto fields = schema::unpack<fb::UserDatum>(only.row);
  fields.kind = fb::CategoryKind::list;
  touch_envelope(fields, context_.now());
  return write_record(context_, TableId::user_data, only.key, only.row, fields);
}

Result<void> DataMerge::move_to_single(const DatumPlace& place, const Bytes& row) {
  if (primary_value_) {
    if (created_of(row) <= created_of(primary_value_->row)) return {};
    CALLISTO_TRY(erase_datum(context_, primary_value_->key, primary_value_->row));
  } else {
    ++added_;
  }
  const std::string_view value = schema::text(schema::root<fb::UserDatum>(row)->value());
  auto found = find_datum_for_update(context_, place, value);
  if (!found) return std::move(found).error();
  return insert(found->key, row);
}

Result<void> DataMerge::move_to_list(const DatumPlace& place, const Bytes& row) {
  const std::string_view value = schema::text(schema::root<fb::UserDatum>(row)->value());
  auto found = find_datum_for_update(context_, place, value);
  if (!found) return std::move(found).error();
  if (!found->row) {
    ++added_;
    return insert(found->key, row);
  }
  if (created_of(row) <= created_of(*found->row)) return {};
  auto fields = schema::unpack<fb::UserDatum>(*found->row);
  touch_envelope(fields, context_.now());
  *fields.stamp = with_created(*fields.stamp, created_of(row));
  return write_record(context_, TableId::user_data, found->key, found->row, fields);
}

Result<void> DataMerge::insert(std::string_view key, const Bytes& row) {
  auto fields = schema::unpack<fb::UserDatum>(row);
  fields.user = std::make_unique<fb::Uuid>(schema::to_fb(primary_));
  fields.kind = static_cast<fb::CategoryKind>(kind_);
  touch_envelope(fields, context_.now());
  return write_record(context_, TableId::user_data, key, std::nullopt, fields);
}

Result<void> move_identity(WriteContext& context, const UserId& primary, const std::string& key) {
  auto row = listed_row_for_update<fb::PlatformIdentifier>(context, key);
  if (!row) return std::move(row).error();
  auto fields = schema::unpack<fb::PlatformIdentifier>(*row);
  fields.user = std::make_unique<fb::Uuid>(schema::to_fb(primary));
  touch_envelope(fields, context.now());
  return write_record(context, TableId::platform_identifiers, key, *row, fields);
}

/// The secondary's identities, of which its tail counts `number`, become the primary's; how many.
Result<std::uint32_t> move_identities(WriteContext& context, const UserId& primary,
                                      const UserId& secondary, std::uint32_t number) {
  const auto version = readable_version(context, schema::IndexId::identity_by_user);
  if (!version) {
    auto keys = identity_keys(context, secondary, number);
    if (!keys) return std::move(keys).error();
    for (const std::string& key : *keys) CALLISTO_TRY(move_identity(context, primary, key));
    return static_cast<std::uint32_t>(keys->size());
  }
  std::string lower =
      indexes::in_version(indexes::identity_by_user_prefix(context.space(), secondary), *version);
  const std::string upper = schema::prefix_end(lower);
  std::uint32_t moved = 0;
  while (true) {
    auto keys = next_row_keys(context.reader(), kv::Family::indexes, lower, upper,
                              indexes::identity_row_key);
    if (!keys) return std::move(keys).error();
    if (keys->empty()) return moved;
    for (const std::string& key : *keys) CALLISTO_TRY(move_identity(context, primary, key));
    moved += static_cast<std::uint32_t>(keys->size());
  }
}

Result<void> join_json(std::vector<std::uint8_t>& mine, const std::vector<std::uint8_t>& other,
                       bool other_wins, const char* field) {
  auto joined =
      other_wins ? schema::join_flex(other, mine, field) : schema::join_flex(mine, other, field);
  if (!joined) return std::move(joined).error();
  mine = std::move(*joined);
  return {};
}

/// The primary's record after the merge: the newer record's values win.
Result<void> join_fields(fb::UserT& fields, const fb::UserT& other, Time now) {
  const fb::Stamp mine = *fields.stamp;
  const bool other_wins = other.stamp->updated_at() > mine.updated_at();
  CALLISTO_TRY(join_json(fields.profile, other.profile, other_wins, "profile"));
  CALLISTO_TRY(join_json(fields.preferences, other.preferences, other_wins, "preferences"));
  CALLISTO_TRY(join_json(fields.metadata, other.metadata, other_wins, "metadata"));
  if (fields.external_id.empty()) {
    fields.external_id = other.external_id;
    fields.external_source = other.external_source;
  }
  const std::int64_t updated_at =
      std::max({now.micros(), mine.updated_at(), other.stamp->updated_at()});
  *fields.stamp = fb::Stamp(mine.id(), mine.version() + 1,
                            std::min(mine.created_at(), other.stamp->created_at()),
                            mine.recorded_at(), updated_at);
  return {};
}

/// A user's two rows, read for update.
struct UserRows {
  std::string key;
  Bytes row;
  schema::UserTail tail;
};

Result<UserRows> require_user_rows(WriteContext& context, const UserId& user, const char* field) {
  UserRows rows;
  rows.key = schema::user_key(context.space(), user);
  auto row = fetch_for_update<fb::User>(context.transaction(), rows.key);
  if (!row) return std::move(row).error();
  if (!*row) return Error(Code::not_found, field, "no such user");
  auto tail = fetch_user_tail_for_update(context.transaction(), context.space(), user);
  if (!tail) return std::move(tail).error();
  if (!*tail) return damaged("user_tails", schema::user_tail_key(context.space(), user));
  rows.row = std::move(**row);
  rows.tail = **tail;
  return rows;
}

/// Identities and data; the primary's tail afterwards.
Result<schema::UserTail> move_rows(WriteContext& context, const UserId& primary,
                                   const UserId& secondary, const schema::UserTail& tail,
                                   const schema::UserTail& other) {
  schema::UserTail joined = tail;
  auto identities = move_identities(context, primary, secondary, other.identities);
  if (!identities) return std::move(identities).error();
  joined.identities += *identities;
  auto added = DataMerge(context, primary, secondary).run();
  if (!added) return std::move(added).error();
  joined.data_rows += *added;
  if (joined.data_rows > kMaxDataRows) {
    return Error(Code::limit_exceeded, "secondary", "at most 2,000 data rows per user");
  }
  return joined;
}

Result<void> merge_users(WriteContext& context, const UserId& primary, const UserId& secondary) {
  auto mine = require_user_rows(context, primary, "primary");
  if (!mine) return std::move(mine).error();
  auto other = require_user_rows(context, secondary, "secondary");
  if (!other) return std::move(other).error();
  auto fields = schema::unpack<fb::User>(mine->row);
  CALLISTO_TRY(check_version(context.options(), fields.stamp->version()));
  CALLISTO_TRY(join_fields(fields, schema::unpack<fb::User>(other->row), context.now()));
  auto tail = move_rows(context, primary, secondary, mine->tail, other->tail);
  if (!tail) return std::move(tail).error();
  tail->last_seen = std::max(tail->last_seen, other->tail.last_seen);
  CALLISTO_TRY(write_record(context, TableId::users, mine->key, mine->row, fields));
  CALLISTO_TRY(write_tail(context, primary, mine->tail, *tail));
  CALLISTO_TRY(context.write_row(TableId::users, other->key, other->row.view(), std::nullopt));
  CALLISTO_TRY(write_tail(context, secondary, other->tail, std::nullopt));
  CALLISTO_TRY(indexes::put_alias(context.transaction(), context.state(), secondary, primary));
  return indexes::put_work(
      context.transaction(), context.space(),
      {indexes::WorkOp::rewrite_user, std::string(secondary.view()), context.now().micros(), {}});
}

}  // namespace

}  // namespace detail

Result<void> Users::merge(UserId primary, UserId secondary, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_merge);
  if (primary == secondary) {
    return Error(Code::invalid_argument, "secondary", "another user than the primary");
  }
  CALLISTO_TRY(detail::check_caller(options.caller));
  const auto merge = [&](detail::WriteContext& context) -> Result<void> {
    CALLISTO_TRY(detail::merge_users(context, primary, secondary));
    // What comes behind it in the caller's transaction goes by the new alias.
    return scope_->transaction == nullptr ? Result<void>() : context.reload_state();
  };
  auto merged = detail::write_in(*scope_, options, {}, merge);
  if (merged && scope_->transaction == nullptr) scope_->core->notify_work();
  return merged;
}

}  // namespace callisto
