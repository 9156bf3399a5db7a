#include "engine/waiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace callisto::kv {
namespace {

using std::chrono_literals::operator""ms;

TEST(Waiter, WhatIsToldBeforeTheWaitEndsIt) {
  Waiter waiter;
  waiter.tell();
  waiter.wait();
  EXPECT_FALSE(waiter.wait_for(1ms));  // told once
  waiter.tell();
  EXPECT_TRUE(waiter.wait_for(1ms));
}

TEST(Waiter, AThreadKeepsOneAndHasAnotherWhileThatIsInUse) {
  const std::shared_ptr<Waiter> first = Waiter::take();
  const std::shared_ptr<Waiter> second = Waiter::take();
  EXPECT_NE(first, second);
  Waiter::give_back(second);
  EXPECT_EQ(Waiter::take(), second);
  Waiter::give_back(first);
  EXPECT_EQ(Waiter::take(), first);
  std::shared_ptr<Waiter> other;
  std::thread([&] {
    Waiter::give_back(Waiter::take());
    other = Waiter::take();
  }).join();
  EXPECT_NE(other, first);
  EXPECT_NE(other, second);
  other->tell();  // its thread is gone
}

struct AtTheEndOfTheThread {
  std::shared_ptr<Waiter>* waiter = nullptr;
  ~AtTheEndOfTheThread() {
    if (waiter == nullptr) return;
    *waiter = Waiter::take();
    Waiter::give_back(*waiter);
  }
};
thread_local AtTheEndOfTheThread at_the_end;

// Variables go in the order against that of their first use.
TEST(Waiter, IsThereForDestructorsAtTheEndOfAThread) {
  std::shared_ptr<Waiter> own;
  std::shared_ptr<Waiter> late;
  std::thread([&] {
    at_the_end.waiter = &late;
    own = Waiter::take();
    Waiter::give_back(own);
  }).join();
  ASSERT_NE(late, nullptr);
  EXPECT_NE(late, own);
  late->tell();
  EXPECT_TRUE(late->wait_for(1ms));
}

TEST(Waiter, ThoseOfAQueueAreToldOnceItEnds) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  std::vector<std::shared_ptr<Waiter>> waiters(kThreads);
  std::latch ready(kThreads + 1);
  std::vector<int> heard(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::shared_ptr<Waiter> own = std::make_shared<Waiter>();
      waiters[static_cast<std::size_t>(i)] = own;
      ready.arrive_and_wait();
      for (int round = 0; round < kRounds; ++round) {
        own->wait();
        ++heard[static_cast<std::size_t>(i)];
      }
    });
  }
  ready.arrive_and_wait();
  for (int round = 0; round < kRounds; ++round) {
    {
      Waiters told;
      for (const auto& waiter : waiters) told.add(waiter);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  // One that was told twice before it looked has heard it once.
  std::atomic<bool> is_over{false};
  std::thread again([&] {
    while (!is_over) {
      for (const auto& waiter : waiters) waiter->tell();
      std::this_thread::yield();
    }
  });
  for (std::thread& thread : threads) thread.join();
  is_over = true;
  again.join();
  EXPECT_EQ(heard, std::vector<int>(kThreads, kRounds));
}

}  // namespace
}  // namespace callisto::kv
