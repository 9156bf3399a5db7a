// Lines, elements of an array, fields, and the times of LoCoMo.

#include <gtest/gtest.h>

#include <sstream>

#include "schema/json.h"
#include "tools/array_splitter.h"
#include "tools/fields.h"
#include "tools/line_reader.h"
#include "tools/locomo.h"

namespace callisto::tools {
namespace {

TEST(LineReader, GivesLinesWithoutTheirEndsAndCounts) {
  std::istringstream input("a\r\n\nlong line\nlast");
  LineReader reader(input, 5);
  std::string line;
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line, "a");
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line, "");
  ASSERT_TRUE(reader.next(line));
  EXPECT_TRUE(reader.is_too_long());
  EXPECT_EQ(line, "long ");
  ASSERT_TRUE(reader.next(line));
  EXPECT_FALSE(reader.is_too_long());
  EXPECT_EQ(line, "last");
  EXPECT_EQ(reader.number(), 4U);
  EXPECT_FALSE(reader.next(line));
}

/// The elements with '|' after each; "!" where it fails.
std::string split(const std::string& text, std::size_t max = 100) {
  std::istringstream input(text);
  ArraySplitter splitter(input, max);
  std::string all;
  std::string element;
  while (true) {
    auto more = splitter.next(element);
    if (!more) return all + "!";
    if (!*more) return all;
    all += element + "|";
  }
}

TEST(ArraySplitter, CutsAtTheTopOnly) {
  EXPECT_EQ(split("[]"), "");
  EXPECT_EQ(split(" [ 1 , {\"a\":[1,2]} ] \n"), "1 |{\"a\":[1,2]} |");
  EXPECT_EQ(split(R"(["a]\",[", 2])"), R"("a]\",["|2|)");
}

TEST(ArraySplitter, RefusesWhatIsNoArray) {
  for (const char* text : {"", "{}", "1", "[", "[1", "[\"a", "[\"a\\", "[1]x", "[1]]"}) {
    EXPECT_EQ(split(text).back(), '!') << text;
  }
  EXPECT_EQ(split("[12345]", 4), "!");
  EXPECT_EQ(split("[1234]", 4), "1234|");
}

TEST(Fields, TakesEachAsItsTypeAndNamesTheFirstError) {
  auto flex = schema::json_line_to_flex(R"({"t":"x","n":7,"b":true,"neg":-1,"nil":null,"more":1})", 1000);
  ASSERT_TRUE(flex);
  const Bytes bytes = Bytes::copy_of({reinterpret_cast<const char*>(flex->data()), flex->size()});
  const JsonView object(bytes, bytes.data(), bytes.size());
  Fields good(object, {"more", "neg"});
  EXPECT_EQ(good.text("t"), "x");
  EXPECT_EQ(good.number("n", 7), 7U);
  EXPECT_EQ(good.flag("b"), true);
  EXPECT_EQ(good.text("nil"), "");
  EXPECT_EQ(good.number("absent", 7), std::nullopt);
  EXPECT_TRUE(good.finish());
  Fields untaken(object, {"t", "n", "b", "nil", "neg"});
  EXPECT_EQ(untaken.finish().error().field(), "more");
  Fields wrong(object, {"t", "n", "b", "nil", "neg", "more"});
  EXPECT_EQ(wrong.number("n", 6), 7U);
  wrong.number("neg", 6);
  wrong.text("b");
  EXPECT_EQ(wrong.finish().error().field(), "n");
}

std::string time_of(const char* text) {
  auto time = parse_locomo_time(text);
  return time ? time->to_string() : "none";
}

TEST(LocomoTime, IsReadAsUtc) {
  EXPECT_EQ(time_of("1:56 pm on 8 May, 2023"), "2023-05-08T13:56:00.000000Z");
  EXPECT_EQ(time_of("12:09 am on 13 September, 2023"), "2023-09-13T00:09:00.000000Z");
  EXPECT_EQ(time_of("12:00 pm on 1 January, 2024"), "2024-01-01T12:00:00.000000Z");
  EXPECT_EQ(time_of("8 May, 2023"), "2023-05-08T00:00:00.000000Z");
  EXPECT_EQ(time_of("29 February, 2024"), "2024-02-29T00:00:00.000000Z");
}

TEST(LocomoTime, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "13:00 pm on 8 May, 2023", "0:10 am on 8 May, 2023", "1:60 am on 8 May, 2023",
                           "1:56 xm on 8 May, 2023", "1:56 pm on 8 Mai, 2023", "30 February, 2024",
                           "8 May, 2023 x", "-1 May, 2023", "8 May"}) {
    EXPECT_EQ(time_of(text), "none") << text;
  }
}

}  // namespace
}  // namespace callisto::tools
