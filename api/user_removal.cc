// Deleting a user: gone in one commit, its identities and data with it as far as they fit; what
// names it elsewhere is rewritten in steps (work_users.cc).

#include <utility>

#include "api/conversation_rows.h"
#include "api/user_rows.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"

namespace callisto {

namespace detail {

namespace {

namespace fb = schema::fb;

/// Of rows that are read to be erased, in one transaction.
constexpr std::size_t kMaxReadBytes = 16u << 20;

/// Erases rows until a bound is met.
class RowEraser {
 public:
  RowEraser(WriteContext& context, const UserId& user, std::size_t max_bytes, std::size_t max_keys,
            std::uint64_t& erased)
      : context_(context),
        user_(user),
        max_bytes_(max_bytes),
        max_keys_(max_keys),
        erased_(erased) {}

  /// index_not_ready.
  Result<bool> erase_identities() {
    auto version = require_version(context_, schema::IndexId::identity_by_user);
    if (!version) return std::move(version).error();
    return erase_all<fb::PlatformIdentifier>(
        TableId::platform_identifiers, kv::Family::indexes,
        indexes::in_version(indexes::identity_by_user_prefix(context_.space(), user_), *version),
        indexes::identity_row_key);
  }
  Result<bool> erase_data() {
    return erase_all<fb::UserDatum>(TableId::user_data, kv::Family::user_data,
                                    schema::datum_prefix(context_.space(), user_), own_key);
  }

 private:
  /// Erases the rows that the keys behind a prefix lead to.
  template <class Table>
  Result<bool> erase_all(TableId table, kv::Family family, const std::string& prefix,
                         RowKey row_key) {
    std::string lower = prefix;
    const std::string upper = schema::prefix_end(prefix);
    while (true) {
      auto keys = next_row_keys(context_.reader(), family, lower, upper, row_key);
      if (!keys) return std::move(keys).error();
      if (keys->empty()) return true;
      for (const std::string& key : *keys) {
        if (is_full()) return false;
        CALLISTO_TRY(erase_row<Table>(table, key));
      }
    }
  }

  bool is_full() const {
    const kv::Transaction& transaction = context_.transaction();
    return transaction.size_bytes() >= max_bytes_ || transaction.key_count() >= max_keys_ ||
           read_bytes_ >= kMaxReadBytes;
  }

  template <class Table>
  Result<void> erase_row(TableId table, const std::string& key) {
    auto row = listed_row_for_update<Table>(context_, key);
    if (!row) return std::move(row).error();
    read_bytes_ += row->size();
    ++erased_;
    return context_.write_row(table, key, row->view(), std::nullopt);
  }

  WriteContext& context_;
  const UserId& user_;
  const std::size_t max_bytes_;
  const std::size_t max_keys_;
  std::uint64_t& erased_;
  std::size_t read_bytes_ = 0;
};

Result<bool> remove_user(WriteContext& context, const UserId& id) {
  const std::string key = schema::user_key(context.space(), id);
  auto row = fetch_for_update<fb::User>(context.transaction(), key);
  if (!row) return std::move(row).error();
  if (!*row) return false;
  CALLISTO_TRY(check_version(context.options(), schema::root<fb::User>(**row)->stamp()->version()));
  auto tail = fetch_user_tail_for_update(context.transaction(), context.space(), id);
  if (!tail) return std::move(tail).error();
  if (!*tail) return damaged("user_tails", schema::user_tail_key(context.space(), id));
  CALLISTO_TRY(context.write_row(TableId::users, key, (*row)->view(), std::nullopt));
  CALLISTO_TRY(write_tail(context, id, *tail, std::nullopt));
  CALLISTO_TRY(indexes::put_alias(context.transaction(), context.state(), id, UserId{}));
  indexes::WorkItem item{
      indexes::WorkOp::rewrite_user, std::string(id.view()), context.now().micros(), {}};
  // Nobody sees what is left: the steps find it once its index can be read.
  if (readable_version(context, schema::IndexId::identity_by_user)) {
    // Half of a transaction, so that a caller's own has room left.
    auto is_done = erase_user_rows(context, id, kv::kMaxTransactionBytes / 2,
                                   kv::kMaxTransactionKeys / 2, item.records_done);
    if (!is_done) return std::move(is_done).error();
  }
  CALLISTO_TRY(indexes::put_work(context.transaction(), context.space(), item));
  CALLISTO_TRY(context.reload_state());
  return true;
}

}  // namespace

Result<bool> erase_user_rows(WriteContext& context, const UserId& user, std::size_t max_bytes,
                             std::size_t max_keys, std::uint64_t& erased) {
  RowEraser eraser(context, user, max_bytes, max_keys, erased);
  auto is_done = eraser.erase_identities();
  if (!is_done || !*is_done) return is_done;
  return eraser.erase_data();
}

}  // namespace detail

Result<bool> Users::remove(UserId id, const CallOptions& options) const {
  const detail::TimedCall timed(*scope_, detail::CallId::users_remove);
  CALLISTO_TRY(detail::check_caller(options.caller));
  auto removed = detail::write<bool>(*scope_, options, [&](detail::WriteContext& context) {
    return detail::remove_user(context, id);
  });
  if (removed && *removed && scope_->transaction == nullptr) scope_->core->notify_work();
  return removed;
}

}  // namespace callisto
