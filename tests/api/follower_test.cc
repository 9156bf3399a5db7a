// A read-only store beside a writer in another process that never pauses: every view is a whole
// state of the writer's, and views only move forward.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "callisto/store.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

constexpr std::uint64_t kBudget = 32ULL << 20;
const ConversationId kTalk = ConversationId::from_external("follower", "talk");
const ConversationId kLarge = ConversationId::from_external("follower", "large");
constexpr std::uint64_t kLargeMessages = 1500;

MemoryId memory_id(std::uint64_t number) {
  return MemoryId::from_external("follower", std::to_string(number));
}

/// One commit: a message, a memory, and the number of both in a memory of its own.
Result<void> write_commit(const Store& store, std::uint64_t number) {
  return store.transact([&](Transaction& tx) -> Result<void> {
    const std::string text = std::to_string(number);
    auto said = tx.messages().append({.conversation = kTalk, .content = text});
    if (!said) return said.error();
    auto noted = tx.memories().create(
        {.id = memory_id(number), .key = "note", .text = text, .tags = {"t" + text, "all"}});
    if (!noted) return noted.error();
    auto counted = tx.memories().put({.category = "state", .key = "number", .text = text});
    if (!counted) return counted.error();
    return {};
  });
}

TEST(FollowerChild, DISABLED_Writes) {
  const Store store = Store::open(child_setting("DIR"), {.memory_budget_bytes = kBudget}).value();
  store.conversations().create({.id = kTalk}).value();
  const std::vector<NewMessage> large(kLargeMessages, NewMessage{.content = "large"});
  write_commit(store, 1).value();
  tell_parent("1");
  for (std::uint64_t number = 2;; ++number) {
    write_commit(store, number).value();
    if (number % 25 == 0) tell_parent(std::to_string(number));
    if (number % 40 == 0) store.compact().value();
    if (number % 60 == 20) store.conversations().store({.id = kLarge}, large).value();
    if (number % 60 == 50) store.conversations().remove(kLarge).value();
  }
}

/// What a view says its number is, after everything in it was found to agree.
std::uint64_t check_view(const Repositories& view) {
  const auto counted = view.memories().find({.category = "state", .key = "number"}).value();
  EXPECT_EQ(counted.size(), 1U);
  const std::uint64_t number = counted.empty() ? 0 : std::stoull(std::string(counted[0].text()));
  const auto talk = view.conversations().get(kTalk).value();
  EXPECT_TRUE(talk);
  EXPECT_EQ(talk ? talk->message_count() : 0, number);
  const auto latest = view.messages().latest(kTalk, 1).value();
  EXPECT_EQ(latest.empty() ? "" : std::string(latest[0].content()), std::to_string(number));
  EXPECT_TRUE(view.memories().get(memory_id(number)).value());
  EXPECT_FALSE(view.memories().get(memory_id(number + 1)).value());
  EXPECT_EQ(view.memories().find({.tags_all = {"t" + std::to_string(number)}}).value().size(), 1U);
  const auto whole = view.conversations().whole(kLarge).value();
  EXPECT_EQ(whole ? whole->messages.size() : kLargeMessages, kLargeMessages);
  EXPECT_EQ(view.messages().page(kLarge, {.limit = 10'000}).value().size(),
            whole ? kLargeMessages : 0U);
  return number;
}

Store follow(const std::string& directory) {
  return Store::open(directory, {.mode = OpenMode::read_only, .memory_budget_bytes = kBudget})
      .value();
}

/// Beside a writer at full speed a call may answer `busy`: it is made again.
void refresh(const Store& store) {
  while (true) {
    const auto moved = store.refresh();
    if (moved) return;
    ASSERT_EQ(moved.error().code(), Code::busy) << moved.error().to_string();
  }
}

TEST(Follower, SeesWholeCommitsInOrderBesideAWriterAtFullSpeed) {
  const TempDirectory directory(TempDirectory::On::memory);
  const std::string path = directory.path("store");
  ChildProcess child("FollowerChild.DISABLED_Writes", {{"DIR", path}});
  ASSERT_EQ(child.hear(), "1");
  Store follower = follow(path);
  std::uint64_t seen = 0;
  std::uint64_t version = 0;
  std::uint64_t records = 0;
  int moves = 0;
  for (int look = 0; look < 40 || moves < 10; ++look) {
    SCOPED_TRACE("look " + std::to_string(look));
    if (look % 8 == 7) {
      follower = follow(path);  // what is open already is not ahead of what is opened now
    } else {
      refresh(follower);
    }
    const Snapshot view = follower.snapshot().value();
    const std::uint64_t number = check_view(view);
    EXPECT_GE(number, seen) << "backwards";
    EXPECT_GE(view.version(), version) << "backwards";
    const std::uint64_t counted = follower.stats().value().tables.at("memories").records;
    EXPECT_EQ(counted, number + 1) << "the counters are of the same state";
    EXPECT_GE(counted, records);
    if (look % 10 == 5) {
      const VerifyReport report = follower.verify({.checksums = false}).value();
      EXPECT_TRUE(report.ok);
      for (const Defect& defect : report.defects) {
        ADD_FAILURE() << defect.kind << " " << defect.table << " " << defect.key;
      }
    }
    ASSERT_FALSE(HasFailure());
    moves += number > seen ? 1 : 0;
    seen = number;
    version = view.version();
    records = counted;
  }
  child.kill();
  refresh(follower);
  const std::uint64_t last = check_view(follower.default_space());
  EXPECT_GE(last, seen);
  const Store writer = Store::open(path, {.memory_budget_bytes = kBudget}).value();
  EXPECT_EQ(check_view(writer.default_space()), last) << "a writer finds the same";
}

TEST(Follower, ASnapshotIsLostByRefresh) {
  const TempDirectory directory(TempDirectory::On::memory);
  const std::string path = directory.path("store");
  const Store writer = Store::open(path, {.memory_budget_bytes = kBudget}).value();
  writer.conversations().create({.id = kTalk}).value();
  write_commit(writer, 1).value();
  const Store follower = follow(path);
  const Snapshot before = follower.snapshot().value();
  const Memory view = before.memories().get(memory_id(1)).value().value();
  write_commit(writer, 2).value();
  EXPECT_EQ(check_view(before), 1U) << "it does not move by itself";
  ASSERT_TRUE(follower.refresh());
  EXPECT_EQ(before.memories().get(memory_id(1)).error().code(), Code::snapshot_lost);
  EXPECT_EQ(before.memories().find({}).error().code(), Code::snapshot_lost);
  EXPECT_EQ(before.conversations().whole(kTalk).error().code(), Code::snapshot_lost);
  EXPECT_EQ(before.users().get(UserId::from_external("a", "b")).error().code(),
            Code::snapshot_lost);
  EXPECT_EQ(view.text(), "1") << "a view outlives its snapshot";
  EXPECT_EQ(check_view(follower.snapshot().value()), 2U);
  EXPECT_EQ(writer.refresh().error().code(), Code::unsupported);
}

}  // namespace
}  // namespace callisto::testing
