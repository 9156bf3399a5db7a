#include <cstdio>

#include "tools/command.h"
#include "tools/index_text.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

void describe(po::options_description&, po::options_description&, po::positional_options_description&) {}

std::string stats_json(const Stats& stats) {
  JsonLine tables;
  for (const auto& [name, table] : stats.tables) {
    tables.raw(name, JsonLine().number("records", table.records).number("bytes", table.bytes).str());
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
  return JsonLine()
      .raw("tables", tables.str())
      .raw("indexes", indexes.str())
      .flag("bytes_are_estimates", true)
      .number("disk_bytes", stats.disk_bytes)
      .number("memory_budget_bytes", stats.memory_budget_bytes)
      .number("block_cache_bytes", stats.block_cache_bytes)
      .number("memtable_bytes", stats.memtable_bytes)
      .str();
}

void print_text(const Stats& stats) {
  std::printf("%-28s %12s %14s\n", "table", "records", "bytes (est.)");
  for (const auto& [name, table] : stats.tables) {
    std::printf("%-28s %12llu %14llu\n", name.c_str(), static_cast<unsigned long long>(table.records),
                static_cast<unsigned long long>(table.bytes));
  }
  std::printf("\n%-28s %12s %14s  %s\n", "index", "entries", "bytes (est.)", "state");
  for (const auto& [name, index] : stats.indexes) {
    std::printf("%-28s %12llu %14llu  %s", name.c_str(),
                static_cast<unsigned long long>(index.entries),
                static_cast<unsigned long long>(index.bytes), to_string(index.state).data());
    if (index.rows_expected > 0) {
      std::printf(" (%llu of about %llu rows)", static_cast<unsigned long long>(index.rows_done),
                  static_cast<unsigned long long>(index.rows_expected));
    }
    std::puts("");
  }
  std::printf("\non disk: %llu bytes\n", static_cast<unsigned long long>(stats.disk_bytes));
}

int run(const Context& context) {
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  auto stats = store->stats();
  if (!stats) return report(stats.error());
  if (context.is_json) {
    print_line(stats_json(*stats));
  } else {
    print_text(*stats);
  }
  return kOk;
}

}  // namespace

const Command kStatsCommand{"stats", "", "Counts and sizes of tables and indexes, over all spaces.",
                            describe, run};

}  // namespace callisto::tools
