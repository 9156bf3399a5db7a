// Categorised data of users (seed 000).

#include <algorithm>
#include <tuple>
#include <utility>

#include "api/conversation_rows.h"
#include "api/datum_rows.h"
#include "indexes/index_change.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"
#include "schema/text.h"

namespace callisto {

namespace detail {

namespace {

namespace fb = schema::fb;

Error invalid_category(const char* limit) {
  return Error(Code::invalid_argument, "category", limit);
}

Result<void> check_category(std::string_view category) {
  return schema::check_text(category, "category", kMaxCategory, 1);
}

Result<void> check_value(std::string_view value) {
  if (value.empty() || value.size() > kMaxDatumBytes) {
    return Error(Code::invalid_argument, "value", "1 byte to 1 MiB");
  }
  return schema::check_utf8(value, "value");
}

/// A category that may be written.
Result<void> check_own_category(std::string_view category) {
  CALLISTO_TRY(check_category(category));
  if (schema::nfc(category) == kPlatformUsername) {
    return invalid_category("not platform_username, which shows the platform identities");
  }
  return {};
}

bool is_preferred_name(std::string_view category) {
  return schema::nfc(category) == kPreferredName;
}

}  // namespace

Result<void> check_datum(const NewDatum& datum) {
  CALLISTO_TRY(check_own_category(datum.category));
  CALLISTO_TRY(check_value(datum.value));
  if (is_preferred_name(datum.category)) CALLISTO_TRY(check_preferred_name(datum.value, "value"));
  return check_envelope(envelope_of(datum));
}

Result<void> check_list_datum(const NewDatum& datum) {
  CALLISTO_TRY(check_datum(datum));
  if (is_preferred_name(datum.category)) return invalid_category("is a single category");
  return {};
}

namespace {

// Writing ----------------------------------------------------------------

/// One write into a category: what is there, and what it may become.
class CategoryWrite {
 public:
  CategoryWrite(WriteContext& context, const UserId& user, const NewDatum& datum)
      : context_(context),
        user_(user),
        datum_(datum),
        created_at_(datum.created_at.value_or(context.now()).micros()) {}

  Result<bool> append();
  Result<bool> replace();

 private:
  /// Reads the user's tail and the category's first row; they decide.
  Result<void> prepare(CategoryKind kind);
  /// A value that is given without a time is newer than what is there, whatever the clock says.
  void follow(const Bytes& row) {
    if (datum_.created_at) return;
    created_at_ = std::max(created_at_, schema::root<fb::UserDatum>(row)->stamp()->created_at());
  }
  Result<FoundDatum> find() {
    return find_datum_for_update(context_, place_of(user_, datum_.category, datum_.value),
                                 datum_.value);
  }
  Result<bool> add(std::string_view key, CategoryKind kind);
  /// The value is there: takes a newer time, and with it what else is given.
  Result<bool> renew(std::string_view key, const Bytes& row);

