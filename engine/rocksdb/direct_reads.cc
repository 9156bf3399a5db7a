#include "engine/rocksdb/direct_reads.h"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>

#include <algorithm>
#include <map>
#include <new>
#include <utility>

#include "engine/cache/brief_lock.h"
#include "engine/rocksdb/options.h"
#include "engine/rocksdb/skip_list.h"
#include "engine/thread_index.h"

namespace callisto::kv {
namespace {

// Most are where a store is only read.
bool is_empty(MemtableRows::Memtables memtables) noexcept {
  return std::all_of(memtables.begin(), memtables.end(),
                     [](const SkipList* entries) { return entries->first() == nullptr; });
}

/// Entries that a memtable holds now, whatever their kind.
std::uint64_t entries_in_memtables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle) {
  std::uint64_t active = 1;
  std::uint64_t sealed = 1;
  const bool is_told =
      db.GetIntProperty(handle, rocksdb::DB::Properties::kNumEntriesActiveMemTable, &active) &&
      db.GetIntProperty(handle, rocksdb::DB::Properties::kNumEntriesImmMemTables, &sealed);
  return is_told ? active + sealed : 1;
}

}  // namespace

/// Holds every stripe.
class DirectReads::AllStripes {
 public:
  explicit AllStripes(DirectReads& of) : of_(of) {
    for (Stripe& stripe : of_.stripes_) BriefLock::acquire(stripe.busy);
  }
  AllStripes(const AllStripes&) = delete;
  AllStripes& operator=(const AllStripes&) = delete;
  ~AllStripes() {
    for (Stripe& stripe : of_.stripes_) BriefLock::release(stripe.busy);
  }

 private:
  DirectReads& of_;
};

DirectReads::DirectReads(const MemoryPlan& plan)
    : room_(std::make_shared<TableRoom>(plan.table_index_bytes, plan.direct_files,
                                        plan.kept_block_bytes)) {
  ids_.fill(kFamilyIds);
  constexpr std::size_t kUsual = 8;
  for (Known& known : known_) {
    known.memtables.reserve(kUsual);
    known.entries.reserve(kUsual);
  }
}

DirectReads::~DirectReads() = default;

void DirectReads::begin(rocksdb::DB& db,
                        const std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount>& handles,
                        std::shared_ptr<rocksdb::FileSystem> files) {
  const std::lock_guard lock(refresh_mutex_);
  db_ = &db;
  handles_ = handles;
  files_ = std::move(files);
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    ids_[i] = std::min<std::uint32_t>(handles[i]->GetID(), kFamilyIds);
    if (ids_[i] == kFamilyIds) continue;
    const auto family = static_cast<Family>(i);
    if (entries_in_memtables(db, handles[i]) != 0) {
      refuse_memtables(family, db.GetLatestSequenceNumber());
    }
    refresh(family);
  }
}

void DirectReads::end() {
  std::array<std::array<Pin, kFamilyCount>, kStripes> dropped;
  const std::lock_guard lock(refresh_mutex_);
  const AllStripes all(*this);
  for (std::size_t i = 0; i < kStripes; ++i) dropped[i].swap(stripes_[i].tables);
  for (Known& known : known_) known.is_current = false;
  db_ = nullptr;
}

// A memtable may be here still that has become a file, as long as somebody holds it, and a later
// one be gone whose deletions are in no file any more: what it holds means nothing. Those that are
// not known to be files are the last ones, without a gap, as `is_current` says: so of a key, what
// they hold is newer than what files do, but for files that were linked in past them.
template <class TakeRecent>
bool DirectReads::take_recent_of(std::size_t id, MemtableRows& recent,
                                 const TakeRecent& take_recent) const {
  const Known& known = known_[id];
  const auto is_file = [&](const Memtable& memtable) {
    return memtable.newest_sequence->load(std::memory_order_relaxed) <=
           upkeep_[id].settled_sequence;
  };
  const auto is_passed = [&](const Memtable& memtable) {
    return memtable.number <= known.last_passed;
  };
  const std::vector<Memtable>& all = known.memtables;
  const auto live = std::find_if_not(all.begin(), all.end(), is_file) - all.begin();
  const auto fresh = std::find_if_not(all.begin() + live, all.end(), is_passed) - all.begin();
  const MemtableRows::Memtables entries = known.entries;
  const auto passed =
      entries.subspan(static_cast<std::size_t>(live), static_cast<std::size_t>(fresh - live));
  if (!passed.empty() && (!take_recent(passed) || !recent.empty())) return false;
  return take_recent(entries.subspan(static_cast<std::size_t>(fresh)));
}

