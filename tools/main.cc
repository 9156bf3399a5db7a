#include <csignal>

#include "tools/command.h"
#include "tools/command_line.h"

int main(int argc, char** argv) {
  // A reader that went away (| head) shows as a failed write, not as a signal.
  std::signal(SIGPIPE, SIG_IGN);
  return callisto::tools::finish_output(callisto::tools::run_command_line(argc, argv));
}
