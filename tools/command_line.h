#pragma once

namespace callisto::tools {

/// Runs what the arguments say; the exit status. Bad usage is one line on standard error that names
/// it and points to --help.
int run_command_line(int argc, const char* const* argv);

}  // namespace callisto::tools