template <class TakeRecent>
DirectReads::Pin DirectReads::pin_with(Family family, State& state, MemtableRows& recent,
                                       const TakeRecent& take_recent) {
  recent.clear();
  const auto place = static_cast<std::size_t>(family);
  Stripe& stripe = stripes_[thread_index() % kStripes];
  const BriefLock lock(stripe.busy);
  const Pin& tables = stripe.tables[place];
  if (tables == nullptr) return nullptr;
  const Known& known = known_[ids_[place]];
  if (!known.is_current || known.memtables.empty() ||
      known.memtables.front().number <= known.last_refused) {
    return nullptr;
  }
  // Not before: a load may have come since, whose rows are shown in every state.
  if (state.is_latest()) state.sequence = db_->GetLatestSequenceNumber();
  // What was written since may be in them, and what it replaced gone.
  if (!state.is_kept && tables->flushed_sequence() > state.sequence) return nullptr;
  if (!take_recent_of(ids_[place], recent, take_recent)) return nullptr;
  if (!is_asked_[place].load(std::memory_order_relaxed)) {
    is_asked_[place].store(true, std::memory_order_relaxed);
  }
  return tables;
}

DirectReads::Pin DirectReads::pin(Family family, State& state, std::span<const std::string> keys,
                                  MemtableRows& recent) {
  // They are looked for under a lock that is held for moments.
  constexpr std::size_t kMostSought = 256;
  return pin_with(family, state, recent, [&](MemtableRows::Memtables memtables) {
    if (is_empty(memtables)) return true;
    if (keys.size() > kMostSought) return false;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!recent.take_key(memtables, keys[i], state.sequence, i)) return false;
    }
    return true;
  });
}

DirectReads::Pin DirectReads::pin(Family family, State& state, std::string_view key,
                                  MemtableRows& recent) {
  return pin_with(family, state, recent, [&](MemtableRows::Memtables memtables) {
    return recent.take_key(memtables, key, state.sequence, 0);
  });
}

DirectReads::Pin DirectReads::pin_range(Family family, State& state, std::string_view lower,
                                        std::string_view upper, MemtableRows& recent) {
  return pin_with(family, state, recent, [&](MemtableRows::Memtables memtables) {
    return recent.take_range(memtables, lower, upper, state.sequence);
  });
}

