#include "tools/stats_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <utility>

#include "tools/index_text.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

std::string json_real(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end.ptr};
}

std::string calls_json(const std::map<std::string, CallStats>& calls) {
  JsonLine all;
  for (const auto& [name, call] : calls) {
    all.raw(name, JsonLine()
                      .number("count", call.count)
                      .number("timed", call.timed)
                      .number("sum_ns", call.sum_ns)
                      .number("p50_ns", call.p50_ns)
                      .number("p90_ns", call.p90_ns)
                      .number("p99_ns", call.p99_ns)
                      .number("p999_ns", call.p999_ns)
                      .number("max_ns", call.max_ns)
                      .str());
  }
  return all.str();
}

std::string cache_json(const CacheStats& cache) {
  return JsonLine()
      .number("hits", cache.hits)
      .number("misses", cache.misses)
      .raw("hit_rate", json_real(cache.hit_rate()))
      .number("negative_hits", cache.negative_hits)
      .number("fills", cache.fills)
      .number("evictions", cache.evictions)
      .number("invalidations", cache.invalidations)
      .number("bytes", cache.bytes)
      .number("entries", cache.entries)
      .str();
}

std::string disk_json(const DiskStats& disk) {
  std::string levels;
  for (const LevelStats& level : disk.levels) {
    levels += levels.empty() ? '[' : ',';
    levels += JsonLine()
                  .number("files", level.files)
                  .number("bytes", level.bytes)
                  .number("read_bytes", level.read_bytes)
                  .number("written_bytes", level.written_bytes)
                  .str();
  }
  return JsonLine()
      .raw("levels", levels.empty() ? "[]" : levels + ']')
      .number("committed_bytes", disk.committed_bytes)
      .number("log_bytes", disk.log_bytes)
      .number("log_syncs", disk.log_syncs)
      .number("flushes", disk.flushes)
      .number("flushed_bytes", disk.flushed_bytes)
      .number("compactions", disk.compactions)
      .number("compaction_read_bytes", disk.compaction_read_bytes)
      .number("compaction_written_bytes", disk.compaction_written_bytes)
      .raw("write_amplification", json_real(disk.write_amplification()))
      .number("slowdowns", disk.slowdowns)
      .number("stops", disk.stops)
      .number("stall_micros", disk.stall_micros)
      .number("direct_reads", disk.direct_reads)
      .number("direct_index_bytes", disk.direct_index_bytes)
      .str();
}

[[gnu::format(printf, 2, 3)]] void add(std::string& text, const char* format, ...) {
  std::array<char, 256> line;
  std::va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  if (size > 0)
    text.append(line.data(),
                std::min<std::size_t>(static_cast<std::size_t>(size), line.size() - 1));
}

unsigned long long wide(std::uint64_t value) { return value; }

void add_contents(std::string& text, const Stats& stats) {
  add(text, "%-28s %12s %14s\n", "table", "records", "bytes (est.)");
  for (const auto& [name, table] : stats.tables) {
    add(text, "%-28s %12llu %14llu\n", name.c_str(), wide(table.records), wide(table.bytes));
  }
  add(text, "\n%-28s %12s %14s  %s\n", "index", "entries", "bytes (est.)", "state");
  for (const auto& [name, index] : stats.indexes) {
    add(text, "%-28s %12llu %14llu  %s", name.c_str(), wide(index.entries), wide(index.bytes),
        to_string(index.state).data());
    if (index.rows_expected > 0) {
      add(text, " (%llu of about %llu rows)", wide(index.rows_done), wide(index.rows_expected));
    }
    text += '\n';
  }
}

void add_calls(std::string& text, const std::map<std::string, CallStats>& calls) {
  if (calls.empty()) return;
  add(text, "\n%-30s %10s %10s %10s %10s %10s %10s  us\n", "call", "count", "p50", "p90", "p99",
      "p99.9", "max");
  const auto micros = [](std::uint64_t nanos) { return static_cast<double>(nanos) / 1e3; };
  for (const auto& [name, call] : calls) {
    add(text, "%-30s %10llu %10.1f %10.1f %10.1f %10.1f %10.1f\n", name.c_str(), wide(call.count),
        micros(call.p50_ns), micros(call.p90_ns), micros(call.p99_ns), micros(call.p999_ns),
        micros(call.max_ns));
  }
}

