#include "tools/command.h"

namespace callisto::tools {

namespace {

void describe(po::options_description&, po::options_description&, po::positional_options_description&) {}

int run(const Context& context) {
  auto store = open_store(context, OpenMode::create);
  if (!store) return report(store.error());
  if (auto closed = store->close(); !closed) return report(closed.error());
  if (!context.is_json) print_line("The store is in " + context.directory + ".");
  return kOk;
}

}  // namespace

const Command kInitCommand{"init", "", "Makes the store if it is not there.", describe, run};

}  // namespace callisto::tools
