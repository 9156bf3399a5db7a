#include "callisto/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "schema/json.h"
#include "tests/support/random_json.h"
#include "tests/support/test_environment.h"

namespace callisto {
namespace {

JsonView view_of(std::string_view text) {
  const std::vector<std::uint8_t> flex = schema::json_to_flex(text, "json").value();
  Bytes bytes = Bytes::copy_of({reinterpret_cast<const char*>(flex.data()), flex.size()});
  const std::uint8_t* const data = bytes.data();
  return JsonView(std::move(bytes), data, flex.size());
}

TEST(JsonView, NothingIsAbsent) {
  for (const JsonView& none : {JsonView(), JsonView(Bytes(), nullptr, 0), view_of("{}")["x"]}) {
    EXPECT_EQ(none.kind(), JsonKind::absent);
    EXPECT_FALSE(none);
    EXPECT_EQ(none.size(), 0u);
    EXPECT_TRUE(none.names().empty());
    EXPECT_EQ(none.to_string(), "");
    EXPECT_FALSE(none["a"]);
    EXPECT_FALSE(none[0]);
    EXPECT_FALSE(none.at(""));
    EXPECT_FALSE(none.at("/a"));
    EXPECT_FALSE(none.as_bool() || none.as_int64() || none.as_uint64() || none.as_double());
    EXPECT_FALSE(none.as_string());
  }
}

TEST(JsonView, KindsAreTold) {
  EXPECT_EQ(view_of("null").kind(), JsonKind::null);
  EXPECT_EQ(view_of("true").kind(), JsonKind::boolean);
  EXPECT_EQ(view_of("1").kind(), JsonKind::int64);
  EXPECT_EQ(view_of("18446744073709551615").kind(), JsonKind::uint64);
  EXPECT_EQ(view_of("1.0").kind(), JsonKind::number);
  EXPECT_EQ(view_of("\"\"").kind(), JsonKind::string);
  EXPECT_EQ(view_of("[]").kind(), JsonKind::array);
  EXPECT_EQ(view_of("{}").kind(), JsonKind::object);
  EXPECT_TRUE(view_of("null"));
}

TEST(JsonView, NumbersAreReadWhereTheyFit) {
  EXPECT_EQ(view_of("-5").as_int64(), -5);
  EXPECT_EQ(view_of("-5").as_uint64(), std::nullopt);
  EXPECT_EQ(view_of("-5").as_double(), -5.0);
  EXPECT_EQ(view_of("5").as_uint64(), 5u);
  EXPECT_EQ(view_of("9223372036854775807").as_int64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(view_of("9223372036854775808").as_int64(), std::nullopt);
  EXPECT_EQ(view_of("9223372036854775808").as_uint64(), 9223372036854775808u);
  EXPECT_EQ(view_of("9223372036854775808").as_double(), 9223372036854775808.0);
  EXPECT_EQ(view_of("2.0").as_int64(), std::nullopt);
  EXPECT_EQ(view_of("2.0").as_uint64(), std::nullopt);
  EXPECT_EQ(view_of("2.5").as_double(), 2.5);
  EXPECT_EQ(view_of("\"5\"").as_int64(), std::nullopt);
  EXPECT_EQ(view_of("true").as_int64(), std::nullopt);
  EXPECT_EQ(view_of("true").as_bool(), true);
  EXPECT_EQ(view_of("1").as_bool(), std::nullopt);
  // One wide element widens its neighbours.
  const JsonView mixed = view_of("[1,-1,true,1e300,18446744073709551615,-0.0]");
  EXPECT_EQ(mixed[0].as_int64(), 1);
  EXPECT_EQ(mixed[1].as_int64(), -1);
  EXPECT_EQ(mixed[2].as_bool(), true);
  EXPECT_EQ(mixed[3].as_double(), 1e300);
  EXPECT_EQ(mixed[4].as_uint64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(std::signbit(mixed[5].as_double().value()));
}

TEST(JsonView, MembersAreFoundByName) {
  const JsonView object = view_of("{\"b\":1,\"a\":2,\"\":3,\"\xc3\xa9\":4,\"ab\":5}");
  EXPECT_EQ(object.size(), 5u);
  EXPECT_EQ(object.names(), (std::vector<std::string_view>{"", "a", "ab", "b", "\xc3\xa9"}));
  EXPECT_EQ(object["a"].as_int64(), 2);
  EXPECT_EQ(object["ab"].as_int64(), 5);
  EXPECT_EQ(object[""].as_int64(), 3);
  EXPECT_EQ(object["\xc3\xa9"].as_int64(), 4);
  EXPECT_FALSE(object["c"]);
  EXPECT_FALSE(object[std::string_view("a\0", 2)]);
  EXPECT_FALSE(object[0]);
}

TEST(JsonView, ElementsAreFoundByIndex) {
  const JsonView array = view_of(R"(["x",[1],null])");
  EXPECT_EQ(array.size(), 3u);
  EXPECT_EQ(array[0].as_string(), "x");
  EXPECT_EQ(array[1][0].as_int64(), 1);
  EXPECT_EQ(array[2].kind(), JsonKind::null);
  EXPECT_FALSE(array[3]);
  EXPECT_FALSE(array[std::numeric_limits<std::size_t>::max()]);
  EXPECT_FALSE(array["x"]);
  EXPECT_TRUE(array.names().empty());
}

// The example of RFC 6901, section 5.
TEST(JsonView, PointersOfTheRfc) {
  const JsonView whole = view_of(R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,
                                     "i\\j":5,"k\"l":6," ":7,"m~n":8})");
  EXPECT_EQ(whole.at("").to_string(), whole.to_string());
  EXPECT_EQ(whole.at("/foo").to_string(), R"(["bar","baz"])");
  EXPECT_EQ(whole.at("/foo/0").as_string(), "bar");
  EXPECT_EQ(whole.at("/").as_int64(), 0);
  EXPECT_EQ(whole.at("/a~1b").as_int64(), 1);
  EXPECT_EQ(whole.at("/c%d").as_int64(), 2);
  EXPECT_EQ(whole.at("/e^f").as_int64(), 3);
  EXPECT_EQ(whole.at("/g|h").as_int64(), 4);
  EXPECT_EQ(whole.at("/i\\j").as_int64(), 5);
  EXPECT_EQ(whole.at("/k\"l").as_int64(), 6);
  EXPECT_EQ(whole.at("/ ").as_int64(), 7);
  EXPECT_EQ(whole.at("/m~0n").as_int64(), 8);
}

TEST(JsonView, PointersThatLeadNowhereAreAbsent) {
  const JsonView whole = view_of(R"({"a":[10,{"b":1}],"~01":2,"~1":3})");
  for (const char* pointer : {"a",
                              "a/0",
                              "/b",
                              "/a/2",
                              "/a/00",
                              "/a/01",
                              "/a/-",
                              "/a/",
                              "/a/0/",
                              "/a/0/x",
                              "/a/1/b/",
                              "/a/-1",
                              "/a/1e0",
                              "/a/18446744073709551616",
                              "/a/18446744073709551617",
                              "/~",
                              "/~2",
                              "/~01~",
                              "//",
                              "/a//"}) {
    EXPECT_FALSE(whole.at(pointer)) << pointer;
  }
  EXPECT_EQ(whole.at("/a/1/b").as_int64(), 1);
  EXPECT_EQ(whole.at("/~001").as_int64(), 2);  // ~00 1: "~0" stands for "~"
  EXPECT_EQ(whole.at("/~01").as_int64(), 3);
}

TEST(JsonView, OutlivesWhereItCameFrom) {
  JsonView inner;
  {
    const JsonView outer = view_of(R"({"a":{"b":"kept"}})");
    inner = outer["a"];
  }
  EXPECT_EQ(inner["b"].as_string(), "kept");
  EXPECT_EQ(inner.to_string(), R"({"b":"kept"})");
}

std::string pointer_token(std::string_view name) {
  std::string token = "/";
  for (char c : name) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      token += c;
    }
  }
  return token;
}

// Every value below `value` is what a pointer from `root` leads to, and a part of the text.
void expect_consistent(const JsonView& root, const JsonView& value, const std::string& pointer) {
  ASSERT_EQ(root.at(pointer).to_string(), value.to_string()) << pointer;
  const std::string text = value.to_string();
  std::size_t from = 0;
  const std::vector<std::string_view> names = value.names();
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool is_object = value.kind() == JsonKind::object;
    const JsonView child = is_object ? value[names[i]] : value[i];
    ASSERT_TRUE(child);
    from = text.find(child.to_string(), from + 1);
    ASSERT_NE(from, text.npos) << text;
    const std::string step = pointer_token(is_object ? names[i] : std::to_string(i));
    ASSERT_NO_FATAL_FAILURE(expect_consistent(root, child, pointer + step));
  }
}

TEST(JsonView, PointersLeadToEveryValueOfRandomOnes) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 300; ++i) {
    const testing::JsonSample sample = testing::random_json(random, 5);
    const JsonView root = view_of(sample.given);
    ASSERT_EQ(root.to_string(), sample.canonical);
    ASSERT_NO_FATAL_FAILURE(expect_consistent(root, root, ""));
  }
}

TEST(JsonView, EveryPointerIsAnsweredOrAbsent) {
  std::mt19937_64 random(testing::test_seed());
  constexpr std::string_view kAlphabet("/~019aZ\"\0-\xff", 11);
  for (int i = 0; i < 20'000; ++i) {
    const JsonView root = view_of(R"({"a":[[0],{"~":1,"/":2}],"":{"":[1]},"0":9})");
    std::string pointer;
    for (std::uint64_t size = random() % 8; size > 0; --size) {
      pointer += kAlphabet[random() % kAlphabet.size()];
    }
    const JsonView found = root.at(pointer);
    ASSERT_EQ(found.to_string().empty(), found.kind() == JsonKind::absent) << pointer;
  }
}

}  // namespace
}  // namespace callisto
