// Conversations above the limit of a transaction: visible at once, whatever happens on the way.

#include "tests/api/large_work_fixture.h"

#include <atomic>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace callisto::testing {
namespace {

class LargeConversationTest : public LargeWorkTest {
 protected:
  LargeConversationTest() : ada_(users().create({.name = "Ada"}).value()) {}

  /// Messages that take a step each.
  std::vector<NewMessage> large(std::size_t count = 8) {
    std::vector<NewMessage> said;
    for (std::size_t i = 0; i < count; ++i) {
      said.push_back({.id = message_id(i),
                      .sender = i % 2 == 0 ? ada_ : UserId(),
                      .content = std::string(900'000, static_cast<char>('a' + i)),
                      .timestamp = Time(static_cast<std::int64_t>(i))});
    }
    return said;
  }
  static MessageId message_id(std::size_t i) {
    return MessageId::from_external("test", "m" + std::to_string(i));
  }
  static MemoryId memory_id(std::size_t i) {
    return MemoryId::from_external("test", "m" + std::to_string(i));
  }

  NewConversation header() const {
    return {.id = id_, .title = "large", .owner = ada_, .participants = {ada_}};
  }

  void store_large() { ASSERT_TRUE(conversations().store(header(), large())); }
  void own_memories(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(memories().create({.id = memory_id(i), .text = "owned", .conversation = id_}));
    }
  }

  bool is_anything_visible() {
    const bool found =
        conversations().get(id_).value() || conversations().whole(id_).value() ||
        !conversations().of_user(ada_).value().empty() ||
        !conversations().unprocessed().value().empty() ||
        !conversations().find({}).value().empty() || !messages().latest(id_).value().empty() ||
        !messages().in_range({}).value().empty() ||
        !messages().by_importance(id_).value().empty() ||
        !messages().by_sender(ada_).value().empty() ||
        !messages().by_sender(ada_, id_).value().empty() || !memories().find({}).value().empty() ||
        !memories().find({.conversation = id_}).value().empty() ||
        memories().get(memory_id(0)).value();
    for (std::size_t i = 0; i < 8; ++i) {
      if (messages().get(message_id(i)).value()) return true;
    }
    return found;
  }

