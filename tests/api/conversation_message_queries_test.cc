// Queries on conversations and messages against a full scan that knows nothing of indexes: it reads
// every conversation with all its messages and looks at the views.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tests/api/conversation_fixture.h"

namespace callisto::testing {
namespace {

constexpr int kUsers = 7;

/// Code and field.
template <class T>
std::string failure(const Result<T>& result) {
  if (result) return "success";
  return std::string(to_string(result.error().code())) + " " + std::string(result.error().field());
}

class QueriesTest : public MemoryTest {
 protected:
  QueriesTest() {
    for (int i = 0; i < kUsers; ++i) users_.push_back(make_user("user " + std::to_string(i)));
    for (int i = 0; i < 45; ++i) new_conversation();
    for (int i = 0; i < 500; ++i) new_message();
  }

  // Draws.
  std::uint32_t pick(std::uint32_t of) { return static_cast<std::uint32_t>(random_() % of); }
  bool one_in(std::uint32_t of) { return pick(of) == 0; }
  /// Few enough for equal ones.
  Time time() { return seconds_ago(static_cast<std::int64_t>(pick(40)) * 60); }
  UserId user() { return users_[pick(static_cast<std::uint32_t>(users_.size()))]; }
  PersonaId persona() {
    UuidBytes bytes{};
    bytes[15] = static_cast<std::uint8_t>(1 + pick(3));
    return PersonaId(bytes);
  }
  std::string word(const char* kind, std::uint32_t of) { return kind + std::to_string(pick(of)); }
  /// As most are, and others.
  std::string role() {
    const char* const roles[] = {"user", "assistant", "system", "tool"};
    return one_in(2) ? word("role", 2) : roles[pick(4)];
  }
  float importance() { return static_cast<float>(pick(5)) / 4; }

  // Writes. Some fail, where a user is gone: that is nothing to these tests.
  void new_conversation() {
    NewConversation talk;
    talk.created_at = time();
    talk.type = word("type", 3);
    if (!one_in(3)) talk.owner = user();
    for (std::uint32_t i = pick(4); i > 0; --i) {
      const UserId one = user();
      if (std::find(talk.participants.begin(), talk.participants.end(), one) ==
          talk.participants.end()) {
        talk.participants.push_back(one);
      }
    }
    if (one_in(2)) talk.persona = persona();
    talk.is_saved = one_in(3);
    talk.is_archived = one_in(3);
    if (one_in(3)) talk.ended_at = time();
    talk.is_processed = one_in(2);
    talk.reopens = !one_in(3);
    if (auto made = conversations().create(talk)) talks_.push_back(*made);
  }
  void new_message() {
    NewMessage message;
    message.conversation = any();
    const auto talk = conversations().get(message.conversation).value();
    if (!talk) return;
    const auto& people = talk->participants();
    if (!people.empty() && !one_in(4)) {
      message.sender = people[pick(static_cast<std::uint32_t>(people.size()))].user;
    }
    message.role = one_in(4) ? "re\xcc\x81viseur" : role();
    if (one_in(3)) message.agent = word("agent", 2);
    message.state = static_cast<MessageState>(pick(3));
    message.timestamp = time();
    message.importance = importance();
    message.content = "m";
    touched_.insert(message.conversation);
    messages().append(message).value();
  }
  void change() {
    const ConversationId id = any();
    touched_.insert(id);
    const std::uint32_t what = pick(12);
    if (what < 4) {
      ConversationPatch patch;
      patch.is_saved = one_in(2);
      patch.is_archived = one_in(2);
      if (one_in(2)) patch.type = word("type", 3);
      ignore(conversations().update(id, patch));
    } else if (what < 6) {
      ignore(conversations().mark_processed(id));
    } else if (what < 7) {
      ignore(conversations().mark_unprocessed(id));
    } else if (what < 8) {
      ignore(conversations().remove(id));
    } else if (what < 10) {
      change_message(id);
    } else {
      new_conversation();
      new_message();
    }
  }
  void change_message(ConversationId id) {
    const auto whole = conversations().whole(id).value();
    if (!whole || whole->messages.empty()) return;
    const MessageId message =
        whole->messages[pick(static_cast<std::uint32_t>(whole->messages.size()))].id();
    touched_messages_.insert(message);
    if (one_in(3)) {
      ignore(messages().remove(message));
    } else {
      MessagePatch patch;
      patch.importance = importance();
      patch.state = static_cast<MessageState>(pick(3));
      ignore(messages().update(message, patch));
    }
  }
  /// Leaves work that nobody does before finish_pending_work().
  void merge_and_remove() {
    const UserId primary = users_[pick(4)];
    ignore(store_.users().merge(primary, users_[4 + pick(kUsers - 4)]));
    if (one_in(2)) ignore(store_.users().remove(user()));
    if (one_in(2)) {
      const ConversationId id = make_long_conversation();
      talks_.push_back(id);
      remove_without_steps(id);
    }
  }
  template <class T>
  static void ignore(const Result<T>&) {}

