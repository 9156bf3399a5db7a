#include "engine/committer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/cache/state_cache.h"
#include "engine/slots.h"
#include "tests/engine/fake_sink.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

WriteSet put(std::string_view key, std::string_view value = "v") {
  WriteSet set;
  set.put(Family::users, key, value).value();
  return set;
}

WriteSet add(std::string_view group, std::int64_t delta, std::uint16_t counter = 1) {
  WriteSet set;
  set.add({std::string(group), counter, delta}).value();
  return set;
}

class CommitterTest : public ::testing::Test {
 protected:
  Result<Version> commit(const WriteSet& set, std::optional<Version> snapshot,
                         const std::vector<std::uint64_t>& guards = {},
                         Durability durability = Durability::buffered) {
    return committer_.commit({&set, guards, snapshot, durability});
  }
  Code code(const Result<Version>& result) { return result ? Code{} : result.error().code(); }
  std::string stored(std::string_view key) {
    return sink_.get(Family::users, key, sink_.version()).value_or("absent");
  }

  /// Commits `first` while it is held up in the sink, queues each of `others` behind it in order,
  /// and lets all go: the outcomes of the others.
  std::vector<Result<Version>> commit_together(const std::vector<CommitRequest>& others) {
    sink_.hold();
    const std::size_t before = sink_.writes().size();
    const WriteSet first = put("first");
    std::thread leader(
        [&] { ignore_error(commit(first, std::nullopt), "it only holds the place"); });
    sink_.wait_for_writes(before + 1);
    std::vector<Result<Version>> outcomes(others.size(), Version{0});
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < others.size(); ++i) {
      threads.emplace_back([&, i] { outcomes[i] = committer_.commit(others[i]); });
      while (committer_.waiting() < i + 2) std::this_thread::yield();
    }
    sink_.release();
    leader.join();
    for (std::thread& thread : threads) thread.join();
    return outcomes;
  }

  FakeSink sink_;
  testing::TestEnvironment environment_;
  Committer committer_{sink_, environment_};
};

TEST_F(CommitterTest, WritesAndRemembersTheVersion) {
  const Version before = sink_.version();
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), Version{0});
  const auto version = commit(put("k", "1"), before);
  ASSERT_TRUE(version);
  EXPECT_GT(*version, before);
  EXPECT_EQ(stored("k"), "1");
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), *version);
  EXPECT_EQ(committer_.committed_version(Family::users, "l"), Version{0});
  EXPECT_EQ(committer_.commits(), 1u);
  EXPECT_EQ(committer_.waiting(), 0u);
  EXPECT_EQ(committer_.memory_bytes(), 8u << 20);
}

TEST_F(CommitterTest, RefusesWhoStandsOnWhatChanged) {
  const Version before = sink_.version();
  ASSERT_TRUE(commit(put("k", "theirs"), before));
  const std::vector<std::uint64_t> guards{hash_key(Family::users, "k")};
  WriteSet touching = put("other");
  touching.touch(Family::users, "k");

  EXPECT_EQ(code(commit(put("k", "mine"), before)), Code::conflict);
  EXPECT_EQ(code(commit(put("other"), before, guards)), Code::conflict);
  EXPECT_EQ(code(commit(touching, before)), Code::conflict);
  EXPECT_EQ(stored("k"), "theirs");
  EXPECT_EQ(stored("other"), "absent");
  EXPECT_EQ(committer_.conflicts(), 3u);

  const Version now = sink_.version();
  EXPECT_TRUE(commit(put("other"), now, guards));
  EXPECT_TRUE(commit(put("k", "mine"), now));
}

TEST_F(CommitterTest, ATouchCountsAsAChangeAndAGuardDoesNot) {
  const Version before = sink_.version();
  const std::vector<std::uint64_t> guards{hash_key(Family::users, "k")};
  ASSERT_TRUE(commit(put("a"), before, guards));
  EXPECT_TRUE(commit(put("b"), before, guards));
  WriteSet touch;
  touch.touch(Family::users, "k");
  const auto touched = commit(touch, before);
  ASSERT_TRUE(touched);
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), *touched);
  EXPECT_EQ(code(commit(put("c"), before, guards)), Code::conflict);
}

