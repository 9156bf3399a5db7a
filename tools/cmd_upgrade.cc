#include <cstdio>
#include <utility>

#include "tools/command.h"
#include "tools/index_text.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

void describe(po::options_description& visible, po::options_description&,
              po::positional_options_description&) {
  visible.add_options()("dry-run", "only say what there is to do");
}

void print_summary(const Context& context, const UpgradeReport& upgrade) {
  if (context.is_json) {
    print_line(JsonLine()
                   .number("format_version", upgrade.format_version)
                   .number("changes", upgrade.work.size())
                   .flag("done", upgrade.is_done)
                   .str());
  } else if (upgrade.work.empty()) {
    print_line("nothing to do: format " + std::to_string(upgrade.format_version));
  } else {
    print_line(upgrade.is_done ? "done" : "to do: " + std::to_string(upgrade.work.size()));
  }
}

int run(const Context& context) {
  // A read-only store starts nothing: what it says is what a writer would do.
  const bool is_dry = context.has("dry-run");
  UpgradeReport planned;
  {
    auto reader = open_store(context, OpenMode::read_only);
    if (!reader) return report(reader.error());
    auto plan = reader->upgrade(true);
    if (!plan) return report(plan.error());
    planned = std::move(*plan);
  }
  print_index_work(planned.work, context.is_json);
  if (!is_dry && !planned.is_done) {
    auto store = open_store(context, OpenMode::existing);
    if (!store) return report(store.error());
    auto done = with_index_progress(*store, [&]() -> Result<void> {
      auto upgraded = store->upgrade();
      if (!upgraded) return std::move(upgraded).error();
      return {};
    });
    if (!done) return report(done.error());
    if (auto closed = store->close(); !closed) return report(closed.error());
    planned.is_done = true;
  }
  print_summary(context, planned);
  return kOk;
}

}  // namespace

const Command kUpgradeCommand{
    "upgrade", "[--dry-run]",
    "Brings a store that another version wrote to this version's indexes.", describe, run};

}  // namespace callisto::tools
