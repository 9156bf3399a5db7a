// What engine/kv.h promises of conflicts, versions and counters, for every engine.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <string>
#include <vector>

#include "tests/engine/contract_fixture.h"

namespace callisto::kv {
namespace {

class EngineCommit : public EngineContract {
 protected:
  /// Runs `mine` and, during its first attempt, `theirs` as a transaction that commits first.
  /// Both write a key of their own besides. The attempts that it took.
  int attempts_against(const std::function<Result<void>(Transaction&)>& mine,
                       const std::function<Result<void>(Transaction&)>& theirs) {
    int attempts = 0;
    const auto outcome = run([&](Transaction& tx) -> Result<void> {
      mine(tx).value();
      if (++attempts == 1) {
        run([&](Transaction& other) -> Result<void> {
          theirs(other).value();
          return other.put(Family::messages, "theirs", "");
        }).value();
      }
      return tx.put(Family::messages, "mine", "");
    });
    EXPECT_TRUE(outcome);
    return attempts;
  }
};

struct Access {
  std::string name;
  std::function<Result<void>(Transaction&)> on;
  bool changes;
};

std::vector<Access> accesses_to(const std::string& key) {
  return {
      {"get_for_update",
       [key](Transaction& tx) -> Result<void> {
         Value value;
         auto got = tx.get_for_update(Family::users, key, value);
         if (!got) return got.error();
         return {};
       },
       false},
      {"guard", [key](Transaction& tx) { return tx.guard(Family::users, key), Result<void>(); },
       false},
      {"touch", [key](Transaction& tx) { return tx.touch(Family::users, key), Result<void>(); },
       true},
      {"put", [key](Transaction& tx) { return tx.put(Family::users, key, "new"); }, true},
      {"erase", [key](Transaction& tx) { return tx.erase(Family::users, key); }, true},
  };
}

TEST_P(EngineCommit, ConflictsAreWithWhatWasReadForUpdateGuardedTouchedOrWritten) {
  for (const bool present : {true, false}) {
    for (const Access& mine : accesses_to("k")) {
      for (const Access& theirs : accesses_to("k")) {
        SCOPED_TRACE(mine.name + " against " + theirs.name + (present ? ", present" : ", absent"));
        if (present) {
          put("k", "old");
        } else {
          erase("k");
        }
        EXPECT_EQ(attempts_against(mine.on, theirs.on), theirs.changes ? 2 : 1);
      }
    }
  }
}

TEST_P(EngineCommit, PlainReadsAndOtherKeysDoNotConflict) {
  put("k", "old");
  const auto change_k = accesses_to("k")[3].on;
  EXPECT_EQ(attempts_against(
                [](Transaction& tx) -> Result<void> {
                  EXPECT_EQ(get(tx, "k"), "old");
                  EXPECT_EQ(keys(tx, {"a", "z"}), "k ");
                  return {};
                },
                change_k),
            1);
  for (const Access& mine : accesses_to("l")) {
    EXPECT_EQ(attempts_against(mine.on, change_k), 1) << mine.name;
  }
  EXPECT_EQ(attempts_against([](Transaction& tx) { return tx.put(Family::user_data, "k", ""); },
                             change_k),
            1)
      << "a key of another family is another key";
}

TEST_P(EngineCommit, ABlindWriteConflictsWithTheTransactionsThatItCrosses) {
  for (const Access& mine : accesses_to("k")) {
    int attempts = 0;
    ASSERT_TRUE(run([&](Transaction& tx) -> Result<void> {
      mine.on(tx).value();
      if (++attempts == 1) put("k", "blind");
      return tx.put(Family::messages, "mine", "");
    }));
    EXPECT_EQ(attempts, 2) << mine.name;
  }
}

TEST_P(EngineCommit, ATouchAloneIsACommit) {
  put("k", "v");
  for (const Access& mine : accesses_to("k")) {
    int attempts = 0;
    Version touched = 0;
    ASSERT_TRUE(run([&](Transaction& tx) -> Result<void> {
      mine.on(tx).value();
      if (++attempts == 1) {
        const Version snapshot = tx.version();
        touched = run([](Transaction& other) -> Result<void> {
                    other.touch(Family::users, "k");
                    EXPECT_TRUE(other.has_writes());
                    return {};
                  }).value();
        EXPECT_GT(touched, snapshot);
        EXPECT_EQ(store_->committed_version(Family::users, "k"), touched);
      }
      return tx.put(Family::messages, "mine", "");
    }));
    EXPECT_EQ(attempts, 2) << mine.name;
    EXPECT_GE(store_->version(), touched);
  }
}

TEST_P(EngineCommit, AGuardOutlivesARollback) {
  EXPECT_EQ(attempts_against(
                [](Transaction& tx) -> Result<void> {
                  const std::size_t savepoint = tx.savepoint();
                  tx.guard(Family::users, "k");
                  tx.rollback_to(savepoint);
                  return {};
                },
                accesses_to("k")[3].on),
            2);
}

TEST_P(EngineCommit, ARolledBackWriteNeitherConflictsNorCommits) {
  EXPECT_EQ(attempts_against(
                [](Transaction& tx) -> Result<void> {
                  const std::size_t savepoint = tx.savepoint();
                  tx.put(Family::users, "k", "mine").value();
                  tx.rollback_to(savepoint);
                  return {};
                },
                accesses_to("k")[3].on),
            1);
  EXPECT_EQ(get("k"), "new");
}

TEST_P(EngineCommit, ATransactionThatWritesNothingNeverConflicts) {
  int attempts = 0;
  Version snapshot = 0;
  const auto version = run([&](Transaction& tx) -> Result<void> {
    ++attempts;
    snapshot = tx.version();
    tx.guard(Family::users, "k");
    put("k", "theirs");
    EXPECT_EQ(get(tx, "k"), "absent");
    return {};
  });
  EXPECT_EQ(version.value(), snapshot);
  EXPECT_EQ(attempts, 1);
}

TEST_P(EngineCommit, GivesUpAfterItsAttempts) {
  int attempts = 0;
  const auto failed = run(
      [&](Transaction& tx) -> Result<void> {
        put("k", std::to_string(++attempts));
        return tx.put(Family::users, "k", "mine");
      },
      3);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::conflict);
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(get("k"), "3");
  EXPECT_GE(store_->stats().conflicts, 3u);
}

TEST_P(EngineCommit, GivesUpAtItsDeadline) {
  const auto failed = store_->run({.max_attempts = 1000, .deadline_ms = 20}, [&](Transaction& tx) {
    put("k", "theirs");
    return tx.put(Family::users, "k", "mine");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::deadline_exceeded);
  EXPECT_EQ(get("k"), "theirs");
}

TEST_P(EngineCommit, VersionsRiseAndSayWhatASnapshotShows) {
  Version last = 0;
  for (int i = 0; i < 20; ++i) {
    const auto before = store_->snapshot();
    const Version version = i % 2 == 0 ? put("k", std::to_string(i))
                                       : run([&](Transaction& tx) {
                                           EXPECT_GE(tx.version(), last);
                                           return tx.put(Family::users, "k", std::to_string(i));
                                         }).value();
    const auto after = store_->snapshot();
    EXPECT_GT(version, last);
    EXPECT_LT(before->version(), version);
    EXPECT_GE(after->version(), version);
    EXPECT_GE(store_->version(), version);
    EXPECT_EQ(get(*before, "k"), i == 0 ? "absent" : std::to_string(i - 1));
    EXPECT_EQ(get(*after, "k"), std::to_string(i));
    EXPECT_EQ(store_->committed_version(Family::users, "k"), version);
    last = version;
  }
}

TEST_P(EngineCommit, CommittedVersionIsThatOfTheLastChangeOfTheKey) {
  const Version first = put("k", "1");
  const Version touched = run([](Transaction& tx) -> Result<void> {
                            tx.touch(Family::users, "t");
                            tx.guard(Family::users, "g");
                            return tx.put(Family::users, "p", "");
                          }).value();
  EXPECT_EQ(store_->committed_version(Family::users, "k"), first);
  EXPECT_EQ(store_->committed_version(Family::users, "t"), touched);
  EXPECT_EQ(store_->committed_version(Family::users, "p"), touched);
  EXPECT_LT(*store_->committed_version(Family::users, "g"), first) << "a guard changes nothing";
  const Version erased = erase("k");
  EXPECT_EQ(store_->committed_version(Family::users, "k"), erased);
  const Version added = run([](Transaction& tx) { return tx.add({"group", 1, 1}); }).value();
  EXPECT_EQ(store_->committed_version(Family::system, "group"), added);
}

TEST_P(EngineCommit, CountersAddUpWithoutConflicts) {
  EXPECT_EQ(attempts_against([](Transaction& tx) { return tx.add({"group", 1, 5}); },
                             [](Transaction& tx) { return tx.add({"group", 1, -2}); }),
            1);
  EXPECT_EQ(counter(*store_, "group", 1), 3);
  ASSERT_TRUE(run([](Transaction& tx) -> Result<void> {
    tx.add({"group", 1, -3}).value();
    tx.add({"group", 7, 1}).value();
    tx.add({"other", 1, 2}).value();
    EXPECT_EQ(counter(tx, "group", 7), 0) << "adds show after the commit";
    return tx.add({"group", 7, 1});
  }));
  Value row;
  ASSERT_TRUE(store_->get(Family::system, "group", row).value());
  EXPECT_EQ(row.view(), encode_counters({{{7, 2}}})) << "zeros are left out";
  EXPECT_EQ(counter(*store_, "other", 1), 2);
}

TEST_P(EngineCommit, ACounterRowThatIsGuardedConflictsWithAdds) {
  EXPECT_EQ(attempts_against(
                [](Transaction& tx) { return tx.guard(Family::system, "group"), Result<void>(); },
                [](Transaction& tx) { return tx.add({"group", 1, 1}); }),
            2);
}

TEST_P(EngineCommit, ACounterRowMayBeWrittenDirectly) {
  ASSERT_TRUE(run([](Transaction& tx) { return tx.add({"group", 1, 5}); }));
  put("group", encode_counters({{{1, 100}}}), Family::system);
  ASSERT_TRUE(run([](Transaction& tx) { return tx.add({"group", 1, 1}); }));
  EXPECT_EQ(counter(*store_, "group", 1), 101);
  ASSERT_TRUE(store_->erase_range(Family::system, "group", "grouq"));
  ASSERT_TRUE(run([](Transaction& tx) { return tx.add({"group", 1, 1}); }));
  EXPECT_EQ(counter(*store_, "group", 1), 1);
}

TEST_P(EngineCommit, ADamagedCounterRowIsCorruption) {
  put("group", "\x80", Family::system);
  const auto failed = run([](Transaction& tx) -> Result<void> {
    tx.put(Family::users, "k", "v").value();
    return tx.add({"group", 1, 1});
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::corruption);
  EXPECT_EQ(get("k"), "absent");
}

constexpr int kThreads = 4;
constexpr int kRounds = 100;
/// Threads may meet often, and pauses cost no time here.
constexpr std::uint32_t kAttempts = 1'000'000;

TEST_P(EngineCommit, ThreadsLoseNoUpdate) {
  in_threads(kThreads, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_TRUE(run(
          [](Transaction& tx) -> Result<void> {
            Value value;
            const bool there = tx.get_for_update(Family::users, "k", value).value();
            const int sum = there ? std::stoi(std::string(value.view())) : 0;
            return tx.put(Family::users, "k", std::to_string(sum + 1));
          },
          kAttempts));
    }
  });
  EXPECT_EQ(get("k"), std::to_string(kThreads * kRounds));
}

TEST_P(EngineCommit, ThreadsOfAQueuedKeyLoseNoUpdateEither) {
  const RunOptions options{
      .max_attempts = kAttempts, .queue_family = Family::users, .queue_key = "k"};
  in_threads(kThreads, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_TRUE(store_->run(options, [](Transaction& tx) -> Result<void> {
        Value value;
        const bool there = tx.get_for_update(Family::users, "k", value).value();
        const int sum = there ? std::stoi(std::string(value.view())) : 0;
        return tx.put(Family::users, "k", std::to_string(sum + 1));
      }));
    }
  });
  EXPECT_EQ(get("k"), std::to_string(kThreads * kRounds));
}

