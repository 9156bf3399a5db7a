#include "engine/limited.h"

#include <gtest/gtest.h>

#include <stop_token>
#include <vector>

#include "tests/support/map_engine.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

/// Counts what reaches a cache through it.
class CountedTransaction final : public ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<Bytes> get_row(Family family, std::string_view key, RowCheck check) override {
    ++calls_;
    return ForwardedTransaction::get_row(family, key, check);
  }
  Result<void> get_rows(Family family, std::span<const std::string> keys, RowCheck check,
                        std::span<Bytes> rows, std::span<const HintRef> hints,
                        std::size_t place) override {
    ++calls_;
    return ForwardedTransaction::get_rows(family, keys, check, rows, hints, place);
  }
  bool peek(const ListEntry*, std::size_t, Bytes&) override {
    ++calls_;
    return true;
  }
  int calls() const noexcept { return calls_; }

 private:
  int calls_ = 0;
};

class LimitedTransactionTest : public ::testing::Test {
 protected:
  /// Runs `function(limited, counted)` under limits that `stop_` ends.
  template <class Function>
  void run(Function&& function) {
    const Limits limits(environment_, 0, stop_.get_token());
    auto done = engine_->run({}, [&](Transaction& transaction) -> Result<void> {
      CountedTransaction counted(transaction);
      LimitedTransaction limited(counted, limits);
      function(limited, counted);
      return {};
    });
    ASSERT_TRUE(done) << done.error().to_string();
  }

  testing::TestEnvironment environment_;
  std::unique_ptr<Store> engine_ = testing::make_map_engine(environment_);
  std::stop_source stop_;
};

TEST_F(LimitedTransactionTest, ReadsOfRowsReachTheCache) {
  run([&](LimitedTransaction& limited, const CountedTransaction& counted) {
    ASSERT_TRUE(limited.put(Family::users, "a", "one"));
    EXPECT_EQ(limited.get_row(Family::users, "a", nullptr).value().view(), "one");
    const std::vector<std::string> keys{"a", "b"};
    std::vector<Bytes> rows(keys.size());
    ASSERT_TRUE(limited.get_rows(Family::users, keys, nullptr, rows, {}, 0));
    EXPECT_EQ(rows[0].view(), "one");
    EXPECT_FALSE(rows[1]);
    Bytes row;
    EXPECT_TRUE(limited.peek(nullptr, 0, row));
    EXPECT_EQ(counted.calls(), 3);
  });
}

TEST_F(LimitedTransactionTest, EveryReadEndsWithTheLimits) {
  stop_.request_stop();
  run([&](LimitedTransaction& limited, const CountedTransaction& counted) {
    const std::vector<std::string> keys{"a"};
    std::vector<Bytes> rows(keys.size());
    EXPECT_EQ(limited.get_row(Family::users, "a", nullptr).error().code(), Code::cancelled);
    EXPECT_EQ(limited.get_rows(Family::users, keys, nullptr, rows, {}, 0).error().code(),
              Code::cancelled);
    Value value;
    EXPECT_EQ(limited.get_for_update(Family::users, "a", value).error().code(), Code::cancelled);
    EXPECT_EQ(limited.scan(Family::users, {.lower = "a", .upper = "b"})->status().error().code(),
              Code::cancelled);
    EXPECT_EQ(counted.calls(), 0);
  });
}

}  // namespace
}  // namespace callisto::kv
