#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "callisto/store.h"

namespace callisto::testing {

/// Runs `function(thread)` on that many threads that start together, and waits for them.
inline void run_threads(int count, const std::function<void(int)>& function) {
  std::barrier start(count);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < count; ++thread) {
    threads.emplace_back([&, thread] {
      start.arrive_and_wait();
      function(thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

/// Calls again while other writers are faster: what `conflict` asks a caller to do.
template <class F>
auto until_decided(F&& function) -> decltype(function()) {
  for (;;) {
    auto result = function();
    if (result || result.error().code() != Code::conflict) return result;
  }
}

/// A store in memory with the system's clock and randomness, and its background thread. Whatever the
/// threads did, the indexes and counts agree with the records afterwards.
class ThreadsTest : public ::testing::Test {
 protected:
  ThreadsTest() : store_(Store::open_in_memory({.memory_budget_bytes = 64ULL << 20}).value()) {}

  void TearDown() override {
    expect_sound();
    store_.finish_pending_work().value();
    EXPECT_EQ(store_.health().pending_work, 0U);
    expect_sound();
  }

  void expect_sound() const {
    const VerifyReport report = store_.verify({.checksums = false}).value();
    EXPECT_TRUE(report.ok);
    for (const Defect& defect : report.defects) {
      ADD_FAILURE() << defect.kind << " " << defect.table << " " << defect.key << " " << defect.detail;
    }
  }

  std::uint64_t records(const std::string& table) const {
    return store_.stats().value().tables.at(table).records;
  }

  Store store_;
};

/// Retried for as long as it takes.
inline const TransactOptions kPatient{.max_attempts = 1000, .deadline_ms = 0};

}  // namespace callisto::testing
