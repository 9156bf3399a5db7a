// Deadlines and requests to stop, on every call.

#include <atomic>
#include <functional>
#include <map>
#include <stop_token>
#include <thread>

#include "tests/api/memory_fixture.h"

namespace callisto::testing {
namespace {

/// A clock of which a millisecond passes with every look.
class TickingEnvironment final : public TestEnvironment {
 public:
  std::int64_t monotonic_micros() override {
    ++looks_;
    if (ticks_) advance_micros(1'000);
    return TestEnvironment::monotonic_micros();
  }
  void tick() { ticks_ = true; }
  int looks() const { return looks_; }

 private:
  std::atomic<bool> ticks_{false};
  std::atomic<int> looks_{0};
};

std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

/// The code of an answer; nothing when it was none.
template <class T>
std::optional<Code> code_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code();
}

using Calls = std::map<std::string, std::function<std::optional<Code>()>>;

class LimitsTest : public MemoryTest {
 protected:
  /// Every reading call of the repositories.
  Calls reads(const Repositories& of) {
    return {
        {"users.get", [&] { return code_of(of.users().get(user_)); }},
        {"users.by_platform", [&] { return code_of(of.users().by_platform("irc", "1")); }},
        {"users.by_preferred_name", [&] { return code_of(of.users().by_preferred_name("Ann")); }},
        {"users.list", [&] { return code_of(of.users().list()); }},
        {"users.identity", [&] { return code_of(of.users().identity("irc", "1")); }},
        {"users.identities", [&] { return code_of(of.users().identities(user_)); }},
        {"users.by_username", [&] { return code_of(of.users().identities_by_username("a")); }},
        {"users.link_suggestions", [&] { return code_of(of.users().link_suggestions(user_)); }},
        {"user_data.values", [&] { return code_of(of.user_data().values(user_, "likes")); }},
        {"user_data.all", [&] { return code_of(of.user_data().all(user_)); }},
        {"user_data.get", [&] { return code_of(of.user_data().get(user_, "likes", "pies")); }},
        {"conversations.get", [&] { return code_of(of.conversations().get(talk_)); }},
        {"conversations.whole", [&] { return code_of(of.conversations().whole(talk_)); }},
        {"conversations.of_user", [&] { return code_of(of.conversations().of_user(user_)); }},
        {"conversations.unprocessed", [&] { return code_of(of.conversations().unprocessed()); }},
        {"conversations.find", [&] { return code_of(of.conversations().find({})); }},
        {"messages.get", [&] { return code_of(of.messages().get(message_)); }},
        {"messages.latest", [&] { return code_of(of.messages().latest(talk_)); }},
        {"messages.page", [&] { return code_of(of.messages().page(talk_, {})); }},
        {"messages.by_importance", [&] { return code_of(of.messages().by_importance(talk_)); }},
        {"messages.by_sender", [&] { return code_of(of.messages().by_sender(user_)); }},
        {"messages.in_range", [&] { return code_of(of.messages().in_range({})); }},
        {"memories.get", [&] { return code_of(of.memories().get(memory_)); }},
        {"memories.by_name", [&] { return code_of(of.memories().by_name("facts", "k")); }},
        {"memories.by_key", [&] { return code_of(of.memories().by_key("k")); }},
        {"memories.find", [&] { return code_of(of.memories().find({})); }},
    };
  }

  /// Every writing call.
  Calls writes(const Repositories& of, const CallOptions& options = {}) {
    const auto users = [&of] { return of.users(); };
    const auto data = [&of] { return of.user_data(); };
    const auto talks = [&of] { return of.conversations(); };
    const auto messages = [&of] { return of.messages(); };
    const auto memories = [&of] { return of.memories(); };
    return {
        {"users.create", [=] { return code_of(users().create({.name = "Bo"}, options)); }},
        {"users.update",
         [=, this] { return code_of(users().update(user_, {.is_active = false}, options)); }},
        {"users.seen",
         [=, this] { return code_of(users().seen(user_, seconds_ahead(99), options)); }},
        {"users.seen_on",
         [=, this] { return code_of(users().seen("irc", "1", seconds_ahead(99), options)); }},
        {"users.add_identity",
         [=, this] {
           return code_of(
               users().add_identity(user_, {.platform = "x", .platform_id = "2"}, options));
         }},
        {"users.remove_identity",
         [=] { return code_of(users().remove_identity("irc", "1", options)); }},
        {"users.merge", [=, this] { return code_of(users().merge(user_, other_, options)); }},
        {"users.remove", [=, this] { return code_of(users().remove(user_, options)); }},
        {"user_data.append",
         [=, this] { return code_of(data().append(user_, "likes", "tea", options)); }},
        {"user_data.replace",
         [=, this] { return code_of(data().replace(user_, "city", "Ghent", options)); }},
        {"user_data.remove",
         [=, this] { return code_of(data().remove(user_, "likes", "pies", options)); }},
        {"user_data.remove_category",
         [=, this] { return code_of(data().remove_category(user_, "likes", options)); }},
        {"conversations.create", [=] { return code_of(talks().create({}, options)); }},
        {"conversations.store", [=] { return code_of(talks().store({}, {}, options)); }},
        {"conversations.update",
         [=, this] { return code_of(talks().update(talk_, {.title = "t"}, options)); }},
        {"conversations.add_participant",
         [=, this] { return code_of(talks().add_participant(talk_, other_, options)); }},
        {"conversations.mark_processed",
         [=, this] { return code_of(talks().mark_processed(talk_, {}, options)); }},
        {"conversations.mark_unprocessed",
         [=, this] { return code_of(talks().mark_unprocessed(talk_, options)); }},
        {"conversations.remove", [=, this] { return code_of(talks().remove(talk_, options)); }},
        {"messages.append",
         [=, this] {
           return code_of(messages().append({.conversation = talk_, .content = "m"}, options));
         }},
        {"messages.update",
         [=, this] { return code_of(messages().update(message_, {.model = "m"}, options)); }},
        {"messages.remove", [=, this] { return code_of(messages().remove(message_, options)); }},
        {"memories.create", [=] { return code_of(memories().create({.text = "v"}, options)); }},
        {"memories.put",
         [=] {
           return code_of(
               memories().put({.category = "facts", .key = "new", .text = "v"}, options));
         }},
        {"memories.update",
         [=, this] { return code_of(memories().update(memory_, {.priority = 9}, options)); }},
        {"memories.tag",
         [=, this] { return code_of(memories().tag(memory_, {"t"}, {}, options)); }},
        {"memories.remove", [=, this] { return code_of(memories().remove(memory_, options)); }},
    };
  }