  WriteContext& context_;
  const UserId& user_;
  const NewDatum& datum_;
  std::int64_t created_at_;
  schema::UserTail tail_;
  std::optional<DatumRow> first_;
};

Result<void> CategoryWrite::prepare(CategoryKind kind) {
  auto tail = require_tail(context_, user_);
  if (!tail) return std::move(tail).error();
  tail_ = *tail;
  guard_category(context_, user_, datum_.category);
  auto first = first_of_category(context_, user_, datum_.category);
  if (!first) return std::move(first).error();
  first_ = std::move(*first);
  if (!first_ || kind_of(first_->row) == kind) return {};
  return invalid_category(kind == CategoryKind::list ? "is a single category"
                                                     : "is a list category");
}

Result<bool> CategoryWrite::append() {
  CALLISTO_TRY(prepare(CategoryKind::list));
  auto found = find();
  if (!found) return std::move(found).error();
  if (found->row) return renew(found->key, *found->row);
  return add(found->key, CategoryKind::list);
}

Result<bool> CategoryWrite::replace() {
  CALLISTO_TRY(prepare(CategoryKind::single));
  if (!first_) {
    auto found = find();
    if (!found) return std::move(found).error();
    return add(found->key, CategoryKind::single);
  }
  context_.transaction().guard(kv::Family::user_data, first_->key);
  follow(first_->row);
  const auto* old = schema::root<fb::UserDatum>(first_->row);
  if (created_at_ < old->stamp()->created_at()) return false;
  if (schema::text(old->value()) == datum_.value) return renew(first_->key, first_->row);
  CALLISTO_TRY(check_version(context_.options(), old->stamp()->version()));
  touch_category(context_, user_, datum_.category);
  CALLISTO_TRY(erase_datum(context_, first_->key, first_->row));
  auto found = find();
  if (!found) return std::move(found).error();
  const DatumOrigin origin{CategoryKind::single, created_at_, old->stamp()->version() + 1};
  CALLISTO_TRY(put_datum(context_, found->key, user_, datum_, origin));
  return true;
}

Result<bool> CategoryWrite::add(std::string_view key, CategoryKind kind) {
  CALLISTO_TRY(check_version(context_.options(), 0));
  if (tail_.data_rows >= kMaxDataRows) {
    return Error(Code::limit_exceeded, "value", "at most 2,000 data rows per user");
  }
  touch_category(context_, user_, datum_.category);
  schema::UserTail counted = tail_;
  ++counted.data_rows;
  CALLISTO_TRY(write_tail(context_, user_, tail_, counted));
  CALLISTO_TRY(put_datum(context_, key, user_, datum_, {kind, created_at_, 1}));
  return true;
}

Result<bool> CategoryWrite::renew(std::string_view key, const Bytes& row) {
  auto fields = schema::unpack<fb::UserDatum>(row);
  CALLISTO_TRY(check_version(context_.options(), fields.stamp->version()));
  if (created_at_ <= fields.stamp->created_at()) return false;
  auto metadata = check_json(datum_.metadata, "metadata", true);
  if (!metadata) return std::move(metadata).error();
  if (!metadata->empty()) fields.metadata = std::move(*metadata);
  if (!datum_.external_id.empty()) fields.external_id = datum_.external_id;
  if (!datum_.external_source.empty()) fields.external_source = datum_.external_source;
  touch_envelope(fields, context_.now());
  const fb::Stamp& stamp = *fields.stamp;
  *fields.stamp = datum_.origin ? fb::Stamp(stamp.id(), datum_.origin->version, created_at_,
                                            stamp.recorded_at(), datum_.origin->updated_at.micros())
                                : with_created(stamp, created_at_);
  CALLISTO_TRY(write_record(context_, TableId::user_data, key, row, fields));
  return true;
}

Result<void> write_smaller_tail(WriteContext& context, const UserId& user,
                                const schema::UserTail& tail, std::uint32_t rows) {
  schema::UserTail counted = tail;
  counted.data_rows -= std::min(counted.data_rows, rows);
  return write_tail(context, user, tail, counted);
}

Result<bool> remove_value(WriteContext& context, const UserId& user, std::string_view category,
                          std::string_view value) {
  auto tail = require_tail(context, user);
  if (!tail) return std::move(tail).error();
  auto found = find_datum_for_update(context, place_of(user, category, value), value);
  if (!found) return std::move(found).error();
  if (!found->row) return false;
  const auto* fields = schema::root<fb::UserDatum>(*found->row);
  CALLISTO_TRY(check_version(context.options(), fields->stamp()->version()));
  touch_category(context, user, category);
  CALLISTO_TRY(write_smaller_tail(context, user, *tail, 1));
  CALLISTO_TRY(erase_datum(context, found->key, *found->row));
  return true;
}

Result<void> erase_row(WriteContext& context, const std::string& key) {
  auto row = listed_row_for_update<fb::UserDatum>(context, key);
  if (!row) return std::move(row).error();
  return context.write_row(TableId::user_data, key, row->view(), std::nullopt);
}

Result<std::uint32_t> remove_values(WriteContext& context, const UserId& user,
                                    std::string_view category) {
  auto tail = require_tail(context, user);
  if (!tail) return std::move(tail).error();
  std::string lower = schema::datum_prefix(context.space(), user, schema::nfc(category));
  const std::string upper = schema::prefix_end(lower);
  std::uint32_t count = 0;
  while (true) {
    auto keys = next_row_keys(context.reader(), kv::Family::user_data, lower, upper, own_key);
    if (!keys) return std::move(keys).error();
    if (keys->empty()) break;
    // All probes of each hash go, so none has to be moved.
    for (const std::string& key : *keys) CALLISTO_TRY(erase_row(context, key));
    count += static_cast<std::uint32_t>(keys->size());
  }
  if (count == 0) return count;
  touch_category(context, user, category);
  CALLISTO_TRY(write_smaller_tail(context, user, *tail, count));
  return count;
}

// Reading ----------------------------------------------------------------

/// Rows of a user's data, newest first within each category.
class NewestFirst {
 public:
  static constexpr std::size_t kFewRows = 256;
  static constexpr std::size_t kFewBytes = std::size_t{1} << 20;

