// Calls that end before they are done: refused options, limits inside a transaction, exceptions of
// the caller's functions. Nothing of them is left, and the store goes on.

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/api/conversation_fixture.h"

namespace callisto::testing {
namespace {

class EndedCallsTest : public ConversationTest {
 protected:
  std::vector<NewMessage> more_than_a_transaction() { return std::vector<NewMessage>(2500); }
};

TEST_F(EndedCallsTest, ADurabilityThatIsNoneIsRefused) {
  const auto none = static_cast<Durability>(7);
  const auto refusal = [](const auto& answer) { return answer.error().to_string(); };
  const std::string expected = "invalid_argument: durability: buffered or synced";
  const std::uint64_t before = commits();
  EXPECT_EQ(refusal(memories().create({}, {.durability = none})), expected);
  EXPECT_EQ(refusal(conversations().remove({}, {.durability = none})), expected);
  EXPECT_EQ(refusal(conversations().store({}, more_than_a_transaction(), {.durability = none})),
            expected);
  const auto nothing = [](Transaction&) -> Result<void> { return {}; };
  EXPECT_EQ(refusal(store_.transact(nothing, {.durability = none})), expected);
  const auto inside = [&](Transaction& transaction) -> Result<void> {
    EXPECT_EQ(refusal(transaction.memories().create({}, {.durability = none})), expected);
    return {};
  };
  EXPECT_TRUE(store_.transact(inside));
  EXPECT_EQ(commits(), before);
  Options bad = options();
  bad.durability = none;
  EXPECT_EQ(refusal(Store::open_in_memory(bad)), expected);
}

TEST_F(EndedCallsTest, LimitsCountInsideATransaction) {
  std::stop_source stop;
  const MemoryId kept = create({.text = "kept"});
  const auto made = store_.transact([&](Transaction& transaction) -> Result<MemoryId> {
    const Transaction limited = transaction.with({.deadline_ms = 1000, .cancel = stop.get_token()});
    EXPECT_EQ(limited.memories().get(kept).value()->text(), "kept");
    auto first = limited.memories().create({.text = "first"});
    stop.request_stop();
    EXPECT_EQ(limited.memories().get(kept).error().code(), Code::cancelled);
    EXPECT_EQ(limited.memories().find({}).error().code(), Code::cancelled);
    EXPECT_EQ(limited.memories().create({.text = "not"}).error().code(), Code::cancelled);
    EXPECT_EQ(limited.size_bytes(), transaction.size_bytes());
    // The transaction itself has no such limits, and goes on.
    EXPECT_EQ(transaction.memories().get(*first).value()->text(), "first");
    const CallOptions of_call{.cancel = stop.get_token()};
    EXPECT_EQ(transaction.memories().create({.text = "not"}, of_call).error().code(),
              Code::cancelled);
    return first;
  });
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(get(*made).text(), "first");
  EXPECT_EQ(store_.stats().value().tables.at("memories").records, 2U);
}

/// A conflict costs an attempt, not an id: what the function told of the first one holds.
TEST_F(EndedCallsTest, AnAttemptMoreMakesTheSameRecords) {
  const MemoryId read = create({.text = "read"});
  std::vector<MemoryId> made;
  ASSERT_TRUE(store_.transact([&](Transaction& transaction) -> Result<void> {
    EXPECT_TRUE(transaction.memories().get(read));
    made.push_back(transaction.memories().create({.text = "first"}).value());
    made.push_back(transaction.memories().create({.text = "second"}).value());
    if (made.size() > 2) return {};
    EXPECT_TRUE(memories().update(read, {.text = "changed meanwhile"}));
    environment_.advance_seconds(1);
    return {};
  }));
  ASSERT_EQ(made.size(), 4U);
  EXPECT_EQ(made[2], made[0]);
  EXPECT_EQ(made[3], made[1]);
  EXPECT_EQ(get(made[0]).text(), "first");
  EXPECT_EQ(get(made[0]).created_at(), now()) << "times are those of the attempt that stands";
}

TEST_F(EndedCallsTest, AThrowingProgressUndoesAStore) {
  const auto id = ConversationId::from_external("ended", "talk");
  const auto many = more_than_a_transaction();
  int told = 0;
  const auto throws = [&](const PendingWork&, bool) {
    if (++told == 2) throw std::runtime_error("enough");
  };
  EXPECT_THROW(ignore_error(conversations().store({.id = id}, many, {}, throws), "it throws"),
               std::runtime_error);
  EXPECT_TRUE(store_.pending_work().value().empty());
  EXPECT_FALSE(conversations().get(id).value());
  EXPECT_EQ(store_.stats().value().tables.at("messages").records, 0U);
  ASSERT_TRUE(conversations().store({.id = id}, many));
  EXPECT_EQ(read(id).message_count(), many.size());
  EXPECT_TRUE(verifies());
}

TEST_F(EndedCallsTest, AThrowingProgressAfterTheEndLeavesWhatIsDone) {
  const auto id = ConversationId::from_external("ended", "talk");
  const auto many = more_than_a_transaction();
  const auto throws = [&](const PendingWork&, bool is_done) {
    if (is_done) throw std::runtime_error("done");
  };
  EXPECT_THROW(ignore_error(conversations().store({.id = id}, many, {}, throws), "it throws"),
               std::runtime_error);
  EXPECT_EQ(read(id).message_count(), many.size());
  ASSERT_TRUE(conversations().remove(id).value());
  EXPECT_THROW(ignore_error(store_.finish_pending_work(
                                [](const PendingWork&, bool) { throw std::runtime_error("step"); }),
                            "it throws"),
               std::runtime_error);
  EXPECT_EQ(store_.pending_work().value().size(), 1U);
  ASSERT_TRUE(store_.finish_pending_work());
  EXPECT_EQ(store_.stats().value().tables.at("messages").records, 0U);
  EXPECT_TRUE(verifies());
}

TEST_F(EndedCallsTest, AThrowingTransactionWritesNothing) {
  const ConversationId id = talk({});
  const auto throws = [&](Transaction& transaction) -> Result<void> {
    EXPECT_TRUE(transaction.messages().append({.conversation = id, .content = "lost"}));
    throw std::runtime_error("enough");
  };
  EXPECT_THROW(ignore_error(store_.transact(throws), "it throws"), std::runtime_error);
  EXPECT_EQ(read(id).message_count(), 0U);
  say({.conversation = id, .content = "kept"});
  EXPECT_EQ(texts(messages().latest(id, 5).value()), std::vector<std::string>{"kept"});
  EXPECT_TRUE(verifies());
  EXPECT_TRUE(store_.close());
}

}  // namespace
}  // namespace callisto::testing
