#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "callisto/error.h"
#include "callisto/export.h"
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

/// How many calls took at most so long.
struct LatencyBucket {
  std::uint64_t at_most_ns = 0;
  std::uint64_t calls = 0;
};

/// One kind of call since the store was opened, by this process, whatever its answer. Calls in the
/// function of transact() are a part of it. Durations are those of calls that were timed: of each
/// kind, in each thread, the first 64, what follows one of 16 us or more, and of the others one in
/// 1 to 127; each stands for those since the last one. So `count` is exact, the rest an estimate
/// where `timed` is less. Quantiles are within 1/32 of a duration that was measured.
struct CallStats {
  std::uint64_t count = 0;
  std::uint64_t timed = 0;
  std::uint64_t covered = 0;  ///< Calls that the timed ones stand for; what the buckets add up to.
  std::uint64_t sum_ns = 0;   ///< Of the calls that are covered.
  std::uint64_t p50_ns = 0;
  std::uint64_t p90_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t p999_ns = 0;  ///< 99.9 %.
  std::uint64_t max_ns = 0;   ///< The longest that was timed.
  /// Rising, each with those before it: powers of two from 64 ns to 17 s. Longer ones are in none.
  std::vector<LatencyBucket> buckets{};
};

/// A cache since the store was opened.
struct CacheStats {
  std::uint64_t hits = 0;           ///< With an answer, or with the knowledge that there is none.
  std::uint64_t misses = 0;
  std::uint64_t negative_hits = 0;  ///< Hits that told that there is nothing.
  std::uint64_t fills = 0;
  std::uint64_t evictions = 0;      ///< Entries that made room for others.
  std::uint64_t invalidations = 0;  ///< Entries that a commit replaced or dropped.
  std::uint64_t bytes = 0;          ///< Now.
  std::uint64_t entries = 0;        ///< Now.
  /// 0 where nothing was asked.
  double hit_rate() const noexcept {
    const std::uint64_t asked = hits + misses;
    return asked == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(asked);
  }
};

/// One level of the table files: what lies there now, and what was read of and written to it since
/// the store was opened, by calls and by compactions.
struct LevelStats {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t read_bytes = 0;     ///< From the disk or the system's cache. Writers only.
  std::uint64_t written_bytes = 0;
};

/// What reached the files since the store was opened. A read-only store has levels only.
struct DiskStats {
  std::vector<LevelStats> levels{};  ///< From level 0 on; the last one holds something.
  std::uint64_t committed_bytes = 0;  ///< Records, index entries and counts, as commits wrote them.
  std::uint64_t log_bytes = 0;        ///< Written to the log.
  std::uint64_t log_syncs = 0;
  std::uint64_t flushes = 0;          ///< Table files written from memory.
  std::uint64_t flushed_bytes = 0;
  std::uint64_t compactions = 0;
  std::uint64_t compaction_read_bytes = 0;
  std::uint64_t compaction_written_bytes = 0;
  /// How often writers began to be slowed down, and to be stopped, as table files were behind.
  std::uint64_t slowdowns = 0;
  std::uint64_t stops = 0;
  std::uint64_t stall_micros = 0;  ///< What writers waited for that.
  /// Rows and scans that were read from memory and table files without RocksDB and its block cache.
  std::uint64_t direct_reads = 0;
  std::uint64_t direct_index_bytes = 0;  ///< Memory of the indexes for these, of the budget.
  /// Bytes written by flushes and compactions for each byte that was committed; without the log.
  /// 0 where nothing was committed.
  double write_amplification() const noexcept {
    if (committed_bytes == 0) return 0.0;
    return static_cast<double>(flushed_bytes + compaction_written_bytes) /
           static_cast<double>(committed_bytes);
  }
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
  /// By name ("messages.latest", "transact"): those that were made. Empty where
  /// Options::statistics is off, as are reads of levels, the log's bytes and the block cache's hits.
  std::map<std::string, CallStats> calls{};
  DiskStats disk{};
  CacheStats block_cache{};   ///< RocksDB's blocks of table files; hits, misses and bytes only.
  /// Blocks that were read without RocksDB (DiskStats::direct_reads); misses are those that were read.
  CacheStats direct_blocks{};
  CacheStats record_cache{};  ///< Committed records.
  CacheStats list_cache{};    ///< The newest entries of lists.
};

/// Label and value.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// `stats` in Prometheus' text format 0.0.4, the answer to a scrape (content type "text/plain;
/// version=0.0.4"). Names begin with callisto_, units are seconds and bytes, times of calls are
/// histograms. `labels` stand on every line, as {{"store", "main"}} where a process has several
/// stores; one whose name is not of letters, digits and _, no digit first, is left out.
CALLISTO_API std::string prometheus_text(const Stats& stats, const MetricLabels& labels = {});

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
