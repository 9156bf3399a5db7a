// Random commits, and between their steps random reads through a cache: each answer must be the
// engine's at the same state. CALLISTO_SEED repeats a run, CALLISTO_STEPS sets how many commits.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/cache/cached_reader.h"
#include "engine/cache/state_cache.h"
#include "engine/open.h"
#include "engine/write_set.h"
#include "schema/keys.h"
#include "tests/engine/cache_reads.h"
#include "tests/engine/cache_world.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

std::uint64_t steps() {
  const char* given = std::getenv("CALLISTO_STEPS");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 700;
}

/// A reader that lives through commits, beside the state that it must show.
struct HeldReader {
  std::unique_ptr<Snapshot> plain;
  std::unique_ptr<CachedReader> cached;
  KeyOf list{};
  std::unique_ptr<Cursor> plain_scan{};
  std::unique_ptr<Cursor> cached_scan{};
};

struct Write {
  KeyOf of{};
  std::optional<std::string> value{};
};

class CacheOracle : public ::testing::TestWithParam<std::size_t> {
 protected:
  void TearDown() override {
    held_.clear();
    before_.reset();
    if (HasFailure()) ADD_FAILURE() << "CALLISTO_SEED=" << testing::test_seed();
    EXPECT_TRUE(store_->close());
  }

  std::vector<Write> draw_writes() {
    std::vector<Write> writes;
    for (std::uint64_t i = dice_.below(6) + 1; i > 0; --i) {
      Write write{dice_.key()};
      if (!dice_.one_in(3)) write.value = dice_.value();
      writes.push_back(std::move(write));
    }
    return writes;
  }

  // Reads. A commit is under way from begin_commit() to follow(); one that is in the store and was
  // not followed may be seen or not, but by nobody not after somebody has seen it.

  void expect(const std::string& wrong, const char* who) {
    EXPECT_EQ(wrong, "") << who << ", commit " << commit_ << ", " << phase_;
  }

  void read_over_snapshot() {
    const auto plain = store_->snapshot();
    CachedReader cached(store_->snapshot(), cache_);
    for (std::uint64_t i = dice_.below(3) + 1; i > 0; --i) {
      expect(reads_.compare(cached, *plain), "over a snapshot");
    }
    before_.reset();
  }

  void read_lazily() {
    const auto latest = store_->snapshot();
    Reader& plain = before_ ? static_cast<Reader&>(*before_) : *latest;
    CachedReader cached(*store_, cache_);
    for (std::uint64_t i = dice_.below(3) + 1; i > 0; --i) {
      const std::string wrong = reads_.compare(cached, plain);
      if (wrong == "moved") {
        EXPECT_TRUE(cached.moved());
        EXPECT_TRUE(is_pending_) << "nothing moved";
        return read_over_snapshot();
      }
      expect(wrong, "lazily");
    }
  }

  void hold() {
    HeldReader held;
    held.plain = store_->snapshot();
    if (!is_pending_ && dice_.one_in(2)) {
      held.cached = std::make_unique<CachedReader>(*store_, cache_);
    } else {
      held.cached = std::make_unique<CachedReader>(store_->snapshot(), cache_);
      before_.reset();
    }
    if (dice_.one_in(2)) {
      held.list = dice_.list();
      const std::string upper = schema::prefix_end(held.list.key);
      const Bounds bounds{.lower = held.list.key,
                          .upper = upper,
                          .reverse = dice_.one_in(2),
                          .prefix_bytes = held.list.key.size()};
      held.cached_scan = held.cached->scan(held.list.family, bounds);
      held.plain_scan = held.plain->scan(held.list.family, bounds);
    }
    held_.push_back(std::move(held));
  }

  void read_held() {
    if (held_.empty()) return;
    const auto at =
        std::next(held_.begin(), static_cast<std::ptrdiff_t>(dice_.below(held_.size())));
    std::string wrong;
    if (at->plain_scan && dice_.one_in(2)) {
      wrong = reads_.walk(*at->cached_scan, *at->plain_scan, at->list, dice_.below(4), true);
    } else {
      wrong = reads_.compare(*at->cached, *at->plain);
    }
    if (wrong != "moved") expect(wrong, "held");
    if (wrong == "moved" || dice_.one_in(30)) held_.erase(at);
  }

  void read() {
    for (std::uint64_t i = dice_.below(4); i > 0; --i) {
      switch (dice_.below(4)) {
        case 0:
          read_over_snapshot();
          break;
        case 1:
          read_held();
          break;
        default:
          read_lazily();
      }
    }
    if (held_.size() < 4 && dice_.one_in(8)) hold();
  }

