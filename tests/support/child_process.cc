#include "tests/support/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace callisto::testing {
namespace {

constexpr int kChildHears = 3;
constexpr int kChildTells = 4;
constexpr const char* kPrefix = "CALLISTO_CHILD_";

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::abort();
}

std::string read_line(int descriptor) {
  std::string line;
  char c = 0;
  for (;;) {
    const ssize_t length = ::read(descriptor, &c, 1);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0 || c == '\n') return line;
    line.push_back(c);
  }
}

void write_line(int descriptor, std::string line) {
  line.push_back('\n');
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t length = ::write(descriptor, line.data() + done, line.size() - done);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return;  // Nobody listens any more.
    done += static_cast<std::size_t>(length);
  }
}

std::vector<std::string> environment_of(
    const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  for (const auto& [name, value] : settings) all.push_back(kPrefix + name + '=' + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

ChildProcess::ChildProcess(const std::string& test,
                           const std::vector<std::pair<std::string, std::string>>& settings) {
  std::array<int, 2> down{};
  std::array<int, 2> up{};
  if (::pipe2(down.data(), O_CLOEXEC) != 0 || ::pipe2(up.data(), O_CLOEXEC) != 0) die("pipe2");
  // Above what they are copied to, so that one copy does not overwrite the other's source.
  const int hears = ::fcntl(down[0], F_DUPFD_CLOEXEC, 10);
  const int tells = ::fcntl(up[1], F_DUPFD_CLOEXEC, 10);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, hears, kChildHears);
  posix_spawn_file_actions_adddup2(&actions, tells, kChildTells);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<std::string> arguments = {"/proc/self/exe", "--gtest_filter=" + test,
                                        "--gtest_also_run_disabled_tests"};
  std::vector<std::string> environment = environment_of(settings);
  if (::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, pointers(arguments).data(),
                    pointers(environment).data()) != 0) {
    die("posix_spawn");
  }
  posix_spawn_file_actions_destroy(&actions);
  for (const int descriptor : {down[0], up[1], hears, tells}) ::close(descriptor);
  to_child_ = down[1];
  from_child_ = up[0];
  ::signal(SIGPIPE, SIG_IGN);
}

ChildProcess::~ChildProcess() {
  kill();
  ::close(from_child_);
}

std::string ChildProcess::hear() { return read_line(from_child_); }

void ChildProcess::tell(const std::string& line) { write_line(to_child_, line); }

int ChildProcess::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (to_child_ >= 0) ::close(to_child_);
  to_child_ = -1;
  return status;
}

void ChildProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

bool ChildProcess::finish() {
  ::close(to_child_);
  to_child_ = -1;
  const int status = wait();
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string child_setting(const std::string& name) {
  const char* value = std::getenv((kPrefix + name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

void tell_parent(const std::string& line) { write_line(kChildTells, line); }
std::string hear_parent() { return read_line(kChildHears); }

}  // namespace callisto::testing
