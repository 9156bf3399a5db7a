#include <thread>

#include "tests/api/memory_fixture.h"

namespace callisto::testing {
namespace {

class MemoryPutTest : public MemoryTest {
 protected:
  PutResult put(const NewMemory& memory, const CallOptions& options = {}) {
    return memories().put(memory, options).value();
  }
};

TEST_F(MemoryPutTest, CreatesThenChanges) {
  const PutResult made = put({.category = "prefs", .key = "theme", .value = R"({"m":1})"},
                             {.caller = {.module = "ui", .task = "t-1"}});
  EXPECT_TRUE(made.created);
  environment_.advance_seconds(5);
  const NewMemory other{
      .category = "prefs", .key = "theme", .value = R"({"m":2})", .tags = {"ui"}, .priority = 7};
  const PutResult changed = put(other, {.caller = {.module = "executor", .task = "t-2"}});
  EXPECT_FALSE(changed.created);
  EXPECT_EQ(changed.id, made.id);
  const Memory memory = get(made.id);
  EXPECT_EQ(memory.version(), 2U);
  EXPECT_EQ(memory.value().to_string(), R"({"m":2})");
  EXPECT_EQ(memory.tags(), std::vector<std::string_view>{"ui"});
  EXPECT_EQ(memory.importance(), 0.7F);
  EXPECT_EQ(memory.module(), "ui");
  EXPECT_EQ(memory.task(), "t-1");
  EXPECT_EQ(memory.updated_by(), "executor");
  EXPECT_EQ(memory.created_at(), kTestStart);
  EXPECT_EQ(memory.updated_at(), now());
  EXPECT_EQ(memories().by_name("prefs", "theme").value().value().id(), made.id);
}

TEST_F(MemoryPutTest, EqualContentWritesNothing) {
  const NewMemory memory{.category = "c",
                         .key = "k",
                         .value = "[1]",
                         .metadata = R"({"m":1})",
                         .external_id = "e",
                         .external_source = "s"};
  const PutResult made = put(memory);
  environment_.advance_seconds(5);
  const std::uint64_t before = commits();
  const PutResult again = put(memory, {.caller = {.module = "other"}});
  EXPECT_EQ(again.id, made.id);
  EXPECT_FALSE(again.created);
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(get(made.id).version(), 1U);
}

TEST_F(MemoryPutTest, ReplacesEverythingButProvenanceAndForeignId) {
  const UserId user = make_user("Reece");
  const PutResult made = put({.category = "c",
                              .key = "k",
                              .type = "fact",
                              .value = "1",
                              .text = "t",
                              .tags = {"a"},
                              .entity_type = "e",
                              .entity_id = "1",
                              .user = user,
                              .conversation = make_conversation(user),
                              .source_agent = "agent",
                              .priority = 9,
                              .expires_at = seconds_ahead(60),
                              .valid_from = Time(1),
                              .valid_to = Time(2),
                              .superseded_by = create({}),
                              .module = "first",
                              .task = "t-1",
                              .sources = {{"message", "m"}},
                              .created_at = Time(7),
                              .metadata = "{\"a\":1}",
                              .external_id = "ext-1"});
  EXPECT_EQ(put({.category = "c", .key = "k", .user = user, .created_at = Time(8)}).id, made.id);
  const Memory memory = get(made.id);
  EXPECT_EQ(memory.version(), 2U);
  EXPECT_EQ(memory.type(), "");
  EXPECT_EQ(memory.value().kind(), JsonKind::absent);
  EXPECT_EQ(memory.text(), "");
  EXPECT_EQ(memory.tag_count(), 0U);
  EXPECT_EQ(memory.entity_type(), "");
  EXPECT_FALSE(memory.conversation());
  EXPECT_EQ(memory.source_agent(), "");
  EXPECT_EQ(memory.priority(), 5);
  EXPECT_FALSE(memory.expires_at());
  EXPECT_FALSE(memory.valid_from());
  EXPECT_FALSE(memory.superseded_by());
  EXPECT_EQ(memory.source_count(), 0U);
  EXPECT_EQ(memory.metadata().kind(), JsonKind::absent);
  EXPECT_EQ(memory.created_at(), Time(7));
  EXPECT_EQ(memory.module(), "first");
  EXPECT_EQ(memory.task(), "t-1");
  EXPECT_EQ(memory.external_id(), "ext-1");
  EXPECT_EQ(memory.user(), user);
}

TEST_F(MemoryPutTest, NamesAreApartByUserAndComparedAsNfc) {
  const UserId user = make_user("Reece");
  const PutResult of_none = put({.category = "c", .key = "caf\u00e9"});
  const PutResult of_user = put({.category = "c", .key = "caf\u00e9", .user = user});
  EXPECT_NE(of_none.id, of_user.id);
  EXPECT_EQ(put({.category = "c", .key = "cafe\u0301"}).id, of_none.id);
  EXPECT_TRUE(put({.category = "C", .key = "caf\u00e9"}).created);
  EXPECT_EQ(memories().by_name("c", "caf\u00e9", user).value().value().id(), of_user.id);
  EXPECT_EQ(memories().by_name("c", "cafe\u0301").value().value().id(), of_none.id);
  EXPECT_FALSE(memories().by_name("c", "CAF\u00c9").value());
}

TEST_F(MemoryPutTest, PassesOverWhatIsInactiveOrExpired) {
  const NewMemory named{.category = "c", .key = "k"};
  NewMemory inactive = named;
  inactive.is_active = false;
  create(inactive);
  NewMemory expiring = named;
  expiring.expires_at = seconds_ahead(1);
  const PutResult made = put(expiring);
  EXPECT_TRUE(made.created);
  environment_.advance_micros(999'999);
  EXPECT_EQ(put(expiring).id, made.id);
  environment_.advance_micros(1);
  const PutResult fresh = put(named);
  EXPECT_TRUE(fresh.created);
  EXPECT_NE(fresh.id, made.id);
}

TEST_F(MemoryPutTest, ChangesTheNewestOfSeveral) {
  const MemoryId newer = create({.category = "c", .key = "k", .created_at = seconds_ago(1)});
  create({.category = "c", .key = "k", .created_at = seconds_ago(2)});
  EXPECT_EQ(put({.category = "c", .key = "k", .value = "1"}).id, newer);
}

TEST_F(MemoryPutTest, OneThatCommitsFirstIsSeenByTheOther) {
  int attempts = 0;
  const auto second = store_.transact([&](Transaction& transaction) {
    const auto put_inside = transaction.memories().put({.category = "c", .key = "k"});
    if (++attempts == 1) put({.category = "c", .key = "k", .value = "1"});
    return put_inside;
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_FALSE(second.value().created);
  EXPECT_EQ(found({.key = "k"}), std::vector<MemoryId>{second.value().id});
}

TEST_F(MemoryPutTest, ThoseOfOtherNamesAreNotInTheWay) {
  int attempts = 0;
  const auto done = store_.transact([&](Transaction& transaction) {
    const auto put_inside = transaction.memories().put({.category = "c", .key = "k"});
    if (++attempts == 1) put({.category = "c", .key = "other"});
    return put_inside;
  });
  EXPECT_TRUE(done.value().created);
  EXPECT_EQ(attempts, 1);
}

TEST_F(MemoryPutTest, ManyAtOnceMakeOneMemory) {
  constexpr std::size_t kThreads = 4;
  std::vector<Result<PutResult>> results(kThreads, Error(Code::closed, "not run"));
  for (int round = 0; round < 20; ++round) {
    const std::string key = "k" + std::to_string(round);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        results[i] = memories().put({.category = "c", .key = key, .value = std::to_string(i)});
      });
    }
    for (std::thread& thread : threads) thread.join();
    int created = 0;
    for (const auto& result : results) created += result.value().created ? 1 : 0;
    EXPECT_EQ(created, 1);
    EXPECT_EQ(found({.key = key}).size(), 1U);
  }
}

}  // namespace
}  // namespace callisto::testing
