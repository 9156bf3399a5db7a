#include <algorithm>
#include <random>

#include "tests/api/memory_fixture.h"

namespace callisto::testing {
namespace {

using Ids = std::vector<MemoryId>;

class MemoryQueryTest : public MemoryTest {
 protected:
  /// Three memories, one second apart; the newest last.
  void SetUp() override {
    for (std::size_t i = 0; i < 3; ++i) {
      environment_.advance_seconds(1);
      ids_.push_back(create({.category = "c", .key = "k" + std::to_string(i), .tags = {"all"}}));
    }
  }
  Ids newest_first() const { return {ids_.rbegin(), ids_.rend()}; }

  Ids ids_;
};

TEST_F(MemoryQueryTest, ListsNewestFirstOrOldestFirstUpToTheLimit) {
  EXPECT_EQ(found({}), newest_first());
  EXPECT_EQ(found({.oldest_first = true}), ids_);
  EXPECT_EQ(found({.limit = 2}), (Ids{ids_[2], ids_[1]}));
  EXPECT_EQ(found({.oldest_first = true, .limit = 2}), (Ids{ids_[0], ids_[1]}));
  EXPECT_EQ(found({.category = "c", .limit = 1}), Ids{ids_[2]});
}

TEST_F(MemoryQueryTest, FindsByEachIndex) {
  const UserId user = make_user("Reece");
  const ConversationId conversation = make_conversation(user);
  const MemoryId id = create({.category = "tasks",
                              .key = "summary",
                              .type = "fact",
                              .tags = {"Executed"},
                              .entity_type = "task",
                              .entity_id = "123",
                              .user = user,
                              .conversation = conversation,
                              .source_agent = "planner",
                              .task = "task_123",
                              .sources = {{"message", "m-1"}}});
  const Ids only{id};
  EXPECT_EQ(found({.category = "tasks"}), only);
  EXPECT_EQ(found({.key = "summary"}), only);
  EXPECT_EQ(found({.category = "tasks", .key = "summary", .user = user}), only);
  EXPECT_EQ(found({.entity_type = "task"}), only);
  EXPECT_EQ(found({.entity_type = "task", .entity_id = "123"}), only);
  EXPECT_EQ(found({.entity_id = "123"}), only);
  EXPECT_EQ(found({.tags_all = {"executed"}}), only);
  EXPECT_EQ(found({.tags_any = {"absent", "EXECUTED"}}), only);
  EXPECT_EQ(found({.tags_none = {"all"}}), only);
  EXPECT_EQ(found({.type = "fact"}), only);
  EXPECT_EQ(found({.source_agent = "planner"}), only);
  EXPECT_EQ(found({.task = "task_123"}), only);
  EXPECT_EQ(found({.source = Source{"message", "m-1"}}), only);
  EXPECT_EQ(found({.user = user}), only);
  EXPECT_EQ(found({.conversation = conversation}), only);
  EXPECT_EQ(found({.without_user = true}), newest_first());
  EXPECT_EQ(found({.category = "tasks", .key = "summary", .without_user = true}), Ids{});
  EXPECT_EQ(found({.entity_type = "task", .entity_id = "124"}), Ids{});
  EXPECT_EQ(found({.source = Source{"message", "m-2"}}), Ids{});
}

TEST_F(MemoryQueryTest, AMemoryWithSeveralOfTheTagsIsListedOnce) {
  const MemoryId both = create({.tags = {"a", "b"}});
  environment_.advance_seconds(1);
  const MemoryId one = create({.tags = {"b"}});
  EXPECT_EQ(found({.tags_any = {"a", "b"}}), (Ids{one, both}));
  EXPECT_EQ(found({.tags_any = {"a", "A", "b"}, .oldest_first = true}), (Ids{both, one}));
  EXPECT_EQ(found({.tags_all = {"a", "b"}}), Ids{both});
  EXPECT_EQ(found({.tags_all = {"b"}, .tags_none = {"a"}}), Ids{one});
}

TEST_F(MemoryQueryTest, EmptyTextAsksForMemoriesWithout) {
  const MemoryId bare = create({});
  EXPECT_EQ(found({.category = ""}), Ids{bare});
  EXPECT_EQ(found({.key = ""}), Ids{bare});
}

TEST_F(MemoryQueryTest, ExpiryIsJudgedAtTheMicrosecond) {
  const MemoryId id = create({.key = "e", .expires_at = seconds_ahead(1)});
  environment_.advance_micros(999'999);
  EXPECT_EQ(found({.key = "e"}), Ids{id});
  EXPECT_EQ(found({.order = MemoryOrder::expiry}), Ids{id});
  environment_.advance_micros(1);
  EXPECT_EQ(found({.key = "e"}), Ids{});
  EXPECT_EQ(found({.order = MemoryOrder::expiry}), Ids{});
  EXPECT_FALSE(memories().by_key("e").value());
  EXPECT_EQ(found({.key = "e", .include_expired = true}), Ids{id});
  EXPECT_EQ(found({.include_expired = true, .order = MemoryOrder::expiry}), Ids{id});
  EXPECT_EQ(get(id).id(), id);
}

TEST_F(MemoryQueryTest, WhatIsNotLiveIsLeftOutUnlessAskedFor) {
  memories().update(ids_[0], {.is_active = false}).value();
  memories().update(ids_[1], {.superseded_by = ids_[2]}).value();
  EXPECT_EQ(found({}), Ids{ids_[2]});
  EXPECT_EQ(found({.include_inactive = true}), (Ids{ids_[2], ids_[0]}));
  EXPECT_EQ(found({.include_superseded = true}), (Ids{ids_[2], ids_[1]}));
  // A time of validity is for the reader to judge.
  const MemoryId future = create({.key = "f", .valid_from = seconds_ahead(60)});
  EXPECT_EQ(memories().by_key("f").value().value().id(), future);
}

TEST_F(MemoryQueryTest, ByKeyIsTheNewestOfAnyCategoryAndUser) {
  create({.category = "a", .key = "theme", .created_at = seconds_ago(10)});
  const MemoryId newest = create({.category = "b", .key = "theme", .user = make_user("Reece")});
  EXPECT_EQ(memories().by_key("theme").value().value().id(), newest);
  EXPECT_FALSE(memories().by_key("Theme").value());
  EXPECT_EQ(memories().by_key("").error().field(), "key");
  EXPECT_EQ(memories().by_name("", "k").error().field(), "category");
}

TEST_F(MemoryQueryTest, EqualTimesAreOrderedAlikeByEveryIndex) {
  Ids ids;
  for (std::size_t i = 0; i < 9; ++i) {
    ids.push_back(create({.category = "ties",
                          .tags = {"t" + std::to_string(i % 2)},
                          .expires_at = seconds_ahead(5),
                          .created_at = seconds_ago(100)}));
  }
  std::sort(ids.begin(), ids.end());
  const Ids reversed(ids.rbegin(), ids.rend());
  EXPECT_EQ(found({.category = "ties"}), ids);
  EXPECT_EQ(found({.tags_any = {"t0", "t1"}, .oldest_first = true}), reversed);
  EXPECT_EQ(found({.category = "ties", .order = MemoryOrder::updated, .limit = 3}),
            Ids(ids.begin(), ids.begin() + 3));
  EXPECT_EQ(found({.order = MemoryOrder::expiry, .oldest_first = true}), ids);
  EXPECT_EQ(found({.category = "ties", .order = MemoryOrder::expiry}), reversed);
}

TEST_F(MemoryQueryTest, BadQueriesNameFieldAndLimit) {
  const UserId user = make_user("Reece");
  const auto refused = [&](const MemoryQuery& query) { return failure_of(memories().find(query)); };
  EXPECT_EQ(refused({.category = std::string(51, 'x')}),
            "invalid_argument category: at most 50 code points");
  EXPECT_EQ(refused({.tags_any = {"a", ""}}),
            "invalid_argument tags_any[1]: at least 1 code point");
  EXPECT_EQ(refused({.source = Source{"", "x"}}),
            "invalid_argument source.kind: at least 1 code point");
  EXPECT_EQ(refused({.user = user, .without_user = true}),
            "invalid_argument without_user: not together with user");
  EXPECT_EQ(memories().find({.user = UserId()}).error().field(), "user");
  EXPECT_EQ(refused({.min_priority = 11}), "invalid_argument min_priority: 1 to 10");
  EXPECT_EQ(refused({.min_importance = -1.0F}), "invalid_argument min_importance: 0 to 1");
  EXPECT_EQ(refused({.created = {.from = Time(2), .to = Time(1)}}),
            "invalid_argument created: from is not after to");
  EXPECT_EQ(refused({.order = static_cast<MemoryOrder>(4)}),
            "invalid_argument order: created, updated, priority or expiry");
  EXPECT_EQ(refused({.limit = 10'001}), "invalid_argument limit: at most 10000");
  EXPECT_EQ(found({.limit = 0}).size(), 3U);
}

TEST_F(MemoryQueryTest, AScanThatReadsTooManyEntriesEnds) {
  const auto scan = [&](std::uint64_t max_scanned) {
    return memories().find(
        {.category = "c", .min_importance = 0.9F, .limit = 10, .max_scanned = max_scanned});
  };
  EXPECT_TRUE(scan(3));
  EXPECT_EQ(failure_of(scan(2)),
            "scan_limit_exceeded max_scanned: at most 2 index entries read");
}

// Random queries against a scan of a plain list ---------------------------------------------------

/// Spellings of a few texts: those of one row are one text, and the model knows it by its row.
using Spellings = std::vector<std::vector<std::string>>;
const Spellings kTagSpellings{
    {"tea", "Tea", "TEA"}, {"caf\u00e9", "cafe\u0301", "CAF\u00c9"}, {"x"}, {"y"}};
const Spellings kTextSpellings{{"caf\u00e9", "cafe\u0301"}, {"Caf\u00e9"}, {"b"}, {"c"}};

/// A memory as the model knows it. Texts are rows of kTextSpellings, -1 for none.
struct Known {
  MemoryId id;
  int category = -1;
  int key = -1;
  int type = -1;
  int entity_type = -1;
  int entity_id = -1;
  int agent = -1;
  int task = -1;
  int source = -1;
  std::vector<int> tags;
  UserId user;
  std::optional<ConversationId> conversation;
  std::uint8_t priority = 5;
  float importance = 0.5F;
  std::optional<Time> expires_at;
  bool is_active = true;
  bool is_superseded = false;
  Time created_at;
  Time updated_at;
};

/// A query beside the same question in terms of the model.
struct Question {
  MemoryQuery query;
  Known asked;  // -1 and empty: not asked
  std::vector<int> all, any, none;
};

bool is_within(Time time, const TimeRange& range) {
  return (!range.from || time >= *range.from) && (!range.to || time < *range.to);
}

bool has_tag(const Known& memory, int tag) {
  return std::find(memory.tags.begin(), memory.tags.end(), tag) != memory.tags.end();
}

bool admits_text(int asked, int known) { return asked < 0 || asked == known; }

bool is_answer(const Question& question, const Known& memory, Time now) {
  const MemoryQuery& query = question.query;
  const Known& asked = question.asked;
  const auto is_there = [&](int tag) { return has_tag(memory, tag); };
  const bool expires_asked =
      query.expires.from || query.expires.to || query.order == MemoryOrder::expiry;
  return admits_text(asked.category, memory.category) && admits_text(asked.key, memory.key) &&
         admits_text(asked.type, memory.type) &&
         admits_text(asked.entity_type, memory.entity_type) &&
         admits_text(asked.entity_id, memory.entity_id) && admits_text(asked.agent, memory.agent) &&
         admits_text(asked.task, memory.task) && admits_text(asked.source, memory.source) &&
         (!query.user || memory.user == *query.user) &&
         (!query.without_user || memory.user.is_nil()) &&
         (!query.conversation || memory.conversation == query.conversation) &&
         std::all_of(question.all.begin(), question.all.end(), is_there) &&
         std::none_of(question.none.begin(), question.none.end(), is_there) &&
         (question.any.empty() ||
          std::any_of(question.any.begin(), question.any.end(), is_there)) &&
         memory.priority >= query.min_priority.value_or(1) &&
         memory.importance >= query.min_importance.value_or(0.0F) &&
         is_within(memory.created_at, query.created) &&
         is_within(memory.updated_at, query.updated) &&
         (!expires_asked || (memory.expires_at && is_within(*memory.expires_at, query.expires))) &&
         (query.include_expired || !memory.expires_at || *memory.expires_at > now) &&
         (query.include_inactive || memory.is_active) &&
         (query.include_superseded || !memory.is_superseded);
}

/// Whether `a` comes before `b` when the order is not turned round.
bool comes_before(MemoryOrder order, const Known& a, const Known& b) {
  if (order == MemoryOrder::priority && a.priority != b.priority) return a.priority > b.priority;
  Time at = a.created_at;
  Time bt = b.created_at;
  if (order == MemoryOrder::updated) {
    at = a.updated_at;
    bt = b.updated_at;
  }
  // Times of expiry fall, and ids with them.
  if (order == MemoryOrder::expiry) {
    return a.expires_at != b.expires_at ? *a.expires_at > *b.expires_at : a.id > b.id;
  }
  return at != bt ? at > bt : a.id < b.id;
}

class MemoryModelTest : public MemoryTest {
 protected:
  MemoryModelTest() : random_(test_seed()) {}

  int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  bool one_in(int n) { return below(n) == 0; }
  /// -1 half of the time.
  int some_text() { return one_in(2) ? -1 : below(static_cast<int>(kTextSpellings.size())); }
  std::string spelled(const Spellings& spellings, int row) {
    if (row < 0) return {};
    const auto& choices = spellings[static_cast<std::size_t>(row)];
    return choices[static_cast<std::size_t>(below(static_cast<int>(choices.size())))];
  }
  std::vector<int> some_tags(int most) {
    std::vector<int> tags;
    for (int count = below(most + 1); count > 0; --count) tags.push_back(below(4));
    return tags;
  }
  std::vector<std::string> spelled_tags(const std::vector<int>& rows) {
    std::vector<std::string> tags;
    for (const int row : rows) tags.push_back(spelled(kTagSpellings, row));
    return tags;
  }
  /// Few different times around the start, so that many are equal.
  Time some_time() { return Time(kTestStart.micros() + 1'000'000LL * (below(9) - 4)); }
  TimeRange some_range() {
    TimeRange range;
    if (one_in(2)) range.from = some_time();
    if (one_in(2)) range.to = some_time();
    if (range.from && range.to && *range.from > *range.to) std::swap(range.from, range.to);
    return range;
  }

  void make_owners() {
    for (const char* name : {"primary", "secondary", "gone", "other"}) {
      users_.push_back(make_user(name));
    }
    conversations_ = {make_conversation(users_[0]), make_long_conversation()};
  }
  Known make_memory(int number);
  void update_memory(Known& memory);
  Question make_question();
  void check(const Question& question);

  std::mt19937_64 random_;
  std::vector<UserId> users_;
  std::vector<ConversationId> conversations_;
  std::vector<Known> known_;
};

Known MemoryModelTest::make_memory(int number) {
  Known known;
  known.category = some_text();
  known.key = some_text();
  known.type = some_text();
  known.entity_type = some_text();
  known.entity_id = known.entity_type < 0 ? -1 : some_text();
  known.agent = some_text();
  known.task = some_text();
  known.source = some_text();
  known.tags = some_tags(3);
  if (one_in(2)) known.user = users_[static_cast<std::size_t>(below(4))];
  if (one_in(3)) known.conversation = conversations_[static_cast<std::size_t>(below(2))];
  known.priority = static_cast<std::uint8_t>(1 + below(10));
  known.importance = static_cast<float>(known.priority) / 10.0F;
  if (one_in(3)) known.expires_at = some_time();
  known.is_active = !one_in(5);
  known.is_superseded = number > 0 && one_in(6);
  known.created_at = known.updated_at = some_time();
  NewMemory memory{.category = spelled(kTextSpellings, known.category),
                   .key = spelled(kTextSpellings, known.key),
                   .type = spelled(kTextSpellings, known.type),
                   .tags = spelled_tags(known.tags),
                   .entity_type = spelled(kTextSpellings, known.entity_type),
                   .entity_id = spelled(kTextSpellings, known.entity_id),
                   .user = known.user,
                   .conversation = known.conversation,
                   .source_agent = spelled(kTextSpellings, known.agent),
                   .priority = known.priority,
                   .expires_at = known.expires_at,
                   .is_active = known.is_active,
                   .task = spelled(kTextSpellings, known.task),
                   .created_at = known.created_at};
  if (known.is_superseded) memory.superseded_by = known_.front().id;
  if (known.source >= 0) {
    memory.sources = {{"other", "o"}, {"message", spelled(kTextSpellings, known.source)}};
  }
  known.id = create(memory);
  return known;
}

void MemoryModelTest::update_memory(Known& memory) {
  environment_.set_now(some_time());
  memory.priority = static_cast<std::uint8_t>(1 + below(10));
  memory.tags = some_tags(3);
  MemoryPatch patch;
  patch.priority = memory.priority;
  patch.tags = spelled_tags(memory.tags);
  patch.metadata = "{\"touched\":" + std::to_string(random_() >> 12) + "}";
  memories().update(memory.id, patch).value();
  memory.updated_at = std::max(memory.updated_at, now());
  environment_.set_now(kTestStart);
}

Question MemoryModelTest::make_question() {
  Question question;
  MemoryQuery& query = question.query;
  const auto ask_text = [&](int& asked, std::optional<std::string>& text) {
    if (!one_in(6)) return;
    asked = below(static_cast<int>(kTextSpellings.size()));
    text = spelled(kTextSpellings, asked);
  };
  ask_text(question.asked.category, query.category);
  ask_text(question.asked.key, query.key);
  ask_text(question.asked.type, query.type);
  ask_text(question.asked.entity_type, query.entity_type);
  ask_text(question.asked.entity_id, query.entity_id);
  ask_text(question.asked.agent, query.source_agent);
  ask_text(question.asked.task, query.task);
  if (one_in(8)) {
    question.asked.source = below(static_cast<int>(kTextSpellings.size()));
    query.source = Source{"message", spelled(kTextSpellings, question.asked.source)};
  }
  if (one_in(6)) question.all = some_tags(2);
  if (one_in(6)) question.any = some_tags(3);
  if (one_in(6)) question.none = some_tags(2);
  query.tags_all = spelled_tags(question.all);
  query.tags_any = spelled_tags(question.any);
  query.tags_none = spelled_tags(question.none);
  if (one_in(5)) query.user = users_[static_cast<std::size_t>(below(4))];
  query.without_user = !query.user && one_in(6);
  if (one_in(8)) query.conversation = conversations_[static_cast<std::size_t>(below(2))];
  if (one_in(6)) query.min_priority = static_cast<std::uint8_t>(1 + below(10));
  if (one_in(8)) query.min_importance = static_cast<float>(below(11)) / 10.0F;
  if (one_in(5)) query.created = some_range();
  if (one_in(5)) query.updated = some_range();
  if (one_in(8)) query.expires = some_range();
  query.include_expired = one_in(2);
  query.include_inactive = one_in(2);
  query.include_superseded = one_in(2);
  query.order = static_cast<MemoryOrder>(below(4));
  query.oldest_first = one_in(2);
  query.limit = one_in(2) ? 1000U : static_cast<std::uint32_t>(1 + below(8));
  return question;
}

void MemoryModelTest::check(const Question& question) {
  const MemoryOrder order = question.query.order;
  std::vector<Known> answers;
  for (const Known& memory : known_) {
    if (is_answer(question, memory, now())) answers.push_back(memory);
  }
  std::sort(answers.begin(), answers.end(), [&](const Known& a, const Known& b) {
    return question.query.oldest_first ? comes_before(order, b, a) : comes_before(order, a, b);
  });
  if (answers.size() > question.query.limit) answers.resize(question.query.limit);
  Ids expected;
  for (const Known& memory : answers) expected.push_back(memory.id);
  EXPECT_EQ(found(question.query), expected);
}

TEST_F(MemoryModelTest, RandomQueriesAgreeWithAScan) {
  constexpr int kMemories = 200;
  constexpr int kQuestions = 300;
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(test_seed()));
  make_owners();
  for (int i = 0; i < kMemories; ++i) known_.push_back(make_memory(i));
  for (int i = 0; i < kMemories / 2; ++i) {
    update_memory(known_[static_cast<std::size_t>(below(kMemories))]);
  }
  const auto ask_all = [&] {
    for (int i = 0; i < kQuestions && !HasFailure(); ++i) check(make_question());
  };
  ask_all();

  // Answers change at once, not when the steps are done.
  store_.users().merge(users_[0], users_[1]).value();
  store_.users().remove(users_[2]).value();
  remove_without_steps(conversations_[1]);
  std::erase_if(known_,
                [&](const Known& known) { return known.conversation == conversations_[1]; });
  for (Known& known : known_) {
    if (known.user == users_[1]) known.user = users_[0];
    if (known.user == users_[2]) known.user = {};
  }
  ask_all();
  store_.finish_pending_work().value();
  ask_all();
  EXPECT_TRUE(store_.verify().value().ok);
}

}  // namespace
}  // namespace callisto::testing