// Of two doctors one stays on call: each may leave only while it sees the other there.
TEST_P(EngineCommit, ThreadsMakeNoWriteSkewWithGuardedReads) {
  constexpr int kPairs = 100;
  for (int i = 0; i < kPairs; ++i) {
    put(std::to_string(i) + "a", "on");
    put(std::to_string(i) + "b", "on");
  }
  std::barrier meet(2);
  in_threads(2, [&](int side) {
    for (int i = 0; i < kPairs; ++i) {
      const std::string mine = std::to_string(i) + (side == 0 ? "a" : "b");
      const std::string other = std::to_string(i) + (side == 0 ? "b" : "a");
      meet.arrive_and_wait();
      EXPECT_TRUE(run(
          [&](Transaction& tx) -> Result<void> {
            Value value;
            tx.get_for_update(Family::users, other, value).value();
            if (value.view() == "off") return {};
            return tx.put(Family::users, mine, "off");
          },
          kAttempts));
    }
  });
  for (int i = 0; i < kPairs; ++i) {
    const std::string both = get(std::to_string(i) + "a") + get(std::to_string(i) + "b");
    EXPECT_TRUE(both == "onoff" || both == "offon") << both;
  }
}

// A name may be taken once: the guard key is absent when both look.
TEST_P(EngineCommit, ThreadsCreateAUniqueKeyOnce) {
  std::atomic<int> created{0};
  std::barrier meet(kThreads);
  in_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      const std::string name = "name" + std::to_string(i);
      meet.arrive_and_wait();
      const auto outcome = run(
          [&](Transaction& tx) -> Result<void> {
            Value value;
            if (tx.get_for_update(Family::users, name, value).value()) {
              return Error{Code::already_exists, "taken"};
            }
            return tx.put(Family::users, name, std::to_string(thread));
          },
          kAttempts);
      if (outcome) created.fetch_add(1);
    }
  });
  EXPECT_EQ(created.load(), kRounds);
}

