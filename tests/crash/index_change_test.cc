// Definitions of indexes that change under a store: found out at opening, built and removed in
// steps, stopped between every two of them; in the end the store is the one that the new
// definitions would have made from the start.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "api/core.h"
#include "callisto/store.h"
#include "engine/open.h"
#include "indexes/index_build.h"
#include "indexes/index_change.h"
#include "indexes/scrub.h"
#include "tests/api/large_work_fixture.h"
#include "tests/crash/dying_engine.h"
#include "tests/support/changed_catalogue.h"
#include "tests/support/child_process.h"
#include "tests/support/engine_factories.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

using detail::Scope;
using detail::StoreCore;
using schema::IndexId;
using schema::kDefaultSpace;

constexpr int kMemories = 700;
constexpr int kMessages = 900;

/// The same records in every store: users, a conversation with messages, memories.
void fill(const Scope& scope) {
  const UserId user = UserId::from_external("index", "user");
  ASSERT_TRUE(Users(scope).create({.id = user, .platform = "p", .platform_id = "1"}));
  const ConversationId talk = ConversationId::from_external("index", "talk");
  std::vector<NewMessage> messages(kMessages);
  for (int i = 0; i < kMessages; ++i) {
    NewMessage& message = messages[static_cast<std::size_t>(i)];
    message.id = MessageId::from_external("index", std::to_string(i));
    if (i % 3 != 0) message.sender = user;
    message.content = "pie " + std::to_string(i);
    message.importance = static_cast<float>(i % 10) / 10;
  }
  ASSERT_TRUE(Conversations(scope).store({.id = talk, .participants = {user}}, messages));
  for (int i = 0; i < kMemories; ++i) {
    NewMemory memory;
    memory.id = MemoryId::from_external("index", std::to_string(i));
    memory.category = "c" + std::to_string(i % 5);
    memory.source_agent = i % 2 == 0 ? "cook" : "";
    CallOptions call;
    call.caller.task = "t" + std::to_string(i % 3);
    ASSERT_TRUE(Memories(scope).create(memory, call));
  }
}

Options quiet(Environment& environment) {
  Options options;
  options.environment = &environment;
  options.background_work = false;
  return options;
}

/// An engine that outlives the stores over it.
class IndexChange : public ::testing::TestWithParam<EngineFactory> {
 protected:
  using Rows = std::map<std::pair<kv::Family, std::string>, std::string>;

  void SetUp() override { below_.engine = GetParam().make(environment_); }

  void open(const indexes::Catalogue& catalogue) {
    core_.reset();
    below_.commits_left.reset();
    auto opened =
        StoreCore::over(std::make_unique<FailingEngine>(below_), quiet(environment_), catalogue);
    ASSERT_TRUE(opened) << opened.error().to_string();
    core_ = *opened;
    scope_ = {core_.get(), &core_->slot(kDefaultSpace), nullptr, nullptr};
  }
  std::shared_ptr<const indexes::SpaceState> state() {
    return indexes::SpaceState::load(*below_.engine, kDefaultSpace).value();
  }
  void expect_sound(const indexes::Catalogue& catalogue, std::uint64_t* pending = nullptr) {
    VerifyReport report;
    auto snapshot = below_.engine->snapshot();
    ASSERT_TRUE(indexes::scrub(*snapshot, catalogue, kDefaultSpace, report));
    EXPECT_EQ(report.missing + report.wrong + report.dangling + report.undecodable, 0U);
    for (const Defect& defect : report.defects) {
      ADD_FAILURE() << defect.kind << " " << defect.table << " " << defect.key << " "
                    << defect.detail;
    }
    if (pending != nullptr) *pending = report.pending;
  }
  Rows rows() {
    Rows rows;
    const std::string lower = schema::space_prefix(kDefaultSpace);
    const std::string upper = schema::prefix_end(lower);
    for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
      const auto family = static_cast<kv::Family>(i);
      for (auto cursor = below_.engine->scan(family, {lower, upper}); cursor->valid();
           cursor->next()) {
        rows[{family, std::string(cursor->key())}] = cursor->value();
      }
    }
    return rows;
  }
  /// The rows of a store that had the catalogue from the start.
  Rows rows_from_the_start(const indexes::Catalogue& catalogue) {
    TestEnvironment environment;
    EngineBelow below;
    std::swap(below, below_);
    below_.engine = make_map_engine(environment);
    const auto core =
        StoreCore::over(std::make_unique<FailingEngine>(below_), quiet(environment), catalogue)
            .value();
    fill({core.get(), &core->slot(kDefaultSpace), nullptr, nullptr});
    Rows made = rows();
    std::swap(below, below_);
    return made;
  }

  TestEnvironment environment_;
  EngineBelow below_;
  std::shared_ptr<StoreCore> core_;
  Scope scope_;
};

