#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace callisto::testing {

/// This test program, started anew to run one test in a process of its own: for locks, followers
/// and kills. The test is written as a DISABLED_ one, so that it runs in no other way:
///
///   TEST(HolderChild, DISABLED_Holds) { ... tell_parent("ready"); hear_parent(); }
///   ChildProcess child("HolderChild.DISABLED_Holds", {{"DIR", directory}});
///   ASSERT_EQ(child.hear(), "ready");
///
/// A process that has a RocksDB open must not be forked and go on: the child would have none of
/// RocksDB's threads. This starts the program from its beginning.
class ChildProcess {
 public:
  /// `settings` are what child_setting() answers in the child.
  ChildProcess(const std::string& test,
               const std::vector<std::pair<std::string, std::string>>& settings);
  /// Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const noexcept { return pid_; }
  /// The next line that the child told, without its end; empty when there will be none.
  std::string hear();
  void tell(const std::string& line);
  /// SIGKILL, and waits until it is gone.
  void kill();
  /// Closes what the child hears and waits for its end: true when its test passed.
  bool finish();

 private:
  int wait();
  pid_t pid_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
};

/// In the child: a setting, the line to the parent, the next line from it (empty at its end).
std::string child_setting(const std::string& name);
void tell_parent(const std::string& line);
std::string hear_parent();

}  // namespace callisto::testing
