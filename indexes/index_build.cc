#include "indexes/index_build.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "indexes/aligned_bytes.h"
#include "indexes/index_change.h"
#include "indexes/maintainer.h"
#include "indexes/space_state.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using kv::Family;
using schema::IndexId;
using schema::SpaceNumber;

/// Keys that a step looks at: among the messages lie entries too.
constexpr std::size_t kStepKeys = 4 * kIndexStepRows;
/// One record more always fits into a transaction.
constexpr std::size_t kStepWrites = kv::kMaxTransactionKeys / 2;
/// Where the part of a key among the messages lies: behind S X conversation.
constexpr std::size_t kPartAt = schema::kKeyHeadBytes + sizeof(UuidBytes);

struct KeyAndValue {
  std::string key;
  std::string value;
};

std::int64_t count_of(
    const std::optional<std::vector<std::pair<std::uint16_t, std::int64_t>>>& rows,
    std::uint16_t counter) {
  if (!rows) return 0;
  const auto found = std::find_if(rows->begin(), rows->end(),
                                  [&](const auto& row) { return row.first == counter; });
  return found == rows->end() ? 0 : found->second;
}

Result<std::int64_t> stored_count(kv::Reader& reader, SpaceNumber space, std::uint16_t counter) {
  kv::Value value;
  auto found = reader.get(Family::system, schema::counters_key(space), value);
  if (!found) return std::move(found).error();
  return *found ? count_of(kv::decode_counters(value.view()), counter) : 0;
}

/// The work on one index of one space.
class IndexWork {
 public:
  IndexWork(kv::Store& store, const Catalogue& catalogue, SpaceNumber space, IndexId index,
            const kv::Limits* limits)
      : store_(store),
        limits_(limits),
        maintainer_(catalogue),
        space_(space),
        index_(index),
        progress_key_(schema::index_progress_key(space, index)) {}

  Result<bool> step() {
    const auto snapshot = store_.snapshot();
    auto state = SpaceState::load(*snapshot, space_);
    if (!state) return std::move(state).error();
    const HeldIndex* const held = (*state)->indexes().find(index_);
    if (!(*state)->exists() || held == nullptr || !is_unfinished(held->state)) return false;
    Result<void> done;
    if (held->state == IndexState::stale) {
      done = set_state(IndexState::stale, IndexState::dropping);
    } else {
      done = held->state == IndexState::building ? build() : drop(*held);
    }
    if (!done) return std::move(done).error();
    return true;
  }

 private:
  using Function = std::function<Result<void>(kv::Transaction&, const SpaceState&)>;

  /// One transaction, which runs only while the index is in `wanted` state.
  Result<void> run(IndexState wanted, const Function& function) {
    auto done =
        store_.run(kv::step_options(limits_), [&](kv::Transaction& transaction) -> Result<void> {
          transaction.guard(Family::system, schema::space_name_key(space_));
          auto state = SpaceState::load(transaction, space_);
          if (!state) return std::move(state).error();
          if (!(*state)->exists() || (*state)->index_state(index_) != wanted) return {};
          return function(transaction, **state);
        });
    if (!done) return std::move(done).error();
    return {};
  }

  Result<void> set_state(IndexState before, IndexState after) {
    return run(before, [&](kv::Transaction& transaction, const SpaceState& state) {
      IndexSet next = state.indexes();
      next.set_state(index_, after);
      return put_index_set(transaction, state, next);
    });
  }

  Result<IndexProgress> progress(kv::Transaction& transaction) {
    auto stored = index_progress(transaction, space_, index_);
    if (!stored) return std::move(stored).error();
    return std::move(*stored).value_or(IndexProgress{});
  }

  // Building -------------------------------------------------------------------------------------

