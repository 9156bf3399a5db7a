// Cursors of pages: what is written comes back, what was changed does not.

#include <gtest/gtest.h>

#include <random>

#include "schema/page_token.h"
#include "tests/support/test_environment.h"

namespace callisto::schema {
namespace {

std::mt19937_64 seeded_random() { return std::mt19937_64(testing::test_seed()); }

PageToken some_token(std::mt19937_64& random) {
  PageToken token;
  token.query = random();
  token.order = static_cast<std::uint8_t>(random());
  token.values.resize(random() % (kMaxPageValues + 1));
  for (std::int64_t& value : token.values) value = static_cast<std::int64_t>(random());
  for (std::uint8_t& byte : token.id) byte = static_cast<std::uint8_t>(random());
  return token;
}

TEST(PageToken, ComesBack) {
  auto random = seeded_random();
  for (int round = 0; round < 500; ++round) {
    const PageToken token = some_token(random);
    const std::string text = encode(token);
    EXPECT_EQ(
        text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        std::string::npos);
    EXPECT_EQ(decode_page_token(text), token);
  }
}

TEST(PageToken, RefusesWhatWasChangedOrCut) {
  auto random = seeded_random();
  for (int round = 0; round < 200; ++round) {
    const std::string text = encode(some_token(random));
    EXPECT_FALSE(decode_page_token(text.substr(0, random() % text.size())));
    EXPECT_FALSE(decode_page_token(text + "A"));
    std::string changed = text;
    char& at = changed[random() % changed.size()];
    at = at == 'Q' ? 'R' : 'Q';
    EXPECT_FALSE(decode_page_token(changed)) << text;
    changed[0] = '=';
    EXPECT_FALSE(decode_page_token(changed));
  }
  EXPECT_FALSE(decode_page_token(""));
  EXPECT_FALSE(decode_page_token(std::string(100'000, 'A')));
}

}  // namespace
}  // namespace callisto::schema
