#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "callisto/error.h"
#include "callisto/result.h"

namespace callisto {

/// Whether the store can be written, and if not, what stopped it.
struct Health {
  bool writable = true;
  /// The first failure of a write; writes answer `unavailable` from then on, until the store is
  /// closed and opened again. Code::closed when the store is closed.
  std::optional<Error> failure{};
  /// What was found missing when the store was opened with Options::accept_data_loss: `data_loss`.
  std::optional<Error> data_lost{};
  /// Why a later loss of what is committed now might go unnoticed: the WATERMARK cannot be written.
  /// Commits are as safe as ever.
  std::optional<Error> unguarded{};
  /// The clock was seen behind the newest message by more than a minute.
  bool clock_suspect = false;
  /// Large deletes, merges, and builds and removals of indexes, whose steps are not done.
  std::uint64_t pending_work = 0;
};

struct TableStats {
  std::uint64_t records = 0;  ///< Exact.
  std::uint64_t bytes = 0;    ///< On disk and in memtables; an estimate.
};

enum class IndexState : std::uint8_t {
  ready = 0,     ///< Complete: queries use it.
  building = 1,  ///< Being built beside writers, which keep it too; queries do without it.
  disabled = 2,  ///< Switched off.
  dropping = 3,  ///< Being removed: its definition is gone or replaced, or it is to be built anew.
  absent = 4,    ///< The store does not hold it: no writer that knows it has opened the store.
  stale = 5,     ///< To be built anew, when its turn comes; until then queries use it as it is.
};

struct IndexStats {
  std::uint64_t entries = 0;  ///< Exact; of an index that is being built, those that are there.
  std::uint64_t bytes = 0;    ///< An estimate.
  IndexState state = IndexState::ready;  ///< Over all spaces the least ready.
  /// While it is being built: rows taken, of about how many.
  std::uint64_t rows_done = 0;
  std::uint64_t rows_expected = 0;
};

/// An index of one space that is not as this program's definitions ask for.
struct IndexWork {
  std::string space{};
  std::string index{};  ///< Its name; the number (0x01f1) of one that this program does not know.
  IndexState state = IndexState::building;
  std::uint64_t rows_done = 0;      ///< Rows taken so far, by a build.
  std::uint64_t rows_expected = 0;  ///< About how many there are.
};

struct UpgradeReport {
  std::uint32_t format_version = 0;  ///< Of the store; the one that this program writes.
  /// What there is to do, or with `dry_run` would be: builds (building, absent) and removals.
  std::vector<IndexWork> work{};
  bool is_done = false;  ///< Nothing is left to do.
};

struct Stats {
  /// By name; summed over all spaces.
  std::map<std::string, TableStats> tables{};
  std::map<std::string, IndexStats> indexes{};
  std::uint64_t disk_bytes = 0;
  std::uint64_t memory_budget_bytes = 0;
  std::uint64_t block_cache_bytes = 0;
  std::uint64_t memtable_bytes = 0;
  std::uint64_t commits = 0;    ///< Since the store was opened.
  std::uint64_t conflicts = 0;  ///< Attempts that were turned away since then.
};

struct VerifyOptions {
  /// Writes the missing entries, removes the dangling and the wrong ones.
  bool repair = false;
  /// Reads every table file and compares its checksums too.
  bool checksums = true;
  /// As CallLimits. A repair keeps what it has written.
  std::uint32_t deadline_ms = 0;
  std::stop_token cancel{};
};

/// One thing that is not as it must be. Texts and values stay out of it.
struct Defect {
  std::string kind{};   ///< "dangling", "missing", "wrong", "undecodable", "orphan", "unreadable".
  std::string table{};  ///< Table or index.
  std::string key{};    ///< Hexadecimal.
  std::string detail{};
};

struct VerifyReport {
  std::uint64_t checked = 0;      ///< Records and entries that were compared.
  std::uint64_t dangling = 0;     ///< Entries whose record is not there.
  std::uint64_t missing = 0;      ///< Entries that should be there.
  std::uint64_t wrong = 0;        ///< Entries or counts with another value than the records give.
  std::uint64_t undecodable = 0;  ///< Records or keys that cannot be read.
  std::uint64_t unreadable = 0;   ///< Key ranges in damaged table files: what lies there is unknown.
  std::uint64_t orphans = 0;      ///< Records whose owner is not there.
  /// What unfinished work explains, not a defect: records that it will remove; entries that a build
  /// has not put yet, or that belong to an index that is being removed.
  std::uint64_t pending = 0;
  std::uint64_t repaired = 0;
  bool ok = true;                 ///< No defect (after a repair: none that is left).
  std::vector<Defect> defects{};  ///< The first 100.
};

}  // namespace callisto
