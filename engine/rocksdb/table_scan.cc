#include "engine/rocksdb/table_scan.h"

#include <rocksdb/snapshot.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/ended_cursor.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/direct_reads.h"
#include "engine/rocksdb/reader.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/table_run.h"

namespace callisto::kv {
namespace {

/// More files that overlap are RocksDB's to merge.
constexpr std::size_t kMostRuns = 8;

/// Blocks that are read at first. Twenty messages lie in two or three, which are known to be
/// wanted; of a list of an index nobody knows how much will be.
std::size_t blocks_at_once(Family family) { return family == Family::messages ? 4 : 1; }

/// Whether all files that will be asked are loaded. Where a snapshot is kept, what comes later may
/// turn out not to be: RocksDB goes on then, at the same state.
bool load(const std::vector<OpenTable*>& tables, bool is_kept) {
  // A range of more is no list that somebody waits for.
  constexpr std::size_t kMostLoaded = 16;
  if (is_kept) return tables.front()->load();
  std::size_t loaded = 0;
  return std::all_of(tables.begin(), tables.end(), [&](OpenTable* table) {
    return table->is_loaded() || (++loaded <= kMostLoaded && table->load());
  });
}

using Runs = std::vector<std::unique_ptr<EntryRun>>;

/// The runs of a range; nullopt where there are too many, or one is not to be read.
std::optional<Runs> runs_of(const TableView& view, bool is_kept, Family family,
                            const Bounds& bounds) {
  const std::size_t prefix = view.filter_prefix_bytes();
  const bool has_prefix = prefix != 0 && bounds.upper.starts_with(bounds.lower.substr(0, prefix)) &&
                          bounds.lower.size() >= prefix;
  const std::uint64_t hash = has_prefix ? KeyFilter::hash(bounds.lower, prefix) : std::uint64_t{0};
  const auto is_wanted = [&](const OpenTable& table) {
    return table.facts().smallest_key < bounds.upper && table.facts().largest_key >= bounds.lower &&
           (!has_prefix || table.may_hold(hash));
  };
  Runs runs;
  const auto add = [&](std::vector<OpenTable*> tables) {
    if (tables.empty()) return true;
    if (runs.size() == kMostRuns || !load(tables, is_kept)) return false;
    runs.push_back(
        std::make_unique<TableRun>(std::move(tables), bounds.upper, blocks_at_once(family)));
    return true;
  };
  for (const auto& table : view.level_0()) {
    if (is_wanted(*table) && !add({table.get()})) return std::nullopt;
  }
  for (const TableView::Tables& level : view.levels()) {
    std::vector<OpenTable*> tables;
    for (std::size_t i = TableView::place_in(level, bounds.lower);
         i < level.size() && level[i]->facts().smallest_key < bounds.upper; ++i) {
      if (is_wanted(*level[i])) tables.push_back(level[i].get());
    }
    if (!add(std::move(tables))) return std::nullopt;
  }
  return runs;
}

/// Merges runs of files and of what memtables hold, and shows what one sequence number sees.
class TableScan final : public Cursor {
 public:
  TableScan(std::shared_ptr<const Database> database, const rocksdb::Snapshot* snapshot,
            std::uint64_t max_sequence, Family family, const Bounds& bounds,
            DirectReads::Pin tables, Runs runs, StateMark mark)
      : database_(std::move(database)),
        snapshot_(snapshot),
        family_(family),
        upper_(bounds.upper),
        from_(bounds.lower),
        max_sequence_(max_sequence),
        mark_(mark),
        tables_(std::move(tables)),
        runs_(std::move(runs)) {
    seek_runs(from_);
  }

  bool valid() const override { return below_ != nullptr ? below_->valid() : current_ != nullptr; }
  std::string_view key() const override {
    return below_ != nullptr ? below_->key() : current_->entry().key;
  }
  std::string_view value() const override {
    return below_ != nullptr ? below_->value() : current_->entry().value;
  }
  Result<void> status() const override {
    if (failure_) return *failure_;
    return below_ != nullptr ? below_->status() : Result<void>();
  }

  void next() override {
    if (below_ != nullptr) return below_->next();
    if (current_ == nullptr) return;
    leave(current_->entry().key);
    if (!current_->next()) return go_on_below();
    settle();
  }

  void seek(std::string_view target) override {
    if (below_ != nullptr) return below_->seek(target);
    if (current_ == nullptr || target <= key()) return;
    if (target >= upper_) {
      current_ = nullptr;
      return;
    }
    is_left_ = false;
    from_.assign(target);
    seek_runs(from_);
  }