void add_caches(std::string& text, const Stats& stats) {
  add(text, "\n%-13s %12s %12s %7s %12s %12s %14s\n", "cache", "hits", "misses", "rate",
      "evictions", "entries", "bytes");
  const std::pair<const char*, const CacheStats&> caches[] = {
      {"blocks", stats.block_cache},
      {"direct blocks", stats.direct_blocks},
      {"records", stats.record_cache},
      {"lists", stats.list_cache}};
  for (const auto& [name, cache] : caches) {
    add(text, "%-13s %12llu %12llu %6.1f%% %12llu %12llu %14llu\n", name, wide(cache.hits),
        wide(cache.misses), cache.hit_rate() * 100.0, wide(cache.evictions), wide(cache.entries),
        wide(cache.bytes));
  }
}

void add_disk(std::string& text, const DiskStats& disk) {
  add(text, "\n%-8s %8s %14s %14s %14s\n", "level", "files", "bytes", "read", "written");
  for (std::size_t i = 0; i < disk.levels.size(); ++i) {
    const LevelStats& level = disk.levels[i];
    add(text, "%-8zu %8llu %14llu %14llu %14llu\n", i, wide(level.files), wide(level.bytes),
        wide(level.read_bytes), wide(level.written_bytes));
  }
  add(text, "\ncommitted: %llu bytes; log: %llu bytes, %llu syncs\n", wide(disk.committed_bytes),
      wide(disk.log_bytes), wide(disk.log_syncs));
  add(text, "flushes: %llu, %llu bytes; compactions: %llu, %llu bytes read, %llu written\n",
      wide(disk.flushes), wide(disk.flushed_bytes), wide(disk.compactions),
      wide(disk.compaction_read_bytes), wide(disk.compaction_written_bytes));
  add(text, "write amplification: %.2f; stalls: %llu slowdowns, %llu stops, %.3f s\n",
      disk.write_amplification(), wide(disk.slowdowns), wide(disk.stops),
      static_cast<double>(disk.stall_micros) / 1e6);
  add(text, "read past RocksDB: %llu rows and scans, by indexes of %llu bytes\n",
      wide(disk.direct_reads), wide(disk.direct_index_bytes));
}

}  // namespace

std::string stats_json(const Stats& stats) {
  JsonLine tables;
  for (const auto& [name, table] : stats.tables) {
    tables.raw(name,
               JsonLine().number("records", table.records).number("bytes", table.bytes).str());
  }
  JsonLine indexes;
  for (const auto& [name, index] : stats.indexes) {
    indexes.raw(name, JsonLine()
                          .number("entries", index.entries)
                          .number("bytes", index.bytes)
                          .text("state", to_string(index.state))
                          .number("rows_done", index.rows_done)
                          .number("rows_expected", index.rows_expected)
                          .str());
  }
  JsonLine caches;
  caches.raw("blocks", cache_json(stats.block_cache))
      .raw("direct_blocks", cache_json(stats.direct_blocks))
      .raw("records", cache_json(stats.record_cache))
      .raw("lists", cache_json(stats.list_cache));
  return JsonLine()
      .raw("tables", tables.str())
      .raw("indexes", indexes.str())
      .flag("bytes_are_estimates", true)
      .number("disk_bytes", stats.disk_bytes)
      .number("memory_budget_bytes", stats.memory_budget_bytes)
      .number("block_cache_bytes", stats.block_cache_bytes)
      .number("memtable_bytes", stats.memtable_bytes)
      .number("commits", stats.commits)
      .number("conflicts", stats.conflicts)
      .raw("calls", calls_json(stats.calls))
      .raw("caches", caches.str())
      .raw("disk", disk_json(stats.disk))
      .str();
}

std::string stats_text(const Stats& stats) {
  std::string text;
  add_contents(text, stats);
  add_calls(text, stats.calls);
  add_caches(text, stats);
  add_disk(text, stats.disk);
  add(text, "\non disk: %llu bytes\n", wide(stats.disk_bytes));
  return text;
}

}  // namespace callisto::tools