  Result<void> build() {
    std::size_t rows = kIndexStepRows;
    return run(IndexState::building,
               [&](kv::Transaction& transaction, const SpaceState& state) -> Result<void> {
                 // Beside writers of the same rows each attempt takes fewer.
                 const std::size_t limit = rows;
                 rows = std::max<std::size_t>(1, rows / 2);
                 return build_rows(transaction, state, limit);
               });
  }

  Result<void> build_rows(kv::Transaction& transaction, const SpaceState& state,
                          std::size_t limit) {
    const FoundIndex found = find_index(maintainer_.catalogue(), index_);
    if (!found) return Error(Code::corruption, "an index that is built and not known");
    auto stored = progress(transaction);
    if (!stored) return std::move(stored).error();
    IndexProgress now = std::move(*stored);
    if (now.resume.empty()) {
      auto expected =
          stored_count(transaction, space_, static_cast<std::uint16_t>(found.table->id));
      if (!expected) return std::move(expected).error();
      now.rows_expected = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *expected));
    }
    bool is_end = false;
    auto rows = next_rows(transaction, *found.table, limit, now.resume, is_end);
    if (!rows) return std::move(rows).error();
    for (const KeyAndValue& row : *rows) {
      if (transaction.key_count() >= kStepWrites || transaction.size_bytes() >= kv::kStepBytes) {
        now.resume = row.key;
        is_end = false;
        break;
      }
      // Who writes the row meanwhile conflicts with this step, or this step with that.
      transaction.guard(found.table->family, row.key);
      auto filled = maintainer_.fill(transaction, space_, *found.table, *found.index, row.key,
                                     aligned_.assign(row.value));
      if (!filled) return filled;
      ++now.rows_done;
    }
    if (is_end) return finish_build(transaction, state, *found.index);
    return transaction.put(Family::system, progress_key_, encode(now));
  }

  /// Rows from `resume` on, which moves behind the last key looked at; `is_end` when none is left.
  Result<std::vector<KeyAndValue>> next_rows(kv::Transaction& transaction,
                                             const TableDefinition& table, std::size_t limit,
                                             std::string& resume, bool& is_end) {
    const std::string prefix = table_prefix(space_, table.id);
    const std::string lower = resume.empty() ? prefix : resume;
    const std::string upper = schema::prefix_end(prefix);
    std::vector<KeyAndValue> rows;
    std::size_t bytes = 0;
    std::size_t looked_at = 0;
    const auto cursor =
        transaction.scan(table.family, {.lower = lower, .upper = upper, .fill_cache = false});
    for (; cursor->valid(); cursor->next()) {
      if (rows.size() == limit || looked_at == kStepKeys || bytes >= kv::kStepBytes) return rows;
      ++looked_at;
      resume.assign(cursor->key()).push_back('\0');
      if (!table.is_row(cursor->key())) continue;
      bytes += cursor->value().size();
      rows.push_back({std::string(cursor->key()), std::string(cursor->value())});
    }
    if (auto status = cursor->status(); !status) return std::move(status).error();
    is_end = true;
    return rows;
  }

  /// The switch: from this commit on finders use the index, and what it replaces goes.
  Result<void> finish_build(kv::Transaction& transaction, const SpaceState& state,
                            const IndexDefinition& index) {
    IndexSet next = state.indexes();
    next.set_state(index_, IndexState::ready);
    for (std::optional<IndexId> old = index.replaces; old;) {
      next.set_state(*old, IndexState::dropping);
      const FoundIndex found = find_index(maintainer_.catalogue(), *old);
      old = found ? found.index->replaces : std::nullopt;
    }
    return put_index_set(transaction, state, next);
  }

  // Removing -------------------------------------------------------------------------------------

  Result<void> drop(const HeldIndex& held) {
    if (auto done = clear_count(); !done) return done;
    if (held.part != 0) return drop_part(held);
    const std::string lower = index_prefix(space_, index_);
    auto erased = store_.erase_range(held.family, lower, schema::prefix_end(lower));
    if (!erased) return erased;
    return run(IndexState::dropping, [&](kv::Transaction& transaction, const SpaceState& state) {
      return finish_drop(transaction, state);
    });
  }

  Result<void> finish_drop(kv::Transaction& transaction, const SpaceState& state) {
    IndexSet next = state.indexes();
    if (is_wanted(maintainer_.catalogue(), index_)) {
      next.set_state(index_, IndexState::building);
    } else {
      next.erase(index_);
    }
    return put_index_set(transaction, state, next);
  }

  /// Nobody counts its entries any more: every writer conflicted with the commit that said so.
  Result<void> clear_count() {
    const auto counter = static_cast<std::uint16_t>(index_);
    auto left = stored_count(store_, space_, counter);
    if (!left) return std::move(left).error();
    if (*left == 0) return {};
    return run(IndexState::dropping,
               [&](kv::Transaction& transaction, const SpaceState&) -> Result<void> {
                 auto count = stored_count(transaction, space_, counter);
                 if (!count) return std::move(count).error();
                 if (*count == 0) return {};
                 return transaction.add({schema::counters_key(space_), counter, -*count});
               });
  }

  /// Entries among the messages, conversation by conversation.
  Result<void> drop_part(const HeldIndex& held) {
    return run(IndexState::dropping,
               [&](kv::Transaction& transaction, const SpaceState& state) -> Result<void> {
                 auto stored = progress(transaction);
                 if (!stored) return std::move(stored).error();
                 bool is_end = false;
                 auto keys = next_part_keys(transaction, held, *stored, is_end);
                 if (!keys) return std::move(keys).error();
                 for (const std::string& key : *keys) {
                   if (auto done = transaction.erase(held.family, key); !done) return done;
                 }
                 if (is_end) return finish_drop(transaction, state);
                 stored->rows_done += keys->size();
                 return transaction.put(Family::system, progress_key_, encode(*stored));
               });
  }

  Result<std::vector<std::string>> next_part_keys(kv::Transaction& transaction,
                                                  const HeldIndex& held, IndexProgress& progress,
                                                  bool& is_end) {
    const std::string prefix = table_prefix(space_, schema::TableId::messages);
    const std::string lower = progress.resume.empty() ? prefix : progress.resume;
    const std::string upper = schema::prefix_end(prefix);
    const char part = static_cast<char>(held.part);
    std::vector<std::string> keys;
    std::size_t looked_at = 0;
    is_end = false;
    const auto cursor =
        transaction.scan(held.family, {.lower = lower, .upper = upper, .fill_cache = false});
    for (; cursor->valid(); cursor->next()) {
      if (looked_at == kStepKeys) return keys;
      ++looked_at;
      const std::string_view key = cursor->key();
      progress.resume.assign(key).push_back('\0');
      if (key.size() > kPartAt && key[kPartAt] == part) keys.emplace_back(key);
    }
    if (auto status = cursor->status(); !status) return std::move(status).error();
    is_end = true;
    return keys;
  }

  kv::Store& store_;
  const kv::Limits* const limits_;
  const Maintainer maintainer_;
  const SpaceNumber space_;
  const IndexId index_;
  const std::string progress_key_;
  AlignedBytes aligned_;
};

}  // namespace

Result<bool> index_step(kv::Store& store, const Catalogue& catalogue, SpaceNumber space,
                        IndexId index, const kv::Limits* limits) {
  return IndexWork(store, catalogue, space, index, limits).step();
}

Result<std::optional<IndexProgress>> index_progress(kv::Reader& reader, SpaceNumber space,
                                                    IndexId index) {
  const std::string key = schema::index_progress_key(space, index);
  kv::Value value;
  auto found = reader.get(Family::system, key, value);
  if (!found) return std::move(found).error();
  if (!*found) return std::optional<IndexProgress>();
  auto progress = decode_progress(value.view());
  if (!progress) {
    return Error(Code::corruption, "damaged system row at key " + schema::to_hex(key));
  }
  return progress;
}

}  // namespace callisto::indexes
