#include <cstdio>

#include "api/core.h"
#include "tools/command.h"
#include "tools/record_json.h"
#include "tools/space_reader.h"

namespace callisto::tools {

namespace {

void describe(po::options_description&, po::options_description&, po::positional_options_description&) {}

/// Every table of one space. False when nobody reads any more.
Result<bool> export_space(const SpaceReader& reader, const LineContext& context) {
  bool is_read = true;
  const auto print = [&](const auto& view) {
    is_read = print_line(to_json(view, context));
    return is_read;
  };
  Result<void> done = reader.users(print);
  if (done && is_read) done = reader.identities(print);
  if (done && is_read) done = reader.user_data(print);
  if (done && is_read) done = reader.conversations(print);
  if (done && is_read) done = reader.messages(print);
  if (done && is_read) done = reader.memories(print);
  if (!done) return std::move(done).error();
  return is_read;
}

/// What cannot be read is told; what lies behind it is still worth having.
void tell_damage(const UnreadRange& range) {
  std::string text = range.table + " cannot be read ";
  text += range.to.empty() ? "at key " + schema::describe_key(range.from)
                           : "from key " + schema::describe_key(range.from) + " to " +
                                 schema::describe_key(range.to);
  std::fprintf(stderr, "callisto: %s: %s\n", text.c_str(), one_line(range.error.to_string()).c_str());
}

Result<void> export_store(const Context& context, const Store& store, bool& has_damage) {
  detail::StoreCore& core = store.core();
  std::shared_ptr<kv::Snapshot> snapshot = core.engine().snapshot();
  auto spaces = core.spaces(*snapshot);
  if (!spaces) return std::move(spaces).error();
  bool is_read = print_line(R"({"callisto":"export","format":1})");
  bool is_found = false;
  for (const auto& [name, number] : *spaces) {
    if (context.has_space && name != context.space) continue;
    is_found = true;
    // A space without a record would not come back otherwise.
    if (is_read && name != "default") is_read = print_line(JsonLine().text("table", "spaces").text("name", name).str());
    auto reader = SpaceReader::open(store, snapshot, number);
    if (!reader) return std::move(reader).error();
    if (!is_read) break;
    reader->on_damage([&](const UnreadRange& range) {
      has_damage = true;
      tell_damage(range);
    });
    auto done = export_space(*reader, {LineForm::exported, name});
    if (!done) return std::move(done).error();
    is_read = *done;
  }
  if (!is_found) return Error(Code::not_found, "space", "an existing space");
  return {};
}

int run(const Context& context) {
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  bool has_damage = false;
  if (auto done = export_store(context, *store, has_damage); !done) return report(done.error());
  return has_damage ? kBroken : kOk;
}

}  // namespace

const Command kExportCommand{"export", "",
                             "Prints every record of every space (or of --space) as JSON\n"
                             "Lines that import reads, ordered by table and key. Goes on\n"
                             "behind what is damaged, and says what it is.",
                             describe, run};

}  // namespace callisto::tools
