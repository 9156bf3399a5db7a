#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include "tests/api/conversation_fixture.h"

namespace callisto::testing {
namespace {

using Texts = std::vector<std::string>;

class MessagesTest : public ConversationTest {
 protected:
  const ConversationId talk_ = talk({.participants = {reece_, ada_}});
};

TEST_F(MessagesTest, KeepsEveryField) {
  const auto parent = say({.conversation = talk_});
  const auto id = MessageId::from_external("test", "m");
  const Time at = seconds_ahead(60);
  ASSERT_EQ(say({.id = id,
                 .conversation = talk_,
                 .sender = ada_,
                 .role = "narrator",
                 .content = "Pie, please.",
                 .name = "A.",
                 .agent = "cook",
                 .parts = R"([{"text":"x"}])",
                 .tool_call_id = "call-1",
                 .state = MessageState::interrupted,
                 .timestamp = at,
                 .parent = parent,
                 .model = "m-1",
                 .token_usage = 12,
                 .importance = 0.25F,
                 .created_at = seconds_ago(5),
                 .metadata = R"({"k":true})",
                 .external_id = "7",
                 .external_source = "jupiter"}),
            id);
  const Message read_back = message(id);
  EXPECT_EQ(read_back.id(), id);
  EXPECT_EQ(read_back.conversation(), talk_);
  EXPECT_EQ(read_back.sequence(), 2U);
  EXPECT_EQ(read_back.sender(), ada_);
  EXPECT_EQ(read_back.role(), "narrator");
  EXPECT_EQ(read_back.content(), "Pie, please.");
  EXPECT_EQ(read_back.name(), "A.");
  EXPECT_EQ(read_back.agent(), "cook");
  EXPECT_EQ(read_back.parts()[0]["text"].as_string(), "x");
  EXPECT_EQ(read_back.tool_call_id(), "call-1");
  EXPECT_EQ(read_back.state(), MessageState::interrupted);
  EXPECT_EQ(read_back.timestamp(), at);
  EXPECT_EQ(read_back.parent(), parent);
  EXPECT_EQ(read_back.model(), "m-1");
  EXPECT_EQ(read_back.token_usage(), 12U);
  EXPECT_EQ(read_back.importance(), 0.25F);
  EXPECT_EQ(read_back.created_at(), seconds_ago(5));
  EXPECT_EQ(read_back.recorded_at(), now());
  EXPECT_EQ(read_back.version(), 1U);
  EXPECT_EQ(read_back.metadata()["k"].as_bool(), true);
  EXPECT_EQ(read_back.external_id(), "7");
  EXPECT_EQ(read_back.external_source(), "jupiter");
  const Conversation after = read(talk_);
  EXPECT_EQ(after.message_count(), 2U);
  EXPECT_EQ(after.token_count(), 12U);
  EXPECT_EQ(after.last_sequence(), 2U);
  EXPECT_EQ(after.last_message_at(), at);
  EXPECT_EQ(after.activity_at(), at);
  EXPECT_EQ(after.version(), 1U);
  EXPECT_TRUE(verifies());
}

TEST_F(MessagesTest, HasDefaults) {
  const Message said = message(say({.conversation = talk_}));
  EXPECT_EQ(said.sequence(), 1U);
  EXPECT_EQ(said.role(), "assistant");
  EXPECT_TRUE(said.sender().is_nil());
  EXPECT_EQ(said.timestamp(), now());
  EXPECT_EQ(said.created_at(), now());
  EXPECT_EQ(said.importance(), 0.5F);
  EXPECT_EQ(said.state(), MessageState::final);
  EXPECT_FALSE(said.token_usage());
  EXPECT_FALSE(said.parent());
  EXPECT_EQ(message(say({.conversation = talk_, .sender = ada_})).role(), "user");
  EXPECT_EQ(message(say({.conversation = talk_, .timestamp = seconds_ago(9)})).created_at(),
            seconds_ago(9));
}

TEST_F(MessagesTest, AClockSetBackNeverPutsAnAnswerBeforeItsQuestion) {
  say({.conversation = talk_, .content = "question"});
  environment_.advance_seconds(-30);
  say({.conversation = talk_, .content = "answer"});
  EXPECT_FALSE(store_.health().clock_suspect);
  EXPECT_EQ(texts(messages().latest(talk_).value()), (Texts{"answer", "question"}));
  environment_.advance_seconds(-31);
  const Message late = message(say({.conversation = talk_, .content = "thanks"}));
  EXPECT_EQ(late.timestamp(), seconds_ahead(61));
  EXPECT_TRUE(store_.health().clock_suspect);
  EXPECT_EQ(texts(messages().latest(talk_).value()), (Texts{"thanks", "answer", "question"}));
}

TEST_F(MessagesTest, TimesBefore1970Work) {
  const Time early(-5);
  say({.conversation = talk_, .content = "b", .timestamp = early});
  EXPECT_EQ(read(talk_).last_message_at(), early);
  say({.conversation = talk_, .content = "a", .timestamp = kMinTime});
  EXPECT_EQ(read(talk_).last_message_at(), early);
  EXPECT_EQ(texts(messages().latest(talk_).value()), (Texts{"b", "a"}));
  say({.conversation = talk_, .content = "c", .timestamp = kMaxTime});
  EXPECT_EQ(read(talk_).last_message_at(), kMaxTime);
  EXPECT_EQ(texts(messages().in_range({.to = Time(0)}, {.oldest_first = true}).value()),
            (Texts{"a", "b"}));
}

TEST_F(MessagesTest, AppendSaysWhyNot) {
  const auto elsewhere = say({.conversation = talk({}), .content = "elsewhere"});
  const auto before = commits();
  const auto refused = [&](const NewMessage& bad) { return failure_of(messages().append(bad)); };
  EXPECT_EQ(refused({}), "not_found conversation: an existing conversation");
  EXPECT_EQ(refused({.conversation = talk_, .sender = make_user("Eve")}),
            "invalid_argument sender: takes no part in the conversation");
  EXPECT_EQ(refused({.conversation = talk_, .parent = elsewhere}),
            "not_found parent: a message of the conversation");
  EXPECT_EQ(refused({.conversation = talk_, .parent = MessageId::from_external("test", "none")}),
            "not_found parent: a message of the conversation");
  EXPECT_EQ(commits(), before + 1) << "only the user";
}

TEST_F(MessagesTest, RefusesBadInput) {
  const auto before = commits();
  const auto field_of = [&](NewMessage bad) {
    bad.conversation = talk_;
    const auto refused = messages().append(bad);
    return refused ? "success"
                   : std::string(to_string(refused.error().code())) + " " + refused.error().field();
  };
  EXPECT_EQ(field_of({.role = repeated("r", 33)}), "invalid_argument role");
  EXPECT_EQ(field_of({.content = "\xC0\x80"}), "invalid_argument content");
  EXPECT_EQ(field_of({.name = repeated("n", 101)}), "invalid_argument name");
  EXPECT_EQ(field_of({.agent = repeated("a", 65)}), "invalid_argument agent");
  EXPECT_EQ(field_of({.parts = "[1,"}), "invalid_argument parts");
  EXPECT_EQ(field_of({.tool_call_id = repeated("t", 256)}), "invalid_argument tool_call_id");
  EXPECT_EQ(field_of({.state = static_cast<MessageState>(3)}), "invalid_argument state");
  EXPECT_EQ(field_of({.timestamp = Time(INT64_MAX)}), "invalid_argument timestamp");
  EXPECT_EQ(field_of({.model = repeated("m", 101)}), "invalid_argument model");
  EXPECT_EQ(field_of({.importance = 1.01F}), "invalid_argument importance");
  EXPECT_EQ(field_of({.importance = -0.01F}), "invalid_argument importance");
  EXPECT_EQ(field_of({.importance = std::numeric_limits<float>::quiet_NaN()}),
            "invalid_argument importance");
  EXPECT_EQ(field_of({.created_at = Time(INT64_MIN)}), "invalid_argument created_at");
  EXPECT_EQ(field_of({.metadata = "[]"}), "invalid_argument metadata");
  EXPECT_EQ(field_of({.external_source = repeated("x", 65)}), "invalid_argument external_source");
  EXPECT_EQ(field_of({.origin = Origin{now(), 0}}), "invalid_argument origin.version");
  EXPECT_EQ(field_of({.sequence = 0}), "invalid_argument sequence");
  EXPECT_EQ(field_of({.sequence = UINT64_MAX}), "invalid_argument sequence");
  EXPECT_EQ(
      messages().append({.conversation = talk_, .content = repeated("x", 5u << 20)}).error().code(),
      Code::too_large);
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(read(talk_).message_count(), 0U);
}

TEST_F(MessagesTest, AKnownIdWithEqualContentSucceeds) {
  const NewMessage pie{.id = MessageId::from_external("test", "m"),
                       .conversation = talk_,
                       .sender = ada_,
                       .content = "Pie"};
  say(pie);
  environment_.advance_seconds(5);
  const auto before = commits();
  EXPECT_EQ(messages().append(pie).value(), pie.id);
  EXPECT_EQ(commits(), before);
  NewMessage other = pie;
  other.content = "Cake";
  EXPECT_EQ(failure_of(messages().append(other)),
            "already_exists id: not the id of another message");
  other = pie;
  other.sender = reece_;
  EXPECT_EQ(messages().append(other).error().code(), Code::already_exists);
  other = pie;
  other.conversation = talk({.participants = {ada_}});
  EXPECT_EQ(messages().append(other).error().code(), Code::already_exists);
  other = pie;
  other.timestamp = now();
  EXPECT_EQ(messages().append(other).error().code(), Code::already_exists);
  EXPECT_EQ(read(talk_).message_count(), 1U);
}

TEST_F(MessagesTest, AnImporterKeepsTheNumbersOfTheSource) {
  say({.conversation = talk_, .content = "5", .sequence = 5});
  say({.conversation = talk_, .content = "2", .sequence = 2});
  EXPECT_EQ(read(talk_).last_sequence(), 5U);
  EXPECT_EQ(failure_of(messages().append({.conversation = talk_, .sequence = 2})),
            "already_exists sequence: not the number of another message");
  EXPECT_EQ(message(say({.conversation = talk_})).sequence(), 6U);
  const std::uint64_t highest = std::uint64_t{1} << 62;
  say({.conversation = talk_, .sequence = highest});
  EXPECT_EQ(messages().append({.conversation = talk_}).error().code(), Code::limit_exceeded);
  EXPECT_TRUE(verifies());
}

TEST_F(MessagesTest, AnImporterKeepsVersionAndTime) {
  const Message old = message(say(
      {.conversation = talk_, .created_at = seconds_ago(9), .origin = Origin{seconds_ago(3), 4}}));
  EXPECT_EQ(old.version(), 4U);
  EXPECT_EQ(old.updated_at(), seconds_ago(3));
  EXPECT_EQ(old.created_at(), seconds_ago(9));
}

// Lists -------------------------------------------------------------------------------------------

TEST_F(MessagesTest, PagesAgreeWithASortedList) {
  std::mt19937_64 random(test_seed());
  struct Said {
    Time at;
    std::uint64_t sequence;
    MessageId id;
    auto operator<=>(const Said&) const = default;
  };
  std::vector<Said> all;
  for (std::uint64_t i = 1; i <= 60; ++i) {
    const Time at = seconds_ago(static_cast<std::int64_t>(random() % 20));
    all.push_back({at, i, say({.conversation = talk_, .timestamp = at})});
  }
  say({.conversation = talk({}), .content = "elsewhere"});
  std::sort(all.begin(), all.end());
  for (int round = 0; round < 200; ++round) {
    const std::size_t at = random() % all.size();
    const auto limit = static_cast<std::uint32_t>(1 + random() % 70);
    MessagePage page{.limit = limit, .oldest_first = random() % 2 == 0};
    std::size_t first = 0;
    std::size_t last = all.size();
    bool is_from_the_end = !page.oldest_first;
    if (random() % 3 == 0) {
      page.before = all[at].id;
      last = at;
      is_from_the_end = true;
    } else if (random() % 2 == 0) {
      page.after = all[at].id;
      first = at + 1;
      is_from_the_end = false;
    }
    (is_from_the_end ? first : last) =
        is_from_the_end ? std::max(first, last - std::min<std::size_t>(last, limit))
                        : std::min(last, first + limit);
    std::vector<MessageId> expected;
    for (std::size_t i = first; i < last; ++i) expected.push_back(all[i].id);
    if (!page.oldest_first) std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(ids(messages().page(talk_, page).value()), expected)
        << "round " << round << " seed " << test_seed();
  }
}

TEST_F(MessagesTest, PageSaysWhyNot) {
  const auto here = say({.conversation = talk_});
  const auto elsewhere = say({.conversation = talk({})});
  const auto field_of = [&](const MessagePage& page) {
    return failure_of(messages().page(talk_, page));
  };
  EXPECT_EQ(field_of({.before = here, .after = here}),
            "invalid_argument after: not together with before");
  EXPECT_EQ(field_of({.before = elsewhere}), "not_found before: a message of the conversation");
  EXPECT_EQ(field_of({.after = MessageId()}), "not_found after: a message of the conversation");
  EXPECT_EQ(field_of({.limit = 10'001}), "invalid_argument limit: at most 10000");
  EXPECT_TRUE(messages().page(talk_, {.before = here}).value().empty());
}

TEST_F(MessagesTest, ListsByImportance) {
  const auto add = [&](float importance, const char* text) {
    say({.conversation = talk_, .content = text, .importance = importance});
  };
  add(0.5F, "a");
  add(1, "b");
  add(0.5F, "c");
  add(0, "d");
  say({.conversation = talk({}), .content = "elsewhere", .importance = 1.0F});
  EXPECT_EQ(texts(messages().by_importance(talk_).value()), (Texts{"b", "c", "a", "d"}));
  EXPECT_EQ(texts(messages().by_importance(talk_, 0.5F).value()), (Texts{"b", "c", "a"}));
  EXPECT_EQ(texts(messages().by_importance(talk_, 0, 2).value()), (Texts{"b", "c"}));
  EXPECT_EQ(messages().by_importance(talk_, 2).error().field(), "min_importance");
}

TEST_F(MessagesTest, ListsByTime) {
  for (int i = 0; i < 6; ++i) {
    const auto where = i % 2 == 0 ? talk_ : talk({});
    say({.conversation = where, .content = std::to_string(i), .timestamp = Time(100 + i)});
  }
  EXPECT_EQ(texts(messages().in_range({Time(101), Time(104)}).value()), (Texts{"3", "2", "1"}));
  EXPECT_EQ(
      texts(
          messages().in_range({Time(101), Time(104)}, {.limit = 2, .oldest_first = true}).value()),
      (Texts{"1", "2"}));
  EXPECT_EQ(texts(messages().in_range({Time(104), {}}).value()), (Texts{"5", "4"}));
  EXPECT_TRUE(messages().in_range({Time(104), Time(104)}).value().empty());
  EXPECT_EQ(messages().in_range({Time(2), Time(1)}).error().field(), "range");
}

/// What a user sent, over many conversations, also after merges.
class SenderTest : public ConversationTest {
 protected:
  struct Said {
    Time at;
    ConversationId conversation;
    std::uint64_t sequence;
    MessageId id;
    auto operator<=>(const Said&) const = default;
  };

  void fill() {
    for (int i = 0; i < 40; ++i) {
      const UserId other = i % 3 == 0 ? ada_ : eve_;
      const auto id = talk({.participants = {reece_, other}});
      for (std::uint64_t k = random_() % 6; k > 0; --k) {
        const UserId sender = random_() % 2 == 0 ? reece_ : random_() % 2 == 0 ? other : UserId();
        const Time at = seconds_ago(static_cast<std::int64_t>(random_() % 50));
        const auto said = say({.conversation = id, .sender = sender, .timestamp = at});
        if (sender) sent_[sender].push_back({at, id, message(said).sequence(), said});
      }
    }
    // One with more than one run of entries.
    const auto busy = talk({.participants = {reece_}});
    for (std::uint64_t i = 1; i <= 200; ++i) {
      sent_[reece_].push_back({now(), busy, i, say({.conversation = busy, .sender = reece_})});
    }
  }

  void expect_sent(const UserId& user, std::vector<Said> expected) {
    std::sort(expected.begin(), expected.end());
    for (const bool oldest_first : {true, false}) {
      std::vector<MessageId> in_order;
      for (const Said& said : expected) in_order.push_back(said.id);
      if (!oldest_first) std::reverse(in_order.begin(), in_order.end());
      EXPECT_EQ(
          ids(messages().by_sender(user, {.limit = 10'000, .oldest_first = oldest_first}).value()),
          in_order);
      in_order.resize(std::min<std::size_t>(in_order.size(), 7));
      EXPECT_EQ(ids(messages().by_sender(user, {.limit = 7, .oldest_first = oldest_first}).value()),
                in_order);
      expect_sent_in_each(user, expected, oldest_first);
    }
  }

  void expect_sent_in_each(const UserId& user, const std::vector<Said>& expected,
                           bool oldest_first) {
    std::map<ConversationId, std::vector<MessageId>> each;
    for (const Said& said : expected) each[said.conversation].push_back(said.id);
    for (auto& [conversation, in_order] : each) {
      if (!oldest_first) std::reverse(in_order.begin(), in_order.end());
      EXPECT_EQ(
          ids(messages()
                  .by_sender(user, conversation, {.limit = 1000, .oldest_first = oldest_first})
                  .value()),
          in_order);
    }
  }

  std::mt19937_64 random_{test_seed()};
  const UserId eve_ = make_user("Eve");
  std::map<UserId, std::vector<Said>> sent_;
};

TEST_F(SenderTest, ListsWhatAUserSent) {
  fill();
  for (const auto& [user, sent] : sent_) expect_sent(user, sent);
  EXPECT_TRUE(messages().by_sender(UserId()).value().empty());
  EXPECT_TRUE(messages().by_sender(UserId::from_external("test", "unknown")).value().empty());
  ASSERT_TRUE(store_.users().merge(reece_, ada_));
  std::vector<Said> both = sent_[reece_];
  both.insert(both.end(), sent_[ada_].begin(), sent_[ada_].end());
  for (int round = 0; round < 2; ++round) {
    expect_sent(reece_, both);
    EXPECT_TRUE(messages().by_sender(ada_).value().empty());
    expect_sent(eve_, sent_[eve_]);
    ASSERT_TRUE(store_.finish_pending_work());
  }
  EXPECT_TRUE(verifies());
}

TEST_F(SenderTest, ASenderWhoWasMergedStillSpeaks) {
  const auto id = talk({.participants = {ada_}});
  ASSERT_TRUE(store_.users().merge(reece_, ada_));
  EXPECT_EQ(message(say({.conversation = id, .sender = reece_})).sender(), reece_);
  EXPECT_EQ(messages().append({.conversation = id, .sender = ada_}).error().field(), "sender");
}

// Changing ----------------------------------------------------------------------------------------

TEST_F(MessagesTest, UpdatesWhatAPatchSets) {
  const auto id = say({.conversation = talk_,
                       .content = "Pi",
                       .state = MessageState::partial,
                       .model = "m",
                       .token_usage = 5});
  say({.conversation = talk_, .token_usage = 2});
  environment_.advance_seconds(3);
  EXPECT_EQ(messages()
                .update(id, {.content = "Pie",
                             .state = MessageState::final,
                             .importance = 0.75F,
                             .token_usage = 9,
                             .parts = "[1]",
                             .model = clear,
                             .metadata = R"({"a":2})"})
                .value(),
            2U);
  const Message changed = message(id);
  EXPECT_EQ(changed.content(), "Pie");
  EXPECT_EQ(changed.state(), MessageState::final);
  EXPECT_EQ(changed.importance(), 0.75F);
  EXPECT_EQ(changed.token_usage(), 9U);
  EXPECT_EQ(changed.parts().to_string(), "[1]");
  EXPECT_EQ(changed.model(), "");
  EXPECT_EQ(changed.metadata().to_string(), R"({"a":2})");
  EXPECT_EQ(changed.updated_at(), now());
  EXPECT_EQ(changed.timestamp(), seconds_ago(3));
  EXPECT_EQ(read(talk_).token_count(), 11U);
  EXPECT_EQ(messages().by_importance(talk_, 0.6F).value().size(), 1U);
  ASSERT_TRUE(messages().update(id, {.token_usage = clear}, {.if_version = 2}));
  EXPECT_FALSE(message(id).token_usage());
  EXPECT_EQ(read(talk_).token_count(), 2U);
  EXPECT_TRUE(verifies());
}

TEST_F(MessagesTest, APatchThatChangesNothingWritesNothing) {
  const auto id = say({.conversation = talk_, .content = "Pie", .token_usage = 5});
  environment_.advance_seconds(3);
  const std::uint64_t before = commits();
  EXPECT_EQ(messages().update(id, {}).value(), 1U);
  EXPECT_EQ(messages()
                .update(id, {.content = "Pie", .token_usage = 5, .parts = clear, .model = clear},
                        {.if_version = 1})
                .value(),
            1U);
  EXPECT_EQ(messages().update(id, {}, {.if_version = 2}).error().code(), Code::version_mismatch);
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(message(id).updated_at(), seconds_ago(3));
}

TEST_F(MessagesTest, UpdateSaysWhyNot) {
  const auto id = say({.conversation = talk_, .content = "Pie"});
  EXPECT_EQ(failure_of(messages().update(MessageId(), {.content = "x"})),
            "not_found message: an existing message");
  EXPECT_EQ(messages().update(id, {.content = "x"}, {.if_version = 3}).error().code(),
            Code::version_mismatch);
  EXPECT_EQ(messages().update(id, {.content = "\xFF"}).error().field(), "content");
  EXPECT_EQ(messages().update(id, {.state = static_cast<MessageState>(9)}).error().field(),
            "state");
  EXPECT_EQ(messages().update(id, {.importance = 7.0F}).error().field(), "importance");
  EXPECT_EQ(messages().update(id, {.parts = "{"}).error().field(), "parts");
  EXPECT_EQ(messages().update(id, {.model = repeated("m", 101)}).error().field(), "model");
  EXPECT_EQ(messages().update(id, {.metadata = "3"}).error().field(), "metadata");
  EXPECT_EQ(message(id).version(), 1U);
}

TEST_F(MessagesTest, RemovingCountsDown) {
  const auto first =
      say({.conversation = talk_, .sender = ada_, .timestamp = seconds_ago(20), .token_usage = 1});
  const auto newest =
      say({.conversation = talk_, .sender = ada_, .timestamp = now(), .token_usage = 2});
  const auto last = say({.conversation = talk_, .timestamp = seconds_ago(10), .token_usage = 4});
  EXPECT_EQ(messages().remove(newest, {.if_version = 2}).error().code(), Code::version_mismatch);
  EXPECT_TRUE(messages().remove(newest).value());
  EXPECT_FALSE(messages().remove(newest).value());
  EXPECT_FALSE(messages().get(newest).value());
  Conversation after = read(talk_);
  EXPECT_EQ(after.message_count(), 2U);
  EXPECT_EQ(after.token_count(), 5U);
  EXPECT_EQ(after.last_message_at(), seconds_ago(10));
  EXPECT_EQ(after.last_sequence(), 3U);
  EXPECT_TRUE(messages().remove(last).value());
  EXPECT_EQ(read(talk_).last_sequence(), 3U) << "it never goes back";
  EXPECT_TRUE(messages().remove(first).value());
  after = read(talk_);
  EXPECT_EQ(after.message_count(), 0U);
  EXPECT_FALSE(after.last_message_at());
  EXPECT_EQ(after.activity_at(), after.updated_at());
  EXPECT_EQ(message(say({.conversation = talk_})).sequence(), 4U);
  EXPECT_TRUE(messages().by_sender(ada_).value().empty());
  EXPECT_TRUE(verifies());
}

TEST_F(MessagesTest, AppendsGoOnWhileTheIndexOfIdsIsBuilt) {
  const MessageId old = say({.conversation = talk_, .content = "old"});
  ASSERT_TRUE(store_.reindex({"message_by_id"}));
  EXPECT_EQ(message(old).content(), "old");
  const MessageId appended = say({.conversation = talk_, .sender = ada_, .content = "meanwhile"});
  const std::vector<NewMessage> many(2500);  // more than a transaction holds
  const auto stored = conversations().store({}, many);
  ASSERT_TRUE(stored) << stored.error().to_string();
  ASSERT_TRUE(store_.finish_pending_work());
  EXPECT_EQ(message(appended).content(), "meanwhile");
  EXPECT_EQ(read(*stored).message_count(), many.size());
  EXPECT_EQ(messages().append({.id = old, .conversation = talk_}).error().code(),
            Code::already_exists);
  EXPECT_TRUE(verifies());
}

TEST_F(MessagesTest, AHotConversationNumbersDensely) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k)
        failures += messages().append({.conversation = talk_, .sender = ada_}) ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  const auto all = messages().page(talk_, {.limit = 1000, .oldest_first = true}).value();
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kThreads * kEach));
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].sequence(), i + 1);
  EXPECT_TRUE(verifies());
}

}  // namespace
}  // namespace callisto::testing