  void add(std::string_view key, Bytes row) {
    const std::string_view category = key.substr(0, key.size() - schema::kDatumTailBytes);
    if (category != category_) {
      category_.assign(category);
      begun_ = rows_.size();
    }
    bytes_ += row.size();
    rows_.push_back({begun_, created_of(row), std::move(row)});
  }
  /// So that to read them all costs no more than to find some of them by the index.
  bool are_few() const noexcept { return rows_.size() <= kFewRows && bytes_ <= kFewBytes; }

  std::vector<UserDatum> views(const SpaceState& state, std::size_t limit) {
    // Of one time by hash and probe, as they came.
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
      return std::pair(a.category, b.created_at) < std::pair(b.category, a.created_at);
    });
    rows_.resize(std::min(limit, rows_.size()));
    std::vector<UserDatum> views;
    views.reserve(rows_.size());
    for (const Row& row : rows_) views.push_back(ViewAccess::datum(row.bytes, state));
    return views;
  }

 private:
  struct Row {
    std::size_t category = 0;  ///< How many rows are of categories before.
    std::int64_t created_at = 0;
    Bytes bytes{};
  };

  std::string category_;
  std::size_t begun_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Row> rows_;
};

/// Of few rows all are read, as they lie together; of many those that datum_newest names.
Result<std::vector<UserDatum>> list_data(ReadContext& context, const UserId& user,
                                         std::optional<std::string_view> category,
                                         std::size_t limit) {
  if (!is_present(context.state(), user)) return std::vector<UserDatum>();
  const SpaceNumber space = context.space();
  const std::string prefix = category ? schema::datum_prefix(space, user, schema::nfc(*category))
                                      : schema::datum_prefix(space, user);
  const bool has_index = readable_version(context, schema::IndexId::datum_newest).has_value() &&
                         limit < NewestFirst::kFewRows;
  NewestFirst rows;
  CALLISTO_TRY(for_each_datum(context.reader(), prefix, schema::prefix_end(prefix),
                              [&](std::string_view key, Bytes row) -> Result<bool> {
                                rows.add(key, std::move(row));
                                return !has_index || rows.are_few();
                              }));
  if (!has_index || rows.are_few()) return rows.views(context.state(), limit);
  std::vector<UserDatum> views;
  CALLISTO_TRY(for_each_indexed<fb::UserDatum>(
      context, schema::IndexId::datum_newest,
      category ? indexes::datum_newest_prefix(space, user, *category)
               : indexes::datum_newest_prefix(space, user),
      indexes::datum_row_key, [&](const Bytes& row) -> Result<bool> {
        views.push_back(ViewAccess::datum(row, context.state()));
        return views.size() < limit;
      }));
  return views;
}

/// An identity's username as a datum: the times and the id are the identity's.
Result<UserDatum> username_datum(ReadContext& context, const PlatformIdentifier& identity) {
  const auto* stored = schema::root<fb::PlatformIdentifier>(ViewAccess::bytes(identity));
  fb::UserDatumT fields;
  fields.stamp = std::make_unique<fb::Stamp>(*stored->stamp());
  fields.user = std::make_unique<fb::Uuid>(schema::to_fb(identity.user()));
  fields.category = kPlatformUsername;
  fields.kind = fb::CategoryKind::list;
  fields.value = identity.username();
  auto bytes = schema::encode<fb::UserDatum>(fields);
  if (!bytes) return std::move(bytes).error();
  return ViewAccess::datum(Bytes::copy_of(*bytes), context.state());
}

/// The values of `platform_username`: newest first, each username once.
Result<std::vector<UserDatum>> list_usernames(ReadContext& context, const UserId& user,
                                              std::size_t limit) {
  auto identities = list_identities(context, user, kMaxListed);
  if (!identities) return std::move(identities).error();
  std::sort(identities->begin(), identities->end(), [](const auto& a, const auto& b) {
    return std::tuple(b.created_at(), a.platform(), a.platform_id()) <
           std::tuple(a.created_at(), b.platform(), b.platform_id());
  });
  std::vector<UserDatum> views;
  for (const PlatformIdentifier& identity : *identities) {
    if (views.size() == limit) break;
    const auto is_same = [&](const UserDatum& view) { return view.value() == identity.username(); };
    if (identity.username().empty() || std::any_of(views.begin(), views.end(), is_same)) continue;
    auto view = username_datum(context, identity);
    if (!view) return std::move(view).error();
    views.push_back(std::move(*view));
  }
  return views;
}

Result<std::vector<UserDatum>> list_category(ReadContext& context, const UserId& user,
                                             std::string_view category, std::size_t limit) {
  if (schema::nfc(category) == kPlatformUsername) return list_usernames(context, user, limit);
  return list_data(context, user, category, limit);
}

Result<std::vector<UserDatum>> list_all(ReadContext& context, const UserId& user) {
  auto data = list_data(context, user, std::nullopt, kMaxListed);
  if (!data) return data;
  auto usernames = list_usernames(context, user, kMaxListed);
  if (!usernames) return usernames;
  const auto place = std::find_if(data->begin(), data->end(), [](const UserDatum& datum) {
    return schema::nfc(datum.category()) > kPlatformUsername;
  });
  data->insert(place, std::make_move_iterator(usernames->begin()),
               std::make_move_iterator(usernames->end()));
  return data;
}

Result<std::optional<UserDatum>> get_datum(ReadContext& context, const UserId& user,
                                           std::string_view category, std::string_view value) {
  if (schema::nfc(category) == kPlatformUsername) {
    auto usernames = list_usernames(context, user, kMaxListed);
    if (!usernames) return std::move(usernames).error();
    for (UserDatum& view : *usernames) {
      if (view.value() == value) return std::optional<UserDatum>(std::move(view));
    }
    return std::optional<UserDatum>();
  }
  if (!is_present(context.state(), user)) return std::optional<UserDatum>();
  auto found =
      find_datum(context.reader(), context.space(), place_of(user, category, value), value);
  if (!found) return std::move(found).error();
  if (!found->row) return std::optional<UserDatum>();
  return std::optional<UserDatum>(ViewAccess::datum(*found->row, context.state()));
}

NewDatum datum_of(std::string_view category, std::string_view value) {
  NewDatum datum;
  datum.category = category;
  datum.value = value;
  return datum;
}

}  // namespace

}  // namespace detail