TEST_P(EngineCommit, ACounterIsExactInEveryStateThatIsRead) {
  std::atomic<int> writing{kThreads};
  in_threads(kThreads + 1, [&](int thread) {
    if (thread < kThreads) {
      for (int i = 0; i < kRounds; ++i) {
        const std::string key = "r" + std::to_string(thread) + "." + std::to_string(i);
        EXPECT_TRUE(run([&](Transaction& tx) -> Result<void> {
          tx.put(Family::memories, key, "").value();
          return tx.add({"group", 3, 1});
        }));
        if (i % 4 != 3) continue;
        EXPECT_TRUE(run([&](Transaction& tx) -> Result<void> {
          tx.erase(Family::memories, key).value();
          return tx.add({"group", 3, -1});
        }));
      }
      writing.fetch_sub(1);
      return;
    }
    for (bool last = false; !last;) {
      last = writing.load() == 0;
      const auto snapshot = store_->snapshot();
      const auto there = rows(*snapshot, {"r", "s"}, Family::memories).size();
      ASSERT_EQ(counter(*snapshot, "group", 3), static_cast<std::int64_t>(there));
    }
  });
  EXPECT_EQ(counter(*store_, "group", 3), kThreads * kRounds * 3 / 4);
}

TEST_P(EngineCommit, NoReaderSeesHalfATransactionOrOneBeforeItsVersion) {
  std::atomic<int> writing{2};
  in_threads(3, [&](int thread) {
    if (thread < 2) {
      for (int i = 1; i <= kRounds; ++i) {
        const std::string value = std::to_string(i);
        const std::string prefix = thread == 0 ? "a" : "b";
        const Version version = run([&](Transaction& tx) -> Result<void> {
                                  tx.put(Family::users, prefix + "1", value).value();
                                  tx.put(Family::messages, prefix + "2", value).value();
                                  return tx.put(Family::users, prefix + "3", value);
                                }).value();
        const auto snapshot = store_->snapshot();
        EXPECT_GE(snapshot->version(), version);
        EXPECT_EQ(get(*snapshot, prefix + "1"), value);
      }
      writing.fetch_sub(1);
      return;
    }
    for (bool last = false; !last;) {
      last = writing.load() == 0;
      const auto snapshot = store_->snapshot();
      for (const std::string prefix : {"a", "b"}) {
        const std::string value = get(*snapshot, prefix + "1");
        ASSERT_EQ(get(*snapshot, prefix + "2", Family::messages), value);
        ASSERT_EQ(get(*snapshot, prefix + "3"), value);
      }
    }
  });
}

// The rule for whoever remembers what was committed, as kv.h states it.
TEST_P(EngineCommit, WhatIsCalledUnchangedIsWhatTheSnapshotShows) {
  std::atomic<bool> writing{true};
  in_threads(2, [&](int thread) {
    if (thread == 0) {
      for (int i = 1; i <= 4 * kRounds; ++i) put("k", std::to_string(i));
      writing.store(false);
      return;
    }
    std::optional<std::pair<Version, std::string>> remembered;
    int hits = 0;
    for (bool last = false; !last;) {
      last = !writing.load();
      for (int i = 0; i < 3; ++i) {
        const auto snapshot = store_->snapshot();
        const auto committed = store_->committed_version(Family::users, "k");
        if (!committed || *committed > snapshot->version()) continue;
        if (remembered && remembered->first == *committed) {
          ++hits;
          ASSERT_EQ(get(*snapshot, "k"), remembered->second);
        }
        remembered = {*committed, get(*snapshot, "k")};
      }
    }
    EXPECT_GT(hits, 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineCommit, ::testing::ValuesIn(testing::engine_factories()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace callisto::kv
