// Health, statistics and verification of a store.

#include <algorithm>
#include <utility>

#include "api/check.h"
#include "api/core.h"
#include "callisto/store.h"
#include "engine/limited.h"
#include "indexes/index_change.h"
#include "indexes/scrub.h"
#include "indexes/scrub_findings.h"

namespace callisto {

using detail::CallGuard;
using detail::closed_error;
using detail::SpaceNumber;
using detail::SpaceState;
using detail::StoreCore;

namespace {

/// What one entry that lies inside a conversation's range takes, before compression.
constexpr std::uint64_t kPartEntryBytes = 48;
/// What a row takes at least. The engine measures in blocks: a small range may count as nothing.
constexpr std::uint64_t kMinRowBytes = 32;

std::uint64_t range_bytes(kv::Store& engine, kv::Family family, const std::string& prefix,
                          std::uint64_t rows) {
  return std::max(rows * kMinRowBytes,
                  engine.approximate_bytes(family, prefix, schema::prefix_end(prefix)));
}

/// Which of two says the worse of an index, whose entries lie in several spaces.
IndexState less_ready(IndexState a, IndexState b) {
  const auto rank = [](IndexState state) {
    return state == IndexState::stale ? 1 : 2 * static_cast<int>(state);
  };
  return rank(b) > rank(a) ? b : a;
}

void add_table(StoreCore& core, SpaceNumber space, const indexes::TableDefinition& table,
               const std::map<std::uint16_t, std::int64_t>& counts, const SpaceState& state,
               Stats& stats) {
  const auto count = [&](auto id) {
    auto it = counts.find(static_cast<std::uint16_t>(id));
    return it == counts.end() ? 0 : static_cast<std::uint64_t>(it->second);
  };
  TableStats& row = stats.tables[table.name];
  row.records += count(table.id);
  // A conversation's tail lies beside its header: its bytes are counted there.
  if (table.id != schema::TableId::conversation_tails) {
    row.bytes += range_bytes(core.engine(), table.family, indexes::table_prefix(space, table.id),
                             count(table.id));
  }
  for (const indexes::IndexDefinition& index : table.indexes) {
    IndexStats& entry = stats.indexes[index.name];
    entry.entries += count(index.id);
    entry.bytes += index.part
                       ? count(index.id) * kPartEntryBytes
                       : range_bytes(core.engine(), index.family,
                                     indexes::index_prefix(space, index.id), count(index.id));
    // A version that was replaced and is gone says nothing.
    const IndexState found = state.index_state(index.id);
    if (found != IndexState::absent ||
        indexes::is_wanted(core.maintainer().catalogue(), index.id)) {
      entry.state = less_ready(entry.state, found);
    }
  }
}

/// How far builds have come; indexes of other versions that are being removed.
Result<void> add_index_work(StoreCore& core, Stats& stats) {
  auto work = core.index_work();
  if (!work) return std::move(work).error();
  for (const IndexWork& one : *work) {
    IndexStats& index = stats.indexes[one.index];
    index.state = less_ready(index.state, one.state);
    index.rows_done += one.rows_done;
    index.rows_expected += one.rows_expected;
  }
  return {};
}

Result<std::map<std::uint16_t, std::int64_t>> counts_of(kv::Reader& reader, SpaceNumber space) {
  std::map<std::uint16_t, std::int64_t> counts;
  kv::Value value;
  auto found = reader.get(kv::Family::system, schema::counters_key(space), value);
  if (!found) return std::move(found).error();
  if (!*found) return counts;
  auto rows = kv::decode_counters(value.view());
  if (!rows) return Error(Code::corruption, "the counters row of a space is damaged");
  for (const auto& [counter, sum] : *rows) counts[counter] = sum;
  return counts;
}

Result<void> verify_spaces(StoreCore& core, kv::Store& engine, bool repair, VerifyReport& report) {
  auto snapshot = engine.snapshot();
  auto spaces = core.spaces(*snapshot);
  if (!spaces) return std::move(spaces).error();
  const auto& catalogue = core.maintainer().catalogue();
  for (const auto& [name, space] : *spaces) {
    auto done = repair ? indexes::repair(engine, catalogue, space, report)
                       : indexes::scrub(*snapshot, catalogue, space, report);
    if (!done) return done;
  }
  if (!repair) return {};
  CALLISTO_TRY(core.cardinality().rebuild(engine, catalogue));
  return core.cardinality().save(engine);
}

}  // namespace

Health Store::health() const {
  Health health;
  CallGuard guard(*core_);
  if (!guard.is_open()) {
    health.writable = false;
    health.failure = closed_error();
    return health;
  }
  kv::EngineHealth engine = core_->engine().health();
  health.writable = engine.writable && core_->options().mode != OpenMode::read_only;
  health.failure = std::move(engine.failure);
  health.data_lost = std::move(engine.lost);
  health.unguarded = std::move(engine.unguarded);
  health.clock_suspect = core_->clock_suspect();
  if (auto pending = core_->pending_work()) {
    for (const PendingWork& work : *pending) {
      health.pending_work += work.kind == WorkKind::store_conversation ? 0 : 1;
    }
  } else if (!health.failure) {
    health.failure = pending.error();
  }
  if (auto indexes = core_->index_work()) {
    for (const IndexWork& work : *indexes) {
      health.pending_work += indexes::is_unfinished(work.state) ? 1 : 0;
    }
  } else if (!health.failure) {
    health.failure = indexes.error();
  }
  return health;
}

Result<std::vector<PendingWork>> Store::pending_work(const CallLimits& limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(core_->begin(limits).check());
  return core_->pending_work();
}

Result<Stats> Store::stats(const CallLimits& call_limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  const kv::Limits limits = core_->begin(call_limits);
  kv::LimitedReader snapshot(core_->engine().snapshot(), limits);
  auto spaces = core_->spaces(snapshot);
  if (!spaces) return std::move(spaces).error();
  Stats stats;
  for (const auto& [name, space] : *spaces) {
    auto counts = counts_of(snapshot, space);
    if (!counts) return std::move(counts).error();
    auto state = core_->slot(space).state(core_->engine(), snapshot);
    if (!state) return std::move(state).error();
    for (const auto& table : core_->maintainer().catalogue().tables) {
      add_table(*core_, space, table, *counts, **state, stats);
    }
  }
  if (auto done = add_index_work(*core_, stats); !done) return std::move(done).error();
  kv::EngineStats engine = core_->engine().stats();
  stats.disk_bytes = engine.disk_bytes;
  stats.memory_budget_bytes = core_->options().memory_budget_bytes;
  stats.block_cache_bytes = engine.block_cache_bytes;
  stats.memtable_bytes = engine.memtable_bytes;
  stats.commits = engine.commits;
  stats.conflicts = engine.conflicts;
  if (core_->calls() != nullptr) stats.calls = core_->calls()->read();
  stats.disk = std::move(engine.disk);
  stats.block_cache = engine.block_cache;
  stats.direct_blocks = engine.direct_blocks;
  stats.record_cache = engine.row_cache;
  stats.list_cache = engine.list_cache;
  return stats;
}

Result<VerifyReport> Store::verify(const VerifyOptions& options) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  if (options.repair && core_->options().mode == OpenMode::read_only) {
    return Error(Code::read_only, "a read-only store cannot be repaired");
  }
  const kv::Limits limits = core_->begin(CallLimits{options.deadline_ms, options.cancel});
  kv::LimitedStore engine(core_->engine(), limits);
  VerifyReport report;
  if (auto done = verify_spaces(*core_, engine, options.repair, report); !done) return std::move(done).error();
  if (options.repair) {
    const std::uint64_t repaired = report.repaired;
    report = {};
    report.repaired = repaired;
    if (auto done = verify_spaces(*core_, engine, false, report); !done) return std::move(done).error();
  }
  if (options.checksums) {
    CALLISTO_TRY(limits.check());
    auto done = engine.verify_checksums(&limits);
    if (!done && done.error().code() != Code::corruption) return std::move(done).error();
    if (!done) indexes::Findings(report).unreadable("files", "", done.error().message());
  }
  report.ok = report.dangling + report.missing + report.wrong + report.undecodable + report.orphans +
                  report.unreadable ==
              0;
  return report;
}

}  // namespace callisto
