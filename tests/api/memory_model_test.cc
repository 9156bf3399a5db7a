// Random queries, in one answer and in pages, against a scan of a plain list.

#include <algorithm>
#include <map>
#include <set>

#include "tests/api/memory_model.h"

namespace callisto::testing {
namespace {

TEST_F(MemoryModelTest, RandomQueriesAgreeWithAScan) {
  constexpr int kMemories = 200;
  constexpr int kQuestions = 300;
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(test_seed()));
  make_owners_and_memories(kMemories);
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

TEST_F(MemoryModelTest, PagesOfAnySizeJoinToTheWhole) {
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(test_seed()));
  make_owners_and_memories(200);
  for (int i = 0; i < 200 && !HasFailure(); ++i) {
    Question question = make_question();
    const Ids expected = answers_to(question);
    Ids joined;
    std::string cursor;
    do {
      question.query.limit = static_cast<std::uint32_t>(1 + below(30));
      const auto page = memories().find_page(question.query, cursor).value();
      for (const Memory& memory : page.items) joined.push_back(memory.id());
      ASSERT_TRUE(page.cursor.empty() || page.items.size() == question.query.limit);
      cursor = page.cursor;
    } while (!cursor.empty());
    EXPECT_EQ(joined, expected);
  }
}

// What was there all the time is in exactly one page, whatever is written between two pages.
TEST_F(MemoryModelTest, WritesBetweenPagesMoveNoRow) {
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(test_seed()));
  make_owners_and_memories(150);
  for (int i = 0; i < 40 && !HasFailure(); ++i) {
    Question question = make_question();
    question.query.limit = static_cast<std::uint32_t>(1 + below(10));
    const Ids before = answers_to(question);
    std::set<MemoryId> touched;
    Ids joined;
    std::string cursor;
    do {
      const auto page = memories().find_page(question.query, cursor).value();
      for (const Memory& memory : page.items) joined.push_back(memory.id());
      cursor = page.cursor;
      for (int writes = below(4); writes > 0; --writes) {
        const auto at = static_cast<std::size_t>(below(static_cast<int>(known_.size())));
        switch (below(3)) {
          case 0:
            known_.push_back(make_memory(1));
            touched.insert(known_.back().id);
            break;
          case 1:
            update_memory(known_[at]);
            touched.insert(known_[at].id);
            break;
          default:
            if (at == 0) break;  // others are superseded by it
            touched.insert(known_[at].id);
            memories().remove(known_[at].id).value();
            known_.erase(known_.begin() + static_cast<std::ptrdiff_t>(at));
        }
      }
    } while (!cursor.empty());
    const auto was_touched = [&](MemoryId id) { return touched.count(id) > 0; };
    Ids expected = before;
    std::erase_if(expected, was_touched);
    std::erase_if(joined, was_touched);
    EXPECT_EQ(joined, expected);
  }
}

// The plan is an account of what was done: what was fetched was returned.
TEST_F(MemoryModelTest, RecordsAreFetchedForWhatIsReturned) {
  SCOPED_TRACE("CALLISTO_SEED=" + std::to_string(test_seed()));
  make_owners_and_memories(200);
  for (int i = 0; i < 200 && !HasFailure(); ++i) {
    const Question question = make_question();
    const QueryPlan plan = memories().explain(question.query).value();
    const std::size_t expected =
        std::min<std::size_t>(answers_to(question).size(), question.query.limit);
    EXPECT_EQ(plan.rows_returned, expected);
    ASSERT_FALSE(plan.steps.empty());
    EXPECT_EQ(plan.steps.front().use, QueryUse::drives);
    for (const QueryStep& step : plan.steps) {
      EXPECT_NE(step.use, QueryUse::on_record) << step.condition;
    }
    EXPECT_EQ(plan.records_fetched, expected);
  }
}

}  // namespace
}  // namespace callisto::testing