TEST_F(CommitterTest, ABlindWriteConflictsWithNothingButOthersWithIt) {
  const Version before = sink_.version();
  ASSERT_TRUE(commit(put("k", "1"), before));
  const auto blind = commit(put("k", "2"), std::nullopt);
  ASSERT_TRUE(blind);
  EXPECT_EQ(stored("k"), "2");
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), *blind);
  EXPECT_EQ(code(commit(put("k", "3"), *blind - 1)), Code::conflict);
}

TEST_F(CommitterTest, WhoWaitsTogetherIsWrittenTogether) {
  const Version snapshot = sink_.version();
  std::vector<WriteSet> sets;
  for (int i = 0; i < 8; ++i) sets.push_back(put("k" + std::to_string(i)));
  std::vector<CommitRequest> requests;
  for (const WriteSet& set : sets) requests.push_back({.writes = &set, .snapshot = snapshot});
  requests[5].durability = Durability::synced;

  const auto outcomes = commit_together(requests);
  const auto writes = sink_.writes();
  ASSERT_EQ(writes.size(), 2u);
  EXPECT_EQ(writes[1].sets, 8u);
  EXPECT_EQ(writes[0].durability, Durability::buffered);
  EXPECT_EQ(writes[1].durability, Durability::synced) << "one member asked for it";
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(outcomes[i].value(), sink_.version());
    EXPECT_EQ(stored("k" + std::to_string(i)), "v");
  }
  EXPECT_EQ(committer_.commits(), 9u);
}

TEST_F(CommitterTest, AGroupIsBoundedInBytes) {
  const std::string large(400'000, 'v');
  std::vector<WriteSet> sets;
  for (int i = 0; i < 6; ++i) sets.push_back(put("k" + std::to_string(i), large));
  std::vector<CommitRequest> requests;
  for (const WriteSet& set : sets) requests.push_back({.writes = &set});
  for (const auto& outcome : commit_together(requests)) EXPECT_TRUE(outcome);
  std::size_t sets_written = 0;
  for (const FakeSink::Write& write : sink_.writes()) {
    EXPECT_LE(write.bytes, Committer::kGroupBytes);
    sets_written += write.sets;
  }
  EXPECT_EQ(sets_written, 7u);
  EXPECT_EQ(sink_.writes().size(), 4u);
}

TEST_F(CommitterTest, AWriterAboveTheGroupLimitGoesAlone) {
  const WriteSet large = put("large", std::string(3u << 20, 'v'));
  const WriteSet small = put("small");
  for (const auto& outcome : commit_together({{.writes = &large}, {.writes = &small}})) {
    EXPECT_TRUE(outcome);
  }
  EXPECT_EQ(sink_.writes().size(), 3u);
}

TEST_F(CommitterTest, MembersOfOneGroupConflictWithEachOther) {
  const Version snapshot = sink_.version();
  const WriteSet first = put("k", "first");
  const WriteSet second = put("k", "second");
  const WriteSet third = put("l");
  const std::vector<std::uint64_t> guards{hash_key(Family::users, "k")};
  const auto outcomes =
      commit_together({{.writes = &first, .snapshot = snapshot},
                       {.writes = &second, .snapshot = snapshot},
                       {.writes = &third, .guards = guards, .snapshot = snapshot}});
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(code(outcomes[1]), Code::conflict);
  EXPECT_EQ(code(outcomes[2]), Code::conflict);
  EXPECT_EQ(stored("k"), "first");
  EXPECT_EQ(stored("l"), "absent");
}

TEST_F(CommitterTest, BlindMembersOfOneGroupApplyInTheirOrder) {
  const WriteSet first = put("k", "first");
  const WriteSet second = put("k", "second");
  for (const auto& outcome : commit_together({{.writes = &first}, {.writes = &second}})) {
    EXPECT_TRUE(outcome);
  }
  EXPECT_EQ(stored("k"), "second");
}

TEST_F(CommitterTest, AGroupOfConflictsReachesNoSink) {
  ASSERT_TRUE(commit(put("k"), std::nullopt));
  const std::size_t writes = sink_.writes().size();
  EXPECT_EQ(code(commit(put("k"), Version{0})), Code::conflict);
  EXPECT_EQ(sink_.writes().size(), writes);
}

TEST_F(CommitterTest, AFailedWriteFailsItsGroupAndStopsTheNextUntilReset) {
  ASSERT_TRUE(commit(add("group", 5), std::nullopt));
  const auto known = committer_.committed_version(Family::users, "elsewhere");
  sink_.fail({Code::unknown_outcome, "the sync failed"});
  WriteSet both = put("k");
  both.add({"group", 1, 2}).value();
  const auto failed = commit(both, sink_.version());
  EXPECT_EQ(code(failed), Code::unknown_outcome);
  EXPECT_EQ(failed.error().message(), "the sync failed");
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), std::nullopt);
  EXPECT_EQ(committer_.committed_version(Family::system, "group"), std::nullopt);
  EXPECT_EQ(committer_.committed_version(Family::users, "elsewhere"), known);

  const std::size_t writes = sink_.writes().size();
  EXPECT_EQ(code(commit(put("other"), sink_.version())), Code::unavailable);
  EXPECT_EQ(code(commit(put("other"), std::nullopt)), Code::unavailable);
  EXPECT_EQ(sink_.writes().size(), writes) << "nothing reaches the disk after a failure";

  const Version old = sink_.version() - 1;
  committer_.reset(sink_.version());
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), sink_.version());
  EXPECT_EQ(code(commit(put("k"), old)), Code::conflict);
  EXPECT_TRUE(commit(both, sink_.version()));
  EXPECT_EQ(sink_.counters("group")[1], 7) << "the failed delta is not counted";
}

