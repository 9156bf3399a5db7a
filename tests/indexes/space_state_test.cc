#include "indexes/space_state.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "schema/keys.h"
#include "tests/indexes/records.h"
#include "tests/support/map_engine.h"
#include "tests/support/test_environment.h"

namespace callisto::indexes::testing {
namespace {

using kv::Family;
using schema::IndexId;
using schema::SpaceNumber;

class SpaceStateTest : public ::testing::Test {
 protected:
  SpaceStateTest() : store_(callisto::testing::make_map_engine(environment_)) {
    put(schema::space_name_key(kSpace), "home");
  }

  void put(std::string_view key, std::string_view value) {
    kv::Batch batch;
    batch.put(Family::system, key, value);
    ASSERT_TRUE(store_->apply(batch, Durability::buffered));
  }
  std::shared_ptr<const SpaceState> load(SpaceNumber space = kSpace) {
    return SpaceState::load(*store_, space).value();
  }
  void run(const std::function<Result<void>(kv::Transaction&)>& function) {
    const auto done = store_->run({}, function);
    ASSERT_TRUE(done) << done.error().to_string();
  }
  void alias(std::uint32_t secondary, const UserId& primary) {
    run([&](kv::Transaction& transaction) {
      return put_alias(transaction, *load(), user_id(secondary), primary);
    });
  }

