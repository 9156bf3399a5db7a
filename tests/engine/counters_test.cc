#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/kv.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

using Counters = std::vector<std::pair<std::uint16_t, std::int64_t>>;

TEST(Counters, BytesAreFixed) {
  EXPECT_EQ(encode_counters(Counters{}), "");
  EXPECT_EQ(encode_counters(Counters{{1, 0}, {2, 1}, {3, -1}, {300, 64}}),
            std::string("\x02\x02\x03\x01\xac\x02\x80\x01", 8));
}

TEST(Counters, RoundTripLeavesZerosOut) {
  const Counters counters{{0, std::numeric_limits<std::int64_t>::min()},
                          {1, 0},
                          {127, std::numeric_limits<std::int64_t>::max()},
                          {65535, -1}};
  EXPECT_EQ(decode_counters(encode_counters(counters)),
            (Counters{counters[0], counters[2], counters[3]}));
  EXPECT_EQ(decode_counters(""), Counters{});
}

TEST(Counters, RefusesWhatItWouldNotWrite) {
  using namespace std::string_literals;
  for (const std::string& bytes : {
           "\x01"s,                                              // no value
           "\x80"s,                                              // a cut counter
           "\x01\x80"s,                                          // a cut value
           "\x01\x00"s,                                          // a zero
           "\x02\x02\x01\x02"s,                                  // falling
           "\x02\x02\x02\x02"s,                                  // twice
           "\x80\x80\x04\x02"s,                                  // counter 65536
           "\x81\x00\x02"s,                                      // longer than needed
           "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,      // above 64 bits
           "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,  // eleven bytes
       }) {
    EXPECT_EQ(decode_counters(bytes), std::nullopt) << ::testing::PrintToString(bytes);
  }
}

TEST(Counters, WhateverParsesIsWhatWouldBeWritten) {
  std::mt19937_64 random(testing::test_seed());
  int parsed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 8, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 128);
    if (const auto counters = decode_counters(bytes)) {
      ++parsed;
      ASSERT_EQ(encode_counters(*counters), bytes);
    }
  }
  EXPECT_GT(parsed, 0);
}

TEST(Family, NamesAreStable) {
  EXPECT_EQ(to_string(Family::users), "users");
  EXPECT_EQ(to_string(Family::platform_identifiers), "platform_identifiers");
  EXPECT_EQ(to_string(Family::user_data), "user_data");
  EXPECT_EQ(to_string(Family::conversations), "conversations");
  EXPECT_EQ(to_string(Family::messages), "messages");
  EXPECT_EQ(to_string(Family::memories), "memories");
  EXPECT_EQ(to_string(Family::indexes), "indexes");
  EXPECT_EQ(to_string(Family::system), "system");
}

}  // namespace
}  // namespace callisto::kv
