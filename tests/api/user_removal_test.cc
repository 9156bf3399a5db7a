#include "tests/api/user_fixture.h"

namespace callisto::testing {
namespace {

class UserRemovalTest : public UserTest {
 protected:
  NewMessage message(UserId sender, const std::string& content) {
    NewMessage message;
    message.sender = sender;
    message.content = content;
    return message;
  }
};

TEST_F(UserRemovalTest, TakesIdentitiesAndDataAlongAtOnce) {
  const UserId user =
      users().create({.name = "Reece", .platform = "discord", .platform_id = "1"}).value();
  const UserId other = make_user_on("gui", "1", "Reece");
  data().append(user, "foods", "pies").value();
  EXPECT_EQ(failure_of(users().remove(user, {.if_version = 9})),
            "version_mismatch if_version: the stored version is 1");
  EXPECT_TRUE(users().remove(user).value());
  EXPECT_FALSE(users().remove(user).value());
  EXPECT_FALSE(exists(user));
  EXPECT_FALSE(users().by_platform("discord", "1").value());
  EXPECT_TRUE(users().identities(user).value().empty());
  EXPECT_EQ(users().identities_by_username("Reece").value().size(), 1U);
  EXPECT_TRUE(data().all(user).value().empty());
  EXPECT_FALSE(data().get(user, "foods", "pies").value());
  EXPECT_TRUE(users().by_preferred_name("Reece").value().empty());
  EXPECT_EQ(ids(users().list().value()), std::vector<UserId>{other});
  EXPECT_EQ(failure_of(data().append(user, "foods", "x")), "not_found user: no such user");
  EXPECT_EQ(failure_of(users().seen(user)), "not_found user: no such user");
  EXPECT_EQ(failure_of(users().add_identity(user, {.platform = "p", .platform_id = "1"})),
            "not_found user: no such user");
  EXPECT_EQ(failure_of(users().update(user, {})), "not_found id: no such user");
  EXPECT_EQ(records("user_data"), 0U);
  EXPECT_EQ(records("platform_identifiers"), 1U);
}

TEST_F(UserRemovalTest, MessagesConversationsAndMemoriesLoseTheUserAtOnceAndInSteps) {
  const UserId user = make_user("Reece");
  const UserId other = make_user("Ada");
  const ConversationId talk =
      store_.conversations()
          .store({.owner = user, .participants = {user, other}},
                 std::vector<NewMessage>{message(user, "hello"), message(other, "hi")})
          .value();
  const MemoryId memory =
      store_.memories().create({.category = "c", .key = "k", .user = user}).value();
  const auto expect_gone = [&] {
    const WholeConversation whole = store_.conversations().whole(talk).value().value();
    EXPECT_TRUE(whole.conversation.owner().is_nil());
    ASSERT_EQ(whole.conversation.participants().size(), 1U);
    EXPECT_EQ(whole.conversation.participants()[0].user, other);
    EXPECT_EQ(whole.conversation.participants()[0].slot, 1U);
    EXPECT_EQ(whole.conversation.version(), 1U);
    ASSERT_EQ(whole.messages.size(), 2U);
    EXPECT_EQ(whole.messages[0].content(), "hello");
    EXPECT_TRUE(whole.messages[0].sender().is_nil());
    EXPECT_EQ(whole.messages[1].sender(), other);
    EXPECT_TRUE(store_.memories().get(memory).value()->user().is_nil());
    EXPECT_EQ(store_.memories().get(memory).value()->version(), 1U);
    EXPECT_TRUE(store_.conversations().of_user(user).value().empty());
    EXPECT_TRUE(store_.messages().by_sender(user).value().empty());
    EXPECT_EQ(store_.conversations().of_user(other).value().size(), 1U);
  };
  users().remove(user).value();
  EXPECT_EQ(store_.health().pending_work, 1U);
  expect_gone();
  store_.finish_pending_work().value();
  expect_gone();
}

TEST_F(UserRemovalTest, ALargeUserIsGoneAtOnceAndRemovedInSteps) {
  const UserId user = make_user("Reece");
  store_
      .transact([&](Transaction& tx) -> Result<bool> {
        for (int i = 0; i < 1500; ++i) {
          auto done = tx.user_data().append(user, "list", "value " + std::to_string(i));
          if (!done) return done;
        }
        return true;
      })
      .value();
  for (int batch = 0; batch < 3; ++batch) {
    store_
        .transact([&](Transaction& tx) -> Result<bool> {
          for (int i = 0; i < 1000; ++i) {
            const std::string id = std::to_string(batch * 1000 + i);
            auto done = tx.users().add_identity(
                user, {.platform = "p", .platform_id = id, .username = "name" + id});
            if (!done) return done.error();
          }
          return true;
        })
        .value();
  }
  users().remove(user).value();
  EXPECT_GT(records("user_data"), 0U);
  EXPECT_GT(records("platform_identifiers"), 0U);
  const auto expect_gone = [&] {
    EXPECT_TRUE(data().all(user).value().empty());
    EXPECT_TRUE(data().values(user, "list").value().empty());
    EXPECT_FALSE(data().get(user, "list", "value 1499").value());
    EXPECT_TRUE(users().identities(user).value().empty());
    EXPECT_FALSE(users().by_platform("p", "2999").value());
    EXPECT_FALSE(users().identity("p", "2999").value());
    EXPECT_TRUE(users().identities_by_username("name2999").value().empty());
    EXPECT_TRUE(users().by_preferred_name("Reece").value().empty());
    EXPECT_FALSE(users().remove_identity("p", "2999").value());
    EXPECT_EQ(failure_of(users().seen("p", "2999")), "not_found platform_id: no such identity");
  };
  expect_gone();
  // An identity that is still on disk can be taken by another user.
  const UserId heir = make_user_on("p", "2999", "heir");
  EXPECT_EQ(users().by_platform("p", "2999").value()->id(), heir);
  const UserId second_heir = make_user();
  users().add_identity(second_heir, {.platform = "p", .platform_id = "2998"}).value();
  int steps = 0;
  while (run_step()) {
    ++steps;
    expect_sound();
    EXPECT_TRUE(data().all(user).value().empty());
    EXPECT_TRUE(users().identities(user).value().empty());
    EXPECT_EQ(users().by_platform("p", "2999").value()->id(), heir);
  }
  EXPECT_GT(steps, 1);
  EXPECT_EQ(records("user_data"), 0U);
  EXPECT_EQ(records("platform_identifiers"), 2U);
}

TEST_F(UserRemovalTest, AnIdCanBeTakenAgain) {
  const UserId id = UserId::from_external("test", "1");
  const NewUser user{.id = id, .name = "Reece", .platform = "p", .platform_id = "1"};
  users().create(user).value();
  const UserId other = make_user();
  const MemoryId memory = store_.memories().create({.key = "k", .user = id}).value();
  const ConversationId talk =
      store_.conversations().create({.owner = id, .participants = {id, other}}).value();
  users().remove(id).value();
  // Inside a transaction its unfinished removal cannot be waited for.
  EXPECT_EQ(failure_of(store_.transact([&](Transaction& tx) { return tx.users().create(user); })),
            "conflict id: its removal or merge is not finished");
  EXPECT_EQ(users().create(user).value(), id);
  EXPECT_EQ(store_.health().pending_work, 0U);
  EXPECT_TRUE(store_.memories().get(memory).value()->user().is_nil());
  EXPECT_TRUE(store_.conversations().of_user(id).value().empty());
  EXPECT_TRUE(store_.conversations().get(talk).value()->owner().is_nil());
  EXPECT_EQ(users().by_platform("p", "1").value()->id(), id);
  EXPECT_EQ(values(id, "preferred_name"), std::vector<std::string>{"Reece"});
}

TEST_F(UserRemovalTest, ACallThatNamesAUserConflictsWithItsRemoval) {
  const UserId user = make_user("Reece");
  int attempts = 0;
  const auto made = store_.transact([&](Transaction& tx) -> Result<MemoryId> {
    auto id = tx.memories().create({.key = "k", .user = user});
    if (++attempts == 1) users().remove(user).value();
    return id;
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(made.error().code(), Code::not_found);
  EXPECT_EQ(records("memories"), 0U);
}

TEST_F(UserRemovalTest, RowsAddedMeanwhileMakeARemovalTryAgain) {
  const UserId user = make_user("Reece");
  int attempts = 0;
  store_
      .transact([&](Transaction& tx) -> Result<bool> {
        auto done = tx.users().remove(user);
        if (++attempts == 1) {
          data().append(user, "foods", "pies").value();
          users().add_identity(user, {.platform = "p", .platform_id = "1"}).value();
        }
        return done;
      })
      .value();
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(records("user_data"), 0U);
  EXPECT_EQ(records("platform_identifiers"), 0U);
}

}  // namespace
}  // namespace callisto::testing
