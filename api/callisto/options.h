#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "callisto/environment.h"

namespace callisto {

/// What a commit that returned survives.
enum class Durability : std::uint8_t {
  buffered = 0,  ///< A crash of the process, not of the machine. The default.
  synced = 1,    ///< A crash of the machine too: on disk when the call returns (one fdatasync).
};

/// How a store is opened.
enum class OpenMode : std::uint8_t {
  create = 0,     ///< Read and write; made when it is absent. The default.
  existing = 1,   ///< Read and write; `not_found` when there is no store.
  read_only = 2,  ///< Beside a live writer or alone; sees what was committed up to refresh().
};

/// Options of Store::open. Every field has a default that suits an assistant.
struct Options {
  OpenMode mode = OpenMode::create;
  /// One budget for every cache and buffer: records and lists, block cache, table readers, memtables,
  /// conflict slots. Resident memory stays within it plus 64 MiB plus what callers hold. 32 MiB to 1 TiB.
  std::uint64_t memory_budget_bytes = 256ULL << 20;
  /// How much of the budget is for records and lists as they were committed: what is found there is
  /// handed out without touching the engine. Not given, and at most: half, less 4 MiB; 0: none. A read-only store has none.
  std::optional<std::uint64_t> record_cache_bytes{};
  /// Of calls that do not say otherwise.
  Durability durability = Durability::buffered;
  /// Runs the steps of large deletes and merges, and of builds of indexes, in a thread of the store's
  /// own. Off: the caller runs them with Store::finish_pending_work().
  bool background_work = true;
  /// Threads of the store's own for what the disk needs: the larger part merges table files, the rest
  /// (at least one) writes memtables to them. They start when there is work for them and end when the
  /// store closes; other stores of the process have their own. 2 to 32. Beside them `background_work`
  /// takes one. A call never starts a thread that outlives it.
  std::uint32_t disk_threads = 2;
  /// How much nicer (nice(2)) these threads are than who opens the store: those that merge by this, those
  /// that write memtables by half of it. So a reader is not held up by them on a busy processor: beside one
  /// appender on two processors a read in 1,000 takes 0.4 to 1.8 ms, and 4 ms with 10. A writer that is faster than
  /// they are waits for them, and leaves them the processor then; where others keep all processors busy it
  /// waits longer (two busy loops on two processors: 7,900 appends of 2 KB a second, the longest 0.7 s; with
  /// 10 15,500 and 0.36 s, with 0 24,700 and 0.22 s). 0 to 19.
  std::uint32_t disk_threads_nice = 19;
  /// What the names of these threads begin with ("callisto-work", "callisto-flush0",
  /// "callisto-merge0"), as a debugger shows them. 1 to 8 printable ASCII characters.
  std::string thread_name = "callisto";
  /// Counts and times calls, and counts what is read of disk and block cache, for Store::stats().
  /// Less than 2 % of a call; off: no clock is read for it.
  bool statistics = true;
  /// Opens a store also where it has lost commits that were acknowledged (`data_loss` otherwise) or
  /// files of it cannot be used (`corruption`), nothing being changed then: with what is left, which
  /// from then on is what the store is (read-only: for this opening). Store::health() and a line of
  /// log say what was lost; the files stay in DIR/lost/. Run verify with `repair` then: commits may
  /// be there in part, older values and removed records may show again where that is said.
  /// Costs opening every table file.
  bool accept_data_loss = false;
  /// Where clock, randomness, log and file faults come from. Must outlive the store.
  Environment* environment = nullptr;
};

/// When a call gives up. With either nothing was written: a commit that was begun ends, and is the
/// answer; large work that was begun is undone, now or by the store's own thread.
struct CallLimits {
  /// `deadline_exceeded` when so many milliseconds passed since the call began; 0: no deadline.
  std::uint32_t deadline_ms = 0;
  /// `cancelled` soon after its source was asked to stop, from any thread.
  std::stop_token cancel{};
};

/// On whose behalf a call is made; kept in provenance where a record has one.
struct Caller {
  std::string agent{};         ///< At most 64 code points.
  std::string module{};        ///< At most 64 code points.
  std::string task{};          ///< At most 255 code points.
};

/// Options of one call. Inside a transaction `durability` is that of transact(), and limits count
/// beside its own.
struct CallOptions {
  std::optional<Durability> durability{};
  /// As CallLimits; beside those of with(), the first that is passed counts.
  std::uint32_t deadline_ms = 0;
  std::stop_token cancel{};
  /// Applies a change only to the record version that the caller has read; else `version_mismatch`.
  std::optional<std::uint64_t> if_version{};
  Caller caller{};
};

/// Options of transact().
struct TransactOptions {
  std::optional<Durability> durability{};
  /// Attempts before `conflict`; 1 to 1,000.
  std::uint32_t max_attempts = 16;
  /// As CallLimits.
  std::uint32_t deadline_ms = 5'000;
  std::stop_token cancel{};
};

}  // namespace callisto