  Conversations conversations() const { return store_.conversations(); }
  Messages messages() const { return store_.messages(); }
  ConversationId any() { return talks_[pick(static_cast<std::uint32_t>(talks_.size()))]; }

  // Queries.
  TimeRange range() {
    TimeRange range;
    if (one_in(2)) range.from = time();
    if (one_in(2)) range.to = time();
    if (range.from && range.to && *range.to < *range.from) std::swap(range.from, range.to);
    return range;
  }
  ConversationQuery conversation_query() {
    ConversationQuery query;
    if (one_in(3)) query.participant = user();
    if (one_in(5)) query.owner = user();
    if (one_in(3)) query.is_processed = one_in(2);
    if (one_in(5)) query.is_saved = one_in(2);
    if (one_in(5)) query.is_archived = one_in(2);
    if (one_in(5)) query.is_ended = one_in(2);
    if (one_in(4)) query.type = word("type", 3);
    if (one_in(6)) query.persona = persona();
    if (one_in(4)) query.created = range();
    if (one_in(4)) query.activity = range();
    query.order = one_in(2) ? ConversationOrder::created : ConversationOrder::activity;
    query.oldest_first = one_in(2);
    query.limit = 1 + pick(12);
    return query;
  }
  MessageQuery message_query() {
    MessageQuery query;
    if (one_in(2)) query.conversation = any();
    if (one_in(3)) query.sender = user();
    if (one_in(3)) query.role = one_in(3) ? "r\xc3\xa9viseur" : role();
    if (one_in(5)) query.agent = one_in(3) ? "" : word("agent", 2);
    if (one_in(5)) query.state = static_cast<MessageState>(pick(3));
    if (one_in(3)) query.time = range();
    if (one_in(4)) query.min_importance = importance();
    if (one_in(4)) query.max_importance = importance();
    // An inverted range is refused.
    if (query.min_importance > query.max_importance) query.max_importance.reset();
    query.order = one_in(2) ? MessageOrder::time : MessageOrder::importance;
    query.oldest_first = one_in(2);
    query.limit = 1 + pick(12);
    return query;
  }

  template <class View>
  static auto ids(const std::vector<View>& views) {
    std::vector<decltype(views.front().id())> found;
    for (const View& view : views) found.push_back(view.id());
    return found;
  }

