#pragma once

// What every command of `callisto` stands on.

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "callisto/store.h"

namespace callisto::tools {

namespace po = boost::program_options;

/// Exit statuses, stable for scripts.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;  ///< Not found, or a check that failed.
inline constexpr int kUsage = 2;   ///< Bad usage or bad input on the command line.
inline constexpr int kBroken = 3;  ///< Cannot open, or damaged.

/// What was said before and after the command's name.
struct Context {
  std::string directory;         ///< --store or CALLISTO_STORE
  std::string space = "default"; ///< --space
  bool has_space = false;        ///< --space was given
  bool is_json = false;          ///< --json
  po::variables_map options;

  bool has(const char* option) const { return options.count(option) > 0; }
  template <class T>
  const T& get(const char* option) const {
    return options[option].as<T>();
  }
  template <class T>
  std::optional<T> find(const char* option) const {
    if (!has(option)) return std::nullopt;
    return options[option].as<T>();
  }
};

/// One command. describe() adds its options and its positional arguments (as hidden options).
struct Command {
  const char* name;
  const char* arguments;  ///< "FILE --format F", for the usage line
  const char* summary;    ///< Lines of at most 66 characters.
  void (*describe)(po::options_description& visible, po::options_description& hidden,
                   po::positional_options_description& positions);
  int (*run)(const Context& context);
};

extern const Command kInitCommand;
extern const Command kImportCommand;
extern const Command kExportCommand;
extern const Command kDumpCommand;
extern const Command kGetCommand;
extern const Command kListCommand;
extern const Command kExplainCommand;
extern const Command kStatsCommand;
extern const Command kVerifyCommand;
extern const Command kReindexCommand;
extern const Command kUpgradeCommand;
extern const Command kSpaceCommand;

/// Writes "callisto: ..." to standard error and answers the exit status that fits the error's code.
int report(const Error& error);
/// For bad usage that the option parser cannot see.
int report_usage(std::string_view message);

/// Opens the store that the context names; read-only stores see what is committed now.
Result<Store> open_store(const Context& context, OpenMode mode, bool background_work = true);
/// The space that the context names, in an open store.
Result<Space> open_space(const Context& context, const Store& store);

/// Text for a terminal: control characters (C0, DEL, C1), which would move its cursor or worse, become
/// spaces.
std::string one_line(std::string_view text);

/// One line to standard output. False when it cannot be written: the command ends, and
/// finish_output() says why.
bool print_line(std::string_view line);
/// After the last line: `status`, or that of an output which could not be written in full. A reader
/// who went away (| head) is no failure.
int finish_output(int status);

}  // namespace callisto::tools
