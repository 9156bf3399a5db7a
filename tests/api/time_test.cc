#include "callisto/time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "tests/support/test_environment.h"

namespace callisto {
namespace {

constexpr std::int64_t kDay = 86'400'000'000;
constexpr Time kLowest{std::numeric_limits<std::int64_t>::min()};
constexpr Time kHighest{std::numeric_limits<std::int64_t>::max()};

std::optional<std::int64_t> micros(std::string_view text) {
  const std::optional<Time> time = Time::parse(text);
  if (!time) return std::nullopt;
  return time->micros();
}

TEST(Time, KnownOnes) {
  const std::pair<std::int64_t, const char*> known[] = {
      {0, "1970-01-01T00:00:00.000000Z"},
      {-1, "1969-12-31T23:59:59.999999Z"},
      {1'795'262'523'000'004, "2026-11-21T12:02:03.000004Z"},
      {951'782'400'000'000, "2000-02-29T00:00:00.000000Z"},
      {-2'203'891'200'000'000, "1900-03-01T00:00:00.000000Z"},
      {-62'135'596'800'000'000, "0001-01-01T00:00:00.000000Z"},
      {-62'167'219'200'000'000, "0000-01-01T00:00:00.000000Z"},
      {-62'167'219'200'000'001, "-000001-12-31T23:59:59.999999Z"},
      {253'402'300'799'999'999, "9999-12-31T23:59:59.999999Z"},
      {253'402'300'800'000'000, "+010000-01-01T00:00:00.000000Z"},
      {kMinTime.micros(), "-004713-11-24T00:00:00.000000Z"},
      {kMaxTime.micros(), "+294246-12-31T23:59:59.999999Z"},
      {kLowest.micros(), "-290308-12-21T19:59:05.224192Z"},
      {kHighest.micros(), "+294247-01-10T04:00:54.775807Z"},
  };
  for (const auto& [value, text] : known) {
    EXPECT_EQ(Time(value).to_string(), text);
    EXPECT_EQ(micros(text), value) << text;
  }
}

TEST(Time, FormsThatAreRead) {
  const std::int64_t second = 1'795'262'523'000'000;
  EXPECT_EQ(micros("2026-11-21T12:02:03Z"), second);
  EXPECT_EQ(micros("2026-11-21 12:02:03Z"), second);
  EXPECT_EQ(micros("2026-11-21t12:02:03z"), second);
  EXPECT_EQ(micros("+002026-11-21T12:02:03Z"), second);
  EXPECT_EQ(micros("2026-11-21T12:02:03.5Z"), second + 500'000);
  EXPECT_EQ(micros("2026-11-21T12:02:03.000001Z"), second + 1);
  EXPECT_EQ(micros("2026-11-21T13:02:03+01:00"), second);
  EXPECT_EQ(micros("2026-11-21T02:32:03-09:30"), second);
  EXPECT_EQ(micros("2026-11-22T12:01:03+23:59"), second);
  EXPECT_EQ(micros("2026-11-21T12:02:03-00:00"), second);
  EXPECT_EQ(micros("1970-01-01T00:00:00+00:01"), -60'000'000);
}

TEST(Time, FormsThatAreRefused) {
  for (const char* text : {"",
                           "2026-11-21",
                           "2026-11-21T12:02:03",
                           "2026-11-21T12:02Z",
                           "2026-11-21T12:02:60Z",
                           "2016-12-31T23:59:60Z",
                           "2026-11-21T24:00:00Z",
                           "2026-11-21T12:60:00Z",
                           "2026-13-21T12:02:03Z",
                           "2026-00-21T12:02:03Z",
                           "2026-11-31T12:02:03Z",
                           "2026-11-00T12:02:03Z",
                           "2026-02-29T12:02:03Z",
                           "1900-02-29T12:02:03Z",
                           "2026-11-21T12:02:03.Z",
                           "2026-11-21T12:02:03.1234567Z",
                           "2026-11-21T12:02:03,5Z",
                           "2026-11-21T12:02:03+1:00",
                           "2026-11-21T12:02:03+0100",
                           "2026-11-21T12:02:03+24:00",
                           "2026-11-21T12:02:03+01:60",
                           "2026-11-21T12:02:03Z ",
                           " 2026-11-21T12:02:03Z",
                           "2026-11-21T12:02:03ZZ",
                           "2026/11/21T12:02:03Z",
                           "26-11-21T12:02:03Z",
                           "-2026-11-21T12:02:03Z",
                           "+2026-11-21T12:02:03Z",
                           "-000000-11-21T12:02:03Z",
                           "0-000-11-21T12:02:03Z",
                           "2026-11-21_12:02:03Z",
                           "2026-1-021T12:02:03Z",
                           "now"}) {
    EXPECT_EQ(Time::parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(Time::parse(std::string_view("2026-11-21T12:02:03Z\0", 21)), std::nullopt);
}

TEST(Time, OutsideInt64IsRefused) {
  EXPECT_EQ(micros("-290308-12-21T19:59:05.224191Z"), std::nullopt);
  EXPECT_EQ(micros("+294247-01-10T04:00:54.775808Z"), std::nullopt);
  EXPECT_EQ(micros("+999999-12-31T23:59:59.999999Z"), std::nullopt);
  EXPECT_EQ(micros("-999999-01-01T00:00:00Z"), std::nullopt);
  // The offset brings them back inside.
  EXPECT_EQ(micros("+294247-01-10T05:00:54.775807+01:00"), kHighest.micros());
  EXPECT_EQ(micros("-290308-12-21T18:59:05.224192-01:00"), kLowest.micros());
}

TEST(Time, RangeOfRecords) {
  EXPECT_TRUE(kMinTime.in_range());
  EXPECT_TRUE(kMaxTime.in_range());
  EXPECT_FALSE(Time(kMinTime.micros() - 1).in_range());
  EXPECT_FALSE(Time(kMaxTime.micros() + 1).in_range());
}

TEST(Time, ClockTimesRoundDown) {
  using std::chrono::nanoseconds;
  using std::chrono::system_clock;
  EXPECT_EQ(Time(system_clock::time_point(nanoseconds(1'999))).micros(), 1);
  EXPECT_EQ(Time(system_clock::time_point(nanoseconds(-1))).micros(), -1);
}

// Any magnitude: of all int64, half are beyond the year 100,000.
std::int64_t random_micros(std::mt19937_64& random) {
  return static_cast<std::int64_t>(random()) >> random() % 64;
}

TEST(Time, EveryTimeComesBack) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 50'000; ++i) {
    const Time time(random_micros(random));
    ASSERT_EQ(Time::parse(time.to_string()), time) << time.micros();
  }
  for (Time edge : {kLowest, kHighest, kMinTime, kMaxTime}) {
    EXPECT_EQ(Time::parse(edge.to_string()), edge);
  }
}

// Against the calendar of the standard library, which ends at the years +-32767.
TEST(Time, AgreesWithTheStandardCalendar) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 50'000; ++i) {
    const auto day = static_cast<int>(random() % 22'400'000) - 11'200'000;
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
    const int year = static_cast<int>(date.year());
    char text[40];
    std::snprintf(text, sizeof text,
                  year < 0      ? "-%06d-%02u-%02u"
                  : year > 9999 ? "+%06d-%02u-%02u"
                                : "%04d-%02u-%02u",
                  std::abs(year), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()));
    const Time midnight(day * kDay);
    ASSERT_EQ(midnight.to_string(), std::string(text) + "T00:00:00.000000Z");
    ASSERT_EQ(Time(midnight.micros() + kDay - 1).to_string(),
              std::string(text) + "T23:59:59.999999Z");
  }
}

TEST(Time, TextOrderIsTimeOrderInsideFourDigits) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 5'000; ++i) {
    const Time a(static_cast<std::int64_t>(random() % 253'402'300'800'000'000));
    const Time b(static_cast<std::int64_t>(random() % 253'402'300'800'000'000));
    ASSERT_EQ(a < b, a.to_string() < b.to_string());
  }
}

TEST(Time, AnyTextIsReadOrRefused) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 50'000; ++i) {
    std::string text = Time(random_micros(random)).to_string();
    for (std::uint64_t changes = random() % 3; changes > 0; --changes) {
      constexpr std::string_view kAlphabet("0129-+:.TZ \xff");
      text[random() % text.size()] = kAlphabet[random() % kAlphabet.size()];
    }
    text.resize(text.size() - random() % 2);
    const std::optional<Time> time = Time::parse(text);
    if (!time) continue;
    ASSERT_EQ(Time::parse(time->to_string()), *time) << text;
  }
}

}  // namespace
}  // namespace callisto
