// Large work, killed before each of its commits: what is visible is all of it or nothing, and what is
// left is finished after the next opening.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "api/core.h"
#include "callisto/store.h"
#include "engine/open.h"
#include "tests/crash/dying_engine.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

const UserId kPrimary = UserId::from_external("crash", "primary");
const UserId kSecondary = UserId::from_external("crash", "secondary");
const ConversationId kLargeTalk = ConversationId::from_external("crash", "large");
const ConversationId kStoredTalk = ConversationId::from_external("crash", "stored");
constexpr std::uint32_t kAll = 10'000;

std::vector<NewMessage> messages(std::size_t count, std::size_t size, UserId sender) {
  std::vector<NewMessage> all(count);
  for (NewMessage& message : all) {
    message.sender = sender;
    message.content.assign(size, 'x');
  }
  return all;
}

// In the child -----------------------------------------------------------------------------------

Result<void> run_work(const std::string& work, detail::StoreCore& core, const detail::Scope& scope) {
  const auto forget = [](const auto& result) -> Result<void> {
    if (!result) return result.error();
    return {};
  };
  if (work == "remove_conversation") return forget(Conversations(scope).remove(kLargeTalk));
  if (work == "merge") return Users(scope).merge(kPrimary, kSecondary);
  if (work == "remove_user") return forget(Users(scope).remove(kSecondary));
  if (work == "drop_space") return forget(core.drop_space("acme"));
  return forget(Conversations(scope).store({.id = kStoredTalk, .participants = {kPrimary}},
                                           messages(3500, 10, kPrimary)));
}

TEST(LargeWorkChild, DISABLED_DiesBeforeACommit) {
  kv::OpenOptions engine_options;
  engine_options.directory = child_setting("DIR");
  engine_options.create = false;
  engine_options.memory_budget_bytes = 32ULL << 20;
  engine_options.environment = &Environment::system();
  auto engine = std::make_unique<DyingEngine>(kv::open_rocksdb(engine_options).value());
  DyingEngine& dying = *engine;
  Options options;
  options.background_work = false;
  const auto core = detail::StoreCore::over(std::move(engine), options).value();
  const detail::Scope scope{core.get(), &core->slot(schema::kDefaultSpace), nullptr, nullptr};
  dying.die_after(std::stoi(child_setting("COMMITS")));
  run_work(child_setting("WORK"), *core, scope).value();
  tell_parent("acknowledged");
  core->finish_pending_work().value();
  dying.die_after(-1);  // Closing saves estimates.
  tell_parent("finished");
  core->close().value();
}

// In the parent ----------------------------------------------------------------------------------

