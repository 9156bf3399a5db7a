#include "schema/tails.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <random>
#include <string>

#include "schema/keys.h"
#include "tests/support/test_environment.h"

namespace callisto::schema {
namespace {

std::mt19937_64 seeded_random() { return std::mt19937_64(testing::test_seed()); }

/// Bytes on the heap with nothing behind them, so that a sanitizer sees a read past their end.
class Exact {
 public:
  explicit Exact(std::string_view bytes) : data_(new char[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), data_.get());
  }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_;
};

ConversationTail a_conversation_tail() {
  return {.created_at = 1,
          .updated_at = -2,
          .last_message_at = std::numeric_limits<std::int64_t>::max(),
          .last_sequence = std::numeric_limits<std::uint64_t>::max(),
          .message_count = 5,
          .token_count = 6,
          .processed_up_to = 7,
          .memory_up_to = 8,
          .is_marked = true,
          .reopens = false};
}

TEST(Tails, UserTailComesBack) {
  const UserTail tail{.last_seen = std::numeric_limits<std::int64_t>::min(),
                      .data_rows = 2000,
                      .identities = std::numeric_limits<std::uint32_t>::max()};
  EXPECT_EQ(encode(tail).size(), 16U);
  EXPECT_EQ(decode_user_tail(Exact(encode(tail)).view()), tail);
}

TEST(Tails, UserTailBytesAreTheDocumentedOnes) {
  EXPECT_EQ(
      to_hex(encode(UserTail{.last_seen = 0x0102030405060708, .data_rows = 9, .identities = 10})),
      "0807060504030201"
      "09000000"
      "0a000000");
}

TEST(Tails, ConversationTailComesBack) {
  for (const bool is_marked : {false, true}) {
    for (const bool reopens : {false, true}) {
      ConversationTail tail = a_conversation_tail();
      tail.is_marked = is_marked;
      tail.reopens = reopens;
      EXPECT_EQ(decode_conversation_tail(Exact(encode(tail)).view()), tail);
    }
  }
}

TEST(Tails, ConversationTailRefusesUnknownFlags) {
  std::string bytes = encode(a_conversation_tail());
  for (int flags = 0; flags < 256; ++flags) {
    bytes.back() = static_cast<char>(flags);
    EXPECT_EQ(decode_conversation_tail(bytes).has_value(), flags < 4) << flags;
  }
}

TEST(Tails, MessagePlaceComesBack) {
  const MessagePlace place{.conversation = "0123456789abcdef", .timestamp = -5, .sequence = 77};
  const auto parts = encode_message_place(place.conversation, place.timestamp, place.sequence);
  EXPECT_EQ(std::string_view(parts.data(), parts.size()), encode(place));
  const auto back = decode_message_place(Exact(encode(place)).view());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->conversation, place.conversation);
  EXPECT_EQ(back->timestamp, place.timestamp);
  EXPECT_EQ(back->sequence, place.sequence);
}

// A place without its conversation would be bytes of another length, which nobody reads back.
TEST(Tails, MessagePlaceWithoutConversationIsRefused) {
  EXPECT_FALSE(decode_message_place(encode(MessagePlace{})));
}

TEST(Tails, FixedLayoutsRefuseEveryOtherLength) {
  for (std::size_t size = 0; size < 130; ++size) {
    const Exact bytes{std::string(size, '\0')};
    EXPECT_EQ(decode_user_tail(bytes.view()).has_value(), size == 16) << size;
    EXPECT_EQ(decode_conversation_tail(bytes.view()).has_value(), size == 65) << size;
    EXPECT_EQ(decode_message_place(bytes.view()).has_value(), size == 32) << size;
  }
}

TEST(Tails, ProcessedFollowsMarkAndReopening) {
  ConversationTail tail;
  tail.last_sequence = 10;
  tail.processed_up_to = 10;
  EXPECT_FALSE(tail.is_processed());  // never marked
  tail.is_marked = true;
  EXPECT_TRUE(tail.is_processed());
  tail.last_sequence = 11;
  EXPECT_FALSE(tail.is_processed());  // a later message makes it due again
  tail.reopens = false;
  EXPECT_TRUE(tail.is_processed());
}

TEST(Tails, ActivityIsTheLaterOfEditAndMessage) {
  ConversationTail tail;
  tail.updated_at = -100;
  EXPECT_EQ(tail.activity_at(), -100);  // last_message_at is 0 and means nothing without messages
  tail.message_count = 1;
  tail.last_message_at = -200;
  EXPECT_EQ(tail.activity_at(), -100);
  tail.last_message_at = 5;
  EXPECT_EQ(tail.activity_at(), 5);
}

TEST(MemoryCover, ComesBack) {
  auto random = seeded_random();
  for (int round = 0; round < 500; ++round) {
    MemoryCover cover;
    cover.is_active = random() % 2 == 0;
    cover.is_superseded = random() % 2 == 0;
    cover.fields = static_cast<std::uint8_t>(random());
    cover.priority = static_cast<std::uint8_t>(1 + random() % 10);
    cover.importance = static_cast<float>(random() % 11) / 10.0F;
    if (random() % 2 == 0) cover.expires_at = static_cast<std::int64_t>(random());
    if (random() % 2 == 0) cover.updated_at = static_cast<std::int64_t>(random());
    std::vector<std::uint32_t> tags(random() % 257);
    for (std::uint32_t& tag : tags) tag = static_cast<std::uint32_t>(random());
    cover.set_tags(tags);

    const auto back = decode_memory_cover(Exact(encode(cover)).view());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->is_active, cover.is_active);
    EXPECT_EQ(back->is_superseded, cover.is_superseded);
    EXPECT_EQ(back->fields, cover.fields);
    EXPECT_EQ(back->priority, cover.priority);
    EXPECT_EQ(back->importance, cover.importance);
    EXPECT_EQ(back->expires_at, cover.expires_at);
    EXPECT_EQ(back->updated_at, cover.updated_at);
    EXPECT_EQ(back->tag_hashes, cover.tag_hashes);
    for (const std::uint32_t tag : tags) EXPECT_TRUE(back->has_tag(tag));
  }
}

