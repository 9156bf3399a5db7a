// A disk that fails: at every operation of a small workload, once or from then on.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/open.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

struct Fault {
  int operation = 0;
  int error_number = EIO;
  bool once = true;
};

/// One run of the workload: a store that is made without faults, opened and used with one fault,
/// closed, and opened again without.
class FaultRun {
 public:
  explicit FaultRun(const Fault& fault) : fault_(fault) {
    options_.directory = directory_.path("store");
    options_.memory_budget_bytes = 32ULL << 20;
    options_.environment = &environment_;
  }

  /// What went against the promises, or nothing.
  std::string run() {
    open_rocksdb(options_).value()->close().value();
    environment_.set_file_hook([this](FileOperation, std::string_view) { return decide(); });
    work();
    environment_.set_file_hook({});
    check_reopened();
    return complaints_.str();
  }
  /// True when the workload had so many operations.
  bool reached() const { return operations_ > fault_.operation; }
  bool failed_the_store() const { return failed_; }

 private:
  int decide() {
    const int operation = operations_++;
    const bool fails = fault_.once ? operation == fault_.operation : operation >= fault_.operation;
    return fails ? fault_.error_number : 0;
  }

  void work() {
    auto opened = open_rocksdb(options_);
    if (!opened) {
      failed_ = true;
      const Code code = opened.error().code();
      expect(code == Code::io_error || code == Code::no_space, "opening", opened.error());
      return;
    }
    Store& store = **opened;
    for (int part = 0; part < 3; ++part) {
      for (int i = 0; i < 4; ++i)
        commit(store, i % 2 == 0 ? Durability::buffered : Durability::synced);
      if (part < 2) upkeep(store, store.compact());
    }
    upkeep(store, store.erase_range(Family::memories, "a", "b"));
    commit(store, Durability::buffered);
    upkeep(store, store.sync());
    check_reads(store);
    if (!store.health().writable) failed_ = true;
    ignore_error(store.close(), "may tell of the fault again");
  }

  /// Two families and a counter in one commit.
  void commit(Store& store, Durability durability) {
    const bool writable = store.health().writable;
    const int number = next_++;
    const std::string key = "k" + std::to_string(number);
    const auto committed = store.run({.durability = durability}, [&](Transaction& transaction) {
      return transaction.put(Family::users, key, std::string(5000, 'v'))
          .and_then([&] { return transaction.put(Family::messages, key, "m"); })
          .and_then(
              [&] { return transaction.add({.group_key = "counts", .counter = 1, .delta = 1}); });
    });
    if (committed) {
      acknowledged_.push_back(number);
      if (!writable) complaints_ << "commit " << number << " after a failure; ";
      return;
    }
    const Code code = committed.error().code();
    if (writable && store.health().writable) complaints_ << "a failure left the store writable; ";
    if (writable) {
      expect(code == Code::unknown_outcome || code == Code::unavailable, "commit",
             committed.error());
    } else {
      expect(code == Code::unavailable, "commit after a failure", committed.error());
    }
    if (code == Code::unknown_outcome) unknown_.push_back(number);
  }

  void upkeep(Store& store, const Result<void>& result) {
    if (result) return;
    const Code code = result.error().code();
    expect(code == Code::io_error || code == Code::no_space || code == Code::unavailable, "upkeep",
           result.error());
    if (store.health().writable) complaints_ << "failed upkeep left the store writable; ";
  }

  bool has(Store& store, Family family, int number) {
    Value value;
    const auto found = store.get(family, "k" + std::to_string(number), value);
    if (!found) complaints_ << "read: " << found.error().to_string() << "; ";
    return found && *found;
  }

  void check_reads(Store& store) {
    for (const int number : acknowledged_) {
      if (!has(store, Family::users, number) || !has(store, Family::messages, number)) {
        complaints_ << "lost commit " << number << "; ";
      }
    }
  }

