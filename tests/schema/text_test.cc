#include "schema/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::schema {
namespace {

std::mt19937_64 seeded_random() { return std::mt19937_64(testing::test_seed()); }

constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

bool is_surrogate(std::uint32_t point) { return point >= 0xD800 && point <= 0xDFFF; }

/// UTF-8 as RFC 3629 draws it, also for what is not a code point.
std::string utf8(std::uint32_t point) {
  const auto trail = [&](int shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | (point >> 6)), trail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | (point >> 12)), trail(6), trail(0)};
  return {static_cast<char>(0xF0 | (point >> 18)), trail(12), trail(6), trail(0)};
}

bool is_valid_at_end_of_heap(std::string_view text) {
  const std::unique_ptr<char[]> exact(new char[text.size()]);
  std::copy(text.begin(), text.end(), exact.get());
  return is_valid_utf8({exact.get(), text.size()});
}

TEST(Utf8, EveryCodePointIsValidAndSurrogatesAreNot) {
  for (std::uint32_t point = 0; point <= kLastCodePoint; ++point) {
    const std::string text = utf8(point);
    ASSERT_EQ(is_valid_utf8(text), !is_surrogate(point)) << point;
    ASSERT_EQ(count_code_points(text), 1U) << point;
  }
  EXPECT_FALSE(is_valid_utf8(utf8(kLastCodePoint + 1)));
}

TEST(Utf8, BrokenSequencesAreRefusedAtEveryPlace) {
  const std::vector<std::string> broken = {"\x80",
                                           "\xBF",
                                           "\xC0\x80",
                                           "\xC1\xBF",
                                           "\xC2",
                                           "\xC2\x41",
                                           "\xE0\x80\x80",
                                           "\xE0\x9F\xBF",
                                           "\xE2\x82",
                                           "\xE2\x82\x41",
                                           "\xED\xA0\x80",
                                           "\xF0\x80\x80\x80",
                                           "\xF0\x8F\xBF\xBF",
                                           "\xF0\x9F\x98",
                                           "\xF4\x90\x80\x80",
                                           "\xF5\x80\x80\x80",
                                           "\xF8\x88\x80\x80\x80",
                                           "\xFE",
                                           "\xFF"};
  for (const std::string& bytes : broken) {
    for (const std::size_t before : {0U, 1U, 7U, 8U, 9U, 16U}) {
      for (const std::size_t after : {0U, 1U, 8U}) {
        const std::string text = std::string(before, 'a') + bytes + std::string(after, 'a');
        EXPECT_FALSE(is_valid_at_end_of_heap(text)) << before << " " << after;
      }
    }
  }
}

TEST(Utf8, EmptyAndZeroAreValid) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8({}));
  EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, RandomTextsAreCountedByCodePoint) {
  auto random = seeded_random();
  for (int round = 0; round < 500; ++round) {
    std::string text;
    const std::size_t count = random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t limit = i % 3 == 0 ? 0x80 : kLastCodePoint + 1;
      auto point = static_cast<std::uint32_t>(random() % limit);
      if (is_surrogate(point)) point = 0xE9;
      text += utf8(point);
    }
    ASSERT_TRUE(is_valid_at_end_of_heap(text));
    ASSERT_EQ(count_code_points(text), count);
  }
}

TEST(Nfc, JoinsWhatUnicodeJoins) {
  EXPECT_EQ(nfc("cafe\xCC\x81"), "caf\xC3\xA9");
  EXPECT_EQ(nfc("\xE2\x84\xAB"), "\xC3\x85");                              // Angstrom sign
  EXPECT_EQ(nfc("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"), "\xED\x95\x9C");  // Hangul
  EXPECT_EQ(nfc("a\xCC\x81\xCC\xA3"), nfc("a\xCC\xA3\xCC\x81"));           // order of marks
  EXPECT_EQ(nfc("\xEF\xAC\x81"), "\xEF\xAC\x81");                          // no compatibility forms
  EXPECT_EQ(nfc(std::string_view("e\xCC\x81\0e\xCC\x81", 7)),
            std::string_view("\xC3\xA9\0\xC3\xA9", 5));
}

TEST(Nfc, LeavesAsciiAndLatinAlone) {
  EXPECT_EQ(nfc(""), "");
  EXPECT_EQ(nfc("Reece"), "Reece");
  EXPECT_EQ(nfc("Stra\xC3\x9F"
                "e"),
            "Stra\xC3\x9F"
            "e");
}

// The fast path takes every text without a byte of CC or above; nothing there may need work.
TEST(Nfc, IsTheIdentityBelowTheCombiningMarks) {
  const std::string above = utf8(0x4E00);  // forces the long way
  for (std::uint32_t point = 0; point < 0x300; ++point) {
    ASSERT_EQ(nfc(utf8(point) + above), utf8(point) + above) << point;
  }
}

// FORMAT.md, "Limits". Nothing above the first three planes decomposes or folds.
TEST(Nfc, AtMostTwelveBytesForACodePoint) {
  std::size_t longest = 0;
  for (std::uint32_t point = 0; point < 0x30000; ++point) {
    if (is_surrogate(point)) continue;
    longest = std::max({longest, nfc(utf8(point)).size(), fold(utf8(point)).size()});
  }
  EXPECT_EQ(longest, 12U);
}