TEST_P(IndexChange, EndsAsAStoreThatHadTheDefinitionsFromTheStart) {
  ChangedCatalogue old = old_catalogue();
  ChangedCatalogue changed = new_catalogue();
  open(old.get());
  fill(scope_);
  EXPECT_EQ(wrong_entries(*below_.engine, old.get(), kDefaultSpace), "");
  EXPECT_TRUE(core_->index_work().value().empty());

  open(changed.get());
  EXPECT_EQ(core_->index_work().value().size(), 5U);
  EXPECT_EQ(state()->index_state(IndexId::memory_by_category), IndexState::building);
  EXPECT_EQ(state()->index_state(kOldCategories), IndexState::ready);
  EXPECT_EQ(state()->index_state(IndexId::message_by_sender), IndexState::building);
  EXPECT_EQ(state()->index_state(IndexId::message_by_importance), IndexState::dropping);
  EXPECT_EQ(indexes::ready_version(changed.get(), *state(), IndexId::memory_by_category),
            kOldCategories);
  EXPECT_EQ(indexes::ready_version(changed.get(), *state(), IndexId::memory_by_task), std::nullopt);
  std::uint64_t pending = 0;
  expect_sound(changed.get(), &pending);
  // What two builds miss, and what two removals have before them.
  EXPECT_GE(pending, 2U * kMemories + kMessages);

  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_TRUE(core_->index_work().value().empty());
  EXPECT_TRUE(core_->pending_work().value().empty());
  EXPECT_EQ(indexes::ready_version(changed.get(), *state(), IndexId::memory_by_category),
            IndexId::memory_by_category);
  expect_sound(changed.get(), &pending);
  EXPECT_EQ(pending, 0U);
  EXPECT_EQ(wrong_entries(*below_.engine, changed.get(), kDefaultSpace), "");
  EXPECT_TRUE(rows() == rows_from_the_start(changed.get()));
  EXPECT_EQ(Memories(scope_).find({.task = "t1", .limit = 1000}).value().size(), 233U);
}

TEST_P(IndexChange, GoesOnAfterAStopBetweenAnyTwoCommits) {
  ChangedCatalogue old = old_catalogue();
  ChangedCatalogue changed = new_catalogue();
  open(old.get());
  fill(scope_);
  int commits = 0;
  for (; commits < 100; ++commits) {
    SCOPED_TRACE("after commits: " + std::to_string(commits));
    open(changed.get());
    expect_sound(changed.get());
    // A writer between the steps.
    const std::string name = "late" + std::to_string(commits);
    ASSERT_TRUE(Memories(scope_).create({.category = name, .source_agent = "cook"}));
    ASSERT_TRUE(
        Memories(scope_).remove(MemoryId::from_external("index", std::to_string(commits * 7))));
    below_.commits_left = 1;
    const auto done = core_->finish_pending_work();
    if (done || HasFailure()) break;
    ASSERT_EQ(done.error().code(), Code::unavailable);
  }
  EXPECT_GE(commits, 15);
  EXPECT_LT(commits, 100);
  expect_sound(changed.get());
  EXPECT_EQ(wrong_entries(*below_.engine, changed.get(), kDefaultSpace), "");
}