TEST_F(CommitterTest, EveryMemberOfAFailedGroupHearsIt) {
  const WriteSet first = put("a");
  const WriteSet second = put("b");
  sink_.fail({Code::io_error, "broken"});
  // The failure hits the write that is held up; the two behind it never reach the disk.
  const auto outcomes = commit_together({{.writes = &first}, {.writes = &second}});
  EXPECT_EQ(code(outcomes[0]), Code::unavailable);
  EXPECT_EQ(code(outcomes[1]), Code::unavailable);
  EXPECT_EQ(sink_.writes().size(), 1u);
}

TEST_F(CommitterTest, CountersStartFromTheStoredRow) {
  WriteSet row;
  row.put(Family::system, "group", encode_counters({{{1, 40}, {9, 3}}})).value();
  ASSERT_TRUE(commit(row, std::nullopt));
  ASSERT_TRUE(commit(add("group", 2), sink_.version()));
  ASSERT_TRUE(commit(add("group", -3, 9), sink_.version()));
  EXPECT_EQ(sink_.counters("group"), (std::map<std::uint16_t, std::int64_t>{{1, 42}}));
}

TEST_F(CommitterTest, AddsDoNotConflictWithEachOtherButWithWhoGuardsTheRow) {
  const Version snapshot = sink_.version();
  const WriteSet first = add("group", 1);
  const WriteSet second = add("group", 2);
  const WriteSet guarding = put("k");
  const std::vector<std::uint64_t> guards{hash_key(Family::system, "group")};
  const auto outcomes =
      commit_together({{.writes = &first, .snapshot = snapshot},
                       {.writes = &second, .snapshot = snapshot},
                       {.writes = &guarding, .guards = guards, .snapshot = snapshot}});
  EXPECT_TRUE(outcomes[0]);
  EXPECT_TRUE(outcomes[1]);
  EXPECT_EQ(code(outcomes[2]), Code::conflict);
  EXPECT_EQ(sink_.counters("group")[1], 3);
  EXPECT_EQ(sink_.writes().back().rows, 1u) << "one row a group of writers";
}

TEST_F(CommitterTest, ARowWrittenDirectlyIsTheNewStartOfItsCounters) {
  ASSERT_TRUE(commit(add("group", 100), std::nullopt));
  WriteSet replaced;
  replaced.put(Family::system, "group", encode_counters({{{1, 7}}})).value();
  const WriteSet one = add("group", 1);
  WriteSet erased;
  erased.erase(Family::system, "group").value();
  erased.add({"group", 1, 5}).value();

  for (const auto& outcome :
       commit_together({{.writes = &one}, {.writes = &replaced}, {.writes = &one}})) {
    EXPECT_TRUE(outcome);
  }
  EXPECT_EQ(sink_.counters("group")[1], 8);
  ASSERT_TRUE(commit(erased, std::nullopt));
  EXPECT_EQ(sink_.counters("group")[1], 5);
  // The same for a group that was not known before the group of writers that replaces its row.
  committer_.forget_counters();
  for (const auto& outcome : commit_together({{.writes = &replaced}, {.writes = &one}})) {
    EXPECT_TRUE(outcome);
  }
  EXPECT_EQ(sink_.counters("group")[1], 8);
}

