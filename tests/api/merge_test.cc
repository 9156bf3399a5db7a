#include "tests/api/user_fixture.h"

namespace callisto::testing {
namespace {

using Texts = std::vector<std::string>;

class MergeTest : public UserTest {
 protected:
  UserDatum datum(UserId user, std::string_view category, std::string_view value) {
    return data().get(user, category, value).value().value();
  }
  void append(UserId user, const std::string& category, const std::string& value,
              std::int64_t age_seconds) {
    data()
        .append(user,
                {.category = category, .value = value, .created_at = seconds_ago(age_seconds)})
        .value();
  }
  void replace(UserId user, const std::string& category, const std::string& value,
               std::int64_t age_seconds) {
    data()
        .replace(user,
                 {.category = category, .value = value, .created_at = seconds_ago(age_seconds)})
        .value();
  }
  NewMessage from(UserId sender, const std::string& content) {
    NewMessage message;
    message.sender = sender;
    message.content = content;
    return message;
  }
  std::vector<UserId> participants(ConversationId id) {
    std::vector<UserId> users;
    const Conversation conversation = store_.conversations().get(id).value().value();
    for (const Participant& one : conversation.participants()) {
      users.push_back(one.user);
    }
    return users;
  }

  UserId primary_ = make_user();
  UserId secondary_ = make_user();
};

TEST_F(MergeTest, TheSecondaryIsAbsentAfterwards) {
  users().merge(primary_, secondary_).value();
  EXPECT_FALSE(exists(secondary_));
  EXPECT_TRUE(exists(primary_));
  EXPECT_EQ(ids(users().list().value()), std::vector<UserId>{primary_});
  EXPECT_EQ(failure_of(users().merge(primary_, secondary_)), "not_found secondary: no such user");
  EXPECT_EQ(failure_of(users().merge(secondary_, primary_)), "not_found primary: no such user");
  EXPECT_EQ(failure_of(users().update(secondary_, {})), "not_found id: no such user");
  EXPECT_EQ(failure_of(data().append(secondary_, "c", "v")), "not_found user: no such user");
  EXPECT_EQ(failure_of(store_.memories().create({.key = "k", .user = secondary_})).substr(0, 9),
            "not_found");
  EXPECT_FALSE(users().remove(secondary_).value());
}

TEST_F(MergeTest, RefusesWhatCannotBeMerged) {
  const std::uint64_t before = commits();
  EXPECT_EQ(failure_of(users().merge(primary_, primary_)),
            "invalid_argument secondary: another user than the primary");
  EXPECT_EQ(failure_of(users().merge(UserId{}, UserId{})),
            "invalid_argument secondary: another user than the primary");
  EXPECT_EQ(failure_of(users().merge(primary_, UserId{})), "not_found secondary: no such user");
  EXPECT_EQ(failure_of(users().merge(primary_, secondary_, {.if_version = 4})),
            "version_mismatch if_version: the stored version is 1");
  EXPECT_EQ(commits(), before);
}

TEST_F(MergeTest, IdentitiesMove) {
  users()
      .add_identity(primary_, {.platform = "discord", .platform_id = "1", .username = "Reece"})
      .value();
  const PlatformIdentifierId moved =
      users()
          .add_identity(secondary_, {.platform = "gui", .platform_id = "main", .username = "R"})
          .value();
  users().merge(primary_, secondary_).value();
  const PlatformIdentifier identity = users().identity("gui", "main").value().value();
  EXPECT_EQ(identity.id(), moved);
  EXPECT_EQ(identity.user(), primary_);
  EXPECT_EQ(users().by_platform("gui", "main").value()->id(), primary_);
  EXPECT_EQ(users().identities(primary_).value().size(), 2U);
  EXPECT_TRUE(users().identities(secondary_).value().empty());
  EXPECT_EQ(users().identities_by_username("r").value()[0].user(), primary_);
  EXPECT_EQ(values(primary_, "platform_username").size(), 2U);
}

TEST_F(MergeTest, OfASingleCategoryTheNewerStays) {
  replace(primary_, "city", "Leeds", 20);
  replace(secondary_, "city", "York", 10);
  replace(primary_, "job", "cook", 10);
  replace(secondary_, "job", "baker", 20);
  replace(primary_, "pet", "cat", 10);
  replace(secondary_, "pet", "dog", 10);
  replace(primary_, "car", "red", 20);
  replace(secondary_, "car", "red", 10);
  replace(secondary_, "only", "theirs", 10);
  replace(primary_, "preferred_name", "Reece", 30);
  replace(secondary_, "preferred_name", "R", 20);
  users().merge(primary_, secondary_).value();
  EXPECT_EQ(values(primary_, "city"), Texts{"York"});
  EXPECT_EQ(values(primary_, "job"), Texts{"cook"});
  EXPECT_EQ(values(primary_, "pet"), Texts{"cat"});
  EXPECT_EQ(values(primary_, "car"), Texts{"red"});
  EXPECT_EQ(datum(primary_, "car", "red").created_at(), seconds_ago(10));
  EXPECT_EQ(values(primary_, "only"), Texts{"theirs"});
  EXPECT_EQ(values(primary_, "preferred_name"), Texts{"R"});
  EXPECT_EQ(datum(primary_, "city", "York").kind(), CategoryKind::single);
  EXPECT_EQ(datum(primary_, "city", "York").user(), primary_);
  EXPECT_EQ(ids(users().by_preferred_name("r").value()), std::vector<UserId>{primary_});
  EXPECT_TRUE(users().by_preferred_name("Reece").value().empty());
  EXPECT_EQ(records("user_data"), 6U);
}

TEST_F(MergeTest, ListsAreJoinedWithoutDuplicates) {
  append(primary_, "foods", "pies", 30);
  append(primary_, "foods", "ice", 10);
  append(secondary_, "foods", "pies", 20);
  append(secondary_, "foods", "ice", 15);
  append(secondary_, "foods", "rice", 5);
  const UserDatumId pies = datum(primary_, "foods", "pies").id();
  const UserDatumId rice = datum(secondary_, "foods", "rice").id();
  users().merge(primary_, secondary_).value();
  EXPECT_EQ(values(primary_, "foods"), (Texts{"rice", "ice", "pies"}));
  EXPECT_EQ(datum(primary_, "foods", "pies").created_at(), seconds_ago(20));
  EXPECT_EQ(datum(primary_, "foods", "pies").id(), pies);
  EXPECT_EQ(datum(primary_, "foods", "ice").created_at(), seconds_ago(10));
  EXPECT_EQ(datum(primary_, "foods", "rice").id(), rice);
  EXPECT_TRUE(data().all(secondary_).value().empty());
}

TEST_F(MergeTest, WhereKindsDifferTheListTakesBothIn) {
  replace(primary_, "city", "Leeds", 20);
  append(secondary_, "city", "York", 10);
  append(secondary_, "city", "Leeds", 5);
  append(primary_, "pets", "cat", 20);
  replace(secondary_, "pets", "dog", 30);
  users().merge(primary_, secondary_).value();
  EXPECT_EQ(values(primary_, "city"), (Texts{"Leeds", "York"}));
  EXPECT_EQ(values(primary_, "pets"), (Texts{"cat", "dog"}));
  for (const UserDatum& one : data().all(primary_).value())
    EXPECT_EQ(one.kind(), CategoryKind::list);
  EXPECT_TRUE(data().append(primary_, "city", "Hull").value());
}

TEST_F(MergeTest, ProfileAndPreferencesAreJoinedPerPath) {
  const UserId older =
      users()
          .create({.profile = R"({"name":{"first":"Reece","nick":"R"},"langs":["en"]})",
                   .metadata = R"({"a":1})"})
          .value();
  environment_.advance_seconds(10);
  const UserId newer =
      users()
          .create({.profile = R"({"name":{"first":"Reese","last":"Lee"},"langs":["de"]})",
                   .preferences = R"({"tone":"dry"})",
                   .metadata = R"({"a":2,"b":3})",
                   .external_id = "e",
                   .external_source = "s"})
          .value();
  environment_.advance_seconds(10);
  users().merge(older, newer).value();
  const User user = get(older);
  EXPECT_EQ(user.profile().to_string(),
            R"({"langs":["de"],"name":{"first":"Reese","last":"Lee","nick":"R"}})");
  EXPECT_EQ(user.preferences().to_string(), R"({"tone":"dry"})");
  EXPECT_EQ(user.metadata().to_string(), R"({"a":2,"b":3})");
  EXPECT_EQ(user.external_id(), "e");
  EXPECT_EQ(user.external_source(), "s");
  EXPECT_EQ(user.version(), 2U);
  EXPECT_EQ(user.updated_at(), now());
  // The other way round: the primary's newer values win.
  const UserId late = users().create({.profile = R"({"langs":["fr"]})"}).value();
  users().merge(late, older).value();
  EXPECT_EQ(get(late).profile()["langs"].to_string(), R"(["fr"])");
}

TEST_F(MergeTest, TheEarliestCreationAndTheLatestSightStay) {
  const UserId first =
      users().create({.created_at = seconds_ago(100), .last_seen = seconds_ago(50)}).value();
  const UserId second =
      users().create({.created_at = seconds_ago(200), .last_seen = seconds_ago(60)}).value();
  users().merge(first, second).value();
  EXPECT_EQ(get(first).created_at(), seconds_ago(200));
  EXPECT_EQ(get(first).last_seen(), seconds_ago(50));
  const UserId third =
      users().create({.created_at = seconds_ago(150), .last_seen = seconds_ago(10)}).value();
  users().merge(first, third).value();
  EXPECT_EQ(get(first).created_at(), seconds_ago(200));
  EXPECT_EQ(get(first).last_seen(), seconds_ago(10));
  EXPECT_EQ(ids(users().list({.created = {std::nullopt, seconds_ago(190)}}).value()),
            std::vector<UserId>{first});
}

TEST_F(MergeTest, WhatNamesTheSecondaryFollowsAtOnceAndInSteps) {
  const UserId other = make_user();
  const auto store = [&](UserId owner, std::vector<UserId> who, std::vector<NewMessage> messages) {
    environment_.advance_seconds(1);
    return store_.conversations()
        .store({.owner = owner, .participants = std::move(who)}, messages)
        .value();
  };
  const ConversationId theirs = store(secondary_, {secondary_, other}, {from(secondary_, "a")});
  const ConversationId mine = store(primary_, {primary_}, {from(primary_, "b")});
  const ConversationId both =
      store(other, {primary_, other, secondary_}, {from(secondary_, "c"), from(primary_, "d")});
  const MemoryId memory =
      store_.memories().create({.category = "c", .key = "k", .user = secondary_}).value();
  const auto expect_joined = [&] {
    EXPECT_EQ(store_.conversations().get(theirs).value()->owner(), primary_);
    EXPECT_EQ(participants(theirs), (std::vector<UserId>{primary_, other}));
    EXPECT_EQ(participants(both), (std::vector<UserId>{primary_, other}));
    EXPECT_EQ(store_.conversations().get(theirs).value()->version(), 1U);
    std::vector<ConversationId> found;
    for (const auto& one : store_.conversations().of_user(primary_).value())
      found.push_back(one.id());
    EXPECT_EQ(found, (std::vector<ConversationId>{both, mine, theirs}));
    EXPECT_EQ(store_.conversations().find({.owner = primary_}).value().size(), 2U);
    EXPECT_TRUE(store_.conversations().of_user(secondary_).value().empty());
    const WholeConversation whole = store_.conversations().whole(both).value().value();
    for (const Message& one : whole.messages) {
      EXPECT_EQ(one.sender(), primary_);
    }
    EXPECT_EQ(store_.messages().by_sender(primary_).value().size(), 4U);
    EXPECT_EQ(store_.messages().by_sender(primary_, both).value().size(), 2U);
    EXPECT_EQ(store_.memories().get(memory).value()->user(), primary_);
    EXPECT_EQ(store_.memories().get(memory).value()->version(), 1U);
    EXPECT_EQ(store_.memories().find({.user = primary_}).value().size(), 1U);
    EXPECT_EQ(store_.memories().by_name("c", "k", primary_).value()->id(), memory);
  };
  users().merge(primary_, secondary_).value();
  EXPECT_EQ(store_.health().pending_work, 1U);
  expect_joined();
  store_.finish_pending_work().value();
  expect_joined();
  // A put finds the memory that came over.
  EXPECT_EQ(store_.memories()
                .put({.category = "c", .key = "k", .text = "x", .user = primary_})
                .value()
                .id,
            memory);
}

TEST_F(MergeTest, ALargeMergeRunsInBoundedSteps) {
  const UserId other = make_user();
  constexpr int kConversations = 5000;
  const std::string recap = repeated("r", 600);
  for (int batch = 0; batch < kConversations / 500; ++batch) {
    store_
        .transact([&](Transaction& tx) -> Result<bool> {
          for (int i = 0; i < 500; ++i) {
            auto id = tx.conversations().create(
                {.owner = i % 2 == 0 ? secondary_ : other,
                 .participants = {i % 3 == 0 ? primary_ : other, secondary_},
                 .recap = recap});
            if (!id) return id.error();
            auto memory = tx.memories().create({.key = "k", .user = secondary_});
            if (!memory) return memory.error();
          }
          return true;
        })
        .value();
  }
  users().merge(primary_, secondary_).value();
  const auto expect_all = [&] {
    EXPECT_EQ(store_.conversations().of_user(primary_, 10'000).value().size(), 5000U);
    EXPECT_EQ(store_.conversations().find({.owner = primary_, .limit = 10'000}).value().size(),
              2500U);
    EXPECT_EQ(store_.memories().find({.user = primary_, .limit = 10'000}).value().size(), 5000U);
  };
  expect_all();
  int steps = 0;
  while (run_step()) {
    if (++steps % 3 == 1) expect_all();
  }
  EXPECT_GT(steps, 3);
  EXPECT_LT(steps, 40);
  expect_all();
}

TEST_F(MergeTest, AStepMayRunAgainAndFindsWhereItWas) {
  for (int i = 0; i < 100; ++i) {
    store_.conversations()
        .create({.participants = {secondary_}, .recap = repeated("r", 30'000)})
        .value();
  }
  users().merge(primary_, secondary_).value();
  const auto first = work();
  ASSERT_EQ(first.size(), 1U);
  const auto run_first = [&] {
    indexes::WorkItem item = first[0];
    return detail::rewrite_user_step(core(), slot(), item, kv::Limits(core().environment()))
        .value();
  };
  EXPECT_FALSE(run_first());
  // As after a crash of the caller: an item that is outdated does no harm.
  EXPECT_FALSE(run_first());
  EXPECT_NE(work()[0].resume, first[0].resume);
  while (run_step()) {
  }
  EXPECT_TRUE(run_first());
  EXPECT_EQ(store_.conversations().of_user(primary_, 1000).value().size(), 100U);
}

TEST_F(MergeTest, MergesOfMergedUsersStayFlat) {
  const UserId third = make_user();
  const ConversationId talk = store_.conversations().create({.participants = {secondary_}}).value();
  users().merge(primary_, secondary_).value();
  const ConversationId second = store_.conversations().create({.participants = {primary_}}).value();
  users().merge(third, primary_).value();
  const auto expect_third = [&] {
    EXPECT_EQ(participants(talk), std::vector<UserId>{third});
    EXPECT_EQ(participants(second), std::vector<UserId>{third});
    EXPECT_EQ(store_.conversations().of_user(third).value().size(), 2U);
  };
  expect_third();
  while (run_step()) expect_third();
  expect_third();
}

TEST_F(MergeTest, ARemovalAfterAMergeReachesWhatTheSecondaryNamed) {
  const ConversationId talk =
      store_.conversations().create({.owner = secondary_, .participants = {secondary_}}).value();
  users().add_identity(secondary_, {.platform = "p", .platform_id = "1"}).value();
  users().merge(primary_, secondary_).value();
  users().remove(primary_).value();
  do {
    EXPECT_TRUE(participants(talk).empty());
    EXPECT_TRUE(store_.conversations().get(talk).value()->owner().is_nil());
    EXPECT_FALSE(users().by_platform("p", "1").value());
  } while (run_step());
}

TEST_F(MergeTest, TheSecondarysIdCanBeTakenAgain) {
  const ConversationId talk = store_.conversations().create({.participants = {secondary_}}).value();
  users().merge(primary_, secondary_).value();
  EXPECT_EQ(users().create({.id = secondary_, .name = "New"}).value(), secondary_);
  EXPECT_EQ(store_.health().pending_work, 0U);
  EXPECT_EQ(participants(talk), std::vector<UserId>{primary_});
  EXPECT_TRUE(store_.conversations().of_user(secondary_).value().empty());
}

TEST_F(MergeTest, ATransactionSeesItsOwnMerge) {
  const UserId third = make_user();
  const ConversationId talk = store_.conversations().create({.participants = {secondary_}}).value();
  append(secondary_, "foods", "pies", 10);
  const auto merge_both = [&](Transaction& tx) -> Result<std::string> {
    if (auto done = tx.users().merge(primary_, secondary_); !done) return done.error();
    EXPECT_EQ(tx.conversations().of_user(primary_).value().size(), 1U);
    EXPECT_EQ(tx.user_data().values(primary_, "foods").value().size(), 1U);
    if (auto done = tx.users().merge(third, primary_); !done) return done.error();
    EXPECT_EQ(tx.conversations().of_user(third).value().size(), 1U);
    EXPECT_FALSE(tx.users().get(primary_).value());
    return std::string(tx.user_data().values(third, "foods").value()[0].value());
  };
  EXPECT_EQ(store_.transact(merge_both).value(), "pies");
  EXPECT_EQ(participants(talk), std::vector<UserId>{third});
}

TEST_F(MergeTest, AnAbandonedMergeLeavesNothing) {
  append(secondary_, "foods", "pies", 10);
  const auto done = store_.transact([&](Transaction& tx) -> Result<bool> {
    if (auto merged = tx.users().merge(primary_, secondary_); !merged) return merged.error();
    return Error(Code::conflict, "changed my mind");
  });
  EXPECT_FALSE(done);
  EXPECT_TRUE(exists(secondary_));
  EXPECT_EQ(values(secondary_, "foods"), Texts{"pies"});
  EXPECT_EQ(store_.health().pending_work, 0U);
}

// Limits ----------------------------------------------------------------

TEST_F(MergeTest, TheLimitOfDataRowsHolds) {
  const auto fill = [&](UserId user, int from, int to) {
    store_
        .transact([&](Transaction& tx) -> Result<bool> {
          for (int i = from; i < to; ++i) {
            auto done = tx.user_data().append(user, "list", std::to_string(i));
            if (!done) return done;
          }
          return true;
        })
        .value();
  };
  fill(primary_, 0, 1200);
  fill(secondary_, 1000, 2001);
  EXPECT_EQ(failure_of(users().merge(primary_, secondary_)),
            "limit_exceeded secondary: at most 2,000 data rows per user");
  EXPECT_EQ(values(secondary_, "list").size(), 1001U);
  EXPECT_EQ(values(primary_, "list").size(), 1200U);
  EXPECT_EQ(store_.health().pending_work, 0U);
  data().remove(secondary_, "list", "1999").value();
  users().merge(primary_, secondary_).value();
  EXPECT_EQ(values(primary_, "list").size(), 2000U);
}

TEST_F(MergeTest, AFullSecondaryMovesInOneCommit) {
  for (int batch = 0; batch < 2; ++batch) {
    store_
        .transact([&](Transaction& tx) -> Result<bool> {
          for (int i = 0; i < 1000; ++i) {
            auto done = tx.user_data().append(secondary_, "list", std::to_string(batch * 1000 + i));
            if (!done) return done;
          }
          return true;
        })
        .value();
  }
  users().merge(primary_, secondary_).value();
  EXPECT_EQ(values(primary_, "list").size(), 2000U);
}

TEST_F(MergeTest, AMergeThatDoesNotFitACommitIsRefused) {
  for (int i = 0; i < 9; ++i) {
    append(secondary_, "list", std::to_string(i) + repeated("v", (1U << 20) - 1), i);
  }
  EXPECT_EQ(users().merge(primary_, secondary_).error().code(), Code::too_large);
  EXPECT_EQ(values(secondary_, "list").size(), 9U);
  EXPECT_TRUE(values(primary_, "list").empty());
  const UserId third =
      users().create({.profile = R"({"a":")" + repeated("x", 600'000) + "\"}"}).value();
  const UserId fourth =
      users().create({.profile = R"({"b":")" + repeated("y", 600'000) + "\"}"}).value();
  EXPECT_EQ(failure_of(users().merge(third, fourth)), "too_large profile: at most 1 MiB of JSON");
  EXPECT_TRUE(exists(fourth));
}

// Two calls at once ----------------------------------------------------------------

TEST_F(MergeTest, RowsAddedMeanwhileComeAlong) {
  append(secondary_, "foods", "pies", 10);
  int attempts = 0;
  store_
      .transact([&](Transaction& tx) -> Result<bool> {
        auto merged = tx.users().merge(primary_, secondary_);
        if (++attempts == 1) {
          append(secondary_, "foods", "rice", 5);
          append(secondary_, "foods", "pies", 1);
          users().add_identity(secondary_, {.platform = "p", .platform_id = "1"}).value();
        }
        if (!merged) return merged.error();
        return true;
      })
      .value();
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(values(primary_, "foods"), (Texts{"pies", "rice"}));
  EXPECT_EQ(users().by_platform("p", "1").value()->id(), primary_);
}

TEST_F(MergeTest, ANewerTimeOfAMovedRowIsNotLost) {
  append(secondary_, "foods", "pies", 10);
  const Time newer = seconds_ago(1);  // the clock moves when an attempt has to wait
  int attempts = 0;
  store_
      .transact([&](Transaction& tx) -> Result<bool> {
        auto merged = tx.users().merge(primary_, secondary_);
        if (++attempts == 1) append(secondary_, "foods", "pies", 1);
        if (!merged) return merged.error();
        return true;
      })
      .value();
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(datum(primary_, "foods", "pies").created_at(), newer);
}

TEST_F(MergeTest, AConversationStoredMeanwhileFindsTheSecondaryGone) {
  int attempts = 0;
  const auto stored = store_.transact([&](Transaction& tx) {
    auto id = tx.conversations().create({.participants = {secondary_}});
    if (++attempts == 1) users().merge(primary_, secondary_).value();
    return id;
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(stored.error().code(), Code::not_found);
}

TEST_F(MergeTest, AHeaderChangedWhileAStepRunsKeepsBoth) {
  const ConversationId talk = store_.conversations().create({.participants = {secondary_}}).value();
  users().merge(primary_, secondary_).value();
  int attempts = 0;
  store_
      .transact([&](Transaction& tx) {
        auto version = tx.conversations().update(talk, {.title = "Dinner"});
        if (++attempts == 1) store_.finish_pending_work().value();
        return version;
      })
      .value();
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(store_.conversations().get(talk).value()->title(), "Dinner");
  EXPECT_EQ(participants(talk), std::vector<UserId>{primary_});
}

}  // namespace
}  // namespace callisto::testing
