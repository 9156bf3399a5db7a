// What a host program sees of a store beside its answers: submitted calls, threads, output,
// signals.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "callisto/callisto.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

// Submitted calls ---------------------------------------------------------------------------------

/// Keeps what it is given until the test runs or drops it.
class HeldExecutor final : public Executor {
 public:
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void run_one() {
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  }
  void drop_all() { tasks_.clear(); }
  std::size_t waiting() const { return tasks_.size(); }

 private:
  std::deque<std::function<void()>> tasks_;
};

class SubmitTest : public ::testing::Test {
 protected:
  static Result<UserId> create(const Space& space) { return space.users().create({.name = "Bo"}); }
  std::function<void(Result<UserId>)> note() {
    return [this](Result<UserId> answer) { answers_.push_back(std::move(answer)); };
  }

  Store store_ = Store::open_in_memory({.background_work = false}).value();
  HeldExecutor executor_;
  std::vector<Result<UserId>> answers_;
};

TEST_F(SubmitTest, RunsOnTheExecutorAndThenItsCompletion) {
  submit(store_.default_space(), executor_, create, note());
  EXPECT_EQ(store_.users().list().value().size(), 0U);
  ASSERT_EQ(executor_.waiting(), 1U);
  executor_.run_one();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(store_.users().get(answers_[0].value()).value());
}

TEST_F(SubmitTest, AnswersThroughAFuture) {
  std::future<Result<UserId>> future = submit(store_.default_space(), executor_, create);
  executor_.run_one();
  EXPECT_TRUE(store_.users().get(future.get().value()).value());
}

TEST_F(SubmitTest, AnswersClosedOnceTheStoreIs) {
  auto future = submit(store_.default_space(), executor_, create);
  submit(store_.default_space(), executor_, create, note());
  {
    const Store closing = std::move(store_);
  }
  executor_.run_one();
  executor_.run_one();
  EXPECT_EQ(future.get().error().code(), Code::closed);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].error().code(), Code::closed);
}

TEST_F(SubmitTest, AnswersCancelledWhenTheTaskIsDropped) {
  auto future = submit(store_.default_space(), executor_, create);
  submit(store_.default_space(), executor_, create, note());
  executor_.drop_all();
  EXPECT_EQ(future.get().error().code(), Code::cancelled);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].error().code(), Code::cancelled);
  EXPECT_EQ(store_.users().list().value().size(), 0U);
}

TEST_F(SubmitTest, GivesAnExceptionToTheExecutor) {
  const auto thrower = [](const Space&) -> Result<UserId> { throw std::runtime_error("mine"); };
  auto future = submit(store_.default_space(), executor_, thrower);
  submit(store_.default_space(), executor_, thrower, note());
  EXPECT_THROW(executor_.run_one(), std::runtime_error);
  EXPECT_THROW(executor_.run_one(), std::runtime_error);
  EXPECT_EQ(future.get().error().code(), Code::unknown_outcome);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].error().code(), Code::unknown_outcome);
}

TEST_F(SubmitTest, RefusalByTheExecutorIsHeardOnce) {
  class Refusing final : public Executor {
    void post(std::function<void()>) override { throw std::length_error("full"); }
  } refusing;
  EXPECT_THROW(submit(store_.default_space(), refusing, create, note()), std::length_error);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].error().code(), Code::cancelled);
}

TEST_F(SubmitTest, SwallowsWhatACompletionThrowsForADroppedTask) {
  int heard = 0;
  submit(store_.default_space(), executor_, create, [&](const Result<UserId>&) {
    ++heard;
    throw std::runtime_error("mine");
  });
  executor_.drop_all();
  EXPECT_EQ(heard, 1);
}

TEST_F(SubmitTest, KeepsTheLimitsOfItsSpace) {
  std::stop_source source;
  auto future = submit(store_.with({.cancel = source.get_token()}), executor_, create);
  source.request_stop();
  executor_.run_one();
  EXPECT_EQ(future.get().error().code(), Code::cancelled);
}

// Threads -----------------------------------------------------------------------------------------

/// Names of this process's threads, each as often as it is there.
std::multiset<std::string> thread_names() {
  std::multiset<std::string> names;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    if (std::getline(file, name)) names.insert(name);
  }
  return names;
}

std::size_t named(const std::string& prefix) {
  const auto names = thread_names();
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(), [&](const auto& name) { return name.starts_with(prefix); }));
}

void work_hard(const Store& store) {
  for (int i = 0; i < 3; ++i) {
    store.memories().create({.text = "something to flush"}).value();
    store.compact().value();
  }
}

TEST(Threads, AreNamedAndEndWithTheirStore) {
  const TempDirectory one(TempDirectory::On::memory);
  const TempDirectory two(TempDirectory::On::memory);
  const std::size_t before = thread_names().size();
  const std::size_t pool = named("rocksdb");  // what another test's follower left
  Store amelia = Store::open(one.path("s"), {.thread_name = "amelia"}).value();
  Store bertha = Store::open(two.path("s"), {.thread_name = "bertha"}).value();
  work_hard(amelia);
  EXPECT_EQ(thread_names().count("amelia-work"), 1U);
  EXPECT_EQ(thread_names().count("amelia-flush0"), 1U);
  EXPECT_EQ(thread_names().count("amelia-merge0"), 1U);
  EXPECT_EQ(thread_names().count("bertha-work"), 1U);
  EXPECT_EQ(named("rocksdb"), pool) << "a thread of RocksDB's own pool";
  work_hard(bertha);
  EXPECT_EQ(named("bertha"), 3U);
  amelia.close().value();
  EXPECT_EQ(named("amelia"), 0U);
  EXPECT_EQ(named("bertha"), 3U) << "another store's threads";
  bertha.close().value();
  EXPECT_EQ(thread_names().size(), before);
}

