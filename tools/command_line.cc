#include "tools/command_line.h"

#include <algorithm>
#include <array>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/parsers.hpp>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "tools/command.h"

namespace callisto::tools {

namespace {

constexpr std::array kCommands{
    &kInitCommand,   &kImportCommand,  &kExportCommand,  &kDumpCommand,  &kGetCommand,
    &kListCommand,   &kStatsCommand,   &kVerifyCommand,  &kReindexCommand, &kUpgradeCommand,
    &kExplainCommand, &kSpaceCommand,
};

constexpr std::array<std::string_view, 2> kGlobalsWithValue{"--store", "--space"};

po::options_description global_options() {
  po::options_description options("Everywhere, before or after the command");
  options.add_options()                                                                     //
      ("store", po::value<std::string>()->value_name("DIR"), "the store (or CALLISTO_STORE)")  //
      ("space", po::value<std::string>()->value_name("NAME"), "the space; default: default")   //
      ("json", "one JSON object per line")                                                  //
      ("accept-data-loss", "open the store though commits are missing, with what is left") //
      ("help,h", "this text, or that of a command")                                         //
      ("version", "the version");
  return options;
}

/// The position of the command's name: the first argument that is no global option or its value.
std::size_t find_command(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (std::find(kGlobalsWithValue.begin(), kGlobalsWithValue.end(), argument) !=
        kGlobalsWithValue.end()) {
      ++i;
    } else if (argument.empty() || argument[0] != '-') {
      return i;
    }
  }
  return arguments.size();
}

void print_help() {
  std::ostringstream text;
  text << "callisto --store DIR [--space NAME] COMMAND [options]\n\n"
          "Looks into a Callisto store, and moves records in and out.\n\n";
  for (const Command* command : kCommands) {
    std::string head = std::string("  ") + command->name;
    head.resize(std::max<std::size_t>(head.size() + 2, 12), ' ');
    text << head;
    for (const char* c = command->summary; *c != '\0'; ++c) {
      text << *c;
      if (*c == '\n') text << std::string(head.size(), ' ');
    }
    text << '\n';
  }
  text << '\n'
       << global_options() << "\nExit status: 0 ok, 1 not found or a failed check, 2 bad usage,\n"
       << "3 cannot open or damaged.\n`callisto COMMAND --help` has a command's options.\n";
  std::fputs(text.str().c_str(), stdout);
}

void print_help(const Command& command, const po::options_description& visible) {
  std::ostringstream text;
  text << "callisto " << command.name << (*command.arguments == '\0' ? "" : " ") << command.arguments
       << "\n\n" << command.summary << "\n\n";
  if (!visible.options().empty()) text << visible << '\n';
  text << global_options();
  std::fputs(text.str().c_str(), stdout);
}

int usage_error(const std::string& message, const Command* command) {
  const std::string help = command == nullptr ? "callisto --help"
                                              : std::string("callisto ") + command->name + " --help";
  return report_usage(message + " (see: " + help + ")");
}

Context make_context(po::variables_map options) {
  Context context;
  if (options.count("store") > 0) {
    context.directory = options["store"].as<std::string>();
  } else if (const char* directory = std::getenv("CALLISTO_STORE")) {
    context.directory = directory;
  }
  if (options.count("space") > 0) {
    context.space = options["space"].as<std::string>();
    context.has_space = true;
  }
  context.is_json = options.count("json") > 0;
  context.options = std::move(options);
  return context;
}

int run(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description visible("Options");
  po::options_description hidden;
  po::positional_options_description positions;
  command.describe(visible, hidden, positions);
  po::options_description all;
  all.add(global_options()).add(visible).add(hidden);
  po::variables_map options;
  po::store(po::command_line_parser(arguments)
                .options(all)
                .positional(positions)
                .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                .run(),
            options);
  if (options.count("help") > 0) {
    print_help(command, visible);
    return kOk;
  }
  po::notify(options);
  return command.run(make_context(std::move(options)));
}

int without_command(const std::vector<std::string>& arguments) {
  const auto said = [&](const char* option) {
    return std::find(arguments.begin(), arguments.end(), option) != arguments.end();
  };
  if (said("--version")) {
    std::puts("callisto " CALLISTO_VERSION);
    return kOk;
  }
  if (said("--help") || said("-h")) {
    print_help();
    return kOk;
  }
  return usage_error("no command", nullptr);
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + std::max(argc, 1));
  const std::size_t at = find_command(arguments);
  if (at == arguments.size()) return without_command(arguments);
  const std::string name = arguments[at];
  arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at));
  const auto command = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const Command* each) { return each->name == name; });
  if (command == kCommands.end()) return usage_error("unknown command '" + name + "'", nullptr);
  try {
    return run(**command, arguments);
  } catch (const po::error& error) {
    return usage_error(error.what(), *command);
  }
}

}  // namespace callisto::tools