  callisto::testing::TestEnvironment environment_;
  std::unique_ptr<kv::Store> store_;
};

WorkItem work(WorkOp op, std::string_view target, std::string resume = {}) {
  return {op, std::string(target), kNoon, std::move(resume)};
}

TEST_F(SpaceStateTest, EmptySpaceIsIdle) {
  const auto state = load();
  EXPECT_TRUE(state->exists());
  EXPECT_EQ(state->name(), "home");
  EXPECT_EQ(state->space(), kSpace);
  EXPECT_TRUE(state->is_idle());
  EXPECT_EQ(state->resolve(user_id(1)), user_id(1));
  EXPECT_EQ(state->ids_of(user_id(1)), std::vector<UserId>{user_id(1)});
  EXPECT_FALSE(state->is_hidden(conversation_id(1)));
}

TEST_F(SpaceStateTest, SpaceThatIsNotThere) {
  EXPECT_FALSE(load(7)->exists());
  EXPECT_TRUE(load(7)->is_idle());
}

TEST_F(SpaceStateTest, WorkIsKeptWithItsResumeKey) {
  const std::string resume("a\0b", 3);
  run([&](kv::Transaction& transaction) {
    return put_work(transaction, kSpace,
                    work(WorkOp::purge_conversation, conversation_id(5).view(), resume));
  });
  const auto state = load();
  EXPECT_FALSE(state->is_idle());
  EXPECT_TRUE(state->is_hidden(conversation_id(5)));
  EXPECT_FALSE(state->is_hidden(conversation_id(6)));
  const WorkItem* item = state->find_work(WorkOp::purge_conversation, conversation_id(5).view());
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(item->resume, resume);
  EXPECT_EQ(item->started_at, kNoon);
  EXPECT_EQ(state->find_work(WorkOp::stage_conversation, conversation_id(5).view()), nullptr);
  EXPECT_EQ(state->find_work(WorkOp::purge_conversation, conversation_id(6).view()), nullptr);

  run([&](kv::Transaction& transaction) {
    return erase_work(transaction, kSpace, WorkOp::purge_conversation, conversation_id(5).view());
  });
  EXPECT_TRUE(load()->is_idle());
}

TEST_F(SpaceStateTest, StagedConversationsAreHiddenAndUsersAreNot) {
  run([&](kv::Transaction& transaction) -> Result<void> {
    auto done =
        put_work(transaction, kSpace, work(WorkOp::stage_conversation, conversation_id(5).view()));
    if (!done) return done;
    return put_work(transaction, kSpace, work(WorkOp::rewrite_user, user_id(6).view()));
  });
  EXPECT_TRUE(load()->is_hidden(conversation_id(5)));
  EXPECT_FALSE(load()->is_hidden(conversation_id(6)));
  EXPECT_EQ(load()->work().size(), 2u);
}

TEST_F(SpaceStateTest, SpacesDoNotSeeEachOther) {
  run([&](kv::Transaction& transaction) -> Result<void> {
    auto done = put_work(transaction, schema::kStoreSpace,
                         work(WorkOp::drop_space, std::string("\0\0\0\x02", 4)));
    if (!done) return done;
    return put_work(transaction, 2, work(WorkOp::purge_conversation, conversation_id(5).view()));
  });
  EXPECT_TRUE(load()->is_idle());
  EXPECT_EQ(load(schema::kStoreSpace)->work().size(), 1u);
  EXPECT_TRUE(load(2)->is_hidden(conversation_id(5)));
}

TEST_F(SpaceStateTest, AliasesStayFlat) {
  alias(2, user_id(1));
  alias(3, user_id(2));  // leads to 1 at once
  EXPECT_EQ(load()->resolve(user_id(3)), user_id(1));
  alias(1, user_id(9));  // what led to 1 leads to 9
  const auto state = load();
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(state->resolve(user_id(i)), user_id(9));
  EXPECT_EQ(state->ids_of(user_id(9)),
            (std::vector<UserId>{user_id(9), user_id(1), user_id(2), user_id(3)}));
  EXPECT_TRUE(state->ids_of(user_id(1)).empty());
  EXPECT_EQ(state->aliases().size(), 3u);
}

TEST_F(SpaceStateTest, AUserWhoIsGoneResolvesToNil) {
  alias(2, user_id(1));
  alias(1, UserId());
  EXPECT_EQ(load()->resolve(user_id(1)), UserId());
  EXPECT_EQ(load()->resolve(user_id(2)), UserId());
  EXPECT_TRUE(load()->ids_of(UserId()).empty());
  EXPECT_TRUE(load()->ids_of(user_id(1)).empty());
  run([&](kv::Transaction& transaction) { return erase_alias(transaction, kSpace, user_id(1)); });
  EXPECT_EQ(load()->resolve(user_id(1)), user_id(1));
}

TEST_F(SpaceStateTest, AnAliasToItselfIsRefused) {
  alias(2, user_id(1));
  for (const auto& [secondary, primary] :
       {std::pair(user_id(1), user_id(1)), std::pair(user_id(1), user_id(2)),
        std::pair(UserId(), user_id(1))}) {
    const auto done = store_->run({}, [&](kv::Transaction& transaction) {
      return put_alias(transaction, *load(), secondary, primary);
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::invalid_argument);
  }
}

TEST_F(SpaceStateTest, IndexStates) {
  EXPECT_FALSE(load()->has_index_set());
  EXPECT_EQ(load()->index_state(IndexId::memory_by_tag), IndexState::absent);
  IndexSet set;
  for (const auto& [id, state] : {std::pair(IndexId::memory_by_type, IndexState::ready),
                                  std::pair(IndexId::memory_by_tag, IndexState::building),
                                  std::pair(IndexId::memory_by_key, IndexState::disabled),
                                  std::pair(IndexId::memory_by_task, IndexState::dropping)}) {
    set.put({id, state, Family::indexes, 0});
  }
  put(schema::index_set_key(kSpace), set.encode());
  EXPECT_TRUE(load()->has_index_set());
  EXPECT_EQ(load()->indexes(), set);
  EXPECT_EQ(load()->index_state(IndexId::memory_by_tag), IndexState::building);
  EXPECT_EQ(load()->index_state(IndexId::memory_by_key), IndexState::disabled);
  EXPECT_EQ(load()->index_state(IndexId::memory_by_type), IndexState::ready);
  EXPECT_EQ(load()->index_state(IndexId::memory_by_task), IndexState::dropping);
  EXPECT_EQ(load()->index_state(IndexId::memory_by_name), IndexState::absent);
  EXPECT_TRUE(load()->is_idle());
}

/// Whoever guards the work guard conflicts with a change.
TEST_F(SpaceStateTest, ChangesTouchTheGuard) {
  const auto version = [&] {
    return store_->committed_version(Family::system, schema::work_guard_key(kSpace)).value();
  };
  const auto before = version();
  run([&](kv::Transaction& transaction) {
    return put_work(transaction, kSpace,
                    work(WorkOp::purge_conversation, conversation_id(5).view()));
  });
  const auto put_at = version();
  EXPECT_GT(put_at, before);
  run([&](kv::Transaction& transaction) {
    return erase_work(transaction, kSpace, WorkOp::purge_conversation, conversation_id(5).view());
  });
  const auto erased_at = version();
  EXPECT_GT(erased_at, put_at);
  alias(2, user_id(1));
  const auto aliased_at = version();
  EXPECT_GT(aliased_at, erased_at);
  run([&](kv::Transaction& transaction) { return erase_alias(transaction, kSpace, user_id(2)); });
  EXPECT_GT(version(), aliased_at);
}

TEST_F(SpaceStateTest, MalformedRowsAreCorruption) {
  const std::string good_work = std::string(9, '\0');
  const std::string target(conversation_id(5).view());
  const std::vector<std::pair<std::string, std::string>> rows = {
      {schema::work_key(kSpace, 1, target), good_work.substr(1)},           // short
      {schema::work_key(kSpace, 1, target), '\x01' + good_work.substr(1)},  // state
      {schema::work_key(kSpace, 9, target), good_work},                     // op
      {schema::work_key(kSpace, 0, target), good_work},
      {schema::work_key(kSpace, 1, "short"), good_work},
      {schema::work_key(kSpace, 4, target), good_work},  // a space has 4 bytes
      {schema::alias_key(kSpace, user_id(1)), "short"},
      {schema::alias_key(kSpace, user_id(1)), std::string(17, 'x')},
      {schema::alias_key(kSpace, user_id(1)) + "x", std::string(16, 'x')},
      {schema::index_set_key(kSpace), "1234"},                                // short
      {schema::index_set_key(kSpace), std::string("\x56\x01\x04\x06\0", 5)},  // state
      {schema::index_set_key(kSpace), std::string("\x56\x01\0\x08\0", 5)},    // family
      {schema::index_set_key(kSpace),
       std::string("\x56\x01\0\x06\0\x56\x01\0\x06\0", 10)},  // twice
      {schema::index_set_key(kSpace) + "x", ""}};
  for (const auto& [key, value] : rows) {
    put(key, value);
    const auto state = SpaceState::load(*store_, kSpace);
    ASSERT_FALSE(state) << schema::to_hex(key);
    EXPECT_EQ(state.error().code(), Code::corruption);
    EXPECT_NE(state.error().message().find(schema::to_hex(key)), std::string::npos);
    kv::Batch batch;
    batch.erase(Family::system, key);
    ASSERT_TRUE(store_->apply(batch, Durability::buffered));
  }
  EXPECT_TRUE(load()->is_idle());
}

}  // namespace
}  // namespace callisto::indexes::testing
