#include "indexes/maintainer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "indexes/aligned_bytes.h"
#include "indexes/row_entries.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

/// The writes of one row: what its indexes share.
class RowWrite {
 public:
  RowWrite(kv::Transaction& transaction, schema::SpaceNumber space, CardinalityChanges* changes)
      : transaction_(transaction), changes_(changes), counters_key_(schema::counters_key(space)) {}

  /// Counts are of records and of entries: their numbers do not meet.
  template <class Id>
  Result<void> count(Id id, std::int64_t delta) {
    if (delta == 0) return {};
    return transaction_.add({counters_key_, static_cast<std::uint16_t>(id), delta});
  }

  Result<void> put_all(const IndexDefinition& index, const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      if (auto put = transaction_.put(index.family, entry.key, entry.value); !put) return put;
      change(index, entry.key, 1);
    }
    return count(index.id, static_cast<std::int64_t>(entries.size()));
  }

  Result<void> erase_all(const IndexDefinition& index, const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      if (auto erased = transaction_.erase(index.family, entry.key); !erased) return erased;
      change(index, entry.key, -1);
    }
    return count(index.id, -static_cast<std::int64_t>(entries.size()));
  }

  /// Writes what differs between sorted entries.
  Result<void> put_difference(const IndexDefinition& index, const std::vector<Entry>& before,
                              const std::vector<Entry>& after) {
    auto old = before.begin();
    auto now = after.begin();
    while (old != before.end() || now != after.end()) {
      const bool is_gone = now == after.end() || (old != before.end() && old->key < now->key);
      const bool is_new = old == before.end() || (now != after.end() && now->key < old->key);
      Result<void> done;
      if (is_gone) {
        done = transaction_.erase(index.family, old->key);
        change(index, old->key, -1);
      } else if (is_new || old->value != now->value) {
        done = transaction_.put(index.family, now->key, now->value);
        if (is_new) change(index, now->key, 1);
      }
      if (!done) return done;
      if (!is_new) ++old;
      if (!is_gone) ++now;
    }
    return count(index.id, static_cast<std::int64_t>(after.size()) -
                               static_cast<std::int64_t>(before.size()));
  }

  /// Brings the entries of a row in an index that is being built from `before`, of which any may be
  /// there, to `after`. Reads them for update: a build that puts them meanwhile conflicts. Counts
  /// what came to be and what went.
  Result<void> put_unbuilt(const IndexDefinition& index, const std::vector<Entry>& before,
                           const std::vector<Entry>& after) {
    std::int64_t delta = 0;
    kv::Value stored;
    for (const Entry& old : before) {
      const bool stays = std::any_of(after.begin(), after.end(),
                                     [&](const Entry& now) { return now.key == old.key; });
      if (stays) continue;
      auto found = transaction_.get_for_update(index.family, old.key, stored);
      if (!found) return std::move(found).error();
      if (!*found) continue;
      if (auto erased = transaction_.erase(index.family, old.key); !erased) return erased;
      change(index, old.key, -1);
      --delta;
    }
    for (const Entry& now : after) {
      auto found = transaction_.get_for_update(index.family, now.key, stored);
      if (!found) return std::move(found).error();
      if (*found && stored.view() == now.value) continue;
      if (!*found) {
        change(index, now.key, 1);
        ++delta;
      }
      if (auto put = transaction_.put(index.family, now.key, now.value); !put) return put;
    }
    return count(index.id, delta);
  }

 private:
  void change(const IndexDefinition& index, std::string_view entry_key, std::int32_t delta) {
    if (changes_ != nullptr) changes_->add(index, entry_key, delta);
  }

  kv::Transaction& transaction_;
  CardinalityChanges* changes_;
  const std::string counters_key_;
};

void sort(std::vector<Entry>& entries) { std::sort(entries.begin(), entries.end()); }

Result<void> write_record(kv::Transaction& transaction, RowWrite& write,
                          const TableDefinition& table, std::string_view key, bool was_there,
                          std::optional<std::string_view> after) {
  auto done =
      after ? transaction.put(table.family, key, *after) : transaction.erase(table.family, key);
  if (!done) return done;
  return write.count(table.id, (after ? 1 : 0) - (was_there ? 1 : 0));
}