TEST(Fold, FollowsUnicodesFullFolding) {
  EXPECT_EQ(fold("Coffee SHOP 42"), "coffee shop 42");
  EXPECT_EQ(fold("STRASSE"), fold("Stra\xC3\x9F"
                                  "e"));
  EXPECT_EQ(fold("\xC3\x89t\xC3\xA9"), "\xC3\xA9t\xC3\xA9");
  EXPECT_EQ(fold("E\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(fold("\xCE\xA3\xCE\x91\xCE\xA3"), fold("\xCF\x83\xCE\xB1\xCF\x82"));  // both sigmas
  EXPECT_EQ(fold("I"), "i");  // no language's rules
}

TEST(Fold, AsciiGoesTheSameWayAsAllText) {
  const std::string above = utf8(0x4E00);
  for (std::uint32_t point = 0; point < 0x80; ++point) {
    ASSERT_EQ(fold(utf8(point)) + above, fold(utf8(point) + above)) << point;
  }
}

/// Text of letters that meet: base letters, marks, and what folds to several code points.
std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::uint32_t> points = {
      'a',    'E',     'i',    'I',    'S',    0xDF,   0xC5,   0x130,  0x131,
      0x149,  0x1F0,   0x300,  0x301,  0x307,  0x308,  0x323,  0x345,  0x390,
      0x3B0,  0x3A9,   0x3C2,  0x587,  0x1E9E, 0x1F80, 0x1FB7, 0x1FF7, 0x212B,
      0xFB03, 0x1D160, 0x1100, 0x1161, 0x11A8, 0xAC00, 0x0F73, 0x1F600};
  std::string text;
  for (std::size_t i = random() % 7; i > 0; --i) text += utf8(points[random() % points.size()]);
  return text;
}

TEST(Fold, FoldedAgainStaysAndSpellingDoesNotMatter) {
  auto random = seeded_random();
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_text(random);
    const std::string folded = fold(text);
    ASSERT_EQ(fold(folded), folded);
    ASSERT_EQ(fold(nfc(text)), folded);
    ASSERT_EQ(nfc(folded), folded);
    ASSERT_EQ(nfc(nfc(text)), nfc(text));
  }
}

TEST(Fold, ManyThreadsGetTheSame) {
  std::vector<std::thread> threads;
  std::vector<std::string> results(4);
  for (std::string& result : results) {
    threads.emplace_back([&result] {
      for (int i = 0; i < 200; ++i)
        result = fold(
            "\xC3\x89"
            "cole E\xCC\x81");
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results)
    EXPECT_EQ(result,
              "\xC3\xA9"
              "cole \xC3\xA9");
}

TEST(Looked, AtGivesWhatACopyGives) {
  const std::string texts[] = {"",
                               "pie",
                               "Pie",
                               "a\xCC\x81",
                               "\xC3\x84pfel",
                               "stra\xC3\x9F"
                               "e",
                               std::string(40, 'x'),
                               std::string(40, 'X'),
                               "12345678e\xCC\x81"};
  for (const std::string& text : texts) {
    EXPECT_EQ(std::string_view(Nfc(text)), nfc(text)) << text;
    EXPECT_EQ(std::string_view(Folded(text)), fold(text)) << text;
  }
  const std::string same = "pie";
  EXPECT_EQ(std::string_view(Nfc(same)).data(), same.data());
  EXPECT_EQ(std::string_view(Folded(same)).data(), same.data());
}

TEST(CheckText, CountsCodePointsNotBytes) {
  const std::string fifty(50, 'a');
  std::string wide;
  for (int i = 0; i < 50; ++i) wide += "\xF0\x9F\x98\x80";
  EXPECT_TRUE(check_text(fifty, "category", 50));
  EXPECT_TRUE(check_text(wide, "category", 50));
  EXPECT_TRUE(check_text("", "category", 50));
  const Result<void> longer = check_text(wide + "a", "category", 50);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code(), Code::invalid_argument);
  EXPECT_EQ(longer.error().field(), "category");
  EXPECT_EQ(longer.error().limit(), "at most 50 code points");
}

TEST(CheckText, NamesTheLowerBound) {
  EXPECT_TRUE(check_text("a", "platform", 20, 1));
  const Result<void> empty = check_text("", "platform", 20, 1);
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code(), Code::invalid_argument);
  EXPECT_EQ(empty.error().limit(), "at least 1 code point");
}

TEST(CheckText, RefusesWhatIsNotUtf8) {
  for (const Result<void>& checked : {check_text("a\xFF", "tag", 64), check_utf8("a\xFF", "tag")}) {
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), Code::invalid_argument);
    EXPECT_EQ(checked.error().field(), "tag");
    EXPECT_EQ(checked.error().limit(), "valid UTF-8");
  }
  EXPECT_TRUE(check_utf8("plain", "tag"));
}

}  // namespace
}  // namespace callisto::schema
