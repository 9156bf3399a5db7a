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
  /// Large deletes and merges whose steps are not done.
  std::uint64_t pending_work = 0;
};

struct TableStats {
  std::uint64_t records = 0;  ///< Exact.
  std::uint64_t bytes = 0;    ///< On disk and in memtables; an estimate.
};

enum class IndexState : std::uint8_t { ready = 0, building = 1, disabled = 2 };

struct IndexStats {
  std::uint64_t entries = 0;  ///< Exact.
  std::uint64_t bytes = 0;    ///< An estimate.
  IndexState state = IndexState::ready;
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
  /// As CallLimits. A repair keeps what it has written; the files' checksums are read to the end.
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
  std::uint64_t pending = 0;      ///< Records that unfinished work will remove: not a defect.
  std::uint64_t repaired = 0;
  bool ok = true;                 ///< No defect (after a repair: none that is left).
  std::vector<Defect> defects{};    ///< The first 100.
};

}  // namespace callisto
