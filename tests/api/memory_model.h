#pragma once

// Random memories, updates and queries beside a plain list that knows nothing of indexes: every
// answer is a scan of it.

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/api/memory_fixture.h"

namespace callisto::testing {

using Ids = std::vector<MemoryId>;

/// Spellings of a few texts: those of one row are one text, and the model knows it by its row.
using Spellings = std::vector<std::vector<std::string>>;
inline const Spellings kTagSpellings{
    {"tea", "Tea", "TEA"}, {"caf\u00e9", "cafe\u0301", "CAF\u00c9"}, {"x"}, {"y"}};
inline const Spellings kTextSpellings{{"caf\u00e9", "cafe\u0301"}, {"Caf\u00e9"}, {"b"}, {"c"}};

/// A question for memories without the text.
inline constexpr int kNone = -2;

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
  void make_owners_and_memories(int count);
  /// All that the question asks for, in its order, without its limit.
  Ids answers_to(const Question& question);
  void check(const Question& question);

  std::mt19937_64 random_;
  std::vector<UserId> users_;
  std::vector<ConversationId> conversations_;
  std::vector<Known> known_;
};

}  // namespace callisto::testing
