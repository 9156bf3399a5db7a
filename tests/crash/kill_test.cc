// A child works on a store and is killed at a random point; what it had acknowledged is there, and
// what it was at is there wholly or not at all.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/history.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

constexpr int kLanes = 2;

int cycles() {
  const char* given = std::getenv("CALLISTO_CRASH_CYCLES");
  return given == nullptr ? 20 : std::atoi(given);
}

Options options_of(const std::string& durability) {
  Options options;
  options.memory_budget_bytes = 32ULL << 20;  // Small, so that memtables fill up and are written.
  options.durability = durability == "synced" ? Durability::synced : Durability::buffered;
  if (durability == "synced") options.record_cache_bytes = 0;  // The others have a cache.
  return options;
}

/// Runs a lane from its next operation on, telling each that is answered.
void run_lane(const Store& store, int lane) {
  const std::string text = std::to_string(lane);
  const std::uint64_t seed = std::stoull(child_setting("SEED"));
  for (std::uint64_t number = std::stoull(child_setting("NEXT" + text));; ++number) {
    auto done = Operation(seed, lane, number).run(store);
    if (!done && done.error().code() == Code::conflict) {
      --number;  // Background work was faster.
      continue;
    }
    if (!done) {
      tell_parent("failed " + std::to_string(number) + " " + done.error().to_string());
      return;
    }
    tell_parent(text + " " + std::to_string(number));
  }
}

TEST(CrashChild, DISABLED_RunsAHistory) {
  auto store = Store::open(child_setting("DIR"), options_of(child_setting("DURABILITY")));
  if (!store) {
    tell_parent("failed " + store.error().to_string());
    return;
  }
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < kLanes; ++lane) {
    lanes.emplace_back([&store, lane] { run_lane(*store, lane); });
  }
  for (std::thread& lane : lanes) lane.join();
}

class Kill : public ::testing::Test {
 protected:
  struct Lane {
    std::uint64_t next = 0;  ///< The first operation that is not known to be there.
    LaneState state;         ///< Up to it.
  };

  void SetUp() override {
    const Store store = Store::open(path_).value();
    for (int lane = 0; lane < kLanes; ++lane) ASSERT_TRUE(make_lane(store, lane));
  }

  /// Takes over what the child told.
  void take(const std::string& line) {
    ASSERT_NE(line, "") << "the child ended by itself";
    const std::size_t space = line.find(' ');
    ASSERT_NE(line.substr(0, space), "failed") << line;
    const int index = std::stoi(line);
    Lane& lane = lanes_.at(static_cast<std::size_t>(index));
    ASSERT_EQ(std::stoull(line.substr(space)), lane.next);
    Operation(seed_, index, lane.next++).apply(lane.state);
    ++acknowledged_;
  }

  void run_child(const std::string& durability) {
    std::vector<std::pair<std::string, std::string>> settings = {
        {"DIR", path_}, {"SEED", std::to_string(seed_)}, {"DURABILITY", durability}};
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      settings.emplace_back("NEXT" + std::to_string(lane), std::to_string(lanes_[lane].next));
    }
    ChildProcess child("CrashChild.DISABLED_RunsAHistory", settings);
    // Sometimes while it opens, sometimes late.
    const std::uint64_t heard = random_() % 4 == 0 ? random_() % 3 : random_() % 400;
    for (std::uint64_t i = 0; i < heard && !HasFatalFailure(); ++i) take(child.hear());
    child.kill();
    for (std::string line = child.hear(); !line.empty() && !HasFatalFailure(); line = child.hear()) {
      take(line);
    }
  }

  /// The store holds the acknowledged operations of a lane, and the next one or not.
  void check_lane(const Store& store, int index) {
    Lane& lane = lanes_.at(static_cast<std::size_t>(index));
    const LaneState found = read_lane(store, index);
    if (found == lane.state) return;
    LaneState with_next = lane.state;
    Operation(seed_, index, lane.next).apply(with_next);
    ASSERT_TRUE(found == with_next)
        << "lane " << index << ", next " << lane.next << "\nfound:\n" << describe(found)
        << "expected:\n" << describe(lane.state) << "or:\n" << describe(with_next);
    lane.state = with_next;
    ++lane.next;
    ++unacknowledged_;
  }

  void check_store() {
    Options options = options_of("buffered");
    options.background_work = false;
    const auto store = Store::open(path_, options);
    ASSERT_TRUE(store) << store.error().to_string();
    check_sound(*store);
    for (int lane = 0; lane < kLanes; ++lane) check_lane(*store, lane);
    if (random_() % 2 == 0) return;  // Else what is left of large work is the next child's.
    ASSERT_TRUE(store->finish_pending_work());
    EXPECT_EQ(store->health().pending_work, 0U);
    check_sound(*store);
    for (int lane = 0; lane < kLanes; ++lane) check_lane(*store, lane);
    expect_counts(*store);
  }

  void check_sound(const Store& store) {
    const auto report = store.verify();
    ASSERT_TRUE(report) << report.error().to_string();
    EXPECT_TRUE(report->ok);
    for (const Defect& defect : report->defects) {
      ADD_FAILURE() << defect.kind << " " << defect.table << " " << defect.key << " " << defect.detail;
    }
  }

  /// Nothing is there but what the lanes have.
  void expect_counts(const Store& store) {
    std::size_t conversations = 0;
    std::size_t messages = 0;
    std::size_t memories = 0;
    for (const Lane& lane : lanes_) {
      conversations += lane.state.conversations.size();
      memories += lane.state.memories.size();
      for (const auto& [slot, contents] : lane.state.conversations) messages += contents.size();
    }
    const auto tables = store.stats().value().tables;
    EXPECT_EQ(tables.at("conversations").records, conversations);
    EXPECT_EQ(tables.at("messages").records, messages);
    EXPECT_EQ(tables.at("memories").records, memories);
  }

  const TempDirectory directory_;
  const std::string path_ = directory_.path("store");
  const std::uint64_t seed_ = test_seed();
  std::mt19937_64 random_{seed_};
  std::array<Lane, kLanes> lanes_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t unacknowledged_ = 0;
};

TEST_F(Kill, LosesNothingAcknowledged) {
  for (int cycle = 0; cycle < cycles(); ++cycle) {
    SCOPED_TRACE("cycle " + std::to_string(cycle));
    run_child(cycle % 2 == 0 ? "buffered" : "synced");
    if (HasFatalFailure()) return;
    check_store();
    if (HasFailure()) return;
  }
  std::printf("%d kills, %llu operations acknowledged, %llu more found\n", cycles(),
              static_cast<unsigned long long>(acknowledged_),
              static_cast<unsigned long long>(unacknowledged_));
  EXPECT_GT(acknowledged_, static_cast<std::uint64_t>(cycles())) << "the children must have worked";
}

}  // namespace
}  // namespace callisto::testing
