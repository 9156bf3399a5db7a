#include <unistd.h>

#include <cstdio>

#include "tools/command.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

void describe(po::options_description&, po::options_description& hidden,
              po::positional_options_description& positions) {
  hidden.add_options()                          //
      ("action", po::value<std::string>(), "")  //
      ("name", po::value<std::string>(), "");
  positions.add("action", 1).add("name", 1);
}

int list(const Context& context) {
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  auto names = store->spaces();
  if (!names) return report(names.error());
  for (const std::string& name : *names) {
    if (!print_line(context.is_json ? JsonLine().text("name", name).str() : name)) break;
  }
  return kOk;
}

int create(const Context& context, const std::string& name) {
  auto store = open_store(context, OpenMode::existing);
  if (!store) return report(store.error());
  auto space = store->create_space(name);
  if (!space) return report(space.error());
  if (auto closed = store->close(); !closed) return report(closed.error());
  return kOk;
}

/// On a terminal one line that is written over.
void show_progress(const PendingWork& work, bool is_done) {
  if (::isatty(STDERR_FILENO) == 0) return;
  std::string line = std::string(to_string(work.kind)) + " " + one_line(work.target) + ": " +
                     std::to_string(work.records_done);
  if (work.records_total) line += " of " + std::to_string(*work.records_total);
  std::fprintf(stderr, "\r\033[K%s records%s", line.c_str(), is_done ? "\n" : "");
  std::fflush(stderr);
}

int drop(const Context& context, const std::string& name) {
  // The steps run here, where they can be watched.
  auto store = open_store(context, OpenMode::existing, false);
  if (!store) return report(store.error());
  auto dropped = store->drop_space(name);
  if (!dropped) return report(dropped.error());
  if (!*dropped) return report(Error(Code::not_found, "space", "an existing space"));
  if (auto done = store->finish_pending_work(show_progress); !done) return report(done.error());
  if (auto closed = store->close(); !closed) return report(closed.error());
  return kOk;
}

int run(const Context& context) {
  const std::string action = context.find<std::string>("action").value_or("list");
  const auto name = context.find<std::string>("name");
  if (action == "list" && !name) return list(context);
  if (action == "create" && name) return create(context, *name);
  if (action == "drop" && name) return drop(context, *name);
  return report_usage("space takes: list, create NAME, drop NAME (see: callisto space --help)");
}

}  // namespace

const Command kSpaceCommand{"space", "list | create NAME | drop NAME",
                            "Lists, makes and drops spaces (tenants).", describe, run};

}  // namespace callisto::tools
