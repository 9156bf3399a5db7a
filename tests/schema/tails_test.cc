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

void expect_same_place(const std::string& message, const MessagePlace& place) {
  const MessagePlaceBytes bytes(message, place.conversation, place.timestamp, place.sequence);
  const auto back =
      decode_message_place(Exact("key " + message).view(), Exact(std::string(bytes.view())).view());
  ASSERT_TRUE(back) << place.timestamp;
  EXPECT_EQ(back->conversation, place.conversation);
  EXPECT_EQ(back->timestamp, place.timestamp);
  EXPECT_EQ(back->sequence, place.sequence);
}

TEST(Tails, MessagePlaceComesBack) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  for (const char byte : {'\0', '\x01', '\xFF'}) {
    for (const std::int64_t timestamp : {std::int64_t{-5}, std::int64_t{0}, kLeast, kMost}) {
      for (const std::uint64_t sequence :
           {std::uint64_t{0}, std::uint64_t{77}, ~std::uint64_t{0}}) {
        expect_same_place(
            std::string(16, byte),
            {.conversation = "0123456789abcdef", .timestamp = timestamp, .sequence = sequence});
      }
    }
  }
}

TEST(Tails, MessagePlaceOfOtherBytesIsRefused) {
  const std::string message(16, '\0');
  const std::string conversation(16, 'c');
  const auto reads = [&](const std::string& rest) {
    return decode_message_place(message, Exact(conversation + rest).view()).has_value();
  };
  EXPECT_TRUE(reads({"\x02\x01", 2}));
  EXPECT_FALSE(reads(""));
  EXPECT_FALSE(reads("\x02"));               // no sequence
  EXPECT_FALSE(reads("\x82"));               // cut
  EXPECT_FALSE(reads({"\x82\x00\x01", 3}));  // longer than needed
  EXPECT_FALSE(reads({"\x02\x01\x00", 3}));  // more than a place
  EXPECT_FALSE(decode_message_place(message.substr(1), conversation + "\x02\x01"));
  EXPECT_FALSE(decode_message_place(message, conversation.substr(1)));
}

TEST(Tails, CreationComesBackFromItsDistance) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t created_at : {std::int64_t{-7}, std::int64_t{0}, kLeast, kMost}) {
    for (const std::int64_t key_time : {std::int64_t{-7}, std::int64_t{5}, kLeast, kMost}) {
      const Exact bytes(encode_created(created_at, key_time) + "rest");
      std::string_view value = bytes.view();
      EXPECT_EQ(take_created(value, key_time), created_at);
      EXPECT_EQ(value, "rest");
    }
  }
  std::string_view cut = "\x80";
  EXPECT_FALSE(take_created(cut, 0));
  EXPECT_EQ(encode_created(3, 3).size(), 1U);
}

TEST(Tails, FixedLayoutsRefuseEveryOtherLength) {
  for (std::size_t size = 0; size < 130; ++size) {
    const Exact bytes{std::string(size, '\0')};
    EXPECT_EQ(decode_user_tail(bytes.view()).has_value(), size == 16) << size;
    EXPECT_EQ(decode_conversation_tail(bytes.view()).has_value(), size == 65) << size;
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
    std::vector<std::uint16_t> tags(random() % 257);
    for (std::uint16_t& tag : tags) tag = static_cast<std::uint16_t>(random());
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
    for (const std::uint16_t tag : tags) EXPECT_TRUE(back->has_tag(tag));
  }
}

TEST(MemoryCover, TellsTagsThatAreNotThere) {
  MemoryCover cover;
  EXPECT_FALSE(cover.has_tag(0));
  const std::vector<std::uint16_t> tags{0, 5, 0xFFFF, 5, 0x0100};
  cover.set_tags(tags);
  EXPECT_EQ(cover.tag_hashes.size(), 8U);
  for (const std::uint16_t there : tags) EXPECT_TRUE(cover.has_tag(there));
  for (const std::uint16_t absent : std::vector<std::uint16_t>{1, 4, 6, 0x00FF, 0xFFFE}) {
    EXPECT_FALSE(cover.has_tag(absent)) << absent;
  }
}

TEST(MemoryCover, ASignatureHasTheBitsOfEveryTag) {
  std::mt19937_64 random = seeded_random();
  for (int round = 0; round < 500; ++round) {
    MemoryCover cover;
    std::vector<std::uint16_t> tags(random() % 6);
    for (std::uint16_t& tag : tags) tag = static_cast<std::uint16_t>(random());
    cover.set_tags(tags);
    if (random() % 2 == 0) cover.expires_at = static_cast<std::int64_t>(random());
    if (random() % 2 == 0) cover.importance = 0.123F;
    // Some entries have another time in front.
    const std::string value =
        (random() % 2 == 0 ? encode_created(static_cast<std::int64_t>(random() >> 2), 77) : "") +
        encode(cover);
    for (const std::uint16_t tag : tags) {
      EXPECT_EQ(tags_signature(value) & tag_signature(tag), tag_signature(tag));
    }
    if (tags.empty() && !cover.expires_at && cover.importance == MemoryCover().importance) {
      EXPECT_EQ(tags_signature(encode(cover)), 0U);
    }
  }
}

TEST(MemoryCover, RefusesWhatItDoesNotWrite) {
  const std::string time(8, '\0');
  const std::string one = from_hex("0100").value();
  const std::string two = from_hex("0200").value();
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
