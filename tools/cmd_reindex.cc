#include <algorithm>
#include <string>
#include <vector>

#include "tools/command.h"
#include "tools/index_text.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

void describe(po::options_description&, po::options_description& hidden,
              po::positional_options_description& positions) {
  hidden.add_options()("index", po::value<std::vector<std::string>>(), "");
  positions.add("index", -1);
}

int run(const Context& context) {
  auto store = open_store(context, OpenMode::existing);
  if (!store) return report(store.error());
  const auto names = context.find<std::vector<std::string>>("index");
  if (auto begun = store->reindex(names.value_or(std::vector<std::string>())); !begun) {
    return report(begun.error());
  }
  auto done = with_index_progress(*store, [&] { return store->finish_pending_work(); });
  if (!done) return report(done.error());
  auto stats = store->stats();
  if (!stats) return report(stats.error());
  for (const auto& [name, index] : stats->indexes) {
    if (names && std::find(names->begin(), names->end(), name) == names->end()) continue;
    const auto entries = std::to_string(index.entries);
    print_line(context.is_json
                   ? JsonLine()
                         .text("index", name)
                         .text("state", to_string(index.state))
                         .number("entries", index.entries)
                         .str()
                   : name + "  " + std::string(to_string(index.state)) + "  " + entries);
  }
  if (auto closed = store->close(); !closed) return report(closed.error());
  return kOk;
}

}  // namespace

const Command kReindexCommand{"reindex", "[INDEX...]",
                              "Builds indexes anew from their records, in every space; all of\n"
                              "them when none is named.",
                              describe, run};

}  // namespace callisto::tools
