#include <algorithm>
#include <random>

#include "tests/api/conversation_fixture.h"

namespace callisto::testing {
namespace {

TEST_F(ConversationTest, FindRefusesBadInput) {
  const auto refused = [&](const ConversationQuery& query) {
    return conversations().find(query).error().field();
  };
  EXPECT_EQ(refused({.type = repeated("t", 33)}), "type");
  EXPECT_EQ(refused({.created = {.from = now(), .to = seconds_ago(1)}}), "created");
  EXPECT_EQ(refused({.activity = {.from = Time(INT64_MIN)}}), "activity.from");
  EXPECT_EQ(refused({.order = static_cast<ConversationOrder>(9)}), "order");
  EXPECT_EQ(refused({.limit = 10'001}), "limit");
  EXPECT_EQ(conversations().count({.limit = 10'001}).value(), 0u);  // has no limit
  EXPECT_TRUE(conversations().find({.owner = UserId()}).value().empty());
  EXPECT_TRUE(conversations().find({.persona = PersonaId()}).value().empty());
}

/// Random conversations and random queries, against a scan of everything in the test.
class FindTest : public ConversationTest {
 protected:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool flip() { return below(2) == 0; }

  void fill() {
    for (int i = 0; i < 6; ++i) users_.push_back(make_user("u" + std::to_string(i)));
    for (int i = 0; i < 3; ++i)
      personas_.push_back(PersonaId::from_external("p", std::to_string(i)));
    for (int i = 0; i < 150; ++i) {
      NewConversation made{.type = flip() ? "chat" : "planning",
                           .created_at = seconds_ago(below_second())};
      if (flip()) made.owner = users_[below(users_.size())];
      for (std::uint64_t k = below(4); k > 0; --k)
        made.participants.push_back(users_[below(users_.size())]);
      if (flip()) made.persona = personas_[below(personas_.size())];
      made.is_saved = flip();
      made.is_archived = below(4) == 0;
      if (below(3) == 0) made.ended_at = now();
      made.reopens = below(5) != 0;
      made.is_processed = flip();
      const auto id = talk(made);
      for (std::uint64_t k = below(3); k > 0; --k) {
        say({.conversation = id, .timestamp = seconds_ago(below_second())});
      }
      all_.push_back(id);
    }
    ASSERT_TRUE(store_.users().merge(users_[0], users_[1]));
    ASSERT_TRUE(store_.users().remove(users_[2]).value());
  }

  std::int64_t below_second() { return static_cast<std::int64_t>(below(40)); }

  TimeRange range() {
    TimeRange range;
    const std::int64_t from = below_second();
    if (flip()) range.from = seconds_ago(from);
    if (flip()) range.to = seconds_ago(from / 2);
    return range;
  }

  ConversationQuery query() {
    ConversationQuery query;
    if (below(3) == 0) query.participant = users_[below(users_.size())];
    if (below(4) == 0) query.owner = users_[below(users_.size())];
    if (below(3) == 0) query.is_processed = flip();
    if (below(4) == 0) query.is_saved = flip();
    if (below(4) == 0) query.is_archived = flip();
    if (below(4) == 0) query.is_ended = flip();
    if (below(4) == 0) query.type = flip() ? "chat" : "planning";
    if (below(5) == 0) query.persona = personas_[below(personas_.size())];
    if (below(3) == 0) query.created = range();
    if (below(3) == 0) query.activity = range();
    query.order = flip() ? ConversationOrder::created : ConversationOrder::activity;
    query.oldest_first = flip();
    query.limit = static_cast<std::uint32_t>(1 + below(flip() ? 5 : 200));
    return query;
  }

  static bool is_in(const TimeRange& range, Time time) {
    return (!range.from || *range.from <= time) && (!range.to || time < *range.to);
  }

  static bool matches(const ConversationQuery& query, const Conversation& found) {
    const auto is_participant = [&](const Participant& each) {
      return each.user == *query.participant;
    };
    return (!query.participant || std::any_of(found.participants().begin(),
                                              found.participants().end(), is_participant)) &&
           (!query.owner || found.owner() == *query.owner) &&
           (!query.is_processed || found.is_processed() == *query.is_processed) &&
           (!query.is_saved || found.is_saved() == *query.is_saved) &&
           (!query.is_archived || found.is_archived() == *query.is_archived) &&
           (!query.is_ended || found.ended_at().has_value() == *query.is_ended) &&
           (!query.type || found.type() == *query.type) &&
           (!query.persona || found.persona() == query.persona) &&
           is_in(query.created, found.created_at()) && is_in(query.activity, found.activity_at());
  }

  static Time time_of(const ConversationQuery& query, const Conversation& found) {
    return query.order == ConversationOrder::created ? found.created_at() : found.activity_at();
  }

  /// What a scan finds; of equal times only the times are compared.
  std::vector<Time> expected_times(const ConversationQuery& query) {
    std::vector<Time> times;
    for (const ConversationId& id : all_) {
      const Conversation each = read(id);
      if (matches(query, each)) times.push_back(time_of(query, each));
    }
    std::sort(times.begin(), times.end());
    if (!query.oldest_first) std::reverse(times.begin(), times.end());
    times.resize(std::min<std::size_t>(times.size(), query.limit));
    return times;
  }

  std::mt19937_64 random_{test_seed()};
  std::vector<UserId> users_;
  std::vector<PersonaId> personas_;
  std::vector<ConversationId> all_;
};

TEST_F(FindTest, FindsWhatAScanFinds) {
  fill();
  for (int round = 0; round < 300; ++round) {
    if (round == 150) {
      ASSERT_TRUE(store_.finish_pending_work());
    }
    const ConversationQuery asked = query();
    std::vector<Time> times;
    std::vector<ConversationId> seen;
    for (const Conversation& found : conversations().find(asked).value()) {
      EXPECT_TRUE(matches(asked, found));
      times.push_back(time_of(asked, found));
      seen.push_back(found.id());
    }
    ASSERT_EQ(times, expected_times(asked)) << "round " << round << " seed " << test_seed();
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  }
  EXPECT_TRUE(verifies());
}

}  // namespace
}  // namespace callisto::testing
