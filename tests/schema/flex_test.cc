// FlexBuffers bytes that nobody trusts: damaged ones, and ones made to harm.
#include "schema/flex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "schema/json.h"
#include "schema/text.h"
#include "tests/support/random_json.h"
#include "tests/support/test_environment.h"

namespace callisto::schema {
namespace {

using Buffer = std::vector<std::uint8_t>;

// On the heap with nothing behind it, so that a sanitizer sees a read past its end.
bool is_intact(const Buffer& bytes) {
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  return is_intact_flex(exact.get(), bytes.size());
}

std::uint8_t packed(FlexType type, int width_bits = 0) {
  return static_cast<std::uint8_t>(static_cast<int>(type) << 2 | width_bits);
}

TEST(FlexCheck, ShortBytesAreRefused) {
  EXPECT_FALSE(is_intact_flex(nullptr, 0));
  for (std::size_t size = 0; size < 3; ++size) EXPECT_FALSE(is_intact(Buffer(size, 1)));
  EXPECT_TRUE(is_intact({5, packed(FlexType::int64), 1}));
}

TEST(FlexCheck, WidthsAreChecked) {
  EXPECT_FALSE(is_intact({5, packed(FlexType::int64), 0}));
  EXPECT_FALSE(is_intact({5, packed(FlexType::int64), 3}));
  EXPECT_FALSE(is_intact({5, packed(FlexType::int64), 8}));
  EXPECT_TRUE(is_intact({5, 0, packed(FlexType::int64), 2}));
}

TEST(FlexCheck, TypesThatAreNeverWrittenAreRefused) {
  for (int type = 0; type < 64; ++type) {
    // The slot leads one byte back: to a size of 0 with nothing behind it.
    const Buffer bytes = {0, 0, 0, 1, static_cast<std::uint8_t>(type << 2), 1};
    const bool is_written = type <= 2 || type == 5 || type == 9 || type == 10 || type == 26;
    if (is_written) continue;
    EXPECT_FALSE(is_intact(bytes)) << type;
  }
}

TEST(FlexCheck, DoublesAreFiniteAndBooleansAreZeroOrOne) {
  EXPECT_TRUE(is_intact({0, 0, 0x80, 0x3f, packed(FlexType::number, 2), 4}));
  EXPECT_FALSE(is_intact({0, 0, 0xc0, 0x7f, packed(FlexType::number, 2), 4}));  // NaN
  EXPECT_FALSE(is_intact({0, 0, 0x80, 0x7f, packed(FlexType::number, 2), 4}));  // infinity
  EXPECT_FALSE(is_intact({0, 0x3c, packed(FlexType::number, 1), 2}));           // half
  EXPECT_TRUE(is_intact({1, packed(FlexType::boolean), 1}));
  EXPECT_FALSE(is_intact({2, packed(FlexType::boolean), 1}));
}

TEST(FlexCheck, StringsEndInsideTheBytes) {
  EXPECT_TRUE(is_intact({1, 'a', 0, 2, packed(FlexType::string), 1}));
  EXPECT_FALSE(is_intact({1, 'a', 1, 2, packed(FlexType::string), 1}));    // no zero behind it
  EXPECT_FALSE(is_intact({200, 'a', 0, 2, packed(FlexType::string), 1}));  // longer than the bytes
  EXPECT_FALSE(is_intact({1, 'a', 0, 4, packed(FlexType::string), 1}));    // before the bytes
  EXPECT_FALSE(is_intact({1, 'a', 0, 3, packed(FlexType::string), 1}));  // its size is before them
}

// {"a": 7}: the name, the names' vector, then offset and width of the names, size, value, type.
Buffer small_map() {
  return {'a', 0, 1, 3, 1, 1, 1, 7, packed(FlexType::int64), 2, packed(FlexType::map), 1};
}

TEST(FlexCheck, NamesEndAndAscendAndAreAsManyAsValues) {
  const Buffer good = small_map();
  ASSERT_TRUE(is_intact(good));
  EXPECT_EQ(flex_to_json(good.data(), good.size()), R"({"a":7})");
  Buffer bad = good;
  bad[2] = 0;  // fewer names than values
  EXPECT_FALSE(is_intact(bad));
  bad = good;
  bad[5] = 3;  // names of an impossible width
  EXPECT_FALSE(is_intact(bad));
  bad = good;
  bad[3] = 4;  // a name before the bytes
  EXPECT_FALSE(is_intact(bad));
  // Two names, the second not above the first.
  EXPECT_TRUE(
      is_intact({'a', 0, 'b', 0, 2, 5, 4, 2, 1, 2, 7, 7, 4, 4, 4, packed(FlexType::map), 1}));
  EXPECT_FALSE(
      is_intact({'b', 0, 'a', 0, 2, 5, 4, 2, 1, 2, 7, 7, 4, 4, 4, packed(FlexType::map), 1}));
  EXPECT_FALSE(
      is_intact({'a', 0, 'a', 0, 2, 5, 4, 2, 1, 2, 7, 7, 4, 4, 4, packed(FlexType::map), 1}));
}

TEST(FlexCheck, NamesWithoutAnEndAreRefused) {
  // FlexBuffers' own verifier (2.0.8) takes them. Nothing behind the name is zero.
  EXPECT_FALSE(is_intact({1, 1, 2, 1, 1, 7, packed(FlexType::int64), 2, packed(FlexType::map), 1}));
}

TEST(FlexCheck, FewBytesThatStandForManyValuesAreRefused) {
  // Each vector holds the one before it twice: 2^30 values in 150 bytes.
  Buffer bytes = {0, 0};  // an empty vector at 1
  std::size_t previous = 1;
  for (int level = 0; level < 30; ++level) {
    bytes.push_back(2);
    const std::size_t at = bytes.size();
    bytes.push_back(static_cast<std::uint8_t>(at - previous));
    bytes.push_back(static_cast<std::uint8_t>(at + 1 - previous));
    bytes.push_back(packed(FlexType::vector));
    bytes.push_back(packed(FlexType::vector));
    previous = at;
  }
  bytes.push_back(static_cast<std::uint8_t>(bytes.size() - previous));
  bytes.push_back(packed(FlexType::vector));
  bytes.push_back(1);
  EXPECT_FALSE(is_intact(bytes));
}

TEST(FlexCheck, DepthIsBounded) {
  Buffer bytes = {0};
  std::size_t previous = 1;  // an empty vector
  for (std::size_t depth = 2; depth <= kMaxJsonDepth + 1; ++depth) {
    bytes.push_back(1);
    const std::size_t at = bytes.size();
    bytes.push_back(static_cast<std::uint8_t>(at - previous));
    bytes.push_back(packed(FlexType::vector));
    previous = at;
    Buffer whole = bytes;
    whole.push_back(static_cast<std::uint8_t>(whole.size() - previous));
    whole.push_back(packed(FlexType::vector));
    whole.push_back(1);
    EXPECT_EQ(is_intact(whole), depth <= kMaxJsonDepth) << depth;
  }
}

// Reads all of a checked value; its text goes in again as what it is.
void expect_readable(const std::uint8_t* data, std::size_t size) {
  const std::string text = flex_to_json(data, size);
  if (!is_valid_utf8(text)) return;
  const auto again = json_to_flex(text, "json");
  ASSERT_TRUE(again.has_value()) << again.error().to_string() << "\n" << text;
  ASSERT_EQ(flex_to_json(again->data(), again->size()), text);
  const FlexValue root = FlexValue::root(data, size);
  if (root.type() != FlexType::map) return;
  for (std::size_t i = 0; i < root.size(); ++i) {
    const auto found = root.member(root.name(i));
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->slot(), root.element(i).slot());
  }
}

TEST(FlexCheck, DamagedBytesAreRefusedOrReadable) {
  std::mt19937_64 random(testing::test_seed());
  std::size_t refused = 0;
  std::size_t readable = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = callisto::testing::random_json(random, 5).canonical;
    Buffer bytes = json_to_flex(text, "json").value();
    for (std::uint64_t flips = random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    if (random() % 4 == 0)
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<int>(random() % (bytes.size() + 1)));
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    if (!is_intact_flex(exact.get(), bytes.size())) {
      ++refused;
      continue;
    }
    ++readable;
    ASSERT_NO_FATAL_FAILURE(expect_readable(exact.get(), bytes.size()));
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_GT(readable, 1000u);
}

}  // namespace
}  // namespace callisto::schema