TEST(MemoryCover, TellsTagsThatAreNotThere) {
  MemoryCover cover;
  EXPECT_FALSE(cover.has_tag(0));
  cover.set_tags({0, 5, 0xFFFFFFFF, 5, 0x01000000});
  EXPECT_EQ(cover.tag_hashes.size(), 16U);
  for (const std::uint32_t there : {0U, 5U, 0x01000000U, 0xFFFFFFFFU})
    EXPECT_TRUE(cover.has_tag(there));
  for (const std::uint32_t absent : {1U, 4U, 6U, 0x00FFFFFFU, 0xFFFFFFFEU}) {
    EXPECT_FALSE(cover.has_tag(absent)) << absent;
  }
}

TEST(MemoryCover, RefusesWhatItDoesNotWrite) {
  const std::string time(8, '\0');
  const std::string one = from_hex("01000000").value();
  const std::string two = from_hex("02000000").value();
  const std::string rest("\xFF\x05", 2);
  const std::string usual = from_hex("0000003f").value();  // 0.5
  EXPECT_TRUE(decode_memory_cover("\x0D" + rest + time + time + one + two));
  EXPECT_FALSE(decode_memory_cover(""));
  EXPECT_FALSE(decode_memory_cover("\x01\xFF"));                                    // no priority
  EXPECT_FALSE(decode_memory_cover("\x20" + rest));                                 // unknown flag
  EXPECT_FALSE(decode_memory_cover(Exact("\x05" + rest + time.substr(1)).view()));  // cut time
  EXPECT_FALSE(decode_memory_cover("\x10" + rest + usual.substr(1)));      // cut importance
  EXPECT_FALSE(decode_memory_cover("\x10" + rest + usual));                // needless
  EXPECT_FALSE(decode_memory_cover("\x01" + rest + one + two.substr(1)));  // cut hash
  EXPECT_FALSE(decode_memory_cover("\x01" + rest + two + one));            // falling
  EXPECT_FALSE(decode_memory_cover("\x01" + rest + one + one));            // repeated
}

TEST(MemoryCover, WhatIsReadIsWrittenTheSame) {
  auto random = seeded_random();
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 20, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % (random() % 2 == 0 ? 8 : 256));
    const auto cover = decode_memory_cover(Exact(bytes).view());
    if (!cover) continue;
    ++read;
    EXPECT_EQ(encode(*cover), bytes);
  }
  EXPECT_GT(read, 100);
}

TEST(MessageCover, ComesBack) {
  const std::string roles[] = {"user", "assistant", "system", "tool", "", "narrator", "users"};
  const std::string agents[] = {"", "cook", std::string(200, 'a')};
  for (const std::string& role : roles) {
    for (const std::string& agent : agents) {
      for (const float importance : {0.0F, 0.5F, 0.75F, 1.0F}) {
        for (std::uint8_t state = 0; state < 3; ++state) {
          const MessageCover cover{importance, state, role, agent};
          const std::string bytes = encode(cover);
          EXPECT_EQ(decode_message_cover(Exact(bytes).view()), cover);
          MessageCover usual = cover;
          usual.importance = MessageCover::kUsualImportance;
          EXPECT_EQ(without_importance(Exact(bytes).view()), encode(usual));
        }
      }
    }
  }
}

TEST(MessageCover, OfAUsualMessageTakesAByteOrNone) {
  EXPECT_EQ(encode(MessageCover{}), "");
  EXPECT_EQ(encode(MessageCover{.role = "assistant"}).size(), 1U);
  EXPECT_EQ(encode(MessageCover{.importance = 0.7F}).size(), 5U);
}

TEST(MessageCover, RefusesWhatItDoesNotWrite) {
  const auto reads = [](const char* hex) {
    return decode_message_cover(Exact(from_hex(hex).value()).view()).has_value();
  };
  EXPECT_TRUE(reads("730000403f636f6f6b"));
  EXPECT_FALSE(reads("00"));              // has a shorter spelling
  EXPECT_FALSE(reads("80"));              // unknown flag
  EXPECT_FALSE(reads("06"));              // no role
  EXPECT_FALSE(reads("18"));              // no state
  EXPECT_FALSE(reads("200000"));          // cut importance
  EXPECT_FALSE(reads("200000003f"));      // the usual one
  EXPECT_FALSE(reads("200000c03f"));      // above 1
  EXPECT_FALSE(reads("0505"));            // cut length
  EXPECT_FALSE(reads("05050061"));        // cut role
  EXPECT_FALSE(reads("05040075736572"));  // "user" has a number
  EXPECT_FALSE(reads("050000"));          // as has none
  EXPECT_FALSE(reads("40"));              // no agent
  EXPECT_FALSE(reads("0161"));            // more than it says
}

TEST(MessageCover, WhatIsReadIsWrittenTheSame) {
  auto random = seeded_random();
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 12, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % (random() % 2 == 0 ? 8 : 256));
    const auto cover = decode_message_cover(Exact(bytes).view());
    if (!cover) continue;
    ++read;
    EXPECT_EQ(encode(*cover), bytes);
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace callisto::schema
