#include "engine/overlay_cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/write_set.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

using Rows = std::map<std::string, std::string>;

/// A scan over a map; fails when it would move past `failing_after` rows.
class MapCursor final : public Cursor {
 public:
  MapCursor(const Rows& rows, const Bounds& bounds, std::optional<std::size_t> failing_after = {})
      : failing_after_(failing_after), reverse_(bounds.reverse) {
    for (const auto& [key, value] : rows) {
      if (key >= bounds.lower && key < bounds.upper) rows_.emplace_back(key, value);
    }
    if (reverse_) std::reverse(rows_.begin(), rows_.end());
  }
  bool valid() const override { return at_ < rows_.size() && !failed(); }
  std::string_view key() const override { return rows_.at(at_).first; }
  std::string_view value() const override { return rows_.at(at_).second; }
  void next() override { ++at_; }
  void seek(std::string_view key) override {
    // As the seam says: a key that was passed moves nothing.
    while (valid() && (reverse_ ? key < this->key() : this->key() < key)) next();
  }
  Result<void> status() const override {
    if (failed()) return Error{Code::io_error, "the disk failed"};
    return {};
  }

 private:
  bool failed() const { return failing_after_ && at_ >= *failing_after_; }

  std::vector<std::pair<std::string, std::string>> rows_;
  std::optional<std::size_t> failing_after_;
  std::size_t at_ = 0;
  bool reverse_;
};

std::vector<std::string> keys_of(Cursor& cursor) {
  std::vector<std::string> keys;
  for (; cursor.valid(); cursor.next()) keys.emplace_back(cursor.key());
  return keys;
}

TEST(OverlayCursor, HandsTheBaseBackWhereNothingIsPending) {
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "z", ""));
  ASSERT_TRUE(set.put(Family::messages, "b", ""));
  const Bounds bounds{"a", "z"};
  auto base = std::make_unique<MapCursor>(Rows{{"a", "1"}}, bounds);
  const Cursor* address = base.get();
  EXPECT_EQ(overlay(std::move(base), set, Family::users, bounds).get(), address);
}

TEST(OverlayCursor, ShowsTheWritesOfItsBeginningOnly) {
  const Bounds bounds{"a", "z"};
  WriteSet set;
  ASSERT_TRUE(set.put(Family::users, "b", "own"));
  auto cursor = overlay(std::make_unique<MapCursor>(Rows{{"a", ""}, {"c", ""}, {"e", ""}}, bounds),
                        set, Family::users, bounds);
  std::vector<std::string> seen;
  for (; cursor->valid(); cursor->next()) {
    seen.emplace_back(cursor->key());
    ASSERT_TRUE(set.erase(Family::users, cursor->key()));
    ASSERT_TRUE(set.put(Family::users, "d", std::string(10'000, 'd')));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "c", "e"}));
}

TEST(OverlayCursor, EndsWithTheErrorOfItsBase) {
  const Bounds bounds{"a", "z"};
  WriteSet set;
  for (const char* key : {"b", "c", "x"}) ASSERT_TRUE(set.put(Family::users, key, ""));
  const Rows rows{{"a", ""}, {"c", ""}, {"d", ""}};
  for (std::size_t failing_after = 0; failing_after < 3; ++failing_after) {
    auto cursor = overlay(std::make_unique<MapCursor>(rows, bounds, failing_after), set,
                          Family::users, bounds);
    const auto keys = keys_of(*cursor);
    EXPECT_FALSE(cursor->status()) << failing_after;
    for (const std::string& key : keys) EXPECT_NE(key, "x") << failing_after;
  }
}

// A base that is at its last row when the scan is overlaid by an equal key.
TEST(OverlayCursor, ErrorBehindAnOverwrittenRowIsNotPassedOver) {
  const Bounds bounds{"a", "z"};
  WriteSet set;
  ASSERT_TRUE(set.erase(Family::users, "a"));
  ASSERT_TRUE(set.put(Family::users, "q", ""));
  auto cursor = overlay(std::make_unique<MapCursor>(Rows{{"a", ""}, {"b", ""}}, bounds, 1), set,
                        Family::users, bounds);
  EXPECT_FALSE(cursor->valid());
  EXPECT_FALSE(cursor->status());
}

class OverlayProperty : public ::testing::Test {
 protected:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  std::string random_key() {
    std::string key(1 + below(3), 'a');
    for (char& c : key) c = static_cast<char>("abc\xff"[below(4)]);
    return key;
  }
  /// Base rows, pending writes and what both together show.
  void make_input() {
    base_.clear();
    set_.clear();
    for (std::uint64_t i = below(12); i > 0; --i) base_[random_key()] = "base";
    merged_ = base_;
    for (std::uint64_t i = below(12); i > 0; --i) {
      const std::string key = random_key();
      if (below(3) == 0) {
        ASSERT_TRUE(set_.erase(Family::memories, key));
        merged_.erase(key);
      } else {
        const std::string value = "own" + std::to_string(i);
        ASSERT_TRUE(set_.put(Family::memories, key, value));
        merged_[key] = value;
      }
    }
  }

  std::mt19937_64 random_{testing::test_seed()};
  Rows base_;
  WriteSet set_;
  Rows merged_;
};

TEST_F(OverlayProperty, AgreesWithAMap) {
  for (int round = 0; round < 3000; ++round) {
    ASSERT_NO_FATAL_FAILURE(make_input());
    std::string lower = random_key();
    std::string upper = random_key();
    if (upper < lower && below(4) != 0) std::swap(lower, upper);
    const Bounds bounds{lower, upper, below(2) == 0};
    auto cursor =
        overlay(std::make_unique<MapCursor>(base_, bounds), set_, Family::memories, bounds);
    MapCursor expected(merged_, bounds);
    while (true) {
      ASSERT_EQ(cursor->valid(), expected.valid()) << "round " << round;
      ASSERT_TRUE(cursor->status());
      if (!expected.valid()) break;
      ASSERT_EQ(cursor->key(), expected.key()) << "round " << round;
      ASSERT_EQ(cursor->value(), expected.value()) << "round " << round;
      if (below(3) == 0) {
        const std::string key = random_key();
        cursor->seek(key);
        expected.seek(key);
      } else {
        cursor->next();
        expected.next();
      }
    }
  }
}

}  // namespace
}  // namespace callisto::kv