/// Between the reads of a build's step and its commit, writers change, remove and make its rows.
TEST_P(IndexChange, StepsSeeWritersThatCameBetween) {
  ChangedCatalogue old = old_catalogue();
  ChangedCatalogue changed = new_catalogue();
  open(old.get());
  fill(scope_);
  open(changed.get());
  bool is_busy = false;
  int calls = 0;
  const auto id = [](int i) {
    return MemoryId::from_external("index", std::to_string(i % kMemories));
  };
  below_.before_commit = [&] {
    if (is_busy || ++calls % 2 == 0) return;
    is_busy = true;
    for (int i = 13 * calls; i < 13 * calls + 20; ++i) {
      ignore_error(Memories(scope_).update(id(i), {.category = "late"}), "it may be removed");
      ignore_error(Memories(scope_).remove(id(3 * i + 1)), "it may be removed");
    }
    ASSERT_TRUE(Memories(scope_).create({.category = "late"}));
    is_busy = false;
  };
  ASSERT_TRUE(core_->finish_pending_work());
  below_.before_commit = nullptr;
  EXPECT_GE(calls, 15);
  EXPECT_EQ(wrong_entries(*below_.engine, changed.get(), kDefaultSpace), "");
}

/// Between the reads of a writer and its commit, a build comes by its row.
TEST_P(IndexChange, WritersSeeStepsThatCameBetween) {
  ChangedCatalogue old = old_catalogue();
  ChangedCatalogue changed = new_catalogue();
  open(old.get());
  fill(scope_);
  std::vector<MemoryId> ids;
  for (int i = 0; i < kMemories; ++i) {
    ids.push_back(MemoryId::from_external("index", std::to_string(i)));
  }
  std::sort(ids.begin(), ids.end());
  open(changed.get());
  int steps = 0;
  bool is_due = false;
  below_.before_commit = [&] {
    if (!std::exchange(is_due, false)) return;
    ASSERT_TRUE(indexes::index_step(*below_.engine, changed.get(), kDefaultSpace,
                                    IndexId::memory_by_category)
                    .value());
    ++steps;
  };
  is_due = true;
  ASSERT_TRUE(Memories(scope_).update(ids.at(0), {.category = "late"}));
  is_due = true;
  ASSERT_TRUE(Memories(scope_).remove(ids.at(indexes::kIndexStepRows)));
  is_due = true;  // This step is the last one, and switches.
  ASSERT_TRUE(Memories(scope_).update(ids.at(kMemories - 1), {.category = "late"}));
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(state()->index_state(IndexId::memory_by_category), IndexState::ready);
  EXPECT_EQ(state()->index_state(kOldCategories), IndexState::dropping);
  below_.before_commit = nullptr;
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_EQ(wrong_entries(*below_.engine, changed.get(), kDefaultSpace), "");
}

/// A writer that has read the set from before a change does not commit after it.
TEST_P(IndexChange, WritersDoNotGoByASetThatHasChanged) {
  ChangedCatalogue old = old_catalogue();
  open(old.get());
  fill(scope_);
  const auto disabled = below_.engine->run({}, [&](kv::Transaction& transaction) {
    indexes::IndexSet set = state()->indexes();
    set.set_state(IndexId::memory_by_type, IndexState::disabled);
    return indexes::put_index_set(transaction, *state(), set);
  });
  ASSERT_TRUE(disabled);
  bool is_due = true;
  below_.before_commit = [&] {
    if (!std::exchange(is_due, false)) return;
    ASSERT_TRUE(core_->reindex({"memory_by_type"}));
    while (indexes::index_step(*below_.engine, old.get(), kDefaultSpace, IndexId::memory_by_type)
               .value()) {
    }
  };
  is_due = true;
  ASSERT_TRUE(Memories(scope_).create({.type = "late"}));
  EXPECT_FALSE(is_due);
  EXPECT_EQ(wrong_entries(*below_.engine, old.get(), kDefaultSpace), "");
}

