// The estimates that the planner goes by, against a count of every entry.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "api/core.h"
#include "indexes/cardinality_sketch.h"
#include "indexes/index_keys.h"
#include "tests/support/map_engine.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto::detail {
namespace {

using indexes::CardinalitySketch;
using indexes::SpaceCardinality;

/// The repositories of one space of a core.
struct Face : Repositories {
  Face(StoreCore& core, SpaceNumber space) : scope{&core, &core.slot(space), nullptr, nullptr} {
    bind(&scope);
  }
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;
  const Scope scope;
};

std::map<std::string, std::uint64_t> count_prefixes(StoreCore& core) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& table : core.maintainer().catalogue().tables) {
    for (const auto& index : table.indexes) {
      if (index.order_bytes == indexes::kNotCounted) continue;
      for (const auto& [name, space] : core.spaces(core.engine()).value()) {
        const std::string prefix = indexes::index_prefix(space, index.id);
        const std::string end = schema::prefix_end(prefix);
        auto cursor = core.engine().scan(index.family, {.lower = prefix, .upper = end});
        for (; cursor->valid(); cursor->next()) {
          const std::string_view key = cursor->key();
          ++counts[std::string(key.substr(0, key.size() - index.order_bytes))];
        }
        EXPECT_TRUE(cursor->status());
      }
    }
  }
  return counts;
}

std::uint64_t estimate(StoreCore& core, std::string_view prefix) {
  return SpaceCardinality(core.cardinality(), core.engine(), core.maintainer().catalogue(),
                          schema::KeyReader(prefix).u32())
      .entries(prefix);
}

/// Never below what is there, and above it only where cells are shared: hardly ever, by so few.
void expect_right(StoreCore& core) {
  std::size_t too_high = 0;
  for (const auto& [prefix, count] : count_prefixes(core)) {
    const std::uint64_t estimated = estimate(core, prefix);
    ASSERT_GE(estimated, count) << schema::to_hex(prefix);
    too_high += estimated > count ? 1 : 0;
  }
  EXPECT_LE(too_high, 2u);
}

class CardinalityTest : public ::testing::Test {
 protected:
  Options options() {
    Options options;
    options.environment = &environment_;
    options.background_work = false;
    options.memory_budget_bytes = 32ULL << 20;
    return options;
  }
  void open() { core_ = StoreCore::open(directory_.path("store"), options()).value(); }
  void close() {
    ASSERT_TRUE(core_->close());
    core_ = nullptr;
  }

  std::string word(const char* kind, std::uint32_t of) {
    // A few words stand in many records.
    return kind + std::to_string(std::min(pick(of), pick(of)));
  }
  std::uint32_t pick(std::uint32_t of) { return static_cast<std::uint32_t>(random_() % of); }

  NewMemory memory() {
    NewMemory memory;
    memory.category = word("category", 4);
    memory.key = word("key", 60);
    memory.type = word("type", 3);
    memory.source_agent = word("agent", 5);
    memory.priority = static_cast<std::uint8_t>(1 + pick(10));
    for (std::uint32_t i = pick(4); i > 0; --i) memory.tags.push_back(word("tag", 20));
    return memory;
  }

  /// One call, of which some are given up and some meet a conflict.
  void step(const Repositories& space) {
    const auto& memories = space.memories();
    const std::uint32_t what = pick(10);
    if (ids_.empty() || what < 4) {
      ids_.push_back(memories.create(memory()).value());
    } else if (what < 6) {
      MemoryPatch patch;
      patch.tags = memory().tags;
      patch.priority = static_cast<std::uint8_t>(1 + pick(10));
      memories.update(any(), patch).value();
    } else if (what < 7) {
      const MemoryId gone = any();
      memories.remove(gone).value();
      std::erase(ids_, gone);
    } else {
      transact(what == 7, what == 8);
    }
  }

  MemoryId any() { return ids_[pick(static_cast<std::uint32_t>(ids_.size()))]; }

