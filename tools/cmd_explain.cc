#include "tools/command.h"
#include "tools/list.h"

namespace callisto::tools {

namespace {

int run(const Context& context) {
  const auto what = context.find<std::string>("what");
  if (!what) return report_usage("explain takes what to explain (see: callisto explain --help)");
  const Lister explainer = find_explainer(*what);
  if (explainer == nullptr) return report_usage("cannot explain '" + *what + "': conversations, messages, memories");
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  auto space = open_space(context, *store);
  if (!space) return report(space.error());
  return explainer(context, *space);
}

}  // namespace

const Command kExplainCommand{
    "explain", "WHAT [options]",
    "Runs a query as list does, and tells how: which index drives, what\n"
    "else is asked where, the estimates, and the counts of what was read.",
    describe_lists, run};

}  // namespace callisto::tools
