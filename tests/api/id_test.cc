#include "callisto/id.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_set>

#include "api/uuid7.h"
#include "tests/support/test_environment.h"

namespace callisto {
namespace {

static_assert(!std::is_convertible_v<UserId, ConversationId>);
static_assert(!std::is_constructible_v<MessageId, MemoryId>);
static_assert(sizeof(UserId) == 16);

TEST(Id, DefaultIsNil) {
  EXPECT_TRUE(UserId().is_nil());
  EXPECT_FALSE(UserId());
  EXPECT_EQ(UserId().to_string(), "00000000-0000-0000-0000-000000000000");
}

TEST(Id, TextIsReadInEitherCaseAndWrittenInLower) {
  const auto id = MessageId::parse("0190B6d2-7A1C-7c3e-8F00-123456789aBC");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->to_string(), "0190b6d2-7a1c-7c3e-8f00-123456789abc");
  EXPECT_EQ(id->bytes()[0], 0x01);
  EXPECT_EQ(id->bytes()[15], 0xbc);
  EXPECT_TRUE(*id);
}

TEST(Id, OtherTextIsRefused) {
  for (const char* text :
       {"", "0190b6d2", "0190b6d27a1c7c3e8f00123456789abc",
        "{0190b6d2-7a1c-7c3e-8f00-123456789abc}", "0190b6d2-7a1c-7c3e-8f00-123456789ab",
        "0190b6d2-7a1c-7c3e-8f00-123456789abcd", "0190b6d2-7a1c-7c3e-8f00-123456789abg",
        "0190b6d2-7a1c-7c3e-8f00_123456789abc", "0190b6d2-7a1c-7c3e-8f0-0123456789abc",
        " 190b6d2-7a1c-7c3e-8f00-123456789abc", "0190b6d2-7a1c-7c3e-8f00-123456789a-c",
        "urn:uuid:0190b6d2-7a1c-7c3e-8f00-123"}) {
    EXPECT_FALSE(UserId::parse(text).has_value()) << text;
  }
  EXPECT_FALSE(UserId::parse(std::string(36, '\0')).has_value());
}

TEST(Id, RandomOnesComeBack) {
  std::mt19937_64 random(testing::test_seed());
  for (int i = 0; i < 1000; ++i) {
    UuidBytes bytes{};
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const UserId id(bytes);
    ASSERT_EQ(UserId::parse(id.to_string()), id);
    ASSERT_EQ(id.view().size(), 16u);
  }
}

// The ids of foreign records reach the disk: these values may never change. They are what RFC 9562
// version 5 gives for the namespace 2e440f62-5fcd-4e43-a2cb-949dd85cf5a8, computed with Python's
// uuid: uuid5(uuid5(namespace, source), name).
TEST(Id, ForeignOnesAreVersionFive) {
  EXPECT_EQ(UserId::from_external("locomo", "conv-26/Caroline").to_string(),
            "4004d0d7-5209-545a-82b3-a2cc8c2487c7");
  EXPECT_EQ(UserId::from_external("", "").to_string(), "088c785d-c915-5a30-83da-5a903b3fece4");
  EXPECT_EQ(UserId::from_external("discord", "195791341739966464").to_string(),
            "e8cd25a0-59f4-529f-a881-db2b05146ef6");
}

TEST(Id, ForeignOnesDifferBySourceAndName) {
  std::set<std::string> seen;
  for (const char* source : {"", "a", "b", "ab"}) {
    for (const char* name : {"", "a", "b", "bc"}) {
      EXPECT_TRUE(seen.insert(UserId::from_external(source, name).to_string()).second);
    }
  }
  EXPECT_NE(UserId::from_external("a", std::string("x\0y", 3)), UserId::from_external("a", "x"));
}

TEST(Id, HashesSpread) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint8_t i = 0; i < 200; ++i) {
    UuidBytes bytes{};
    bytes[i % 16] = i;
    hashes.insert(std::hash<UserId>()(UserId(bytes)));
  }
  EXPECT_GT(hashes.size(), 180u);
}

// A fixed clock and fixed randomness.
class FixedEnvironment : public Environment {
 public:
  FixedEnvironment(Time now, std::uint64_t bits) : now_(now), bits_(bits) {}
  Time now() override { return now_; }
  std::uint64_t random_bits() override { return bits_; }

 private:
  Time now_;
  std::uint64_t bits_;
};

std::string v7(Time now, std::uint64_t bits) {
  FixedEnvironment environment(now, bits);
  return UserId(new_uuid_v7(environment)).to_string();
}

TEST(UuidV7, HoldsMillisecondsVersionVariantAndRandomBits) {
  // RFC 9562, appendix A.6: 2022-02-22T19:22:22Z.
  EXPECT_EQ(v7(Time(1'645'557'742'000'000), 0).substr(0, 18), "017f22e2-79b0-7000");
  EXPECT_EQ(v7(Time(1'645'557'742'000'999), 0), "017f22e2-79b0-7000-8000-000000000000");
  EXPECT_EQ(v7(Time(1'645'557'742'001'000), ~std::uint64_t{0}),
            "017f22e2-79b1-7fff-bfff-ffffffffffff");
}

TEST(UuidV7, ClockOutsideTheFieldIsClamped) {
  EXPECT_EQ(v7(Time(-1), 0), "00000000-0000-7000-8000-000000000000");
  EXPECT_EQ(v7(kMinTime, 0), "00000000-0000-7000-8000-000000000000");
  EXPECT_EQ(v7(kMaxTime, 0), "ffffffff-ffff-7000-8000-000000000000");
}

TEST(UuidV7, DoesNotRepeat) {
  std::set<UuidBytes> seen;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(seen.insert(new_uuid_v7(Environment::system())).second);
  }
}

}  // namespace
}  // namespace callisto