/// What an older version of the same form has is read until the new one is ready.
TEST_P(IndexChange, ReadsTheVersionBefore) {
  ChangedCatalogue old = old_numbers();
  ChangedCatalogue changed = new_numbers();
  open(old.get());
  // Not by number: the program of this catalogue looks under the new ones, and finds none ready.
  fill(scope_);
  open(changed.get());
  const auto id = [](int i) { return MessageId::from_external("index", std::to_string(i)); };
  const ConversationId talk = ConversationId::from_external("index", "talk");
  const auto is_found = [&] {
    const QueryPlan plan = Memories(scope_).explain({.task = "t1", .limit = 1000}).value();
    const TimeRange any{Time(0), std::nullopt};
    return plan.rows_returned == 233 && plan.steps.front().condition == "task" &&
           Messages(scope_).get(id(7)).value() &&
           Users(scope_).list({.last_seen = any}).value().size() == 1;
  };
  EXPECT_EQ(state()->index_state(IndexId::message_by_id), IndexState::building);
  int commits = 0;
  for (; commits < 100; ++commits) {
    SCOPED_TRACE("after commits: " + std::to_string(commits));
    EXPECT_TRUE(is_found());
    EXPECT_EQ(Messages(scope_).append({.id = id(9), .conversation = talk}).error().code(),
              Code::already_exists);
    ASSERT_TRUE(Messages(scope_).update(id(commits), {.model = "late"}));
    open(changed.get());
    below_.commits_left = 1;
    if (core_->finish_pending_work() || HasFailure()) break;
    below_.commits_left.reset();
  }
  EXPECT_GE(commits, 8);
  EXPECT_LT(commits, 100);
  EXPECT_TRUE(is_found());
  EXPECT_EQ(state()->index_state(kOldIds), IndexState::absent);
  EXPECT_EQ(wrong_entries(*below_.engine, changed.get(), kDefaultSpace), "");
}

/// Back to the older software in the middle, and forward again.
TEST_P(IndexChange, TurnsAroundHalfWay) {
  ChangedCatalogue old = old_catalogue();
  ChangedCatalogue changed = new_catalogue();
  open(old.get());
  fill(scope_);
  for (const int commits : {0, 3, 8, 1, 12, 5, 2, 30}) {
    for (ChangedCatalogue* catalogue : {&changed, &old}) {
      open(catalogue->get());
      below_.commits_left = commits;
      ignore_error(core_->finish_pending_work(), "it stops half way");
      expect_sound(catalogue->get());
    }
  }
  open(old.get());
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_EQ(wrong_entries(*below_.engine, old.get(), kDefaultSpace), "");
  open(changed.get());
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_EQ(wrong_entries(*below_.engine, changed.get(), kDefaultSpace), "");
}

TEST_P(IndexChange, SnapshotsSeeTheStateThatTheyWereTakenAt) {
  ChangedCatalogue old = old_catalogue();
  open(old.get());
  fill(scope_);
  open(indexes::standard_catalogue());
  const auto by_task = [](const Scope& scope) {
    // Where the index is not ready another one drives, and records decide.
    const QueryPlan plan = Memories(scope).explain({.task = "t1", .limit = 1000}).value();
    const bool is_used = std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
      return step.index == "memory_by_task";
    });
    return std::to_string(plan.rows_returned) + (is_used ? " by its index" : "");
  };
  auto view = below_.engine->snapshot();
  auto before = scope_.slot->state(*below_.engine, *view).value();
  detail::SnapshotCore snapshot(core_, *scope_.slot, std::move(view), before, kTestStart);
  EXPECT_EQ(by_task(scope_), "233");
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_EQ(by_task(scope_), "233 by its index");
  EXPECT_EQ(by_task(snapshot.scope), "233");
  EXPECT_EQ(wrong_entries(*below_.engine, indexes::standard_catalogue(), kDefaultSpace), "");
}

