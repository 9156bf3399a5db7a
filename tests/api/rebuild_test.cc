// Calls that look something up in an index, between any two steps of its rebuild: writers are never
// refused, and answer as if it were ready.

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "api/core.h"
#include "indexes/index_build.h"
#include "indexes/index_change.h"
#include "tests/api/conversation_fixture.h"

namespace callisto::testing {
namespace {

using schema::IndexId;

/// More rows than one step of a build takes.
constexpr int kRows = 600;

template <class Id>
Id named(const std::string& name) {
  return Id::from_external("rebuild", name);
}

class RebuildTest : public ConversationTest {
 protected:
  detail::StoreCore& core() { return store_.core(); }
  IndexState state_of(IndexId index) {
    auto snapshot = core().engine().snapshot();
    return indexes::SpaceState::load(*snapshot, schema::kDefaultSpace).value()->index_state(index);
  }
  bool step(IndexId index) {
    return indexes::index_step(core().engine(), indexes::standard_catalogue(),
                               schema::kDefaultSpace, index)
        .value();
  }
  /// Rebuilds the index again and again; `calls(round)` runs after one step more each time.
  void at_every_step(IndexId index, const std::function<void(int round)>& calls) {
    std::set<IndexState> met;
    const std::string name = indexes::index_name(indexes::standard_catalogue(), index);
    bool is_left = true;
    for (int round = 0; is_left && !HasFailure(); ++round) {
      ASSERT_TRUE(store_.reindex({name}));
      for (int i = 0; is_left && i < round; ++i) is_left = step(index);
      met.insert(state_of(index));
      SCOPED_TRACE("after steps: " + std::to_string(round));
      calls(round);
      store_.finish_pending_work().value();
      ASSERT_TRUE(verifies());
    }
    EXPECT_TRUE(met.contains(IndexState::stale));
    EXPECT_TRUE(met.contains(IndexState::dropping));
    EXPECT_TRUE(met.contains(IndexState::building));
  }
};

TEST_F(RebuildTest, MessagesAreFoundByTheirIds) {
  const auto id_of = [](int i) { return named<MessageId>(std::to_string(i)); };
  std::vector<NewMessage> many(kRows);
  for (int i = 0; i < kRows; ++i) {
    many[static_cast<std::size_t>(i)].id = id_of(i);
    many[static_cast<std::size_t>(i)].content = std::to_string(i);
  }
  const auto whole = conversations().store({}, many).value();
  const ConversationId other = talk({});
  at_every_step(IndexId::message_by_id, [&](int round) {
    const std::string late = "late " + std::to_string(round);
    ASSERT_EQ(messages().append({.id = named<MessageId>(late), .conversation = other}).value(),
              named<MessageId>(late));
    EXPECT_EQ(message(named<MessageId>(late)).conversation(), other);
    for (const int i : {20 + round, 300 + round, kRows - 1 - round}) {
      EXPECT_EQ(message(id_of(i)).content(), std::to_string(i));
      EXPECT_EQ(messages().append({.id = id_of(i), .conversation = other}).error().field(), "id");
      EXPECT_EQ(conversations().store({}, std::vector{NewMessage{.id = id_of(i)}}).error().field(),
                "messages[0].id");
      EXPECT_TRUE(messages().append({.conversation = whole, .parent = id_of(i)}));
      EXPECT_EQ(messages().update(id_of(i), {.model = "m"}).value(), 2U);
      EXPECT_TRUE(conversations().mark_processed(whole, id_of(i)));
      EXPECT_EQ(messages().page(whole, {.after = id_of(i), .limit = 1}).value().size(), 1U);
      EXPECT_TRUE(messages().remove(id_of(i)).value());
      EXPECT_FALSE(messages().get(id_of(i)).value());
      EXPECT_FALSE(messages().remove(id_of(i)).value());
      EXPECT_TRUE(messages().append({.id = id_of(i), .conversation = whole, .content = "anew"}));
      EXPECT_EQ(message(id_of(i)).content(), "anew");
    }
  });
}

/// While no entry is written at all, two writers of one id still meet.
TEST_F(RebuildTest, AnIdIsTakenOnce) {
  const ConversationId one = talk({});
  const ConversationId other = talk({});
  const auto id = named<MessageId>("twice");
  ASSERT_TRUE(store_.reindex({"message_by_id"}));
  ASSERT_TRUE(step(IndexId::message_by_id));
  ASSERT_EQ(state_of(IndexId::message_by_id), IndexState::dropping);
  int attempts = 0;
  const auto late = store_.transact([&](Transaction& transaction) -> Result<MessageId> {
    if (++attempts == 2) {
      return transaction.messages().append({.id = id, .conversation = one});
    }
    auto made = transaction.messages().append({.id = id, .conversation = one});
    EXPECT_TRUE(messages().append({.id = id, .conversation = other}));
    return made;
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(late.error().code(), Code::already_exists);
  EXPECT_EQ(message(id).conversation(), other);
  store_.finish_pending_work().value();
  EXPECT_TRUE(verifies());
}

TEST_F(RebuildTest, UsersAreMergedAndRemoved) {
  const auto with_identities = [&](const std::string& name) {
    const UserId user = named<UserId>(name);
    EXPECT_TRUE(store_.users().create({.id = user, .platform = "p", .platform_id = name + " a"}));
    EXPECT_TRUE(store_.users().add_identity(user, {.platform = "z", .platform_id = name + " z"}));
    return user;
  };
  for (int i = 0; i < kRows; ++i) with_identities("other " + std::to_string(i));
  at_every_step(IndexId::identity_by_user, [&](int round) {
    const std::string name = "user " + std::to_string(round);
    const UserId gone = with_identities(name + " gone");
    const UserId primary = with_identities(name + " primary");
    const UserId secondary = with_identities(name + " secondary");
    EXPECT_EQ(store_.users().identities(gone).value().size(), 2U);
    ASSERT_TRUE(store_.users().merge(primary, secondary));
    EXPECT_EQ(store_.users().identities(primary).value().size(), 4U);
    EXPECT_EQ(store_.users().identities(primary, 3).value().size(), 3U);
    EXPECT_EQ(store_.users().identity("z", name + " secondary z").value()->user(), primary);
    ASSERT_TRUE(store_.users().remove(gone).value());
    EXPECT_FALSE(store_.users().identity("p", name + " gone a").value());
    EXPECT_TRUE(store_.users().identities(gone).value().empty());
    // One of the leftovers leads to somebody else at once; the id can be taken again.
    ASSERT_TRUE(
        store_.users().add_identity(primary, {.platform = "p", .platform_id = name + " gone a"}));
    ASSERT_TRUE(store_.users().create({.id = gone}));
    EXPECT_TRUE(store_.users().identities(gone).value().empty());
    store_.finish_pending_work().value();
    EXPECT_EQ(store_.users().identities(primary).value().size(), 5U);
    EXPECT_TRUE(store_.users().identities(gone).value().empty());
  });
}

TEST_F(RebuildTest, DataOfAUserIsListed) {
  const UserData data = store_.user_data();
  for (int i = 0; i < kRows; ++i) {
    ASSERT_TRUE(data.append(i % 2 == 0 ? ada_ : reece_, "likes", std::to_string(i)));
    environment_.advance_seconds(1);
  }
  ASSERT_TRUE(data.append(ada_, "dislikes", "rain"));
  const auto values = [&](const std::vector<UserDatum>& found) {
    std::vector<std::string> texts;
    for (const UserDatum& datum : found) texts.emplace_back(datum.value());
    return texts;
  };
  const auto likes = values(data.values(ada_, "likes", 5).value());
  const auto all = values(data.all(ada_).value());
  EXPECT_EQ(likes.front(), "598");
  at_every_step(IndexId::datum_newest, [&](int) {
    EXPECT_EQ(values(data.values(ada_, "likes", 5).value()), likes);
    EXPECT_EQ(values(data.all(ada_).value()), all);
    EXPECT_TRUE(data.append(ada_, "likes", "late").value());
    EXPECT_EQ(values(data.values(ada_, "likes", 1).value()), std::vector<std::string>{"late"});
    EXPECT_TRUE(data.remove(ada_, "likes", "late").value());
  });
}

TEST_F(RebuildTest, ConversationsAreRemovedWithTheirMemories) {
  for (int i = 0; i < kRows; ++i) create({.conversation = make_conversation(ada_)});
  at_every_step(IndexId::memory_by_conversation, [&](int round) {
    const std::string name = std::to_string(round);
    const auto gone = named<ConversationId>(name);
    talk({.id = gone});
    say({.conversation = gone, .content = "hello"});
    const MemoryId owned = create({.category = name, .conversation = gone});
    ASSERT_TRUE(conversations().remove(gone).value());
    EXPECT_FALSE(conversations().get(gone).value());
    EXPECT_FALSE(memories().get(owned).value());
    EXPECT_TRUE(found({.category = name}).empty());
    EXPECT_TRUE(messages().latest(gone, 10).value().empty());
    EXPECT_EQ(memories().create({.conversation = gone}).error().field(), "conversation");
    // Taking the id again finishes what is left of it, with what that needs.
    talk({.id = gone, .title = "anew"});
    EXPECT_EQ(messages().latest(gone, 10).value().size(), 0U);
    EXPECT_TRUE(found({.conversation = gone}).empty());
    EXPECT_FALSE(memories().get(owned).value());
  });
}

/// Every look at the clock moves it on, so that a deadline ends a call after some steps.
class SteppingEnvironment final : public TestEnvironment {
 public:
  std::int64_t monotonic_micros() override { return micros_ += 1000; }

 private:
  std::atomic<std::int64_t> micros_{0};
};

/// Rebuilding all takes one index at a time out of use: what can be answered another way is.
TEST(Rebuild, OneIndexAtATimeIsOutOfUse) {
  SteppingEnvironment environment;
  Options options;
  options.environment = &environment;
  options.background_work = false;
  const Store store = Store::open_in_memory(options).value();
  const Memories memories = store.memories();
  constexpr std::size_t kMemories = 300;
  for (std::size_t i = 0; i < kMemories; ++i) {
    ASSERT_TRUE(memories.create({.category = "c", .key = std::to_string(i), .tags = {"t"}}));
  }
  ASSERT_TRUE(store.reindex());
  EXPECT_EQ(store.index_work().value().size(), store.stats().value().indexes.size());
  std::set<std::string> met;
  Result<void> done = Error(Code::deadline_exceeded, "not begun");
  for (std::size_t round = 0; !done && !::testing::Test::HasFailure(); ++round) {
    ASSERT_EQ(done.error().code(), Code::deadline_exceeded);
    ASSERT_LT(round, 20'000U) << "a call with little time does not get on";
    std::size_t out_of_use = 0;
    for (const IndexWork& work : store.index_work().value()) {
      if (work.state == IndexState::stale) continue;
      ++out_of_use;
      met.insert(work.index);
    }
    EXPECT_LE(out_of_use, 1U);
    const std::string key = std::to_string(round % kMemories);
    EXPECT_FALSE(
        memories.put({.category = "c", .key = key, .text = "new", .tags = {"t"}})->created);
    EXPECT_EQ(memories.find({.tags_all = {"t"}, .limit = 1000}).value().size(), kMemories);
    EXPECT_EQ(memories.find({.order = MemoryOrder::priority, .limit = 9}).value().size(), 9U);
    EXPECT_TRUE(store.verify({.checksums = false}).value().ok);
    done = store.finish_pending_work({}, {.deadline_ms = 3});
  }
  EXPECT_TRUE(store.index_work().value().empty());
  EXPECT_GT(met.size(), store.stats().value().indexes.size() / 2);
}

}  // namespace
}  // namespace callisto::testing