using detail::ReadContext;
using detail::WriteContext;

Result<bool> UserData::append(UserId user, std::string_view category, std::string_view value,
                              const CallOptions& options) const {
  return append(user, detail::datum_of(category, value), options);
}

Result<bool> UserData::append(UserId user, const NewDatum& datum,
                              const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::user_data_append);
  CALLISTO_TRY(detail::check_list_datum(datum));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<bool>(*scope_, options, [&](WriteContext& context) {
    return detail::CategoryWrite(context, user, datum).append();
  });
}

Result<bool> UserData::replace(UserId user, std::string_view category, std::string_view value,
                               const CallOptions& options) const {
  return replace(user, detail::datum_of(category, value), options);
}

Result<bool> UserData::replace(UserId user, const NewDatum& datum,
                               const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::user_data_replace);
  CALLISTO_TRY(detail::check_datum(datum));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<bool>(*scope_, options, [&](WriteContext& context) {
    return detail::CategoryWrite(context, user, datum).replace();
  });
}

Result<std::vector<UserDatum>> UserData::values(UserId user, std::string_view category,
                                                std::uint32_t limit) const {
  const detail::TimedCall timed(*scope_, detail::CallId::user_data_values);
  CALLISTO_TRY(detail::check_category(category));
  auto most = detail::check_limit(limit);
  if (!most) return std::move(most).error();
  return detail::read<std::vector<UserDatum>>(*scope_, [&](ReadContext& context) {
    return detail::list_category(context, user, category, *most);
  });
}

Result<std::vector<UserDatum>> UserData::all(UserId user) const {
  const detail::TimedCall timed(*scope_, detail::CallId::user_data_all);
  return detail::read<std::vector<UserDatum>>(
      *scope_, [&](ReadContext& context) { return detail::list_all(context, user); });
}

Result<std::optional<UserDatum>> UserData::get(UserId user, std::string_view category,
                                               std::string_view value) const {
  const detail::TimedCall timed(*scope_, detail::CallId::user_data_get);
  CALLISTO_TRY(detail::check_category(category));
  CALLISTO_TRY(detail::check_value(value));
  return detail::read<std::optional<UserDatum>>(*scope_, [&](ReadContext& context) {
    return detail::get_datum(context, user, category, value);
  });
}

Result<bool> UserData::remove(UserId user, std::string_view category, std::string_view value,
                              const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::user_data_remove);
  CALLISTO_TRY(detail::check_own_category(category));
  CALLISTO_TRY(detail::check_value(value));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<bool>(*scope_, options, [&](WriteContext& context) {
    return detail::remove_value(context, user, category, value);
  });
}

Result<std::uint32_t> UserData::remove_category(UserId user, std::string_view category,
                                                const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::user_data_remove_category);
  CALLISTO_TRY(detail::check_own_category(category));
  CALLISTO_TRY(detail::check_caller(options.caller));
  return detail::write<std::uint32_t>(*scope_, options, [&](WriteContext& context) {
    return detail::remove_values(context, user, category);
  });
}

}  // namespace callisto
