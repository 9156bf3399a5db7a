// dump --follow: every record once per version, as it comes, until it is told to end.

#include <signal.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "callisto/store.h"
#include "tests/tools/command_fixture.h"

namespace callisto::testing {
namespace {

class FollowTest : public CommandTest {
 protected:
  FollowTest() : store_(Store::open(path("store"), {.memory_budget_bytes = 32ULL << 20}).value()) {}

  HeldCommand follow(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"dump", "--follow", "--json", "--store", path("store")});
    return HeldCommand(arguments, HeldCommand::Hears::output);
  }
  MemoryId note(const std::string& text, std::optional<Time> created = {}) const {
    return store_.memories().create({.text = text, .created_at = created}).value();
  }
  static bool has(const std::string& line, const std::string& part) {
    return line.find(part) != std::string::npos;
  }
  /// The "id" of a line.
  static std::string id_of(const std::string& line) {
    const std::size_t at = line.find(R"("id":")");
    return at == std::string::npos ? std::string() : line.substr(at + 6, 36);
  }
  static void expect_end(HeldCommand& command, int number) {
    command.signal(number);
    EXPECT_EQ(command.finish(), 0);
  }

  const Store store_;
};

TEST_F(FollowTest, PrintsWhatIsThereAndThenWhatIsNewOrChanged) {
  const MemoryId first = note("first");
  HeldCommand command = follow({"memories"});
  EXPECT_TRUE(has(command.hear(), "first"));
  note("late, but old", Time(-1'000'000'000'000'000));
  EXPECT_TRUE(has(command.hear(), "late, but old"));
  store_.memories().update(first, {.text = "changed"}).value();
  const std::string changed = command.hear();
  EXPECT_TRUE(has(changed, "changed") && has(changed, R"("version":2)")) << changed;
  store_.memories().remove(first).value();
  note("last");
  EXPECT_TRUE(has(command.hear(), "last")) << "a removal is not told";
  expect_end(command, SIGINT);
}

TEST_F(FollowTest, EndsOnATermSignalWithNothingToSay) {
  note("only");
  HeldCommand command = follow({"memories"});
  EXPECT_TRUE(has(command.hear(), "only"));
  expect_end(command, SIGTERM);
}

TEST_F(FollowTest, TellsEachRecordOnceBesideAWriterAtFullSpeed) {
  HeldCommand command = follow({"memories"});
  std::jthread writer([&] {
    for (int i = 0; i < 3000; ++i) {
      note("note " + std::to_string(i));
      if (i % 700 == 699) {
        EXPECT_TRUE(store_.compact());
      }
    }
    note("the end");
  });
  std::set<std::string> ids;
  std::string line;
  int lines = 0;
  bool is_over = false;
  while (!is_over && !(line = command.hear()).empty()) {
    ++lines;
    EXPECT_TRUE(ids.insert(id_of(line)).second) << "twice: " << line;
    is_over = has(line, "the end");
  }
  // Rows come in key order within a look, so others of the last look may follow.
  while (lines < 3001 && !(line = command.hear()).empty()) {
    ++lines;
    EXPECT_TRUE(ids.insert(id_of(line)).second) << "twice: " << line;
  }
  EXPECT_EQ(ids.size(), 3001U);
  expect_end(command, SIGINT);
}

TEST_F(FollowTest, AConversationThatIsStoredInStepsComesWhole) {
  const auto marker = store_.conversations().create({}).value();
  store_.messages().append({.conversation = marker, .content = "before"}).value();
  HeldCommand command = follow({"messages"});
  EXPECT_TRUE(has(command.hear(), "before"));
  const std::vector<NewMessage> said(2500, NewMessage{.content = "large"});
  store_.conversations().store({}, said).value();
  std::set<std::string> ids;
  for (int i = 0; i < 2500; ++i) {
    const std::string line = command.hear();
    ASSERT_TRUE(has(line, "large"));
    EXPECT_TRUE(ids.insert(id_of(line)).second);
  }
  store_.messages().append({.conversation = marker, .content = "after"}).value();
  EXPECT_TRUE(has(command.hear(), "after"));
  expect_end(command, SIGINT);
}

TEST_F(FollowTest, WhatAMergeRewritesInTheBackgroundIsNoNews) {
  const UserId kept = store_.users().create({}).value();
  const UserId gone = store_.users().create({}).value();
  store_.memories().create({.text = "of the secondary", .user = gone}).value();
  HeldCommand command = follow({"memories"});
  EXPECT_TRUE(has(command.hear(), "of the secondary"));
  ASSERT_TRUE(store_.users().merge(kept, gone));
  ASSERT_TRUE(store_.finish_pending_work());
  note("next");
  EXPECT_TRUE(has(command.hear(), "next"));
  expect_end(command, SIGINT);
}

TEST_F(FollowTest, AllTablesAndIndexesCanBeFollowed) {
  HeldCommand command = follow({});
  HeldCommand index = follow({"memory_by_tag"});
  store_.users().create({.name = "Ada"}).value();
  EXPECT_TRUE(has(command.hear(), R"("is_active":true)"));
  EXPECT_TRUE(has(command.hear(), "Ada")) << "the preferred name, a datum";
  store_.memories().create({.text = "tagged", .tags = {"news"}}).value();
  EXPECT_TRUE(has(command.hear(), "tagged"));
  EXPECT_TRUE(has(index.hear(), "memory_by_tag"));
  expect_end(command, SIGINT);
  expect_end(index, SIGTERM);
}

TEST_F(FollowTest, EndsByItselfAtItsLimitAndWithoutAReader) {
  HeldCommand limited = follow({"memories", "--limit", "2"});
  HeldCommand unread = follow({"memories"});
  note("one");
  EXPECT_TRUE(has(limited.hear(), "one"));
  EXPECT_TRUE(has(unread.hear(), "one"));
  unread.stop_hearing();
  note("two");
  EXPECT_TRUE(has(limited.hear(), "two"));
  EXPECT_EQ(limited.finish(), 0);
  EXPECT_EQ(unread.finish(), 0);
}

TEST_F(FollowTest, ADroppedSpaceEndsIt) {
  const Space space = store_.create_space("acme").value();
  space.memories().create({.text = "there"}).value();
  HeldCommand command = follow({"memories", "--space", "acme"});
  EXPECT_TRUE(has(command.hear(), "there"));
  ASSERT_TRUE(store_.drop_space("acme").value());
  EXPECT_EQ(command.hear(), "");
  EXPECT_EQ(command.finish(), 1);
}

}  // namespace
}  // namespace callisto::testing
