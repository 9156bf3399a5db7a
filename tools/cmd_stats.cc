#include <cstdio>

#include "tools/command.h"
#include "tools/stats_text.h"

namespace callisto::tools {

namespace {

void describe(po::options_description& visible, po::options_description&,
              po::positional_options_description&) {
  visible.add_options()("format", po::value<std::string>()->value_name("F"),
                        "text, json (as --json) or prometheus; text");
}

int run(const Context& context) {
  const std::string format =
      context.find<std::string>("format").value_or(context.is_json ? "json" : "text");
  if (format != "text" && format != "json" && format != "prometheus") {
    return report_usage("--format is text, json or prometheus");
  }
  if (context.is_json && format != "json") return report_usage("--json is --format json");
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  auto stats = store->stats();
  if (!stats) return report(stats.error());
  if (format == "json") {
    print_line(stats_json(*stats));
  } else {
    const std::string text = format == "text" ? stats_text(*stats) : prometheus_text(*stats);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  return kOk;
}

}  // namespace

const Command kStatsCommand{"stats", "[--format F]",
                            "Counts and sizes of tables, indexes and files, over all spaces.",
                            describe, run};

}  // namespace callisto::tools
