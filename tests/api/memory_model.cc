#include "tests/api/memory_model.h"

#include <algorithm>

#include "schema/keys.h"

namespace callisto::testing {
namespace {

bool is_within(Time time, const TimeRange& range) {
  return (!range.from || time >= *range.from) && (!range.to || time < *range.to);
}

bool has_tag(const Known& memory, int tag) {
  return std::find(memory.tags.begin(), memory.tags.end(), tag) != memory.tags.end();
}

bool admits_text(int asked, int known) {
  return asked == kNone ? known < 0 : asked < 0 || asked == known;
}

bool is_wanted(bool is_so, bool include, bool only) { return is_so ? include || only : !only; }

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
         memory.priority <= query.max_priority.value_or(10) &&
         memory.importance >= query.min_importance.value_or(0.0F) &&
         memory.importance <= query.max_importance.value_or(1.0F) &&
         is_within(memory.created_at, query.created) &&
         is_within(memory.updated_at, query.updated) &&
         (!expires_asked || (memory.expires_at && is_within(*memory.expires_at, query.expires))) &&
         is_wanted(memory.expires_at && *memory.expires_at <= now, query.include_expired,
                   query.only_expired) &&
         is_wanted(!memory.is_active, query.include_inactive, query.only_inactive) &&
         is_wanted(memory.is_superseded, query.include_superseded, query.only_superseded);
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
  const auto turned = [](Time time, const Known& one) {
    return schema::turn_id_at(time.micros(), one.id.bytes());
  };
  // Times of expiry fall, and ids with them.
  if (order == MemoryOrder::expiry) {
    at = *a.expires_at;
    bt = *b.expires_at;
    return at != bt ? at > bt : turned(at, a) > turned(at, b);
  }
  return at != bt ? at > bt : turned(at, a) < turned(at, b);
}

}  // namespace

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
  known.importance = static_cast<float>(one_in(2) ? known.priority : below(11)) / 10.0F;
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
                   .importance = known.importance,
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
    if (!one_in(5)) return;
    text = "";
    asked = kNone;
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
  if (one_in(8)) query.max_priority = static_cast<std::uint8_t>(1 + below(10));
  if (one_in(8)) query.min_importance = static_cast<float>(below(11)) / 10.0F;
  if (one_in(10)) query.max_importance = static_cast<float>(below(11)) / 10.0F;
  // An inverted range is refused.
  if (query.min_priority > query.max_priority) query.max_priority.reset();
  if (query.min_importance > query.max_importance) query.max_importance.reset();
  if (one_in(5)) query.created = some_range();
  if (one_in(5)) query.updated = some_range();
  if (one_in(8)) query.expires = some_range();
  query.include_expired = one_in(2);
  query.include_inactive = one_in(2);
  query.include_superseded = one_in(2);
  query.only_expired = one_in(8);
  query.only_inactive = one_in(8);
  query.only_superseded = one_in(8);
  query.order = static_cast<MemoryOrder>(below(4));
  query.oldest_first = one_in(2);
  query.limit = one_in(2) ? 1000U : static_cast<std::uint32_t>(1 + below(8));
  return question;
}

Ids MemoryModelTest::answers_to(const Question& question) {
  const MemoryOrder order = question.query.order;
  std::vector<Known> answers;
  for (const Known& memory : known_) {
    if (is_answer(question, memory, now())) answers.push_back(memory);
  }
  std::sort(answers.begin(), answers.end(), [&](const Known& a, const Known& b) {
    return question.query.oldest_first ? comes_before(order, b, a) : comes_before(order, a, b);
  });
  Ids ids;
  for (const Known& memory : answers) ids.push_back(memory.id);
  return ids;
}

void MemoryModelTest::check(const Question& question) {
  Ids expected = answers_to(question);
  EXPECT_EQ(memories().count(question.query).value(), expected.size());
  if (expected.size() > question.query.limit) expected.resize(question.query.limit);
  EXPECT_EQ(found(question.query), expected);
}

void MemoryModelTest::make_owners_and_memories(int count) {
  make_owners();
  for (int i = 0; i < count; ++i) known_.push_back(make_memory(i));
  for (int i = 0; i < count / 2; ++i) {
    update_memory(known_[static_cast<std::size_t>(below(count))]);
  }
}

}  // namespace callisto::testing
