#include "schema/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "schema/keys.h"
#include "schema/tails.h"

namespace callisto::schema {
namespace {

std::string hex(const Hash128& hash) { return to_hex(view(hash)); }

// The empty input's value is the one that xxHash documents for XXH3_128bits: high half first.
TEST(Hash, IsTheCanonicalFormOfXxh3) {
  EXPECT_EQ(hex(hash128("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hex(hash128(std::string(1000, 'x'))), hex(hash128(std::string(1000, 'x'))));
}

TEST(Hash, DoesNotDependOnAlignment) {
  const std::string text = "the same bytes wherever they lie, longer than one block of the hash: " +
                           std::string(400, '.');
  const Hash128 expected = hash128(text);
  for (std::size_t shift = 1; shift < 16; ++shift) {
    const std::string moved = std::string(shift, ' ') + text;
    EXPECT_EQ(hash128(std::string_view(moved).substr(shift)), expected) << shift;
  }
}

TEST(Hash, OfTwoTextsKnowsTheirBorder) {
  EXPECT_NE(hash128("ab", "c"), hash128("a", "bc"));
  EXPECT_NE(hash128("", "abc"), hash128("abc", ""));
  EXPECT_NE(hash128("a", "b"), hash128("b", "a"));
  EXPECT_NE(hash128("abc", ""), hash128("abc"));
}

TEST(Hash, OfTwoTextsIsTheHashOfLengthAndBoth) {
  const std::string a(300, 'a');
  const std::string b(700, 'b');
  const std::string border = std::string(6, '\0') + "\x01\x2C";  // 300, big-endian
  EXPECT_EQ(hash128(a, b), hash128(border + a + b));
  // Around the length up to which both are hashed in one piece.
  for (const std::size_t size : {0U, 1U, 211U, 212U, 213U, 300U}) {
    EXPECT_EQ(hash128(a, b.substr(0, size)), hash128(border + a + b.substr(0, size))) << size;
  }
}

TEST(Hash, TellsTextsApart) {
  std::set<Hash128> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(hash128(std::to_string(i)));
  EXPECT_EQ(seen.size(), 10'000U);
}

// XXH3_64bits("") is 2d06800538d394c2.
TEST(Hash, OfATagIsTheLowestOfXxh3) { EXPECT_EQ(tag_hash(""), 0x94c2U); }

}  // namespace
}  // namespace callisto::schema