  const ConversationId id_ = ConversationId::from_external("test", "large");
  const UserId ada_;
};

// Storing -----------------------------------------------------------------------------------------

TEST_F(LargeConversationTest, IsStoredAsOneVisibleStep) {
  int commits = 0;
  bool was_visible = false;
  below_.after_commit = [&] {
    ++commits;
    if (!conversations().get(id_).value()) was_visible |= is_anything_visible();
  };
  store_large();
  below_.after_commit = nullptr;
  EXPECT_GE(commits, 9) << "so it was staged";
  EXPECT_FALSE(was_visible);
  const WholeConversation whole = conversations().whole(id_).value().value();
  ASSERT_EQ(whole.messages.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(whole.messages[i].id(), message_id(i));
    EXPECT_EQ(whole.messages[i].sequence(), i + 1);
    EXPECT_EQ(whole.messages[i].content().size(), 900'000U);
  }
  EXPECT_EQ(whole.conversation.message_count(), 8U);
  EXPECT_EQ(messages().by_sender(ada_).value().size(), 4U);
  EXPECT_EQ(core_->pending_work().value().size(), 0U);
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, ManySmallMessagesAreStagedToo) {
  const std::vector<NewMessage> said(2500, NewMessage{.content = "hello"});
  const auto id =
      conversations().store({.participants = {ada_}, .is_processed = true}, said).value();
  const Conversation stored = conversations().get(id).value().value();
  EXPECT_EQ(stored.message_count(), 2500U);
  EXPECT_EQ(stored.last_sequence(), 2500U);
  EXPECT_TRUE(stored.is_processed());
  const auto oldest = messages().page(id, {.limit = 1, .oldest_first = true}).value();
  EXPECT_EQ(oldest.front().sequence(), 1U);
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, StoringAgainIsNoChange) {
  store_large();
  const Rows before = rows();
  store_large();
  EXPECT_EQ(rows(), before);
  auto other = large();
  other[5].content += "!";
  EXPECT_EQ(conversations().store(header(), other).error().code(), Code::already_exists);
  EXPECT_EQ(rows(), before);
}

TEST_F(LargeConversationTest, ACrashBeforeTheLastCommitLeavesNothing) {
  const Rows before = rows();
  int crash = 1;
  for (;; ++crash) {
    crash_after(crash);
    const bool is_stored = conversations().store(header(), large()).has_value();
    open();
    if (is_stored) break;
    EXPECT_FALSE(is_anything_visible()) << "after " << crash;
    EXPECT_TRUE(verify().ok) << "after " << crash;
    ASSERT_TRUE(core_->finish_pending_work());
    EXPECT_EQ(rows(), before) << "after " << crash;
  }
  EXPECT_EQ(crash, 10) << "one to begin, eight with messages, one to show them";
  EXPECT_EQ(conversations().whole(id_).value()->messages.size(), 8U);
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, AFailureOnTheWayLeavesNothing) {
  const auto other = conversations().create({}).value();
  const auto taken = messages().append({.conversation = other, .content = "mine"}).value();
  const Rows before = rows();
  auto said = large();
  said[6].id = taken;
  const auto refused = conversations().store(header(), said);
  EXPECT_EQ(refused.error().code(), Code::already_exists);
  EXPECT_EQ(refused.error().field(), "messages[6].id");
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(core_->pending_work().value().size(), 0U);
}

TEST_F(LargeConversationTest, AParticipantWhoGoesMeanwhileFailsIt) {
  const UserId eve = users().create({}).value();
  int commits = 0;
  below_.after_commit = [&] {
    if (++commits == 3) {
      EXPECT_TRUE(users().remove(eve).value());
    }
  };
  auto given = header();
  given.participants.push_back(eve);
  const auto refused = conversations().store(given, large());
  below_.after_commit = nullptr;
  EXPECT_EQ(refused.error().code(), Code::not_found);
  EXPECT_EQ(refused.error().field(), "participants[1]");
  EXPECT_FALSE(is_anything_visible());
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, WhoComesSecondHearsConflict) {
  int commits = 0;
  std::vector<Code> heard;
  below_.after_commit = [&] {
    if (++commits != 3) return;
    heard.push_back(conversations().store(header(), large()).error().code());
    heard.push_back(conversations().store(header(), {}).error().code());
    heard.push_back(conversations().create({.id = id_}).error().code());
    heard.push_back(messages().append({.conversation = id_}).error().code());
    EXPECT_FALSE(conversations().remove(id_).value());
    const auto other = conversations().create({.type = "other"}).value();
    heard.push_back(messages().append({.id = message_id(0), .conversation = other}).error().code());
    EXPECT_TRUE(conversations().remove(other).value());
  };
  store_large();
  EXPECT_EQ(heard, (std::vector{Code::conflict, Code::conflict, Code::conflict, Code::not_found,
                                Code::conflict}));
  EXPECT_EQ(conversations().get(id_).value()->message_count(), 8U);
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, InsideATransactionItMustFit) {
  const Rows before = rows();
  const auto done = transact([&](Transaction& tx) -> Result<void> {
    auto stored = tx.conversations().store(header(), large(10));
    if (!stored) return std::move(stored).error();
    return {};
  });
  EXPECT_EQ(done.error().code(), Code::too_large);
  EXPECT_EQ(rows(), before);
}

TEST_F(LargeConversationTest, ADeadlineLeavesNothing) {
  const Rows before = rows();
  below_.after_commit = [&] { environment_.advance_micros(2'000); };
  EXPECT_EQ(conversations().store(header(), large(), {.deadline_ms = 5}).error().code(),
            Code::deadline_exceeded);
  below_.after_commit = nullptr;
  EXPECT_EQ(rows(), before);
}

TEST_F(LargeConversationTest, ARequestToStopLeavesNothing) {
  const Rows before = rows();
  std::stop_source source;
  int commits = 0;
  below_.after_commit = [&] {
    if (++commits == 2) source.request_stop();
  };
  EXPECT_EQ(conversations().store(header(), large(), {.cancel = source.get_token()}).error().code(),
            Code::cancelled);
  EXPECT_GT(commits, 2) << "nothing was staged";
  below_.after_commit = nullptr;
  EXPECT_EQ(rows(), before);
}

// Removing ----------------------------------------------------------------------------------------

TEST_F(LargeConversationTest, IsRemovedAtOnceAndCleanedUpInSteps) {
  const Rows before = rows();
  store_large();
  own_memories(3);
  EXPECT_TRUE(conversations().remove(id_).value());
  EXPECT_FALSE(is_anything_visible());
  EXPECT_FALSE(conversations().remove(id_).value());
  EXPECT_EQ(core_->pending_work().value().size(), 1U);
  const VerifyReport pending = verify();
  EXPECT_TRUE(pending.ok);
  EXPECT_GT(pending.pending, 0U);
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_EQ(rows(), before);
}

TEST_F(LargeConversationTest, ACrashBetweenAnyTwoStepsOfARemovalIsMadeUpFor) {
  const Rows before = rows();
  for (int crash = 1;; ++crash) {
    ASSERT_LT(crash, 30);
    store_large();
    own_memories(3);
    crash_after(crash);
    ASSERT_TRUE(conversations().remove(id_).value());
    const bool is_done = core_->finish_pending_work().has_value();
    open();
    EXPECT_FALSE(is_anything_visible()) << "after " << crash;
    EXPECT_TRUE(verify().ok) << "after " << crash;
    ASSERT_TRUE(core_->finish_pending_work());
    EXPECT_EQ(rows(), before) << "after " << crash;
    if (!is_done) continue;
    EXPECT_GE(crash, 5) << "a step takes two of these messages";
    break;
  }
}

TEST_F(LargeConversationTest, AnIdThatIsBeingRemovedIsRemovedToTheEndFirst) {
  store_large();
  ASSERT_TRUE(conversations().remove(id_).value());
  const auto inside = transact([&](Transaction& tx) -> Result<void> {
    auto made = tx.conversations().create({.id = id_});
    if (!made) return std::move(made).error();
    return {};
  });
  EXPECT_EQ(inside.error().code(), Code::conflict);
  EXPECT_EQ(core_->pending_work().value().size(), 1U);
  ASSERT_TRUE(conversations().create({.id = id_, .title = "anew"}));
  EXPECT_EQ(core_->pending_work().value().size(), 0U);
  EXPECT_EQ(conversations().get(id_).value()->title(), "anew");
  EXPECT_TRUE(messages().latest(id_).value().empty());
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, AMessageIdThatIsBeingRemovedIsFreedFirst) {
  store_large();
  ASSERT_TRUE(conversations().remove(id_).value());
  const auto other = conversations().create({}).value();
  EXPECT_EQ(messages().append({.id = message_id(0), .conversation = other}).value(), message_id(0));
  EXPECT_EQ(core_->pending_work().value().size(), 0U);
  EXPECT_EQ(messages().get(message_id(0)).value()->conversation(), other);
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, RemovedInsideATransactionItIsGoneInside) {
  store_large();
  own_memories(1);
  ASSERT_TRUE(transact([&](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(tx.conversations().remove(id_).value());
    EXPECT_FALSE(tx.messages().get(message_id(3)).value());
    EXPECT_FALSE(tx.memories().get(memory_id(0)).value());
    EXPECT_TRUE(tx.messages().latest(id_).value().empty());
    EXPECT_TRUE(conversations().get(id_).value()) << "not outside";
    return {};
  }));
  EXPECT_FALSE(is_anything_visible());
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_TRUE(verify().ok);
}

TEST_F(LargeConversationTest, ARolledBackRemovalLeavesEverything) {
  store_large();
  const Rows before = rows();
  const auto done = transact([&](Transaction& tx) -> Result<void> {
    EXPECT_TRUE(tx.conversations().remove(id_).value());
    return Error(Code::invalid_argument, "changed my mind");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(conversations().whole(id_).value()->messages.size(), 8U);
}

// Over the real engine, with a thread of the store's own
// ---------------------------------------------

TEST(LargeConversationOnRocksTest, IsKeptBySnapshots) {
  TestEnvironment environment;
  Options options;
  options.environment = &environment;
  const Store store = Store::open_in_memory(options).value();
  const std::vector<NewMessage> said(5000, NewMessage{.content = "hello"});
  const auto id = store.conversations().store({.title = "large"}, said).value();
  const Snapshot before = store.snapshot().value();
  ASSERT_TRUE(store.conversations().remove(id).value());
  EXPECT_FALSE(store.conversations().get(id).value());
  EXPECT_TRUE(store.messages().in_range({}).value().empty());
  EXPECT_EQ(before.messages().page(id, {.limit = 10'000}).value().size(), 5000U);
  ASSERT_TRUE(store.finish_pending_work());
  EXPECT_EQ(before.messages().page(id, {.limit = 10'000}).value().size(), 5000U);
  EXPECT_EQ(store.health().pending_work, 0U);
  EXPECT_EQ(store.stats().value().tables.at("messages").records, 0U);
  EXPECT_TRUE(store.verify().value().ok);
}

TEST(LargeConversationOnRocksTest, ReadersSeeAllOfItOrNothing) {
  const Store store = Store::open_in_memory().value();
  const NewConversation header{.id = ConversationId::from_external("test", "large")};
  const std::vector<NewMessage> said(3000, NewMessage{.content = "hello"});
  std::atomic<bool> is_over{false};
  std::atomic<int> halves{0};
  std::thread reader([&] {
    while (!is_over) {
      const Snapshot view = store.snapshot().value();
      const auto whole = view.conversations().whole(header.id).value();
      const std::size_t seen = view.messages().in_range({}, {.limit = 10'000}).value().size();
      if (seen != (whole ? 3000U : 0U) || (whole && whole->messages.size() != seen)) ++halves;
    }
  });
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(store.conversations().store(header, said));
    EXPECT_TRUE(store.conversations().remove(header.id).value());
  }
  is_over = true;
  reader.join();
  EXPECT_EQ(halves, 0);
  ASSERT_TRUE(store.finish_pending_work());
  EXPECT_TRUE(store.verify().value().ok);
}

}  // namespace
}  // namespace callisto::testing
