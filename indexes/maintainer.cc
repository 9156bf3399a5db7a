#include "indexes/maintainer.h"

#include <string>
#include <utility>

#include "indexes/aligned_bytes.h"
#include "indexes/row_entries.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

bool has_key(const Entries& entries, std::string_view key) {
  for (const EntryView entry : entries) {
    if (entry.key == key) return true;
  }
  return false;
}

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

  Result<void> put_all(const IndexDefinition& index, const Entries& entries) {
    for (const EntryView entry : entries) {
      if (auto put = transaction_.put(index.family, entry.key, entry.value); !put) return put;
      change(index, entry.key, 1);
    }
    return count(index.id, static_cast<std::int64_t>(entries.size()));
  }

  Result<void> erase_all(const IndexDefinition& index, const Entries& entries) {
    for (const EntryView entry : entries) {
      if (auto erased = transaction_.erase(index.family, entry.key); !erased) return erased;
      change(index, entry.key, -1);
    }
    return count(index.id, -static_cast<std::int64_t>(entries.size()));
  }

  /// Writes what differs between sorted entries.
  Result<void> put_difference(const IndexDefinition& index, const Entries& before,
                              const Entries& after) {
    std::size_t old = 0;
    std::size_t now = 0;
    while (old < before.size() || now < after.size()) {
      const int order = old == before.size()  ? 1
                        : now == after.size() ? -1
                                              : before[old].key.compare(after[now].key);
      Result<void> done;
      if (order < 0) {
        done = transaction_.erase(index.family, before[old].key);
        change(index, before[old].key, -1);
      } else if (order > 0 || before[old].value != after[now].value) {
        done = transaction_.put(index.family, after[now].key, after[now].value);
        if (order > 0) change(index, after[now].key, 1);
      }
      if (!done) return done;
      if (order <= 0) ++old;
      if (order >= 0) ++now;
    }
    return count(index.id, static_cast<std::int64_t>(after.size()) -
                               static_cast<std::int64_t>(before.size()));
  }

  /// Brings the entries of a row in an index that is being built from `before`, of which any may be
  /// there, to `after`. Reads them for update: a build that puts them meanwhile conflicts. Counts
  /// what came to be and what went.
  Result<void> put_unbuilt(const IndexDefinition& index, const Entries& before,
                           const Entries& after) {
    std::int64_t delta = 0;
    kv::Value stored;
    for (const EntryView old : before) {
      if (has_key(after, old.key)) continue;
      auto found = transaction_.get_for_update(index.family, old.key, stored);
      if (!found) return std::move(found).error();
      if (!*found) continue;
      if (auto erased = transaction_.erase(index.family, old.key); !erased) return erased;
      change(index, old.key, -1);
      --delta;
    }
    for (const EntryView now : after) {
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

/// Tells the states of a table's indexes, which mostly follow each other in the set.
class States {
 public:
  explicit States(const IndexSet& set) : set_(set) {}
  IndexState of(schema::IndexId index) {
    const auto& held = set_.held();
    if (next_ == held.size() || held[next_].id != index) {
      const HeldIndex* const found = set_.find(index);
      if (found == nullptr) return IndexState::absent;
      next_ = static_cast<std::size_t>(found - held.data());
    }
    return held[next_++].state;
  }

 private:
  const IndexSet& set_;
  std::size_t next_ = 0;
};

/// Memory for the entries of one row, used again by the thread's next one.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (before.memory_bytes() > kKeptBytes) before = Entries();
    if (after.memory_bytes() > kKeptBytes) after = Entries();
  }

  /// Fills `entries` with those of a row that may be absent, in the order of their keys.
  const Entries& extract(const IndexDefinition& index, const std::optional<Row>& row,
                         Entries& entries) const {
    entries.clear();
    if (row) index.extract(*row, entries);
    entries.sort();
    return entries;
  }

  static thread_local Entries before;
  static thread_local Entries after;

 private:
  static constexpr std::size_t kKeptBytes = 64u << 10;
};

thread_local Entries Scratch::before;
thread_local Entries Scratch::after;

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
  Entries entries;
  index.extract(row.row(), entries);
  for (const EntryView entry : entries) {
    if (entry.key == entry_key) return Given{true, std::string(entry.value)};
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
  const RowChange row(table, state.space(), key, before, after);
  States states(state.indexes());
  Scratch scratch;
  for (const IndexDefinition& index : table.indexes) {
    const IndexState index_state = states.of(index.id);
    if (!is_maintained(index_state)) continue;
    // Of a row whose turn in a build has not come, any entry may be missing.
    const bool is_ready = index_state == IndexState::ready;
    if (is_ready && !row.concerns(index)) continue;
    const Entries& old_entries = scratch.extract(index, row.before(), scratch.before);
    const Entries& new_entries = scratch.extract(index, row.after(), scratch.after);
    Result<void> done;
    if (!is_ready) {
      done = write.put_unbuilt(index, old_entries, new_entries);
    } else if (!before) {
      done = write.put_all(index, new_entries);
    } else if (!after) {
      done = write.erase_all(index, old_entries);
    } else {
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
  Entries entries;
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