  Calls upkeep(const CallLimits& limits) {
    return {
        {"space", [=, this] { return code_of(store_.space("default", limits)); }},
        {"create_space", [=, this] { return code_of(store_.create_space("acme", limits)); }},
        {"drop_space", [=, this] { return code_of(store_.drop_space("acme", limits)); }},
        {"spaces", [=, this] { return code_of(store_.spaces(limits)); }},
        {"finish_pending_work", [=, this] { return code_of(store_.finish_pending_work({}, limits)); }},
        {"pending_work", [=, this] { return code_of(store_.pending_work(limits)); }},
        {"index_work", [=, this] { return code_of(store_.index_work(limits)); }},
        {"reindex",
         [=, this] { return code_of(store_.reindex({"memory_by_tag"}, limits)); }},
        {"upgrade", [=, this] { return code_of(store_.upgrade(false, limits)); }},
        {"stats", [=, this] { return code_of(store_.stats(limits)); }},
        {"sync", [=, this] { return code_of(store_.sync(limits)); }},
        {"compact", [=, this] { return code_of(store_.compact(limits)); }},
        {"verify", [=, this] { return code_of(store_.verify({.cancel = limits.cancel})); }},
        {"repair",
         [=, this] { return code_of(store_.verify({.repair = true, .cancel = limits.cancel})); }},
    };
  }

  static void expect_all(const Calls& calls, Code code) {
    for (const auto& [name, call] : calls) EXPECT_EQ(call(), code) << name;
  }
  static void expect_none(const Calls& calls) {
    for (const auto& [name, call] : calls) EXPECT_EQ(call(), std::nullopt) << name;
  }

  void add_memories(int count) {
    store_
        .transact([&](Transaction& transaction) -> Result<void> {
          for (int i = 0; i < count; ++i) {
            auto created = transaction.memories().create({.category = "many", .text = "v"});
            if (!created) return created.error();
          }
          return {};
        })
        .value();
  }