/// What the record at a key says of one entry.
struct Given {
  bool is_known = true;              ///< False when the record cannot be decoded.
  std::optional<std::string> value;  ///< nullopt: it does not give the entry.
};

Result<Given> read_given(kv::Transaction& transaction, schema::SpaceNumber space,
                         const TableDefinition& table, const IndexDefinition& index,
                         std::string_view row_key, std::string_view entry_key) {
  kv::Value stored;
  auto found = transaction.get_for_update(table.family, row_key, stored);
  if (!found) return std::move(found).error();
  if (!*found) return Given{};
  AlignedBytes aligned;
  const std::string_view bytes = aligned.assign(stored.view());
  if (!table.is_intact(bytes)) return Given{false, {}};
  const CoveredRow row(table, space, row_key, bytes);
  std::vector<Entry> entries;
  index.extract(row.row(), entries);
  for (Entry& entry : entries) {
    if (entry.key == entry_key) return Given{true, std::move(entry.value)};
  }
  return Given{};
}

}  // namespace

Result<void> Maintainer::write(kv::Transaction& transaction, const SpaceState& state,
                               schema::TableId table_id, std::string_view key,
                               std::optional<std::string_view> before,
                               std::optional<std::string_view> after,
                               CardinalityChanges* changes) const {
  if (!before && !after) return {};
  const TableDefinition& table = catalogue_.table(table_id);
  RowWrite write(transaction, state.space(), changes);
  if (auto done = write_record(transaction, write, table, key, before.has_value(), after); !done) {
    return done;
  }
  std::optional<CoveredRow> old_row;
  std::optional<CoveredRow> new_row;
  if (before) old_row.emplace(table, state.space(), key, *before);
  if (after) new_row.emplace(table, state.space(), key, *after);
  std::vector<Entry> old_entries;
  std::vector<Entry> new_entries;
  for (const IndexDefinition& index : table.indexes) {
    const IndexState index_state = state.index_state(index.id);
    if (!is_maintained(index_state)) continue;
    old_entries.clear();
    new_entries.clear();
    if (old_row) index.extract(old_row->row(), old_entries);
    if (new_row) index.extract(new_row->row(), new_entries);
    Result<void> done;
    if (index_state == IndexState::building) {
      done = write.put_unbuilt(index, old_entries, new_entries);
    } else if (!old_row) {
      done = write.put_all(index, new_entries);
    } else if (!new_row) {
      done = write.erase_all(index, old_entries);
    } else {
      sort(old_entries);
      sort(new_entries);
      done = write.put_difference(index, old_entries, new_entries);
    }
    if (!done) return done;
  }
  return {};
}

Result<void> Maintainer::fill(kv::Transaction& transaction, schema::SpaceNumber space,
                              const TableDefinition& table, const IndexDefinition& index,
                              std::string_view key, std::string_view bytes) const {
  if (!table.is_intact(bytes)) return {};
  const CoveredRow row(table, space, key, bytes);
  std::vector<Entry> entries;
  index.extract(row.row(), entries);
  return RowWrite(transaction, space, nullptr).put_unbuilt(index, {}, entries);
}

Result<bool> Maintainer::mend(kv::Transaction& transaction, schema::SpaceNumber space,
                              const TableDefinition& table, const IndexDefinition& index,
                              std::string_view entry_key,
                              std::optional<std::string_view> expected) const {
  kv::Value stored;
  auto found = transaction.get_for_update(index.family, entry_key, stored);
  if (!found) return std::move(found).error();
  if (!*found && !expected) return false;
  Given given;
  if (const auto row_key = index.row_key(entry_key, expected.value_or(stored.view()))) {
    auto read = read_given(transaction, space, table, index, *row_key, entry_key);
    if (!read) return std::move(read).error();
    given = *std::move(read);
  }
  const bool is_right = *found ? given.value == stored.view() : !given.value;
  // Where a record gave the entry and does so no more, its writer has seen to the entry.
  const bool is_settled = expected && !given.value;
  if (!given.is_known || is_right || is_settled) return false;
  auto written = given.value ? transaction.put(index.family, entry_key, *given.value)
                             : transaction.erase(index.family, entry_key);
  if (!written) return std::move(written).error();
  return true;
}

}  // namespace callisto::indexes