  void transact(bool gives_up, bool meets_a_conflict) {
    const Face outside(*core_, schema::kDefaultSpace);
    const MemoryId contested = any();
    std::vector<MemoryId> made;
    int attempt = 0;
    auto done = transact_in(outside.scope, {}, [&](Transaction& transaction) -> Result<void> {
      made.clear();
      ++attempt;
      for (int i = 0; i < 3; ++i) {
        made.push_back(transaction.memories().create(memory()).value());
      }
      // A call that fails inside takes back what it wrote.
      NewMemory known = memory();
      known.id = made.front();
      known.text = "another";
      EXPECT_FALSE(transaction.memories().create(known));
      MemoryPatch patch;
      patch.tags = memory().tags;
      if (auto updated = transaction.memories().update(contested, patch); !updated) {
        return updated.error();
      }
      if (meets_a_conflict && attempt == 1) {
        MemoryPatch faster;
        faster.tags = {"faster"};
        outside.memories().update(contested, faster).value();
      }
      if (gives_up) return Error(Code::invalid_argument, "given up");
      return {};
    });
    EXPECT_EQ(done.has_value(), !gives_up);
    EXPECT_EQ(attempt, meets_a_conflict ? 2 : 1);
    if (done) ids_.insert(ids_.end(), made.begin(), made.end());
  }

  testing::TestEnvironment environment_{testing::test_seed()};
  testing::TempDirectory directory_{testing::TempDirectory::On::memory};
  std::shared_ptr<StoreCore> core_;
  std::mt19937_64 random_{testing::test_seed()};
  std::vector<MemoryId> ids_;
};

TEST_F(CardinalityTest, FollowsRandomHistoriesWithConflictsAndReopening) {
  for (int round = 0; round < 4; ++round) {
    open();
    const Face space(*core_, schema::kDefaultSpace);
    for (int i = 0; i < 150; ++i) step(space);
    const UserId user = space.users().create({.name = "Reece"}).value();
    for (int i = 0; i < 5; ++i) {
      NewConversation talk;
      talk.participants = {user};
      talk.type = word("talk", 2);
      const ConversationId id = space.conversations().create(talk).value();
      space.messages().append({.conversation = id, .sender = user, .content = "m"}).value();
    }
    expect_right(*core_);
    close();
  }
  open();
  expect_right(*core_);
}

TEST_F(CardinalityTest, AWholeIndexIsExact) {
  open();
  const Face space(*core_, schema::kDefaultSpace);
  for (int i = 0; i < 30; ++i) step(space);
  const std::string all = indexes::memory_by_created_prefix(schema::kDefaultSpace);
  EXPECT_EQ(estimate(*core_, all), ids_.size());
  EXPECT_EQ(estimate(*core_, indexes::memory_by_tag_prefix(schema::kDefaultSpace, "unknown")), 0u);
}

TEST_F(CardinalityTest, ACleanCloseWithoutChangesWritesNothing) {
  open();
  step(Face(*core_, schema::kDefaultSpace));
  close();
  const auto revision = [&] {
    kv::Value value;
    const auto found = core_->engine().get(
        kv::Family::system, schema::cardinality_key(schema::kCardinalityRevision), value);
    return found.value() ? std::string(value.view()) : "absent";
  };
  open();
  const std::string first = revision();
  EXPECT_NE(first, "absent");
  close();
  open();
  EXPECT_EQ(revision(), first);
}