TEST_P(IndexChange, RebuildsOfTheSameDefinitionsMendAnything) {
  open(indexes::standard_catalogue());
  fill(scope_);
  const Rows right = rows();
  kv::Batch damage;
  for (const auto& [place, value] : right) {
    const bool is_spoilt = place.first == kv::Family::indexes && place.second.back() % 4 == 0;
    if (is_spoilt) damage.erase(place.first, place.second);
    if (is_spoilt) damage.put(place.first, place.second + "x", "no entry");
  }
  ASSERT_TRUE(below_.engine->apply(damage, Durability::buffered));
  EXPECT_EQ(core_->reindex({"nonsense"}).error().code(), Code::invalid_argument);
  ASSERT_TRUE(core_->reindex({}));
  EXPECT_EQ(state()->index_state(IndexId::memory_by_task), IndexState::stale);
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_EQ(wrong_entries(*below_.engine, indexes::standard_catalogue(), kDefaultSpace), "");
  EXPECT_TRUE(rows() == right);
}

TEST_P(IndexChange, ALostSetIsMadeAnewFromTheRecords) {
  open(indexes::standard_catalogue());
  fill(scope_);
  const Rows right = rows();
  kv::Batch damage;
  damage.erase(kv::Family::system, schema::index_set_key(kDefaultSpace));
  ASSERT_TRUE(below_.engine->apply(damage, Durability::buffered));
  open(indexes::standard_catalogue());
  EXPECT_FALSE(core_->index_work().value().empty());
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_TRUE(rows() == right);
}

TEST_P(IndexChange, NewSpacesHoldAllIndexesAndSpacesChangeOneByOne) {
  ChangedCatalogue old = old_catalogue();
  open(old.get());
  const auto acme = core_->create_space("acme").value();
  fill({core_.get(), &core_->slot(acme), nullptr, nullptr});
  open(indexes::standard_catalogue());
  const auto fresh = core_->create_space("fresh").value();
  EXPECT_EQ(indexes::SpaceState::load(*below_.engine, fresh).value()->indexes(),
            indexes::full_set(indexes::standard_catalogue()));
  for (const IndexWork& work : core_->index_work().value()) EXPECT_NE(work.space, "fresh");
  ASSERT_TRUE(core_->finish_pending_work());
  for (const auto space : {kDefaultSpace, acme, fresh}) {
    EXPECT_EQ(indexes::SpaceState::load(*below_.engine, space).value()->indexes(),
              indexes::full_set(indexes::standard_catalogue()));
  }
  EXPECT_EQ(wrong_entries(*below_.engine, indexes::standard_catalogue(), acme), "");
}

INSTANTIATE_TEST_SUITE_P(Engines, IndexChange,
                         ::testing::Values(engine_factories().at(0), engine_factories().at(2)),
                         [](const auto& one) { return one.param.name; });

// On disk: kills and read-only openers
// -------------------------------------------------------------

TEST(IndexChangeChild, DISABLED_DiesBeforeACommit) {
  kv::OpenOptions engine_options;
  engine_options.directory = child_setting("DIR");
  engine_options.create = false;
  engine_options.memory_budget_bytes = 32ULL << 20;
  engine_options.environment = &Environment::system();
  auto engine = std::make_unique<DyingEngine>(kv::open_rocksdb(engine_options).value());
  DyingEngine& dying = *engine;
  // recover_work() and the change each ask for a commit at opening, the change only once.
  if (child_setting("WHEN") == "opening") dying.die_after(1);
  ChangedCatalogue changed = new_catalogue();
  Options options;
  options.background_work = false;
  const auto core = StoreCore::over(std::move(engine), options, changed.get()).value();
  dying.die_after(std::stoi(child_setting("COMMITS")));
  core->finish_pending_work().value();
  tell_parent("finished");
  dying.die_after(1000);  // Closing saves estimates.
  core->close().value();
}

