// What transactions promise among each other.

#include <random>

#include "tests/support/test_environment.h"
#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

constexpr int kThreads = 4;
constexpr std::int64_t kStart = 100;

class Transactions : public ThreadsTest {
 protected:
  MemoryId make_account(int number) const {
    return store_.memories()
        .create({.category = "account",
                 .key = std::to_string(number),
                 .value = balance_json(kStart),
                 .tags = {"money"}})
        .value();
  }
  static std::string balance_json(std::int64_t balance) {
    return "{\"balance\":" + std::to_string(balance) + "}";
  }
  static Result<std::int64_t> balance(const Repositories& at, MemoryId id) {
    auto memory = at.memories().get(id);
    if (!memory) return memory.error();
    if (!*memory) return Error(Code::not_found, "account", "");
    return (*memory)->value()["balance"].as_int64().value();
  }
  static Result<void> set_balance(const Repositories& at, MemoryId id, std::int64_t balance) {
    auto version = at.memories().update(id, {.value = balance_json(balance)});
    if (!version) return version.error();
    return {};
  }
  std::int64_t sum(const std::vector<MemoryId>& accounts) const {
    const Snapshot snapshot = store_.snapshot().value();
    std::int64_t sum = 0;
    for (const MemoryId id : accounts) sum += balance(snapshot, id).value();
    return sum;
  }
  /// The same, read by an index.
  std::int64_t sum_by_tag() const {
    std::int64_t sum = 0;
    for (const Memory& memory : store_.memories().find({.tags_all = {"money"}}).value()) {
      sum += memory.value()["balance"].as_int64().value();
    }
    return sum;
  }
};

TEST_F(Transactions, TransfersKeepTheSum) {
  std::vector<MemoryId> accounts;
  for (int i = 0; i < 5; ++i) accounts.push_back(make_account(i));
  const std::uint64_t seed = test_seed();
  const auto total = static_cast<std::int64_t>(accounts.size()) * kStart;
  std::atomic<int> writing{kThreads - 1};
  run_threads(kThreads, [&](int thread) {
    if (thread == kThreads - 1) {
      while (writing > 0) {
        EXPECT_EQ(sum(accounts), total);
        EXPECT_EQ(sum_by_tag(), total);
      }
      return;
    }
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(thread));
    for (int i = 0; i < 60; ++i) {
      const std::size_t from = random() % accounts.size();
      const std::size_t to = (from + 1 + random() % (accounts.size() - 1)) % accounts.size();
      const auto amount = static_cast<std::int64_t>(random() % 20);
      const auto done = store_.transact(
          [&](Transaction& transaction) -> Result<void> {
            auto source = balance(transaction, accounts[from]);
            if (!source) return source.error();
            auto target = balance(transaction, accounts[to]);
            if (!target) return target.error();
            if (auto set = set_balance(transaction, accounts[from], *source - amount); !set) return set;
            return set_balance(transaction, accounts[to], *target + amount);
          },
          kPatient);
      EXPECT_TRUE(done) << done.error().to_string();
    }
    --writing;
  });
  EXPECT_EQ(sum(accounts), total);
  EXPECT_EQ(sum_by_tag(), total);
}

// One hot counter: no increment is lost, whether guarded by a transaction or by if_version.
TEST_F(Transactions, NoUpdateIsLost) {
  const MemoryId counter = make_account(0);
  constexpr int kIncrements = 50;
  run_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kIncrements; ++i) {
      if (thread % 2 == 0) {
        const auto done = store_.transact(
            [&](Transaction& transaction) -> Result<void> {
              auto old = balance(transaction, counter);
              if (!old) return old.error();
              return set_balance(transaction, counter, *old + 1);
            },
            kPatient);
        EXPECT_TRUE(done) << done.error().to_string();
        continue;
      }
      for (;;) {
        const Memory memory = store_.memories().get(counter).value().value();
        const std::int64_t old = memory.value()["balance"].as_int64().value();
        const auto version = store_.memories().update(counter, {.value = balance_json(old + 1)},
                                                      {.if_version = memory.version()});
        if (version) break;
        const Code code = version.error().code();
        ASSERT_TRUE(code == Code::version_mismatch || code == Code::conflict)
            << version.error().to_string();
      }
    }
  });
  EXPECT_EQ(balance(store_.default_space(), counter).value(), kStart + kThreads * kIncrements);
  EXPECT_EQ(store_.memories().get(counter).value()->version(), 1U + kThreads * kIncrements);
}

// Two accounts that together must not go below zero; each transaction reads both and writes one.
TEST_F(Transactions, WhatWasReadIsCheckedAtCommit) {
  for (int round = 0; round < 5; ++round) {
    const std::vector<MemoryId> accounts = {make_account(2 * round), make_account(2 * round + 1)};
    std::barrier both_have_read(2);
    run_threads(2, [&](int thread) {
      bool is_first = true;
      const auto done = store_.transact(
          [&](Transaction& transaction) -> Result<void> {
            auto first = balance(transaction, accounts[0]);
            if (!first) return first.error();
            auto second = balance(transaction, accounts[1]);
            if (!second) return second.error();
            if (std::exchange(is_first, false)) both_have_read.arrive_and_wait();
            if (*first + *second < 2 * kStart) return {};
            const auto own = thread == 0 ? *first : *second;
            return set_balance(transaction, accounts[static_cast<std::size_t>(thread)],
                               own - 2 * kStart);
          },
          kPatient);
      EXPECT_TRUE(done) << done.error().to_string();
    });
    EXPECT_EQ(sum(accounts), 0) << "exactly one withdrawal fits";
  }
}

}  // namespace
}  // namespace callisto::testing