  // The oracle.
  static bool is_in(const TimeRange& range, Time at) {
    return (!range.from || *range.from <= at) && (!range.to || at < *range.to);
  }
  static bool matches(const ConversationQuery& query, const Conversation& talk) {
    const auto& people = talk.participants();
    const auto takes_part = [&](UserId asked) {
      return std::any_of(people.begin(), people.end(),
                         [&](const Participant& one) { return asked && one.user == asked; });
    };
    return (!query.participant || takes_part(*query.participant)) &&
           (!query.owner || (*query.owner && talk.owner() == *query.owner)) &&
           (!query.is_processed || talk.is_processed() == *query.is_processed) &&
           (!query.is_saved || talk.is_saved() == *query.is_saved) &&
           (!query.is_archived || talk.is_archived() == *query.is_archived) &&
           (!query.is_ended || talk.ended_at().has_value() == *query.is_ended) &&
           (!query.type || talk.type() == *query.type) &&
           (!query.persona || talk.persona() == query.persona) &&
           is_in(query.created, talk.created_at()) && is_in(query.activity, talk.activity_at());
  }
  static bool matches(const MessageQuery& query, const Message& message) {
    const bool is_reviser = query.role && query.role->starts_with("r\xc3");
    return (!query.conversation || message.conversation() == *query.conversation) &&
           (!query.sender || (*query.sender && message.sender() == *query.sender)) &&
           (!query.role || message.role() == (is_reviser ? "re\xcc\x81viseur" : *query.role)) &&
           (!query.agent || message.agent() == *query.agent) &&
           (!query.state || message.state() == *query.state) &&
           is_in(query.time, message.timestamp()) &&
           (!query.min_importance || message.importance() >= *query.min_importance) &&
           (!query.max_importance || message.importance() <= *query.max_importance);
  }
  std::vector<ConversationId> expected(const ConversationQuery& query) {
    std::vector<Conversation> found;
    for (const ConversationId& id : talks_) {
      const auto talk = conversations().get(id).value();
      if (talk && matches(query, *talk)) found.push_back(*talk);
    }
    std::sort(found.begin(), found.end(), [&](const Conversation& a, const Conversation& b) {
      const auto time = [&](const Conversation& talk) {
        return query.order == ConversationOrder::activity ? talk.activity_at() : talk.created_at();
      };
      // Newest first, and of one time the lowest id.
      const bool is_before = std::pair(time(b), a.id()) < std::pair(time(a), b.id());
      return query.oldest_first ? std::pair(time(a), b.id()) < std::pair(time(b), a.id())
                                : is_before;
    });
    return ids(found);
  }
  std::vector<MessageId> expected(const MessageQuery& query) {
    std::vector<Message> found;
    for (const ConversationId& id : talks_) {
      const auto whole = conversations().whole(id).value();
      if (!whole) continue;
      for (const Message& message : whole->messages) {
        if (matches(query, message)) found.push_back(message);
      }
    }
    const auto place = [&](const Message& message) {
      return std::tuple(query.order == MessageOrder::importance ? message.importance() : 0,
                        message.timestamp(), message.conversation(), message.sequence());
    };
    std::sort(found.begin(), found.end(), [&](const Message& a, const Message& b) {
      return query.oldest_first ? place(a) < place(b) : place(b) < place(a);
    });
    return ids(found);
  }

  template <class Repository, class Query>
  void compare(const Repository& repository, const Query& query) {
    auto all = expected(query);
    found_rows_ += all.empty() ? 0 : 1;
    ASSERT_EQ(repository.count(query).value(), all.size());
    // Every page, and each by its own plan.
    std::string cursor;
    std::vector<typename decltype(all)::value_type> paged;
    do {
      Query part = query;
      part.limit = 1 + pick(12);
      auto page = repository.find_page(part, cursor);
      ASSERT_TRUE(page) << page.error().to_string();
      for (const auto& id : ids(page->items)) paged.push_back(id);
      cursor = page->cursor;
      ASSERT_LE(paged.size(), all.size());
    } while (!cursor.empty());
    ASSERT_EQ(paged, all);
    const auto found = repository.find(query);
    ASSERT_TRUE(found) << found.error().to_string();
    if (all.size() > query.limit) all.resize(query.limit);
    ASSERT_EQ(ids(*found), all);
    const auto plan = repository.explain(query);
    ASSERT_TRUE(plan) << plan.error().to_string();
    ASSERT_EQ(plan->rows_returned, all.size());
    check_plan(query, *plan);
  }
  static void check_plan(const ConversationQuery& query, const QueryPlan& plan) {
    if (plan.steps.empty()) return;  // of nobody
    EXPECT_EQ(plan.steps.front().use, QueryUse::drives);
    const bool is_by_activity =
        query.order == ConversationOrder::activity || query.activity.from || query.activity.to;
    if (!plan.given_up.empty()) return;  // tails may have been read for the walk
    if (!is_by_activity || plan.steps.front().index == "conversation_by_activity") {
      EXPECT_EQ(plan.records_fetched, plan.rows_returned);
    }
  }
  static void check_plan(const MessageQuery& query, const QueryPlan& plan) {
    if (plan.steps.empty()) return;
    EXPECT_EQ(plan.steps.front().use, QueryUse::drives);
    // Records that drive are at hand when they are returned in their order.
    const bool is_at_hand =
        plan.steps.front().index == "messages" && query.order == MessageOrder::time;
    EXPECT_EQ(plan.records_fetched, is_at_hand ? 0 : plan.rows_returned);
  }