TEST_F(CommitterTest, ForgottenCountersAreReadAgain) {
  ASSERT_TRUE(commit(add("group", 1), std::nullopt));
  committer_.forget_counters();
  sink_.fail_read({Code::io_error, "unreadable"});
  EXPECT_EQ(code(commit(add("group", 1), std::nullopt)), Code::io_error);
  EXPECT_TRUE(commit(add("group", 1), std::nullopt)) << "a failed read stops nothing";
  EXPECT_EQ(sink_.counters("group")[1], 2);
}

TEST_F(CommitterTest, ADamagedRowRefusesOnlyWhoAddsToIt) {
  WriteSet damaged;
  damaged.put(Family::system, "group", "\x80").value();
  ASSERT_TRUE(commit(damaged, std::nullopt));
  const WriteSet adding = add("group", 1);
  const WriteSet other = put("k");
  const auto outcomes = commit_together({{.writes = &adding}, {.writes = &other}});
  EXPECT_EQ(code(outcomes[0]), Code::corruption);
  EXPECT_TRUE(outcomes[1]);
}

TEST_F(CommitterTest, LimitsEndTheWaitForOthersAndNothingIsWritten) {
  const WriteSet set = put("k");
  const auto fine = []() -> Result<void> { return {}; };
  const auto write = [&]() -> Result<Version> { return sink_.version(); };
  std::stop_source stop;
  const Limits cancelled(environment_, 0, stop.get_token());
  const Limits late(environment_, 50);
  sink_.hold();
  std::thread leader([&] { EXPECT_TRUE(commit(put("first"), std::nullopt)); });
  sink_.wait_for_writes(1);
  std::thread one([&] {
    EXPECT_EQ(code(committer_.commit({.writes = &set, .limits = &cancelled})), Code::cancelled);
  });
  std::thread load(
      [&] { EXPECT_EQ(code(committer_.change_all(fine, write, &cancelled)), Code::cancelled); });
  while (committer_.waiting() < 3) std::this_thread::yield();
  std::thread patient([&] { EXPECT_TRUE(commit(put("last"), std::nullopt)); });
  while (committer_.waiting() < 4) std::this_thread::yield();
  std::thread other([&] {
    const auto done = committer_.commit({.writes = &set, .limits = &late});
    EXPECT_EQ(code(done), Code::deadline_exceeded);
  });
  while (committer_.waiting() < 5) std::this_thread::yield();
  stop.request_stop();
  environment_.advance_micros(51'000);
  for (std::thread* ended : {&one, &load, &other}) ended->join();
  EXPECT_EQ(committer_.waiting(), 2u) << "who gave up is in nobody's way";
  sink_.release();
  leader.join();
  patient.join();
  EXPECT_EQ(stored("k"), "absent");
  EXPECT_EQ(stored("last"), "v");
}

TEST_F(CommitterTest, LimitsEndTheWaitForAChangeOfAll) {
  std::stop_source stop;
  const Limits limits(environment_, 0, stop.get_token());
  const WriteSet set = put("k");
  std::atomic<bool> is_held{true};
  const auto write = [&]() -> Result<Version> {
    while (is_held) std::this_thread::yield();
    return sink_.version();
  };
  std::thread load([&] {
    EXPECT_TRUE(committer_.change_all([]() -> Result<void> { return {}; }, write, nullptr));
  });
  while (committer_.waiting() < 1) std::this_thread::yield();
  std::thread one([&] {
    EXPECT_EQ(code(committer_.commit({.writes = &set, .limits = &limits})), Code::cancelled);
  });
  while (committer_.waiting() < 2) std::this_thread::yield();
  stop.request_stop();
  one.join();
  is_held = false;
  load.join();
}

// Each of the two waits is told what belongs to it.
TEST_F(CommitterTest, AClockMayCommitElsewhereInTheMiddleOfAWait) {
  class Busy final : public testing::TestEnvironment {
   public:
    std::int64_t monotonic_micros() override {
      if (call) std::exchange(call, nullptr)();
      return 0;
    }
    std::function<void()> call;
  } clock;
  FakeSink other_sink;
  Committer other(other_sink, environment_);
  const WriteSet first = put("first");
  const WriteSet second = put("second");
  const WriteSet set = put("k");
  const Limits limits(clock, 50);
  sink_.hold();
  other_sink.hold();
  std::thread leader([&] { EXPECT_TRUE(committer_.commit({.writes = &first})); });
  sink_.wait_for_writes(1);
  std::thread other_leader([&] { EXPECT_TRUE(other.commit({.writes = &first})); });
  other_sink.wait_for_writes(1);
  clock.call = [&] {
    std::thread release([&] {
      while (other.waiting() < 2) std::this_thread::yield();
      sink_.release();  // the wait outside is over
      while (committer_.waiting() > 1) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      other_sink.release();
    });
    EXPECT_TRUE(other.commit({.writes = &second}));
    EXPECT_EQ(other.waiting(), 0u);
    release.join();
  };
  EXPECT_TRUE(committer_.commit({.writes = &set, .limits = &limits}));
  leader.join();
  other_leader.join();
  EXPECT_EQ(stored("k"), "v");
  EXPECT_EQ(committer_.waiting(), 0u);
}

TEST_F(CommitterTest, AClockThatThrowsEndsTheWaitOfItsCallOnly) {
  class Broken final : public testing::TestEnvironment {
   public:
    std::int64_t monotonic_micros() override {
      if (is_broken) throw 1;
      return 0;
    }
    std::atomic<bool> is_broken{false};
  } clock;
  const Limits limits(clock, 50);
  const WriteSet set = put("k");
  sink_.hold();
  std::thread leader([&] { EXPECT_TRUE(commit(put("first"), std::nullopt)); });
  sink_.wait_for_writes(1);
  clock.is_broken = true;
  EXPECT_EQ(code(committer_.commit({.writes = &set, .limits = &limits})), Code::unavailable);
  EXPECT_EQ(committer_.waiting(), 1u);
  sink_.release();
  leader.join();
}

/// Counts who asks for the time, and may refuse to tell.
class CountedClock : public testing::TestEnvironment {
 public:
  std::int64_t monotonic_micros() override {
    ++asked;
    if (throws) throw 1;
    return TestEnvironment::monotonic_micros();
  }
  int asked = 0;
  bool throws = false;
};

TEST_F(CommitterTest, SyncedGroupsAreTimedByTheEnvironmentsClockOthersNot) {
  CountedClock clock;
  Committer committer(sink_, clock);
  const WriteSet set = put("k");
  EXPECT_TRUE(committer.commit({.writes = &set}));
  EXPECT_EQ(clock.asked, 0);
  for (const bool throws : {false, true, false}) {
    clock.throws = throws;
    clock.advance_micros(-5);
    EXPECT_TRUE(committer.commit({.writes = &set, .durability = Durability::synced}));
  }
  EXPECT_EQ(clock.asked, 6);
}

[[noreturn]] void run_out_of_memory() { throw std::bad_alloc(); }

TEST_F(CommitterTest, AnExceptionInAWriteEndsItsGroupAndNothingElse) {
  ASSERT_TRUE(commit(add("group", 5), std::nullopt));
  const auto known = committer_.committed_version(Family::system, "group");
  WriteSet both = put("k");
  both.add({"group", 1, 2}).value();
  sink_.interrupt(run_out_of_memory);
  EXPECT_EQ(code(commit(both, sink_.version())), Code::no_space);
  sink_.interrupt([] { throw 1; });
  EXPECT_EQ(code(commit(both, sink_.version())), Code::unavailable);
  EXPECT_EQ(committer_.waiting(), 0u);
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), Version{0}) << "not under way";
  EXPECT_EQ(committer_.committed_version(Family::system, "group"), known);
  EXPECT_EQ(stored("k"), "absent");

  EXPECT_TRUE(commit(both, sink_.version())) << "others go on";
  EXPECT_EQ(sink_.counters("group")[1], 7) << "what failed is not counted";
  EXPECT_EQ(committer_.commits(), 2u);
}

