#include "callisto/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace callisto {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error(Code::invalid_argument, "value", "even");
  return value / 2;
}

Result<void> done(bool well) {
  if (!well) return Error(Code::busy, "held elsewhere");
  return {};
}

Result<std::vector<std::string>> words() { return std::vector<std::string>{"a", "b", "c"}; }

static_assert(!std::is_convertible_v<Result<int>, bool>, "only where a condition is asked for");
static_assert(std::is_same_v<decltype(words().value()), std::vector<std::string>>, "by value");
static_assert(std::is_same_v<decltype(std::declval<Result<int>&>().value()), int&>);
static_assert(std::is_same_v<decltype(std::declval<const Result<int>&>().value()), const int&>);
static_assert(std::is_nothrow_move_constructible_v<Result<std::string>>);

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = half(4);
  ASSERT_TRUE(good);
  EXPECT_TRUE(good.has_value());
  EXPECT_EQ(*good, 2);
  EXPECT_EQ(good.value(), 2);
  const Result<int> bad = half(3);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), Code::invalid_argument);
  EXPECT_EQ(bad.error().field(), "value");
  EXPECT_EQ(bad.error().limit(), "even");
}

TEST(Result, TakesWhatConvertsToItsValue) {
  const Result<std::string> text = "literal";
  EXPECT_EQ(*text, "literal");
  EXPECT_EQ(text->size(), 7u);
  const Result<bool> no = false;
  ASSERT_TRUE(no.has_value());
  EXPECT_FALSE(*no);
  const Result<std::optional<int>> absent = std::nullopt;
  ASSERT_TRUE(absent.has_value()) << "absence is an answer";
  EXPECT_FALSE(absent->has_value());
  const Result<std::optional<int>> present = 5;
  EXPECT_EQ(**present, 5);
}

TEST(Result, HoldsWhatOnlyMoves) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  EXPECT_EQ(**made, 7);
  const std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, RangeForOverATemporaryIsSafe) {
  std::string all;
  for (const std::string& word : words().value()) all += word;
  EXPECT_EQ(all, "abc");
}

TEST(Result, ValueOr) {
  EXPECT_EQ(half(4).value_or(9), 2);
  EXPECT_EQ(half(3).value_or(9), 9);
  const Result<std::string> bad = Error(Code::not_found, "user");
  EXPECT_EQ(bad.value_or("none"), "none");
}

TEST(Result, AndThenStopsAtTheFirstError) {
  EXPECT_EQ(half(8).and_then(half).and_then(half).value(), 1);
  int calls = 0;
  const Result<int> bad = half(6).and_then(half).and_then([&](int value) {
    ++calls;
    return half(value);
  });
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(bad.error().code(), Code::invalid_argument);
}

TEST(Result, TransformAndOrElse) {
  EXPECT_EQ(half(4).transform([](int value) { return std::to_string(value); }).value(), "2");
  EXPECT_FALSE(half(3).transform([](int value) { return std::to_string(value); }));
  EXPECT_EQ(half(3).or_else([](const Error&) { return Result<int>(0); }).value(), 0);
  EXPECT_EQ(half(4).or_else([](const Error&) { return Result<int>(0); }).value(), 2);
}

TEST(Result, OfNothing) {
  EXPECT_TRUE(done(true));
  done(true).value();
  const Result<void> bad = done(false);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message(), "held elsewhere");
  EXPECT_EQ(done(true).and_then([] { return half(2); }).value(), 1);
  EXPECT_EQ(done(false).and_then([] { return half(2); }).error().code(), Code::busy);
  EXPECT_TRUE(done(false).or_else([](const Error&) { return Result<void>(); }));
  ignore_error(done(false), "the test wants none");
}

TEST(ResultDeathTest, ValueOfAnErrorEndsTheProgramWithItsText) {
  EXPECT_DEATH(half(3).value(), "value\\(\\) of an error: invalid_argument: value: even");
  EXPECT_DEATH(done(false).value(), "value\\(\\) of an error: busy: held elsewhere");
}

TEST(Error, TextNamesCodeFieldAndLimit) {
  EXPECT_EQ(Error(Code::invalid_argument, "category", "at most 50 code points").to_string(),
            "invalid_argument: category: at most 50 code points");
  EXPECT_EQ(Error(Code::closed, "the store is closed").to_string(), "closed: the store is closed");
  EXPECT_EQ(Error(Code::conflict, "").to_string(), "conflict");
  EXPECT_EQ(Error(Code::not_found, "user", "").to_string(), "not_found: user");
}

TEST(Error, InPrefixesTheField) {
  const Error inner(Code::too_large, "content", "at most 4 MiB");
  EXPECT_EQ(inner.in("messages[3].").field(), "messages[3].content");
  EXPECT_EQ(inner.field(), "content");
}

TEST(Error, EveryCodeHasAName) {
  std::set<std::string_view> names;
  for (int code = 1; code <= static_cast<int>(Code::cancelled); ++code) {
    const std::string_view name = to_string(static_cast<Code>(code));
    EXPECT_NE(name, "unknown") << code;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), name.npos) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(to_string(static_cast<Code>(0)), "unknown");
  EXPECT_EQ(to_string(static_cast<Code>(255)), "unknown");
}

}  // namespace
}  // namespace callisto