TEST(IndexChangeOnDisk, GoesOnAfterAKillBetweenAnyTwoSteps) {
  const TempDirectory directory{TempDirectory::On::memory};
  const std::string path = directory.path("store");
  ChangedCatalogue old = old_catalogue();
  ChangedCatalogue changed = new_catalogue();
  Options options;
  options.background_work = false;
  {
    const auto core = StoreCore::open(path, options, old.get()).value();
    fill({core.get(), &core->slot(kDefaultSpace), nullptr, nullptr});
    core->close().value();
  }
  int kills = 0;
  for (bool is_finished = false; !is_finished && kills < 100; ++kills) {
    ChildProcess child(
        "IndexChangeChild.DISABLED_DiesBeforeACommit",
        {{"DIR", path}, {"COMMITS", "2"}, {"WHEN", kills == 0 ? "opening" : "work"}});
    is_finished = child.hear() == "finished";
    ASSERT_EQ(child.finish(), is_finished);
  }
  EXPECT_GE(kills, 8);
  const auto core = StoreCore::open(path, options, changed.get()).value();
  EXPECT_TRUE(core->index_work().value().empty());
  EXPECT_EQ(wrong_entries(core->engine(), changed.get(), kDefaultSpace), "");
}

TEST(IndexChangeOnDisk, ReadersUseWhatIsReadyAndSayWhatIsNot) {
  const TempDirectory directory{TempDirectory::On::memory};
  const std::string path = directory.path("store");
  ChangedCatalogue old = old_catalogue();
  Options options;
  options.background_work = false;
  {
    const auto core = StoreCore::open(path, options, old.get()).value();
    fill({core.get(), &core->slot(kDefaultSpace), nullptr, nullptr});
    core->close().value();
  }
  const Store reader = Store::open(path, {.mode = OpenMode::read_only}).value();
  // Another index drives, and records decide.
  const auto finds_without = [&](const Store& store) {
    const QueryPlan plan = store.memories().explain({.task = "t1", .limit = 1000}).value();
    for (const QueryStep& step : plan.steps) {
      if (step.index == "memory_by_task") return std::uint64_t{0};
    }
    return plan.rows_returned;
  };
  EXPECT_EQ(finds_without(reader), 233U);
  EXPECT_EQ(reader.messages().by_sender(UserId::from_external("index", "user")).error().code(), Code::index_not_ready);
  EXPECT_EQ(reader.memories().find({.source_agent = "cook", .limit = 1000}).value().size(), 350U);
  EXPECT_TRUE(reader.verify().value().ok);
  const UpgradeReport planned = reader.upgrade(true).value();
  EXPECT_FALSE(planned.is_done);
  EXPECT_EQ(planned.work.size(), 5U);
  EXPECT_EQ(reader.upgrade().error().code(), Code::read_only);
  EXPECT_EQ(reader.reindex().error().code(), Code::read_only);
  EXPECT_EQ(reader.stats().value().indexes.at("memory_by_task").state, IndexState::absent);

  const Store writer =
      Store::open(path, {.mode = OpenMode::existing, .background_work = false}).value();
  EXPECT_EQ(writer.stats().value().indexes.at("memory_by_task").state, IndexState::building);
  EXPECT_EQ(writer.stats().value().indexes.at("0x01f1").state, IndexState::dropping);
  EXPECT_EQ(writer.health().pending_work, 5U);
  reader.refresh().value();
  EXPECT_EQ(finds_without(reader), 233U);
  EXPECT_EQ(reader.index_work().value().size(), 5U);
  EXPECT_EQ(writer.upgrade().value().work.size(), 5U);
  EXPECT_TRUE(writer.upgrade().value().is_done);
  EXPECT_TRUE(writer.upgrade().value().work.empty());
  EXPECT_EQ(finds_without(reader), 233U);
  reader.refresh().value();
  EXPECT_EQ(finds_without(reader), 0U);
  EXPECT_EQ(reader.memories().find({.task = "t1", .limit = 1000}).value().size(), 233U);
  EXPECT_TRUE(reader.index_work().value().empty());
  EXPECT_TRUE(writer.verify().value().ok);
}

}  // namespace
}  // namespace callisto::testing