  std::mt19937_64 random_{test_seed()};
  std::vector<UserId> users_;
  std::vector<ConversationId> talks_;
  std::set<ConversationId> touched_;
  std::set<MessageId> touched_messages_;
  int found_rows_ = 0;  ///< Queries that found something.
};

TEST_F(QueriesTest, FreelyCombinedAgreeWithAFullScan) {
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 35; ++i) {
      SCOPED_TRACE("round " + std::to_string(round) + " query " + std::to_string(i));
      ASSERT_NO_FATAL_FAILURE(compare(conversations(), conversation_query()));
      ASSERT_NO_FATAL_FAILURE(compare(messages(), message_query()));
    }
    for (int i = 0; i < 30; ++i) change();
    if (round == 1 || round == 3) merge_and_remove();
    if (round == 4) {
      EXPECT_GT(store_.health().pending_work, 0u);
      ASSERT_TRUE(store_.finish_pending_work());
    }
  }
  EXPECT_GT(found_rows_, 100);
  auto report = store_.verify();
  EXPECT_TRUE(report && report->ok);
}

TEST_F(QueriesTest, WhatAUserSentIsDecidedOnEntries) {
  std::size_t found = 0;
  for (const UserId& user : users_) {
    for (const bool is_in_one : {false, true}) {
      MessageQuery query;
      query.sender = user;
      query.role = "tool";
      query.min_importance = 0.25F;
      if (is_in_one) query.conversation = any();
      const QueryPlan plan = messages().explain(query).value();
      found += plan.rows_returned;
      EXPECT_LE(plan.records_fetched, plan.rows_returned);
      for (const QueryStep& step : plan.steps) EXPECT_NE(step.use, QueryUse::on_record);
    }
  }
  EXPECT_GT(found, 0u);
}