void DirectReads::note_read() noexcept {
  stripes_[thread_index() % kStripes].reads.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t DirectReads::reads() const noexcept {
  std::uint64_t reads = 0;
  for (const Stripe& stripe : stripes_) reads += stripe.reads.load(std::memory_order_relaxed);
  return reads;
}

/// Ranges that were erased are no entries of it.
std::uint64_t DirectReads::newest_of(const Memtable& memtable, const Known& known,
                                     const Upkeep& upkeep) noexcept {
  const std::uint64_t newest = memtable.newest_sequence->load(std::memory_order_relaxed);
  return memtable.number <= known.last_refused ? std::max(newest, upkeep.erased_sequence) : newest;
}

void DirectReads::add_memtable(std::uint32_t family_id, const SkipList& entries,
                               const std::atomic<std::uint64_t>& newest_sequence) {
  if (family_id >= kFamilyIds) return;
  const AllStripes all(*this);
  Known& known = known_[family_id];
  known.entries.reserve(known.entries.size() + 1);  // of both, or of none
  known.memtables.push_back({&newest_sequence, ++memtables_made_});
  known.entries.push_back(&entries);
}

void DirectReads::remove_memtable(std::uint32_t family_id, const SkipList& entries) {
  if (family_id >= kFamilyIds) return;
  const AllStripes all(*this);
  Known& known = known_[family_id];
  Upkeep& upkeep = upkeep_[family_id];
  const auto place = std::find(known.entries.begin(), known.entries.end(), &entries);
  const auto gone = known.memtables.begin() + (place - known.entries.begin());
  const std::uint64_t newest = newest_of(*gone, known, upkeep);
  known.memtables.erase(gone);
  known.entries.erase(place);
  upkeep.gone_sequence = std::max(upkeep.gone_sequence, newest);
  if (newest <= upkeep.pinned_sequence) return;
  known.is_current = false;
  ++upkeep.changes;
}

void DirectReads::begin_change(Family family) {
  const AllStripes all(*this);
  if (id_of(family) == kFamilyIds) return;
  known_[id_of(family)].is_current = false;
  ++upkeep_[id_of(family)].changing;
}

void DirectReads::refuse_memtables(Family family, std::uint64_t erased_sequence) noexcept {
  const AllStripes all(*this);
  known_[id_of(family)].last_refused = memtables_made_;
  upkeep_[id_of(family)].erased_sequence = erased_sequence;
}

void DirectReads::end_change(Family family, std::uint64_t erased_sequence) noexcept {
  if (id_of(family) == kFamilyIds) return;
  if (erased_sequence != 0) refuse_memtables(family, erased_sequence);
  {
    const AllStripes all(*this);
    Upkeep& upkeep = upkeep_[id_of(family)];
    --upkeep.changing;
    ++upkeep.changes;
    known_[id_of(family)].last_passed = memtables_made_;
  }
  const std::lock_guard lock(refresh_mutex_);
  refresh(family);
}

// A memtable that has become a file is gone, or sealed, and so not the last of its family. It may
// be that nobody was told of it yet.
std::uint64_t DirectReads::flushed_sequence(Family family) {
  const AllStripes all(*this);
  const Upkeep& upkeep = upkeep_[id_of(family)];
  const Known& known = known_[id_of(family)];
  std::uint64_t newest = upkeep.gone_sequence;
  for (std::size_t i = 0; i + 1 < known.memtables.size(); ++i) {
    newest = std::max(newest, newest_of(known.memtables[i], known, upkeep));
  }
  return newest;
}

std::shared_ptr<const TableView> DirectReads::read_view(Family family, const TableView* before) {
  std::map<std::uint64_t, std::shared_ptr<OpenTable>> known;
  const auto remember = [&](const TableView::Tables& tables) {
    for (const auto& table : tables) known.emplace(table->facts().number, table);
  };
  if (before != nullptr) {
    remember(before->level_0());
    for (const TableView::Tables& level : before->levels()) remember(level);
  }
  rocksdb::ColumnFamilyMetaData meta;
  db_->GetColumnFamilyMetaData(handles_[static_cast<std::size_t>(family)], &meta);
  TableView::Tables level_0;
  std::vector<TableView::Tables> levels;
  for (const rocksdb::LevelMetaData& level : meta.levels) {
    TableView::Tables tables;
    for (const rocksdb::SstFileMetaData& file : level.files) {
      std::shared_ptr<OpenTable>& table = known[file.file_number];
      if (table == nullptr) {
        table = std::make_shared<OpenTable>(
            TableFacts{.path = file.directory + "/" + file.relative_filename,
                       .number = file.file_number,
                       .bytes = file.size,
                       .smallest_key = file.smallestkey,
                       .largest_key = file.largestkey,
                       .entries = file.num_entries,
                       .smallest_sequence = file.smallest_seqno},
            files_, room_);
      }
      tables.push_back(table);
    }
    if (level.level == 0) {
      level_0 = std::move(tables);
    } else if (!tables.empty()) {
      levels.push_back(std::move(tables));
    }
  }
  return std::make_shared<const TableView>(std::move(level_0), std::move(levels),
                                           prefix_bytes(family), flushed_sequence(family));
}

DirectReads::Pin DirectReads::refresh(Family family) noexcept {
  // A memtable that goes meanwhile may be in what was listed, or not.
  constexpr int kAttempts = 3;
  Pin pinned;
  try {
    for (int i = 0; i < kAttempts && !try_refresh(family, pinned); ++i) {
    }
  } catch (const std::bad_alloc&) {
    pinned.reset();
  }
  return pinned;
}

/// False where something changed meanwhile that the tables may lack.
bool DirectReads::try_refresh(Family family, Pin& pinned) {
  const std::size_t id = id_of(family);
  if (db_ == nullptr || id == kFamilyIds) return true;
  const auto place = static_cast<std::size_t>(family);
  Pin before;
  Upkeep then;
  {
    const AllStripes all(*this);
    before = stripes_[0].tables[place];
    then = upkeep_[id];
  }
  pinned = read_view(family, before.get());
  std::array<Pin, kStripes> pins;
  if (pinned->is_sound()) {
    // Through an object of its own each, so that each counts by itself.
    for (Pin& pin : pins) {
      const auto holder = std::make_shared<const Pin>(pinned);
      pin = Pin(holder, pinned.get());
    }
  }
  const AllStripes all(*this);
  for (std::size_t i = 0; i < kStripes; ++i) stripes_[i].tables[place].swap(pins[i]);
  Upkeep& upkeep = upkeep_[id];
  upkeep.pinned_sequence = then.flushed_sequence;
  upkeep.settled_sequence = std::max(then.flushed_sequence, then.gone_sequence);
  if (upkeep.changes != then.changes) return false;
  known_[id].is_current = upkeep.changing == 0;
  return true;
}

// What readers would otherwise have to wait for, at the first question to each new file.
void DirectReads::load_ahead(const TableView& view, Family family) {
  const auto load = [&](const TableView::Tables& tables, bool has_filter) {
    for (const auto& table : tables) {
      if (table->load() && has_filter && family != Family::indexes) {
        table->make_filter(view.filter_prefix_bytes());
      }
    }
  };
  load(view.level_0(), true);
  for (std::size_t i = 0; i < view.levels().size(); ++i) {
    load(view.levels()[i], i + 1 < view.levels().size());
  }
}

void DirectReads::OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) {
  if (info.cf_id >= kFamilyIds) return;
  {
    const AllStripes all(*this);
    std::uint64_t& flushed = upkeep_[info.cf_id].flushed_sequence;
    flushed = std::max<std::uint64_t>(flushed, info.largest_seqno);
  }
  refresh_after_work(info.cf_id);
}

void DirectReads::OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) {
  refresh_after_work(info.cf_id);
}

// In a thread of RocksDB's, which an exception would end the process in.
void DirectReads::refresh_after_work(std::uint32_t family_id) noexcept {
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    Pin pinned;
    {
      const std::lock_guard lock(refresh_mutex_);
      if (ids_[i] != family_id) continue;
      pinned = refresh(family);
    }
    if (pinned == nullptr || !is_asked_[i].exchange(false)) continue;
    try {
      load_ahead(*pinned, family);
    } catch (const std::bad_alloc&) {
      // Who asks loads what he asks.
    }
  }
}

}  // namespace callisto::kv