TEST_F(CardinalityTest, ACrashLosesOnlyWhatWasNotSaved) {
  open();
  const Face space(*core_, schema::kDefaultSpace);
  for (int i = 0; i < 400; ++i) {
    NewMemory one = memory();
    one.tags = {"all"};
    ids_.push_back(space.memories().create(one).value());
  }
  // What a killed process leaves: the files as they are.
  std::filesystem::copy(directory_.path("store"), directory_.path("crashed"),
                        std::filesystem::copy_options::recursive);
  auto crashed = StoreCore::open(directory_.path("crashed"), options()).value();
  const auto prefix = indexes::memory_by_tag_prefix(schema::kDefaultSpace, "all");
  EXPECT_EQ(estimate(*core_, prefix), 400u);
  EXPECT_GE(estimate(*crashed, prefix), 200u);
  EXPECT_LT(estimate(*crashed, prefix), 400u);
  ASSERT_TRUE(crashed->cardinality().rebuild(crashed->engine(), crashed->maintainer().catalogue()));
  expect_right(*crashed);
  // More goes than the sketch had.
  std::filesystem::copy(directory_.path("store"), directory_.path("again"),
                        std::filesystem::copy_options::recursive);
  auto again = StoreCore::open(directory_.path("again"), options()).value();
  const Face left(*again, schema::kDefaultSpace);
  for (const MemoryId& id : ids_) ASSERT_TRUE(left.memories().remove(id).value());
  EXPECT_EQ(estimate(*again, prefix), 0u);
  ASSERT_TRUE(again->close());
  ASSERT_TRUE(crashed->close());
}

TEST_F(CardinalityTest, AFollowerSeesWhatWasSaved) {
  open();
  const auto prefix = indexes::memory_by_tag_prefix(schema::kDefaultSpace, "all");
  const auto add = [&](int count) {
    const Face space(*core_, schema::kDefaultSpace);
    for (int i = 0; i < count; ++i) {
      space.memories().create({.key = std::to_string(i), .tags = {"all"}}).value();
    }
  };
  add(10);
  ASSERT_TRUE(core_->cardinality().save(core_->engine()));
  Options follow = options();
  follow.mode = OpenMode::read_only;
  auto follower = StoreCore::open(directory_.path("store"), follow).value();
  EXPECT_EQ(estimate(*follower, prefix), 10u);
  add(5);
  ASSERT_TRUE(core_->cardinality().save(core_->engine()));
  EXPECT_EQ(estimate(*follower, prefix), 10u);
  ASSERT_TRUE(follower->refresh());
  EXPECT_EQ(estimate(*follower, prefix), 15u);
  ASSERT_TRUE(follower->close());
}

TEST_F(CardinalityTest, ADroppedSpaceCountsForNothing) {
  open();
  const SpaceNumber other = core_->create_space("other").value();
  {
    const Face space(*core_, other);
    for (int i = 0; i < 50; ++i) space.memories().create(memory()).value();
  }
  const auto prefix = indexes::memory_by_type_prefix(other, "type0");
  EXPECT_GT(estimate(*core_, prefix), 0u);
  const Face space(*core_, schema::kDefaultSpace);
  for (int i = 0; i < 50; ++i) step(space);
  ASSERT_TRUE(core_->drop_space("other").value());
  ASSERT_TRUE(core_->finish_pending_work());
  EXPECT_EQ(estimate(*core_, prefix), 0u);
  expect_right(*core_);
  ASSERT_TRUE(core_->cardinality().rebuild(core_->engine(), core_->maintainer().catalogue()));
  EXPECT_EQ(core_->cardinality().estimate(prefix), 0u);
  expect_right(*core_);
}

TEST_F(CardinalityTest, DamagedRowsAreNoErrors) {
  open();
  const Face space(*core_, schema::kDefaultSpace);
  space.memories().create({.key = "k", .tags = {"all"}}).value();
  ASSERT_TRUE(core_->cardinality().save(core_->engine()));
  kv::Batch batch;
  for (std::uint8_t part = 0; part < CardinalitySketch::kChunks; ++part) {
    batch.put(kv::Family::system, schema::cardinality_key(part), "\xFF\xFF\xFF");
  }
  ASSERT_TRUE(core_->engine().apply(batch, Durability::buffered));
  CardinalitySketch sketch;
  ASSERT_TRUE(sketch.load(core_->engine()));
  EXPECT_EQ(sketch.estimate(indexes::memory_by_tag_prefix(schema::kDefaultSpace, "all")), 0u);
}

}  // namespace
}  // namespace callisto::detail
