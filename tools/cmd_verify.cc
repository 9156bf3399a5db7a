#include <cstdio>

#include "tools/command.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

void describe(po::options_description& visible, po::options_description&,
              po::positional_options_description&) {
  visible.add_options()("repair", "write what is missing, remove what is dangling or wrong");
}

std::string defects_json(const std::vector<Defect>& defects) {
  std::string json;
  for (const Defect& defect : defects) {
    json += json.empty() ? '[' : ',';
    json += JsonLine()
                .text("kind", defect.kind)
                .text("table", defect.table)
                .text("key", defect.key)
                .text_if("detail", defect.detail)
                .str();
  }
  return json.empty() ? "[]" : json + "]";
}

void print_json(const VerifyReport& report) {
  JsonLine line;
  line.number("checked", report.checked).number("dangling", report.dangling);
  line.number("missing", report.missing).number("wrong", report.wrong);
  line.number("undecodable", report.undecodable).number("orphans", report.orphans);
  line.number("unreadable", report.unreadable);
  line.number("pending", report.pending).number("repaired", report.repaired);
  line.flag("ok", report.ok).raw("defects", defects_json(report.defects));
  print_line(line.str());
}

void print_text(const VerifyReport& report) {
  const auto print = [](const char* name, std::uint64_t count) {
    std::printf("%-12s %llu\n", name, static_cast<unsigned long long>(count));
  };
  print("checked:", report.checked);
  print("dangling:", report.dangling);
  print("missing:", report.missing);
  print("wrong:", report.wrong);
  print("undecodable:", report.undecodable);
  print("orphans:", report.orphans);
  print("unreadable:", report.unreadable);
  print("pending:", report.pending);
  if (report.repaired > 0) print("repaired:", report.repaired);
  for (const Defect& defect : report.defects) {
    std::printf("  %s %s %s %s\n", defect.kind.c_str(), defect.table.c_str(), defect.key.c_str(),
                defect.detail.c_str());
  }
  std::puts(report.ok ? "ok" : "not ok");
}

int run(const Context& context) {
  const bool repair = context.has("repair");
  auto store = open_store(context, repair ? OpenMode::existing : OpenMode::read_only);
  if (!store) return report(store.error());
  VerifyOptions options;
  options.repair = repair;
  auto verified = store->verify(options);
  if (!verified) return report(verified.error());
  if (context.is_json) {
    print_json(*verified);
  } else {
    print_text(*verified);
  }
  if (verified->unreadable > 0) return kBroken;
  return verified->ok ? kOk : kFailed;
}

}  // namespace

const Command kVerifyCommand{"verify", "[--repair]",
                             "Compares every index with its records, over all spaces.", describe, run};

}  // namespace callisto::tools