class LargeWork : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr const char* kChild = "LargeWorkChild.DISABLED_DiesBeforeACommit";

  void SetUp() override {
    const Store store = Store::open(origin_).value();
    store.users().create({.id = kPrimary, .platform = "p", .platform_id = "1"}).value();
    store.users().create({.id = kSecondary, .platform = "p", .platform_id = "2"}).value();
    store.conversations()
        .store({.id = kLargeTalk, .owner = kSecondary, .participants = {kSecondary, kPrimary}},
               messages(2000, 1000, kSecondary))
        .value();
    const bool is_about_user = GetParam() == std::string("merge") || GetParam() == std::string("remove_user");
    for (int i = 0; i < (is_about_user ? 1500 : 20); ++i) {
      const auto small = store.conversations().create({.participants = {kSecondary}}).value();
      store.messages().append({.conversation = small, .sender = kSecondary}).value();
      store.memories().create({.key = "k", .user = kSecondary, .conversation = kLargeTalk}).value();
    }
    const Space acme = store.create_space("acme").value();
    const UserId user = acme.users().create({.name = "Wile"}).value();
    for (int i = 0; i < 100; ++i) acme.memories().create({.user = user}).value();
  }

  /// What a reader can see that the works change.
  static std::string visible(const Store& store) {
    std::string text = visible(static_cast<const Repositories&>(store.default_space()));
    for (const std::string& name : store.spaces().value()) text += name + '\n';
    return text;
  }
  static std::string visible(const Repositories& store) {
    std::ostringstream text;
    for (const UserId user : {kPrimary, kSecondary}) {
      text << store.users().get(user).value().has_value() << ' '
           << store.users().identities(user).value().size() << ' '
           << store.messages().by_sender(user, {.limit = kAll}).value().size() << ' '
           << store.memories().find({.user = user, .limit = kAll}).value().size() << ' '
           << store.conversations().of_user(user, kAll).value().size() << ' '
           << store.conversations().find({.owner = user}).value().size() << '\n';
    }
    for (const ConversationId id : {kLargeTalk, kStoredTalk}) {
      const auto whole = store.conversations().whole(id).value();
      text << (whole ? whole->messages.size() : 0) << ' '
           << store.memories().find({.conversation = id, .limit = kAll}).value().size() << ' '
           << store.messages().latest(id, kAll).value().size() << '\n';
    }
    text << store.memories().find({.key = "k", .limit = kAll}).value().size() << ' '
         << store.messages().in_range({}, {.limit = kAll}).value().size() << '\n';
    return text.str();
  }
  /// How many records there are.
  static std::string counts(const Store& store) {
    std::ostringstream text;
    for (const auto& [name, table] : store.stats().value().tables) {
      text << name << ' ' << table.records << '\n';
    }
    return text.str();
  }
  static void expect_sound(const Store& store) {
    const VerifyReport report = store.verify().value();
    EXPECT_TRUE(report.ok);
    for (const Defect& defect : report.defects) {
      ADD_FAILURE() << defect.kind << " " << defect.table << " " << defect.key << " " << defect.detail;
    }
  }

  struct End {
    std::string visible;
    std::string counts;
  };
  static End end_of(const Store& store) { return {visible(store), counts(store)}; }
  Store open(const std::string& path) const {
    return Store::open(path, {.mode = OpenMode::existing, .background_work = false}).value();
  }

  /// A child does the work on a copy; how far it came.
  struct Reached {
    bool acknowledged = false;
    bool finished = false;
  };
  Reached run(const std::string& path, int commits) const {
    std::filesystem::remove_all(path);
    std::filesystem::copy(origin_, path, std::filesystem::copy_options::recursive);
    ChildProcess child(kChild,
                       {{"DIR", path}, {"WORK", GetParam()}, {"COMMITS", std::to_string(commits)}});
    Reached reached;
    reached.acknowledged = child.hear() == "acknowledged";
    reached.finished = child.hear() == "finished";
    EXPECT_EQ(child.finish(), reached.finished);
    return reached;
  }

  void check(const std::string& path, const Reached& reached, const End& before, const End& after) const {
    // Read-only first: its answer is that of the files as the kill has left them.
    const Store reader = Store::open(path, {.mode = OpenMode::read_only}).value();
    expect_sound(reader);
    const std::string read = visible(reader);
    const Store store = open(path);
    expect_sound(store);
    const std::string found = visible(store);
    EXPECT_EQ(read, found) << "read-only";
    const Snapshot snapshot = store.snapshot().value();
    const std::string held = visible(snapshot);
    EXPECT_EQ(found.compare(0, held.size(), held), 0);
    const bool is_done = found == after.visible;
    EXPECT_TRUE(is_done || (!reached.acknowledged && found == before.visible))
        << "found:\n" << found << "before:\n" << before.visible << "after:\n" << after.visible;
    ASSERT_TRUE(store.finish_pending_work());
    EXPECT_EQ(store.health().pending_work, 0U);
    expect_sound(store);
    EXPECT_EQ(visible(store), found);
    EXPECT_EQ(visible(snapshot), held) << "the snapshot";
    ASSERT_TRUE(reader.refresh());
    EXPECT_EQ(visible(reader), found) << "read-only, refreshed";
    EXPECT_EQ(counts(store), is_done ? after.counts : before.counts);
  }

  /// Makes anew what the work removes, with the same id, identity or name; then its removal is
  /// finished. Nothing of the new may go, and nothing of the old come back.
  void check_anew(const std::string& path) const {
    const Store store = open(path);
    const std::string work = GetParam();
    if (work == "drop_space") {
      if (store.space("acme")) return;  // Killed before the first commit.
      const Space acme = store.create_space("acme").value();
      const UserId user = acme.users().create({.id = kSecondary, .name = "Bugs"}).value();
      acme.memories().create({.key = "new", .user = user}).value();
      ASSERT_TRUE(store.finish_pending_work());
      EXPECT_TRUE(acme.users().get(user).value());
      EXPECT_EQ(acme.memories().find({}).value().size(), 1U);
      EXPECT_EQ(acme.users().by_preferred_name("Bugs").value().size(), 1U);
      EXPECT_TRUE(acme.users().by_preferred_name("Wile").value().empty());
    } else if (work == "merge" || work == "remove_user") {
      if (store.users().get(kSecondary).value()) return;
      const char* platform_id = work == "merge" ? "3" : "2";
      store.users().create({.id = kSecondary, .platform = "p", .platform_id = platform_id}).value();
      const auto talk = store.conversations().create({.participants = {kSecondary}}).value();
      store.messages().append({.conversation = talk, .sender = kSecondary}).value();
      store.memories().create({.key = "new", .user = kSecondary}).value();
      ASSERT_TRUE(store.finish_pending_work());
      EXPECT_EQ(store.users().by_platform("p", platform_id).value()->id(), kSecondary);
      EXPECT_EQ(store.conversations().of_user(kSecondary, kAll).value().size(), 1U);
      EXPECT_EQ(store.messages().by_sender(kSecondary, {.limit = kAll}).value().size(), 1U);
      EXPECT_EQ(store.memories().find({.user = kSecondary, .limit = kAll}).value().size(), 1U);
    } else {
      const ConversationId id = work == "store" ? kStoredTalk : kLargeTalk;
      if (store.conversations().get(id).value()) return;
      const NewConversation header{.id = id, .participants = {kPrimary}};
      store.conversations().store(header, messages(3, 5, kPrimary)).value();
      store.memories().create({.key = "new", .conversation = id}).value();
      ASSERT_TRUE(store.finish_pending_work());
      EXPECT_EQ(store.conversations().whole(id).value()->messages.size(), 3U);
      EXPECT_EQ(store.memories().find({.conversation = id}).value().size(), 1U);
    }
    EXPECT_EQ(store.health().pending_work, 0U);
    expect_sound(store);
  }

  const TempDirectory directory_{TempDirectory::On::memory};
  const std::string origin_ = directory_.path("origin");
};