TEST_F(CommitterTest, EveryMemberHearsOfAnExceptionAndTheNextLeads) {
  // Two groups behind the one that is held up: the first of them meets the exception.
  const WriteSet large = put("large", std::string(Committer::kGroupBytes, 'v'));
  const WriteSet second = put("second");
  sink_.hold();
  std::thread leader([&] { EXPECT_EQ(code(commit(put("k"), std::nullopt)), Code::no_space); });
  sink_.wait_for_writes(1);
  std::vector<std::thread> threads;
  for (const WriteSet* set : {&large, &second}) {
    threads.emplace_back([&, set] { EXPECT_TRUE(commit(*set, std::nullopt)); });
    while (committer_.waiting() < threads.size() + 1) std::this_thread::yield();
  }
  sink_.interrupt(run_out_of_memory);
  sink_.release();
  leader.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored("second"), "v");
  EXPECT_EQ(committer_.waiting(), 0u);
}

TEST_F(CommitterTest, AnExceptionAtItsAdmissionRefusesOnlyThatMember) {
  const WriteSet adding = add("group", 1);
  const WriteSet other = put("k");
  sink_.interrupt_read(run_out_of_memory);
  const auto outcomes = commit_together({{.writes = &adding}, {.writes = &other}});
  EXPECT_EQ(code(outcomes[0]), Code::no_space);
  EXPECT_TRUE(outcomes[1]);
  EXPECT_TRUE(commit(adding, std::nullopt));
  EXPECT_EQ(sink_.counters("group")[1], 1);
}