TEST_F(QueriesTest, ActivityAndAnotherListMeetWithoutRows) {
  const UserId user = users_.front();
  for (int i = 0; i < 300; ++i) {
    NewConversation talk;
    talk.created_at = seconds_ago(10'000 - i);
    if (i % 3 == 0) talk.participants = {user};
    const ConversationId id = conversations().create(talk).value();
    talks_.push_back(id);
    NewMessage message{.conversation = id, .content = "m"};
    message.timestamp = i >= 200 ? seconds_ahead(i) : seconds_ago(9'000);
    messages().append(message).value();
  }
  ConversationQuery query;
  query.participant = user;
  query.activity.from = seconds_ahead(1);
  for (const auto order : {ConversationOrder::created, ConversationOrder::activity}) {
    query.order = order;
    const QueryPlan plan = conversations().explain(query).value();
    EXPECT_EQ(plan.steps.front().index, "conversation_by_activity");
    EXPECT_GE(plan.rows_returned, 33u);
    EXPECT_EQ(plan.records_fetched, plan.rows_returned);
    ASSERT_NO_FATAL_FAILURE(compare(conversations(), query));
  }
}

// The order of activity is walked while that looks better, and left where it does not come true.
TEST_F(QueriesTest, AWalkByActivityIsGivenUp) {
  for (int i = 0; i < 1'200; ++i) {
    NewConversation talk{.type = i >= 900 ? "late" : "early", .is_archived = i < 300};
    talk.created_at = seconds_ago(10'000 - i);
    conversations().create(talk).value();
  }
  ConversationQuery query{.type = "late", .order = ConversationOrder::activity, .limit = 5};
  query.is_archived = true;
  for (const bool oldest_first : {false, true}) {
    query.oldest_first = oldest_first;
    const QueryPlan plan = conversations().explain(query).value();
    EXPECT_EQ(plan.given_up, "conversation_by_activity");
    EXPECT_FALSE(plan.is_ordered);
    EXPECT_LT(plan.keys_read, 900u);
  }
}

TEST_F(QueriesTest, AWalkByImportanceIsGivenUp) {
  const ConversationId talk =
      conversations().create({.participants = {users_[0], users_[1]}}).value();
  const auto say = [&](const UserId& sender, float importance) {
    NewMessage message{.conversation = talk, .sender = sender, .content = "m"};
    message.importance = importance;
    return messages().append(message).value();
  };
  std::vector<MessageId> expected;
  for (int i = 0; i < 1'000; ++i) {
    if (i % 100 == 50) expected.insert(expected.begin(), say(users_[1], 0.1F));
    say(users_[0], 0.5F);
  }
  MessageQuery query;
  query.conversation = talk;
  query.sender = users_[1];
  query.order = MessageOrder::importance;
  query.limit = 8;
  const QueryPlan plan = messages().explain(query).value();
  EXPECT_EQ(plan.given_up, "message_by_importance");
  EXPECT_LT(plan.keys_read, 300u);
  EXPECT_EQ(plan.records_fetched, 8u);
  const auto page = messages().find_page(query).value();
  auto found = ids(page.items);
  for (const auto& id : ids(messages().find_page(query, page.cursor).value().items)) {
    found.push_back(id);
  }
  EXPECT_EQ(found, expected);
}

TEST_F(QueriesTest, AConversationsOwnMessagesHaveAName) {
  MessageQuery query;
  query.conversation = any();
  const QueryPlan plan = messages().explain(query).value();
  EXPECT_EQ(plan.steps.front().index, "messages");
  EXPECT_EQ(plan.steps.front().condition, "conversation");
  EXPECT_TRUE(plan.is_ordered);
}

TEST_F(QueriesTest, SeeTheWritesOfTheirTransaction) {
  auto done = store_.transact([&](Transaction& transaction) -> Result<void> {
    const UserId user = users_.front();
    auto id = transaction.conversations().create({.type = "fresh", .participants = {user}});
    if (!id) return id.error();
    auto said = transaction.messages().append(
        {.conversation = *id, .sender = user, .role = "fresh", .content = "m"});
    if (!said) return said.error();
    EXPECT_EQ(transaction.conversations().count({.type = "fresh"}).value(), 1u);
    MessageQuery query;
    query.role = "fresh";
    EXPECT_EQ(transaction.messages().count(query).value(), 1u);
    query.sender = user;
    EXPECT_EQ(transaction.messages().count(query).value(), 1u);
    query.conversation = *id;
    EXPECT_EQ(transaction.messages().count(query).value(), 1u);
    return {};
  });
  ASSERT_TRUE(done) << done.error().to_string();
}

TEST_F(QueriesTest, PagesHaveEveryRowOnceWhileOthersAreWritten) {
  for (int round = 0; round < 25; ++round) {
    SCOPED_TRACE(round);
    ConversationQuery query = conversation_query();
    query.activity = {};
    query.order = ConversationOrder::created;
    query.limit = 1 + pick(4);
    MessageQuery said = message_query();
    said.order = MessageOrder::time;
    said.limit = 1 + pick(8);
    touched_.clear();
    touched_messages_.clear();
    const auto talks = expected(query);
    const auto sent = expected(said);
    std::map<ConversationId, int> seen;
    std::map<MessageId, int> seen_messages;
    std::string cursor;
    std::string message_cursor;
    bool is_first = true;
    while (is_first || !cursor.empty() || !message_cursor.empty()) {
      if (is_first || !cursor.empty()) {
        const auto page = conversations().find_page(query, cursor).value();
        for (const auto& id : ids(page.items)) ++seen[id];
        cursor = page.cursor;
      }
      if (is_first || !message_cursor.empty()) {
        const auto page = messages().find_page(said, message_cursor).value();
        for (const auto& id : ids(page.items)) ++seen_messages[id];
        message_cursor = page.cursor;
      }
      is_first = false;
      change();
    }
    for (const auto& [id, times] : seen) EXPECT_EQ(times, 1);
    for (const auto& [id, times] : seen_messages) EXPECT_EQ(times, 1);
    for (const auto& id : talks) {
      if (touched_.count(id) != 0) continue;
      EXPECT_EQ(seen.count(id), 1u);
    }
    const auto sent_later = expected(said);
    for (const auto& id : sent_later) {
      const bool was_there = std::find(sent.begin(), sent.end(), id) != sent.end();
      if (!was_there || touched_messages_.count(id) != 0) continue;
      EXPECT_EQ(seen_messages.count(id), 1u);
    }
  }
}

TEST_F(QueriesTest, ACursorIsOfOneQueryAndSpace) {
  ConversationQuery query;
  query.limit = 1;
  const std::string cursor = conversations().find_page(query).value().cursor;
  ASSERT_FALSE(cursor.empty());
  query.limit = 3;
  EXPECT_TRUE(conversations().find_page(query, cursor));
  query.oldest_first = true;
  EXPECT_EQ(failure(conversations().find_page(query, cursor)), "invalid_argument cursor");
  MessageQuery said;
  EXPECT_EQ(failure(messages().find_page(said, cursor)), "invalid_argument cursor");
  EXPECT_EQ(failure(messages().find_page(said, "no cursor")), "invalid_argument cursor");
  const Space other = store_.create_space("other").value();
  query.oldest_first = false;
  EXPECT_EQ(failure(other.conversations().find_page(query, cursor)), "invalid_argument cursor");
}

TEST_F(QueriesTest, BadInputIsNamed) {
  MessageQuery query;
  query.role = std::string(33, 'r');
  EXPECT_EQ(failure(messages().find(query)), "invalid_argument role");
  query = {};
  query.min_importance = 1.5F;
  EXPECT_EQ(failure(messages().count(query)), "invalid_argument min_importance");
  query = {};
  query.limit = 10'001;
  EXPECT_EQ(failure(messages().explain(query)), "invalid_argument limit");
  EXPECT_EQ(messages().count(query).value(), messages().count({}).value());  // has no limit
  query = {};
  query.order = static_cast<MessageOrder>(7);
  EXPECT_EQ(failure(messages().find(query)), "invalid_argument order");
  query = {};
  query.max_scanned = 3;
  EXPECT_EQ(failure(messages().count(query)), "scan_limit_exceeded max_scanned");
  ConversationQuery talks;
  talks.max_scanned = 3;
  EXPECT_EQ(failure(conversations().count(talks)), "scan_limit_exceeded max_scanned");
}

TEST_F(QueriesTest, TheNarrowListDrives) {
  for (int i = 0; i < 300; ++i) conversations().create({.type = "common"}).value();
  for (int i = 0; i < 5; ++i) {
    conversations()
        .create({.type = "common", .participants = {users_.front()}, .is_archived = i == 0})
        .value();
  }
  ConversationQuery query;
  query.type = "common";
  query.participant = users_.front();
  query.is_archived = true;
  const QueryPlan plan = conversations().explain(query).value();
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_NE(plan.steps.front().condition, "type");
  ASSERT_TRUE(plan.steps.front().estimate);
  EXPECT_LT(*plan.steps.front().estimate, 100u);
  EXPECT_EQ(plan.steps.back().condition, "type");
  EXPECT_EQ(plan.rows_returned, 1u);
  EXPECT_EQ(plan.records_fetched, 1u);
  EXPECT_LT(plan.keys_read, 150u);
}

}  // namespace
}  // namespace callisto::testing