  void check_reopened() {
    auto opened = open_rocksdb(options_);
    if (!opened) {
      complaints_ << "opening again: " << opened.error().to_string();
      return;
    }
    Store& store = **opened;
    check_reads(store);
    std::int64_t count = static_cast<std::int64_t>(acknowledged_.size());
    for (const int number : unknown_) {
      const bool there = has(store, Family::users, number);
      if (there != has(store, Family::messages, number))
        complaints_ << "half of " << number << "; ";
      if (there) ++count;
    }
    if (counted(store) != count)
      complaints_ << "counted " << counted(store) << " of " << count << "; ";
    const std::size_t before = acknowledged_.size();
    commit(store, Durability::synced);
    if (acknowledged_.size() != before + 1) complaints_ << "no commit after opening again; ";
    if (auto checked = store.verify_checksums(); !checked) {
      complaints_ << "files: " << checked.error().to_string();
    }
  }

  static std::int64_t counted(Store& store) {
    Value value;
    if (!store.get(Family::system, "counts", value).value()) return 0;
    const auto counters = decode_counters(value.view());
    return counters && !counters->empty() ? counters->front().second : 0;
  }

  void expect(bool as_promised, const char* what, const Error& error) {
    if (!as_promised) complaints_ << what << ": " << error.to_string() << "; ";
  }

  const Fault fault_;
  testing::TempDirectory directory_{testing::TempDirectory::On::memory};
  testing::TestEnvironment environment_;
  OpenOptions options_;
  std::atomic<int> operations_{0};
  bool failed_ = false;
  int next_ = 0;
  std::vector<int> acknowledged_;
  std::vector<int> unknown_;
  std::ostringstream complaints_;
};

/// Every `step`-th operation of the workload from `first` on fails once, then for good. Tells the
/// parent of each store: "failed" or "went on", then complaints.
void sweep(int first, int step, int error_number) {
  for (const bool once : {true, false}) {
    bool reached = true;
    for (int operation = first; reached; operation += step) {
      FaultRun run({.operation = operation, .error_number = error_number, .once = once});
      const std::string complaints = run.run();
      reached = run.reached();
      testing::tell_parent(
          (run.failed_the_store() ? "failed " : "went-on ") +
          (complaints.empty() ? complaints : std::to_string(operation) + ": " + complaints));
    }
  }
}

TEST(RocksFaultsChild, DISABLED_Sweeps) {
  sweep(std::stoi(testing::child_setting("FIRST")), std::stoi(testing::child_setting("STEP")),
        std::stoi(testing::child_setting("ERROR")));
}

/// In several processes, since RocksDB's background threads, which a process has two of, wait for a
/// second after each failure. A process that aborted tells so by its end.
void expect_survived(const char* kind, int error_number) {
  constexpr int kProcesses = 6;
  // CALLISTO_FAULT_STRIDE=1 tries every operation.
  const char* given = std::getenv("CALLISTO_FAULT_STRIDE");
  const int stride = given == nullptr ? 4 : std::max(1, std::atoi(given));
  std::vector<std::unique_ptr<testing::ChildProcess>> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(std::make_unique<testing::ChildProcess>(
        "RocksFaultsChild.DISABLED_Sweeps", std::vector<std::pair<std::string, std::string>>{
                                                {"FIRST", std::to_string(i * stride)},
                                                {"STEP", std::to_string(kProcesses * stride)},
                                                {"ERROR", std::to_string(error_number)}}));
  }
  int runs = 0;
  int failed_stores = 0;
  for (auto& child : children) {
    for (std::string line = child->hear(); !line.empty(); line = child->hear()) {
      ++runs;
      failed_stores += line.starts_with("failed") ? 1 : 0;
      EXPECT_EQ(line.substr(line.find(' ') + 1), "") << kind;
    }
    EXPECT_TRUE(child->finish()) << kind << ": the process ended otherwise than by its test";
  }
  std::printf("%s: %d runs, %d stores failed\n", kind, runs, failed_stores);
  EXPECT_GT(failed_stores, runs / 4) << "the faults must reach the store";
  EXPECT_GT(runs, 2 * kProcesses);
}

TEST(RocksFaults, NothingIsLostAndNothingAbortsWhenOperationsFail) { expect_survived("EIO", EIO); }

TEST(RocksFaults, NothingIsLostAndNothingAbortsWhenTheDiskIsFull) {
  expect_survived("ENOSPC", ENOSPC);
}

}  // namespace
}  // namespace callisto::kv
