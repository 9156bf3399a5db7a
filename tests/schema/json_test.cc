#include "schema/json.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "schema/flex.h"
#include "tests/support/random_json.h"
#include "tests/support/test_environment.h"

namespace callisto::schema {
namespace {

using callisto::testing::JsonSample;

std::vector<std::uint8_t> flex(std::string_view text) { return json_to_flex(text, "json").value(); }

std::string canonical(std::string_view text) {
  const std::vector<std::uint8_t> bytes = flex(text);
  EXPECT_TRUE(is_intact_flex(bytes.data(), bytes.size())) << text;
  return flex_to_json(bytes.data(), bytes.size());
}

// The rule that refuses a text, or "" when it is taken.
std::string refusal(std::string_view text, bool object_only = false) {
  const auto bytes = json_to_flex(text, "metadata", object_only);
  if (bytes) return "";
  EXPECT_EQ(bytes.error().code(), Code::invalid_argument);
  EXPECT_EQ(bytes.error().field(), "metadata");
  return bytes.error().limit();
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, EmptyTextIsNoValue) {
  EXPECT_TRUE(flex("").empty());
  EXPECT_EQ(flex_to_json(nullptr, 0), "");
}

TEST(Json, CanonicalText) {
  EXPECT_EQ(canonical(" null "), "null");
  EXPECT_EQ(canonical("[ true , false ]"), "[true,false]");
  EXPECT_EQ(canonical("{}"), "{}");
  EXPECT_EQ(canonical("[]"), "[]");
  EXPECT_EQ(canonical(R"({"b":1,"a":{"d":[],"c":"x"},"":0,"B":2})"),
            R"({"":0,"B":2,"a":{"c":"x","d":[]},"b":1})");
  EXPECT_EQ(canonical(R"("\/ \u00e9 \u0000 \u001F \u007f \ud83d\ude00 \"\\\b\f\n\r\t")"),
            "\"/ \xc3\xa9 \\u0000 \\u001f \x7f \xf0\x9f\x98\x80 \\\"\\\\\\b\\f\\n\\r\\t\"");
}

TEST(Json, NamesAreOrderedByUnsignedBytes) {
  EXPECT_EQ(canonical("{\"\xc3\xa9\":1,\"z\":2,\"\xf0\x9f\x98\x80\":3,\"za\":4}"),
            "{\"z\":2,\"za\":4,\"\xc3\xa9\":1,\"\xf0\x9f\x98\x80\":3}");
}

TEST(Json, IntegersStayIntegersAndDoublesStayDoubles) {
  for (const char* text :
       {"0", "-1", "127", "128", "-129", "65536", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "18446744073709551615", "1.0", "-0.0", "0.1", "1e+05", "1e-07",
        "5e-324", "2.2250738585072014e-308", "1.7976931348623157e+308"}) {
    EXPECT_EQ(canonical(text), text);
  }
  EXPECT_EQ(canonical("1e0"), "1.0");
  EXPECT_EQ(canonical("-0"), "-0.0");
  EXPECT_EQ(canonical("1E2"), "100.0");
  EXPECT_EQ(canonical("0.000"), "0.0");
  EXPECT_EQ(canonical("9007199254740993"), "9007199254740993");
  EXPECT_EQ(canonical("9007199254740992.0"), "9007199254740992.0");
}

TEST(Json, TypesAreKept) {
  const auto type = [](std::string_view text) {
    const auto bytes = flex(text);
    return FlexValue::root(bytes.data(), bytes.size()).type();
  };
  EXPECT_EQ(type("1"), FlexType::int64);
  EXPECT_EQ(type("9223372036854775807"), FlexType::int64);
  EXPECT_EQ(type("9223372036854775808"), FlexType::uint64);
  EXPECT_EQ(type("1.0"), FlexType::number);
  EXPECT_EQ(type("-0"), FlexType::number);
  EXPECT_EQ(type("{}"), FlexType::map);
}

TEST(Json, NumbersThatWouldChangeAreRefused) {
  for (const char* text :
       {"18446744073709551616", "-9223372036854775809", "100000000000000000000000000000000000"}) {
    EXPECT_EQ(refusal(text), "integers within int64 or uint64") << text;
  }
  for (const char* text : {"1e309", "-1e400", "1e-400", "3e-324", "9007199254740993.0",
                           "1.0000000000000001", "0.1234567890123456789", "3.141592653589793238",
                           "1e-323999", "12345678901234567890123.0"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  EXPECT_EQ(refusal("[0.1234567890123456789]"), "numbers that a double keeps without a change");
}

TEST(Json, NumbersWithManyDigitsThatReadBackEqualAreTaken) {
  EXPECT_EQ(canonical("0.50000000000000000000000000000"), "0.5");
  EXPECT_EQ(canonical("0.1000000000000000055511151231257827021181583404541015625"), "0.1");
  // 2^-44: its shortest text, and its rounding to 17 digits; 16 digits do not round to the former.
  EXPECT_EQ(canonical("5.684341886080802e-14"), "5.684341886080802e-14");
  EXPECT_EQ(canonical("5.6843418860808015e-14"), "5.684341886080802e-14");
  EXPECT_EQ(canonical("0.30000000000000004"), "0.30000000000000004");
  EXPECT_EQ(canonical("100000000000000000000.0"), "1e+20");
}

TEST(Json, WhatIsNoJsonIsRefused) {
  for (const char* text : {" ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "nul",
                           "NaN",
                           "Infinity",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "1 2",
                           "[] x",
                           "/**/1",
                           "\xef\xbb\xbf"
                           "1",
                           "\"\x01\"",
                           "\"\\x\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "\"a",
                           "]"}) {
    EXPECT_TRUE(refusal(text).starts_with("JSON; fails at byte ")) << text << ": " << refusal(text);
  }
  EXPECT_NE(refusal(std::string_view("1\0", 2)), "");
}

TEST(Json, WhatIsNoUtf8IsRefused) {
  for (const char* text : {"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
                           "{\"\x80\":1}", "\"\xe2\x82\""}) {
    EXPECT_EQ(refusal(text), "UTF-8") << text;
  }
}

TEST(Json, NamesTwiceOrWithZeroAreRefused) {
  EXPECT_EQ(refusal(R"({"a":1,"b":2,"a":3})"), "each name once in an object");
  EXPECT_EQ(refusal(R"([{"x":{"a":1,"\u0061":3}}])"), "each name once in an object");
  EXPECT_EQ(refusal(R"({"a\u0000b":1})"), "names without U+0000");
  EXPECT_EQ(canonical(R"([{"a":1},{"a":2},{"b":{"a":3}}])"), R"([{"a":1},{"a":2},{"b":{"a":3}}])");
}

TEST(Json, DepthIsBounded) {
  EXPECT_EQ(canonical(nested(kMaxJsonDepth)), nested(kMaxJsonDepth));
  EXPECT_EQ(refusal(nested(kMaxJsonDepth + 1)), "JSON at most 64 deep");
  EXPECT_EQ(refusal(std::string(100'000, '[')), "JSON at most 64 deep");
}

TEST(Json, SizeIsBoundedAsGivenAndInCanonicalForm) {
  const std::string fits = "\"" + std::string(kMaxJsonBytes - 2, 'x') + "\"";
  EXPECT_EQ(canonical(fits), fits);
  EXPECT_EQ(refusal(fits + " "), "at most 1 MiB of JSON");
  std::string grows = "[9e4";  // 90000.0 in canonical form
  while (grows.size() + 5 < kMaxJsonBytes * 6 / 10) grows += ",9e4";
  EXPECT_EQ(refusal(grows + "]"), "at most 1 MiB of JSON");
  grows.resize(grows.size() * 8 / 10 / 4 * 4);
  const std::string text = canonical(grows + "]");
  EXPECT_GT(text.size(), kMaxJsonBytes * 9 / 10);
  EXPECT_EQ(canonical(text), text);
}

TEST(Json, ObjectOnlyTakesObjects) {
  EXPECT_EQ(refusal("{}", true), "");
  EXPECT_EQ(refusal("", true), "");
  EXPECT_EQ(refusal("[]", true), "a JSON object");
  EXPECT_EQ(refusal("1", true), "a JSON object");
}

TEST(Json, RandomValuesComeBackInCanonicalForm) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 3000; ++i) {
    const JsonSample sample = callisto::testing::random_json(random, 6);
    const auto bytes = json_to_flex(sample.given, "json");
    ASSERT_TRUE(bytes.has_value()) << bytes.error().to_string() << "\n" << sample.given;
    ASSERT_TRUE(is_intact_flex(bytes->data(), bytes->size())) << sample.given;
    ASSERT_EQ(flex_to_json(bytes->data(), bytes->size()), sample.canonical) << sample.given;
    ASSERT_EQ(flex(sample.canonical), *bytes) << sample.given;
  }
}

TEST(Json, EveryDoubleReadsBackEqual) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    char given[40];
    std::snprintf(given, sizeof given, "%.17g", value);
    if (std::strpbrk(given, ".e") == nullptr) continue;  // an integer then
    const auto bytes = flex(given);
    const double back = FlexValue::root(bytes.data(), bytes.size()).as_double();
    ASSERT_EQ(std::memcmp(&value, &back, sizeof value), 0) << given;
  }
}

std::string joined(std::string_view winner, std::string_view loser) {
  const auto bytes = join_flex(flex(winner), flex(loser), "profile").value();
  EXPECT_TRUE(bytes.empty() || is_intact_flex(bytes.data(), bytes.size()));
  const std::string text = flex_to_json(bytes.data(), bytes.size());
  EXPECT_EQ(bytes, flex(text)) << "a join is canonical";
  return text;
}

TEST(JsonJoin, JoinsObjectsPerPathAndTakesTheRestFromTheWinner) {
  EXPECT_EQ(joined("", ""), "");
  EXPECT_EQ(joined(R"({"a":1})", ""), R"({"a":1})");
  EXPECT_EQ(joined("", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(joined(R"({"b":1,"d":null})", R"({"a":2,"b":3,"c":4,"d":5})"),
            R"({"a":2,"b":1,"c":4,"d":null})");
  EXPECT_EQ(joined(R"({"o":{"x":1,"p":{"q":1}},"l":[1]})",
                   R"({"o":{"x":2,"y":3,"p":{"r":2}},"l":[2,3]})"),
            R"({"l":[1],"o":{"p":{"q":1,"r":2},"x":1,"y":3}})");
  EXPECT_EQ(joined(R"({"o":1})", R"({"o":{"x":2}})"), R"({"o":1})");
  EXPECT_EQ(joined(R"({"o":{"x":2}})", R"({"o":1})"), R"({"o":{"x":2}})");
  EXPECT_EQ(joined("[1]", R"({"o":1})"), "[1]");
}

TEST(JsonJoin, WithItselfAndWithNothingChangesNothing) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 300; ++i) {
    const std::string a = callisto::testing::random_json_object(random, 5).canonical;
    const std::string b = callisto::testing::random_json_object(random, 5).canonical;
    ASSERT_EQ(joined(a, a), a);
    ASSERT_EQ(joined(a, "{}"), a);
    ASSERT_EQ(joined("{}", a), a);
    ASSERT_EQ(joined(a, joined(a, b)), joined(a, b));
  }
}

TEST(JsonJoin, AboveTheLimitOfJsonIsTooLarge) {
  const std::string half(kMaxJsonBytes / 2, 'x');
  const auto a = flex("{\"a\":\"" + half + "\"}");
  const auto b = flex("{\"b\":\"" + half + "\"}");
  const auto both = join_flex(a, b, "profile");
  ASSERT_FALSE(both.has_value());
  EXPECT_EQ(both.error().code(), Code::too_large);
  EXPECT_EQ(both.error().field(), "profile");
}

TEST(JsonText, IsTheStringAtText) {
  EXPECT_EQ(flex_text_member(flex("")), "");
  EXPECT_EQ(flex_text_member(flex(R"({"text":"hello","other":1})")), "hello");
  EXPECT_EQ(flex_text_member(flex(R"({"text":1})")), "");
  EXPECT_EQ(flex_text_member(flex(R"({"a":{"text":"x"}})")), "");
  EXPECT_EQ(flex_text_member(flex(R"(["text","x"])")), "");
}

}  // namespace
}  // namespace callisto::schema
