#include <csignal>
#include <cstdio>

#include "tools/command_line.h"

int main(int argc, char** argv) {
  // A reader that went away (| head) shows as a failed write, not as a signal.
  std::signal(SIGPIPE, SIG_IGN);
  const int status = callisto::tools::run_command_line(argc, argv);
  std::fflush(stdout);
  return status;
}