  // The committer's part, step by step.

  void commit() {
    ++commit_;
    const std::vector<Write> writes = draw_writes();
    WriteSet sets[2];
    Batch batch;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      const auto& [of, value] = writes[i];
      WriteSet& set = sets[2 * i / writes.size()];
      value ? set.put(of.family, of.key, *value).value() : set.erase(of.family, of.key).value();
      value ? batch.put(of.family, of.key, *value) : batch.erase(of.family, of.key);
    }
    cache_.begin_commit();
    is_pending_ = true;
    step("begun");
    const bool is_lost = dice_.one_in(40);
    Version version = 0;
    if (!is_lost || dice_.one_in(2)) {
      before_ = store_->snapshot();
      version = store_->apply(batch, Durability::buffered).value();
      step("written");
    }
    if (is_lost) {
      cache_.lose();
      for (int i = 0; i < 5; ++i) step("lost");
      cache_.reset(store_->version());
    } else {
      const WriteSet* const group[] = {&sets[0], &sets[1]};
      cache_.follow(group, version);
    }
    is_pending_ = false;
    before_.reset();
    step("followed");
  }

  void step(const char* phase) {
    phase_ = phase;
    read();
  }

  void erase_range() {
    KeyOf lower = dice_.key();
    KeyOf upper = dice_.key();
    if (dice_.one_in(3)) lower.key.resize(lower.key.size() - 1);
    if (lower.family != upper.family || lower.key >= upper.key) return;
    phase_ = "erased";
    store_->erase_range(lower.family, lower.key, upper.key).value();
    cache_.forget_range(lower.family, lower.key, upper.key, [&] { return store_->version(); });
    read();
  }

  testing::TestEnvironment environment_{};
  CacheDice dice_{testing::test_seed() ^ GetParam()};
  CacheReads reads_{dice_};
  StateCache cache_{GetParam(), small_shape()};
  std::unique_ptr<Store> store_ = open_rocksdb({.environment = &environment_}).value();
  std::list<HeldReader> held_{};  ///< Not moved: a scan goes before its reader.
  /// The state before a commit that is in the store, while nobody has seen that.
  std::unique_ptr<Snapshot> before_{};
  bool is_pending_ = false;
  std::uint64_t commit_ = 0;
  const char* phase_ = "empty";
};

TEST_P(CacheOracle, EveryStepOfACommitShowsOneStateOrTheOther) {
  cache_.reset(store_->version());
  while (commit_ < steps() && !HasFailure()) {
    commit();
    if (dice_.one_in(15)) erase_range();
    if (dice_.one_in(10)) {
      const auto plain = store_->snapshot();
      CachedReader cached(*store_, cache_);
      expect(reads_.compare_all(cached, *plain), "through all");
    }
  }
  if (GetParam() > 1 << 20) {
    EXPECT_GT(cache_.row_stats().hits, steps());
    EXPECT_GT(cache_.list_stats().hits, steps());
  }
}

// The same through the engine's own transactions, batches and ranges.
TEST_P(CacheOracle, AnAttachedStoreAnswersAsItsEngine) {
  ASSERT_TRUE(store_->attach(cache_));
  phase_ = "attached";
  for (; commit_ < steps() && !HasFailure(); ++commit_) {
    const std::vector<Write> writes = draw_writes();
    if (dice_.one_in(4)) {
      Batch batch;
      for (const auto& [of, value] : writes) {
        value ? batch.put(of.family, of.key, *value) : batch.erase(of.family, of.key);
      }
      store_->apply(batch, Durability::buffered).value();
    } else {
      store_
          ->run({},
                [&](Transaction& transaction) -> Result<void> {
                  const auto plain = store_->snapshot();
                  for (int i = 0; i < 3; ++i)
                    expect(reads_.compare(transaction, *plain), "in a transaction");
                  for (const auto& [of, value] : writes) {
                    value ? transaction.put(of.family, of.key, *value).value()
                          : transaction.erase(of.family, of.key).value();
                  }
                  return {};
                })
          .value();
    }
    read();
    if (dice_.one_in(15)) {
      KeyOf lower = dice_.key();
      store_->erase_range(lower.family, lower.key, lower.key + "\xff").value();
      read();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Capacities, CacheOracle,
                         ::testing::Values(0, 12 << 10, 48 << 10, 8 << 20));

}  // namespace
}  // namespace callisto::kv