TEST(Threads, AreAsManyAsTheOptionsSayAtMost) {
  const Store store =
      Store::open_in_memory({.background_work = false, .disk_threads = 4, .thread_name = "few"})
          .value();
  work_hard(store);
  EXPECT_GT(named("few"), 0U);
  EXPECT_LE(named("few"), 4U);
}

/// The nice values of threads that are named so.
std::set<int> nice_of(const std::string& name) {
  std::set<int> values;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::ifstream file(task.path() / "comm");
    std::string found;
    if (!std::getline(file, found) || found != name) continue;
    values.insert(
        ::getpriority(PRIO_PROCESS, static_cast<id_t>(std::stoul(task.path().filename()))));
  }
  return values;
}

TEST(Threads, OfTheDiskLeaveTheProcessorToOthers) {
  const int own = ::getpriority(PRIO_PROCESS, 0);
  if (own > 5) GTEST_SKIP() << "nicer already than the test needs";
  for (const int nice : {0, 7, 10}) {
    const Store store =
        Store::open_in_memory(
            {.disk_threads_nice = static_cast<std::uint32_t>(nice), .thread_name = "polite"})
            .value();
    work_hard(store);
    EXPECT_EQ(nice_of("polite-merge0"), std::set<int>{own + nice});
    EXPECT_EQ(nice_of("polite-flush0"), std::set<int>{own + nice / 2});
    EXPECT_EQ(nice_of("polite-work"), std::set<int>{own});
  }
}

TEST(Threads, NeedOptionsInTheirRange) {
  EXPECT_EQ(Store::open_in_memory({.disk_threads_nice = 20}).error().field(), "disk_threads_nice");
  for (const std::uint32_t count : {0U, 1U, 33U}) {
    const auto opened = Store::open_in_memory({.disk_threads = count});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().field(), "disk_threads");
  }
  for (const char* name : {"", "ninebytes", "a\n", "\xc3\xa9"}) {
    const auto opened = Store::open_in_memory({.thread_name = name});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().field(), "thread_name");
  }
}

// Output and signals ------------------------------------------------------------------------------

/// Sends stdout and stderr to a file while it lives.
class CapturedOutput {
 public:
  explicit CapturedOutput(const std::string& path) {
    std::fflush(nullptr);
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      saved_.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
      ::dup2(file, fd);
    }
    ::close(file);
  }
  ~CapturedOutput() {
    std::fflush(nullptr);
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      ::dup2(saved_[i], i == 0 ? STDOUT_FILENO : STDERR_FILENO);
      ::close(saved_[i]);
    }
  }
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;

 private:
  std::vector<int> saved_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Opens, writes, fails on purpose, and closes.
void live_through_everything(const TempDirectory& directory) {
  {
    const Store store = Store::open(directory.path("s")).value();
    work_hard(store);
    EXPECT_TRUE(store.verify());
    EXPECT_EQ(Store::open(directory.path("s")).error().code(), Code::busy);
    EXPECT_FALSE(store.users().create({.name = std::string(1000, 'x')}));
    const Store reader = Store::open(directory.path("s"), {.mode = OpenMode::read_only}).value();
    EXPECT_TRUE(reader.refresh());
  }
  EXPECT_FALSE(Store::open(directory.path("none"), {.mode = OpenMode::existing}));
  EXPECT_FALSE(Store::open("/dev/null/s"));
  TestEnvironment failing;
  std::atomic<bool> fails{false};
  failing.set_file_hook([&](FileOperation, std::string_view) { return fails ? EIO : 0; });
  {
    const Store store = Store::open(directory.path("s"), {.environment = &failing}).value();
    fails = true;
    EXPECT_FALSE(store.users().create({.name = "Bo"}));
    EXPECT_FALSE(store.compact());
  }
  std::filesystem::resize_file(directory.path("s") + "/db/CURRENT", 3);
  EXPECT_FALSE(Store::open(directory.path("s")));
}

TEST(Output, ThereIsNone) {
  const TempDirectory directory(TempDirectory::On::memory);
  {
    const CapturedOutput captured(directory.path("output"));
    live_through_everything(directory);
  }
  EXPECT_EQ(read_file(directory.path("output")), "");
}

TEST(Signals, AreLeftToTheHost) {
  const auto handlers = [] {
    std::vector<std::pair<void (*)(int), int>> all;
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action{};
      if (::sigaction(number, nullptr, &action) != 0) continue;
      all.emplace_back(action.sa_handler, action.sa_flags);
    }
    return all;
  };
  const auto before = handlers();
  const TempDirectory directory(TempDirectory::On::memory);
  const Store store = Store::open(directory.path("s")).value();
  work_hard(store);
  EXPECT_EQ(handlers(), before);
}

}  // namespace
}  // namespace callisto::testing