TEST_P(LargeWork, IsWholeAfterAKillBeforeAnyCommit) {
  const std::string path = directory_.path("copy");
  const std::string anew = directory_.path("anew");
  const End before = end_of(open(origin_));
  ASSERT_TRUE(run(path, -1).finished);
  const End after = end_of(open(path));
  ASSERT_NE(before.visible, after.visible);
  ASSERT_NE(before.counts, after.counts);

  int commits = 0;
  int left = 0;
  for (;; ++commits) {
    SCOPED_TRACE("killed after commits: " + std::to_string(commits));
    const Reached reached = run(path, commits);
    std::filesystem::remove_all(anew);
    std::filesystem::copy(path, anew, std::filesystem::copy_options::recursive);
    check(path, reached, before, after);
    check_anew(anew);
    if (reached.finished || HasFailure()) break;
    left += reached.acknowledged ? 1 : 0;
  }
  std::printf("%s: %d commits, %d of them after the answer\n", GetParam(), commits, left);
  EXPECT_GE(commits, 3) << "the work must be large";
}

INSTANTIATE_TEST_SUITE_P(Works, LargeWork,
                         ::testing::Values("remove_conversation", "merge", "remove_user",
                                           "drop_space", "store"),
                         [](const auto& work) { return std::string(work.param); });

}  // namespace
}  // namespace callisto::testing
