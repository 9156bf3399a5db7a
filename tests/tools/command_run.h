#pragma once

// The command `callisto`, run as a process.

#include <sys/types.h>

#include <string>
#include <vector>

namespace callisto::testing {

struct CommandOutcome {
  int status = -1;  ///< Exit status; 128 + the signal's number when one ended it.
  std::string out;
  std::string err;
};

/// Runs it to its end. `input` is its standard input.
CommandOutcome run_command(const std::vector<std::string>& arguments, const std::string& input = {});

/// One that reads what the test writes: it runs as long as its input is open.
class HeldCommand {
 public:
  enum class Hears { errors, output };
  explicit HeldCommand(const std::vector<std::string>& arguments, Hears hears = Hears::errors);
  /// Kills it if it still runs.
  ~HeldCommand();
  HeldCommand(const HeldCommand&) = delete;
  HeldCommand& operator=(const HeldCommand&) = delete;

  pid_t pid() const noexcept { return pid_; }
  void write(const std::string& text);
  /// The next line of its standard error or output; empty at the end.
  std::string hear();
  /// Closes what hear() reads from.
  void stop_hearing();
  void signal(int number) const;
  /// SIGKILL, and waits until it is gone.
  void kill();
  /// Ends its input and waits; the exit status.
  int finish();

 private:
  int wait();
  pid_t pid_ = -1;
  int input_ = -1;
  int heard_ = -1;
  std::string unread_;
};

/// The whole file.
std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text);

}  // namespace callisto::testing