TEST_F(CommitterTest, AnExceptionInAChangeOfAllLetsTheNextLead) {
  ASSERT_TRUE(commit(put("k"), std::nullopt));
  const auto known = committer_.committed_version(Family::users, "k");
  const auto fine = []() -> Result<void> { return {}; };
  const auto write = [&]() -> Result<Version> { return sink_.version(); };
  EXPECT_THROW(ignore_error(committer_.change_all([]() -> Result<void> { throw std::bad_alloc(); },
                                                  write, nullptr),
                            "it throws"),
               std::bad_alloc);
  EXPECT_EQ(committer_.committed_version(Family::users, "k"), known);
  EXPECT_TRUE(commit(put("k"), std::nullopt));
  EXPECT_EQ(code(committer_.change_all(
                fine, []() -> Result<Version> { throw 1; }, nullptr)),
            Code::unknown_outcome);
  EXPECT_EQ(code(commit(put("k"), std::nullopt)), Code::unavailable);
  committer_.reset(sink_.version());
  EXPECT_TRUE(commit(put("k"), std::nullopt));
}

/// With a cache that follows the commits.
class CachedCommitterTest : public CommitterTest {
 protected:
  CachedCommitterTest() {
    cache_.reset(sink_.version());
    committer_.attach(cache_);
  }
  StateCache cache_{std::size_t{1} << 20, CacheShape()};
};

TEST_F(CachedCommitterTest, AnExceptionLeavesTheCacheWhereItWas) {
  ASSERT_TRUE(commit(put("k"), std::nullopt));
  const StateCache::Clock before = cache_.clock();
  sink_.interrupt(run_out_of_memory);
  EXPECT_EQ(code(commit(put("k"), std::nullopt)), Code::no_space);
  EXPECT_TRUE(cache_.has_stood_at(before)) << "no commit is under way";
  ASSERT_TRUE(commit(put("k"), std::nullopt));
  EXPECT_EQ(cache_.clock().followed(), sink_.version());
}

TEST_F(CommitterTest, ARowDamagedByAWriteIsSeenThoughItsSumsWereKnown) {
  ASSERT_TRUE(commit(add("group", 1), std::nullopt));
  WriteSet damaged;
  damaged.put(Family::system, "group", "\x80").value();
  const WriteSet one = add("group", 1);
  for (const auto& outcome : commit_together({{.writes = &one}, {.writes = &damaged}})) {
    EXPECT_TRUE(outcome);
  }
  EXPECT_EQ(code(commit(one, std::nullopt)), Code::corruption);
}

}  // namespace
}  // namespace callisto::kv
