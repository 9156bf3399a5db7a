#include "tools/command.h"
#include "tools/list.h"

namespace callisto::tools {

namespace {

int run(const Context& context) {
  const auto what = context.find<std::string>("what");
  if (!what) return report_usage("list takes what to list (see: callisto list --help)");
  const Lister lister = find_lister(*what);
  if (lister == nullptr) {
    return report_usage("cannot list '" + *what +
                        "': users, identities, user_data, conversations, messages, memories");
  }
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  auto space = open_space(context, *store);
  if (!space) return report(space.error());
  return lister(context, *space);
}

}  // namespace

const Command kListCommand{
    "list", "WHAT [options]",
    "Finds users, identities, user_data, conversations, messages or\nmemories; newest first. Every option that is given must hold.", describe_lists, run};

}  // namespace callisto::tools