  std::optional<DamagedRange> skip_damage(std::string_view read) override {
    return below_ != nullptr ? below_->skip_damage(read) : std::nullopt;
  }

 private:
  void seek_runs(std::string_view target) {
    for (const auto& run : runs_) {
      if (run->valid() && run->entry().key >= target) continue;
      if (!run->seek(target)) return go_on_below();
    }
    settle();
  }

  /// What is older of a key that was shown, or is deleted, is passed over.
  void leave(std::string_view key) {
    from_.assign(key);
    is_left_ = true;
  }

  EntryRun* least() {
    EntryRun* least = nullptr;
    for (const auto& run : runs_) {
      if (!run->valid()) continue;
      if (least != nullptr) {
        const int order = run->entry().key.compare(least->entry().key);
        if (order > 0 || (order == 0 && run->entry().sequence < least->entry().sequence)) continue;
      }
      least = run.get();
    }
    return least;
  }

  /// To the next entry that is to be shown.
  void settle() {
    while (true) {
      current_ = least();
      if (current_ == nullptr) return;
      const TableEntry& entry = current_->entry();
      const bool is_older = is_left_ && entry.key == from_;
      if (!is_older && entry.sequence <= max_sequence_) {
        if (!entry.is_deletion) return;
        leave(entry.key);
      }
      if (!current_->next()) return go_on_below();
    }
  }

  /// With RocksDB's scan of what is left: it knows what is wrong with a file, and reads round it.
  void go_on_below() {
    current_ = nullptr;
    if (is_left_) from_.push_back('\0');
    if (from_ >= upper_) {
      below_ = ended_cursor({});
      return;
    }
    const Bounds rest{.lower = from_, .upper = upper_};
    below_ = open_scan_below(database_, snapshot_, family_, rest);
    if (snapshot_ != nullptr || database_->state_mark() == mark_) return;
    below_.reset();
    failure_ = Error(Code::corruption, "scan of " + std::string(to_string(family_)) + " at " +
                                           key_in_words(from_) + ": a table file cannot be read");
  }

  const std::shared_ptr<const Database> database_;
  const rocksdb::Snapshot* const snapshot_;
  const Family family_;
  const std::string upper_;
  /// Where the scan is: before it everything was shown, and the key itself where is_left_.
  std::string from_;
  bool is_left_ = false;
  const std::uint64_t max_sequence_;
  const StateMark mark_;
  const DirectReads::Pin tables_;
  Runs runs_;
  EntryRun* current_ = nullptr;
  std::unique_ptr<Cursor> below_;
  std::optional<Error> failure_;
};

std::unique_ptr<Cursor> open_at(const std::shared_ptr<const Database>& database,
                                const rocksdb::Snapshot* snapshot, DirectReads::State state,
                                Family family, const Bounds& bounds) {
  if (database->direct() == nullptr || bounds.reverse || !bounds.fill_cache) return nullptr;
  const std::uint64_t loads = database->loads();
  MemtableRows recent;
  auto tables = database->direct()->pin_range(family, state, bounds.lower, bounds.upper, recent);
  if (tables == nullptr) return nullptr;
  auto runs = runs_of(*tables, state.is_kept, family, bounds);
  if (!runs) return nullptr;
  if (!recent.empty()) runs->push_back(std::make_unique<MemtableRun>(std::move(recent)));
  const StateMark mark{state.sequence, loads};
  database->direct()->note_read();
  return std::make_unique<TableScan>(database, snapshot, state.sequence, family, bounds,
                                     std::move(tables), *std::move(runs), mark);
}

}  // namespace

std::unique_ptr<Cursor> open_table_scan(const std::shared_ptr<const Database>& database,
                                        const rocksdb::Snapshot* snapshot, Family family,
                                        const Bounds& bounds) {
  if (snapshot != nullptr) {
    const auto state = DirectReads::State::kept(snapshot->GetSequenceNumber());
    return open_at(database, snapshot, state, family, bounds);
  }
  return open_at(database, nullptr, DirectReads::State::latest(), family, bounds);
}

std::unique_ptr<Cursor> open_scan_at(const std::shared_ptr<const Database>& database,
                                     std::uint64_t sequence, Family family, const Bounds& bounds) {
  if (bounds.lower >= bounds.upper) return nullptr;
  return open_at(database, nullptr, DirectReads::State::past(sequence), family, bounds);
}

}  // namespace callisto::kv