  UserId user_ =
      store_.users().create({.name = "Ann", .platform = "irc", .platform_id = "1"}).value();
  UserId other_ = make_user("Eve");
  bool liked_ = store_.user_data().append(user_, "likes", "pies").value();
  ConversationId talk_ = make_conversation(user_);
  MessageId message_ =
      store_.messages().append({.conversation = talk_, .sender = user_, .content = "hi"}).value();
  MemoryId memory_ = create({.category = "facts", .key = "k", .text = "v"});
};

TEST_F(LimitsTest, EveryCallOfAHandleWithLimitsIsCancelled) {
  const std::uint64_t before = commits();
  const Space space = store_.with({.cancel = stopped()});
  expect_all(reads(space), Code::cancelled);
  expect_all(writes(space), Code::cancelled);
  EXPECT_EQ(code_of(space.snapshot()), Code::cancelled);
  EXPECT_EQ(code_of(space.transact([](Transaction&) -> Result<void> { return {}; })),
            Code::cancelled);
  EXPECT_EQ(commits(), before);
}

TEST_F(LimitsTest, EveryWriteIsCancelledByItsOwnOptions) {
  const std::uint64_t before = commits();
  expect_all(writes(store_.default_space(), {.cancel = stopped()}), Code::cancelled);
  EXPECT_EQ(code_of(store_.transact([](Transaction&) -> Result<void> { return {}; },
                                    {.cancel = stopped()})),
            Code::cancelled);
  EXPECT_EQ(commits(), before);
}

TEST_F(LimitsTest, EveryCallOfUpkeepIsCancelled) {
  const std::uint64_t before = commits();
  expect_all(upkeep({.cancel = stopped()}), Code::cancelled);
  EXPECT_EQ(commits(), before);
}

TEST_F(LimitsTest, ATokenThatIsNotStoppedChangesNothing) {
  std::stop_source source;
  const CallLimits limits{.deadline_ms = 60'000, .cancel = source.get_token()};
  const Space space = store_.with(limits);
  expect_none(reads(space));
  expect_none(upkeep(limits));
  const Snapshot snapshot = store_.snapshot().value();
  expect_none(reads(snapshot.with(limits)));
  // What one call removes, another would miss: each kind of write on its own is tested elsewhere.
  EXPECT_EQ(writes(space).at("memories.update")(), std::nullopt);
  EXPECT_EQ(writes(space).at("messages.append")(), std::nullopt);
}

TEST_F(LimitsTest, ASnapshotWithLimitsSharesTheState) {
  const Snapshot snapshot = store_.snapshot().value();
  const MemoryId later = create({.text = "later"});
  const Snapshot limited = snapshot.with({.cancel = stopped()});
  expect_all(reads(limited), Code::cancelled);
  expect_none(reads(snapshot));
  EXPECT_EQ(limited.version(), snapshot.version());
  EXPECT_FALSE(snapshot.with({.deadline_ms = 1000}).memories().get(later).value());
}

TEST_F(LimitsTest, TheFirstLimitThatIsPassedCounts) {
  std::stop_source source;
  const Space space = store_.with({.deadline_ms = 1000, .cancel = source.get_token()});
  EXPECT_TRUE(space.memories().update(memory_, {.priority = 2}, {.deadline_ms = 500}));
  EXPECT_EQ(code_of(space.memories().update(memory_, {.priority = 3}, {.cancel = stopped()})),
            Code::cancelled);
  source.request_stop();
  EXPECT_EQ(code_of(space.memories().update(memory_, {.priority = 3}, {.deadline_ms = 500})),
            Code::cancelled);
  EXPECT_EQ(get(memory_).priority(), 2);
}

TEST_F(LimitsTest, AFunctionThatHidesTheErrorStillCommitsNothing) {
  std::stop_source source;
  const std::uint64_t before = commits();
  const auto done = store_.transact(
      [&](Transaction& transaction) -> Result<void> {
        if (auto created = transaction.memories().create({.text = "v"}); !created) {
          return created.error();
        }
        source.request_stop();
        return {};
      },
      {.cancel = source.get_token()});
  EXPECT_EQ(code_of(done), Code::cancelled);
  EXPECT_EQ(commits(), before);
}

class TickingTest : public ::testing::Test {
 protected:
  TickingTest() {
    Options options;
    options.environment = &environment_;
    options.background_work = false;
    store_.emplace(Store::open_in_memory(options).value());
    for (int part = 0; part < 4; ++part) {
      store_
          ->transact([&](Transaction& transaction) -> Result<void> {
            for (int i = 0; i < kRows / 4; ++i) {
              auto created = transaction.memories().create({.category = "many", .text = "v"});
              if (!created) return created.error();
            }
            return {};
          })
          .value();
    }
  }

  static constexpr int kRows = 2'000;
  TickingEnvironment environment_;
  std::optional<Store> store_;
};

TEST_F(TickingTest, ADeadlineEndsAScanInTheMiddle) {
  // Every row is read and none is found.
  const MemoryQuery query{.category = "many", .min_importance = 0.9F};
  environment_.tick();
  int before = environment_.looks();
  ASSERT_TRUE(store_->with({.deadline_ms = 60'000}).memories().find(query));
  const int whole = environment_.looks() - before;
  before = environment_.looks();
  EXPECT_EQ(code_of(store_->with({.deadline_ms = 10}).memories().find(query)),
            Code::deadline_exceeded);
  const int cut = environment_.looks() - before;
  EXPECT_LE(cut, 14);  // two of them tell how long the call took
  EXPECT_GT(whole, 2 * cut) << "or the scan was over before its deadline";
}

TEST_F(TickingTest, ADeadlineEndsVerifyInTheMiddle) {
  environment_.tick();
  EXPECT_TRUE(store_->verify({.deadline_ms = 600'000}));
  EXPECT_EQ(code_of(store_->verify({.deadline_ms = 20})), Code::deadline_exceeded);
  EXPECT_EQ(code_of(store_->verify({.repair = true, .deadline_ms = 20})), Code::deadline_exceeded);
}

TEST_F(TickingTest, ADeadlineEndsATransactionThatReadsOn) {
  environment_.tick();
  int rounds = 0;
  const auto done = store_->transact(
      [&](Transaction& transaction) -> Result<void> {
        for (;; ++rounds) {
          auto found = transaction.memories().find({.category = "many", .limit = 1});
          if (!found) return found.error();
        }
      },
      {.deadline_ms = 50});
  EXPECT_EQ(code_of(done), Code::deadline_exceeded);
  EXPECT_GT(rounds, 0);
}

}  // namespace
}  // namespace callisto::testing
