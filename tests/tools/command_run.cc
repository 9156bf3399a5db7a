#include "tests/tools/command_run.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "tests/support/temp_directory.h"

namespace callisto::testing {

namespace {

std::string command_path() {
  const char* path = std::getenv("CALLISTO_COMMAND");
  if (path != nullptr) return path;
  std::fputs("CALLISTO_COMMAND names no command\n", stderr);
  std::abort();
}

/// Descriptors of the test for the three standard ones; -1 discards.
pid_t spawn(const std::vector<std::string>& arguments, const std::array<int, 3>& descriptors) {
  std::vector<std::string> texts{command_path()};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (std::string& text : texts) words.push_back(text.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (int to = 0; to < 3; ++to) {
    const int from = descriptors[static_cast<std::size_t>(to)];
    if (from >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions, from, to);
    } else {
      ::posix_spawn_file_actions_addopen(&actions, to, "/dev/null", O_RDWR, 0);
    }
  }
  pid_t pid = -1;
  const int failure = ::posix_spawn(&pid, words[0], &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure == 0) return pid;
  std::fprintf(stderr, "cannot run %s\n", words[0]);
  std::abort();
}

int status_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

CommandOutcome run_command(const std::vector<std::string>& arguments, const std::string& input) {
  const TempDirectory scratch(TempDirectory::On::memory);
  write_text(scratch.path("in"), input);
  const int in = ::open(scratch.path("in").c_str(), O_RDONLY | O_CLOEXEC);
  const int out = ::open(scratch.path("out").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const int err = ::open(scratch.path("err").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  CommandOutcome outcome;
  outcome.status = status_of(spawn(arguments, {in, out, err}));
  for (int each : {in, out, err}) ::close(each);
  outcome.out = read_text(scratch.path("out"));
  outcome.err = read_text(scratch.path("err"));
  return outcome;
}

HeldCommand::HeldCommand(const std::vector<std::string>& arguments, Hears hears) {
  ::signal(SIGPIPE, SIG_IGN);  // The command may end before its input does.
  std::array<int, 2> in{};
  std::array<int, 2> up{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(up.data(), O_CLOEXEC) != 0) std::abort();
  const bool is_output = hears == Hears::output;
  pid_ = spawn(arguments, {in[0], is_output ? up[1] : -1, is_output ? -1 : up[1]});
  ::close(in[0]);
  ::close(up[1]);
  input_ = in[1];
  heard_ = up[0];
}

HeldCommand::~HeldCommand() {
  kill();
  stop_hearing();
}

void HeldCommand::stop_hearing() {
  if (heard_ >= 0) ::close(heard_);
  heard_ = -1;
}

void HeldCommand::signal(int number) const { ::kill(pid_, number); }

void HeldCommand::write(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t length = ::write(input_, text.data() + done, text.size() - done);
    if (length <= 0) return;
    done += static_cast<std::size_t>(length);
  }
}

std::string HeldCommand::hear() {
  while (true) {
    if (const std::size_t end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    std::array<char, 4096> bytes{};
    const ssize_t length = ::read(heard_, bytes.data(), bytes.size());
    if (length <= 0) return std::exchange(unread_, {});
    unread_.append(bytes.data(), static_cast<std::size_t>(length));
  }
}

void HeldCommand::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

int HeldCommand::finish() { return wait(); }

int HeldCommand::wait() {
  ::close(input_);
  const int status = status_of(pid_);
  pid_ = -1;
  return status;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace callisto::testing
