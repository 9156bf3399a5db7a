#include "schema/keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/test_environment.h"

namespace callisto::schema {
namespace {

std::mt19937_64 seeded_random() { return std::mt19937_64(testing::test_seed()); }

constexpr SpaceNumber kSpace = 7;

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

/// The bytes of one part without S X.
template <class Write>
std::string part(const Write& write) {
  KeyWriter writer(kSpace, IndexId::memory_by_tag);
  write(writer);
  return writer.str().substr(kKeyHeadBytes);
}

/// 0, the ends, and both sides of every power of two.
template <class T>
std::vector<T> boundaries() {
  std::vector<T> values = {0, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  for (int bit = 0; bit < std::numeric_limits<T>::digits; ++bit) {
    const T power = static_cast<T>(T{1} << bit);
    for (const T value : {static_cast<T>(power - 1), power, static_cast<T>(power + 1)}) {
      values.push_back(value);
      if (std::is_signed_v<T>) values.push_back(static_cast<T>(-value));
    }
  }
  return values;
}

template <class T>
std::vector<T> integers() {
  auto random = seeded_random();
  std::vector<T> values = boundaries<T>();
  for (int i = 0; i < 100; ++i) values.push_back(static_cast<T>(random() >> (random() % 64)));
  return values;
}

/// Order of the bytes is that of the values (falling: the reverse), whatever follows; each comes
/// back, and no byte less is accepted.
template <class T, class Write, class Read>
void check_part(std::vector<T> values, const Write& write, const Read& read,
                bool is_falling = false) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  std::vector<std::string> encoded;
  for (const T& value : values) {
    encoded.push_back(part([&](KeyWriter& writer) { write(writer, value); }));
    KeyReader reader(encoded.back());
    ASSERT_EQ(read(reader), value) << to_hex(encoded.back());
    ASSERT_TRUE(reader.at_end());
    for (std::size_t size = 0; size < encoded.back().size(); ++size) {
      const Exact cut(std::string_view(encoded.back()).substr(0, size));
      KeyReader short_reader(cut.view());
      ASSERT_EQ(read(short_reader), T{}) << to_hex(cut.view());
      ASSERT_FALSE(short_reader.ok()) << to_hex(cut.view());
    }
  }
  if (is_falling) std::reverse(encoded.begin(), encoded.end());
  for (std::size_t i = 1; i < encoded.size(); ++i) {
    ASSERT_LT(encoded[i - 1], encoded[i]);
    ASSERT_LT(encoded[i - 1] + "\xFF\xFF", encoded[i]) << "what follows may not matter";
  }
}

TEST(KeyParts, Integers) {
  check_part(
      integers<std::uint8_t>(), [](KeyWriter& w, std::uint8_t v) { w.u8(v); },
      [](KeyReader& r) { return r.u8(); });
  check_part(
      integers<std::uint16_t>(), [](KeyWriter& w, std::uint16_t v) { w.u16(v); },
      [](KeyReader& r) { return r.u16(); });
  check_part(
      integers<std::uint32_t>(), [](KeyWriter& w, std::uint32_t v) { w.u32(v); },
      [](KeyReader& r) { return r.u32(); });
  check_part(
      integers<std::uint64_t>(), [](KeyWriter& w, std::uint64_t v) { w.u64(v); },
      [](KeyReader& r) { return r.u64(); });
  check_part(
      integers<std::uint64_t>(), [](KeyWriter& w, std::uint64_t v) { w.u64_down(v); },
      [](KeyReader& r) { return r.u64_down(); }, true);
}

TEST(KeyParts, Times) {
  std::vector<std::int64_t> times = integers<std::int64_t>();
  for (const Time end : {kMinTime, kMaxTime}) {
    for (const int step : {-1, 0, 1}) times.push_back(end.micros() + step);
  }
  check_part(
      times, [](KeyWriter& w, std::int64_t v) { w.time(v); },
      [](KeyReader& r) { return r.time(); });
  check_part(
      times, [](KeyWriter& w, std::int64_t v) { w.time_down(v); },
      [](KeyReader& r) { return r.time_down(); }, true);
}

TEST(KeyParts, Importance) {
  auto random = seeded_random();
  std::vector<float> values = {0,
                               1,
                               0.5F,
                               std::numeric_limits<float>::denorm_min(),
                               std::numeric_limits<float>::min(),
                               std::numeric_limits<float>::epsilon(),
                               1 - std::numeric_limits<float>::epsilon()};
  std::uniform_real_distribution<float> any(0, 1);
  for (int i = 0; i < 500; ++i) values.push_back(any(random));
  check_part(
      values, [](KeyWriter& w, float v) { w.importance_down(v); },
      [](KeyReader& r) { return r.importance_down(); }, true);
}

TEST(KeyParts, ImportanceHasOneSpellingAndOneRange) {
  const auto bytes = [](float value) {
    return part([&](KeyWriter& w) { w.importance_down(value); });
  };
  EXPECT_EQ(bytes(-0.0F), bytes(0.0F));
  for (const float bad : {-0.5F, 1.5F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    const std::string encoded = bytes(bad);
    KeyReader reader(encoded);
    reader.importance_down();
    EXPECT_FALSE(reader.ok()) << bad;
  }
  KeyReader minus_zero("\x7F\xFF\xFF\xFF");
  minus_zero.importance_down();
  EXPECT_FALSE(minus_zero.ok());
}

std::vector<std::string> texts() {
  auto random = seeded_random();
  using namespace std::string_literals;
  std::vector<std::string> values = {""s,
                                     "a"s,
                                     "b"s,
                                     "aa"s,
                                     "ab"s,
                                     "\0"s,
                                     "\0\0"s,
                                     "\0\1"s,
                                     "\0\xFF"s,
                                     "\1"s,
                                     "\xFF"s,
                                     "\xFF\xFF"s,
                                     "a\0"s,
                                     "a\0b"s,
                                     "a\0\xFF"s,
                                     "a\1"s,
                                     "a\xFF"s,
                                     "a\0\1"s,
                                     "a\0\0b"s,
                                     "caf\xC3\xA9"s,
                                     "\xE6\x97\xA5\xE6\x9C\xAC"s,
                                     "\xF0\x9F\x98\x80"s,
                                     std::string(5000, '\0'),
                                     std::string(5000, '\xFF'),
                                     std::string(1200, 'x')};
  const std::string letters =
      "\0\1\2\xFE\xFF"
      "a"s;
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 8, '\0');
    for (char& letter : text) letter = letters[random() % letters.size()];
    values.push_back(text);
  }
  return values;
}

TEST(KeyParts, Texts) {
  check_part(
      texts(), [](KeyWriter& w, const std::string& v) { w.text(v); },
      [](KeyReader& r) { return r.text(); });
}

TEST(KeyParts, ALongKeyGrowsOutOfItsWriter) {
  std::string expected = space_prefix(kSpace);
  KeyWriter writer(expected);
  for (int i = 0; i < 100; ++i) {
    const std::string part(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    writer.raw(part).u16(static_cast<std::uint16_t>(i));
    expected += part + '\0' + static_cast<char>(i);
    EXPECT_EQ(writer.view(), expected);
  }
  KeyWriter moved = std::move(writer);
  EXPECT_EQ(moved.str(), expected);
  EXPECT_EQ(std::move(moved).take(), expected);
}

TEST(KeyParts, TextRefusesAnUnknownEscape) {
  for (int mark = 0; mark < 256; ++mark) {
    const Exact bytes(std::string("a\0", 2) + static_cast<char>(mark) + "b" +
                      std::string("\0\1", 2));
    KeyReader reader(bytes.view());
    reader.text();
    EXPECT_EQ(reader.ok(), mark == 0x01 || mark == 0xFF) << mark;
  }
}

TEST(KeyParts, AfterAFailureEverythingIsEmpty) {
  KeyReader reader("\1\2\3");
  EXPECT_EQ(reader.u64(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.u64_down(), 0U);
  EXPECT_EQ(reader.time(), 0);
  EXPECT_EQ(reader.time_down(), 0);
  EXPECT_EQ(reader.importance_down(), 0);
  EXPECT_EQ(reader.text(), "");
  EXPECT_EQ(reader.raw(0), "");
  EXPECT_TRUE(reader.id<UserId>().is_nil());
  EXPECT_FALSE(reader.at_end());
  EXPECT_EQ(reader.rest(), "");
}

template <class IdType>
IdType random_id(std::mt19937_64& random) {
  UuidBytes bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() % 3 * 127);
  return IdType(bytes);
}

std::int64_t small_time(std::mt19937_64& random) {
  return static_cast<std::int64_t>(random() % 5) - 2;
}

// A key of many parts orders as the tuple of its values does: (text, newest first, id).
TEST(KeyOrder, OfJoinedPartsIsTheOrderOfTheTuple) {
  auto random = seeded_random();
  const std::vector<std::string> tags = texts();
  using Row = std::tuple<std::string, std::int64_t, UuidBytes>;
  std::vector<std::pair<Row, std::string>> rows;
  for (int i = 0; i < 3000; ++i) {
    const std::string& tag = tags[random() % 40];
    const std::int64_t created = small_time(random);
    const auto id = random_id<MemoryId>(random);
    KeyWriter writer(kSpace, IndexId::memory_by_tag);
    writer.text(tag).time_down(created).id_at(created, id);
    rows.push_back({{tag, -created, turn_id_at(created, id.bytes())}, std::move(writer).take()});
  }
  std::sort(rows.begin(), rows.end());
  for (std::size_t i = 1; i < rows.size(); ++i) ASSERT_LE(rows[i - 1].second, rows[i].second);
}

TEST(TurnedId, ComesBack) {
  auto random = seeded_random();
  for (int i = 0; i < 3000; ++i) {
    const std::int64_t time = i % 2 == 0 ? small_time(random) : static_cast<std::int64_t>(random());
    const auto id = random_id<MemoryId>(random);
    const UuidBytes turned = turn_id_at(time, id.bytes());
    EXPECT_EQ(turn_id_back(time, turned), id.bytes());
    const std::string key = KeyWriter("").time(time).id_at(time, id).str();
    KeyReader reader(key);
    EXPECT_EQ(reader.id_at<MemoryId>(reader.time()), id);
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(TurnedId, EndsInZerosWhereTheTimeSaysTheSame) {
  const auto id = MemoryId::parse("00000000-03e8-7000-8000-000000000001").value();
  for (const std::int64_t time : {1'000'000, 1'000'999}) {
    EXPECT_EQ(KeyWriter("").id_at(time, id).str(), from_hex("70008000000000000001000000000000"));
  }
  EXPECT_EQ(KeyWriter("").id_at(999'999, id).str(), from_hex("70008000000000000001000000000001"));
}

TEST(KeyOrder, SpacesThenTablesLead) {
  const UserId first;
  const UserId last = UserId(UuidBytes{0xFF, 0xFF});
  EXPECT_LT(user_key(1, last), user_key(2, first));
  EXPECT_LT(user_key(255, last), user_key(256, first));
  EXPECT_LT(user_key(1, last), user_tail_key(1, first));
}

std::vector<MessageOrder> message_orders(std::mt19937_64& random) {
  std::vector<MessageOrder> orders = {
      {kMinTime.micros(), 1},
      {kMaxTime.micros(), std::numeric_limits<std::uint64_t>::max()},
      {-1, 0},
      {0, 0},
      {1, 0},
      {0, 255},
      {0, 256},
      {0, 65536}};
  for (int i = 0; i < 300; ++i) orders.push_back({small_time(random), random() % 600});
  std::sort(orders.begin(), orders.end());
  orders.erase(std::unique(orders.begin(), orders.end()), orders.end());
  return orders;
}

TEST(MessageKeys, NewestLeads) {
  auto random = seeded_random();
  const auto conversation = random_id<ConversationId>(random);
  const std::vector<MessageOrder> orders = message_orders(random);
  for (std::size_t i = 1; i < orders.size(); ++i) {
    EXPECT_GT(message_key(kSpace, conversation, orders[i - 1]),
              message_key(kSpace, conversation, orders[i]));
    EXPECT_GT(message_sender_key(kSpace, conversation, 3, orders[i - 1]),
              message_sender_key(kSpace, conversation, 3, orders[i]));
    // Importance leads: the older message with the higher one comes first.
    EXPECT_LT(message_importance_key(kSpace, conversation, 0.75F, orders[i - 1]),
              message_importance_key(kSpace, conversation, 0.5F, orders[i]));
    EXPECT_GT(message_importance_key(kSpace, conversation, 0.5F, orders[i - 1]),
              message_importance_key(kSpace, conversation, 0.5F, orders[i]));
  }
}

TEST(MessageKeys, ComeBack) {
  auto random = seeded_random();
  for (const MessageOrder& order : message_orders(random)) {
    const auto conversation = random_id<ConversationId>(random);
    const auto slot = static_cast<std::uint16_t>(random());
    for (const std::string& key : {message_key(kSpace, conversation, order),
                                   message_sender_key(kSpace, conversation, slot, order),
                                   message_importance_key(kSpace, conversation, 0.25F, order)}) {
      const auto parsed = parse_message_key(Exact(key).view());
      ASSERT_TRUE(parsed) << to_hex(key);
      EXPECT_EQ(parsed->space, kSpace);
      EXPECT_EQ(parsed->conversation, conversation);
      EXPECT_EQ(parsed->order, order);
      EXPECT_EQ(parsed->slot, parsed->part == MessagePart::by_sender ? slot : 0);
      EXPECT_EQ(parsed->importance, parsed->part == MessagePart::by_importance ? 0.25F : 0.0F);
      EXPECT_TRUE(key.starts_with(message_range(kSpace, conversation, parsed->part)));
      EXPECT_TRUE(key.starts_with(message_range(kSpace, conversation)));
    }
  }
}

TEST(MessageKeys, PlaceIsTheLastSixteenBytes) {
  const ConversationId conversation;
  const MessageOrder order{1, 2};
  const std::string place = message_key(kSpace, conversation, order).substr(kKeyHeadBytes + 17);
  EXPECT_EQ(place.size(), 16U);
  EXPECT_TRUE(message_sender_key(kSpace, conversation, 9, order).ends_with(place));
  EXPECT_TRUE(message_importance_key(kSpace, conversation, 0.5F, order).ends_with(place));
}

TEST(MessageKeys, RefuseWhatIsNone) {
  const ConversationId conversation;
  const std::string key = message_key(kSpace, conversation, {1, 2});
  for (std::size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(parse_message_key(Exact(key.substr(0, size)).view())) << size;
  }
  EXPECT_FALSE(parse_message_key(key + "x"));
  EXPECT_FALSE(parse_message_key(memory_key(kSpace, MemoryId{})));
  for (int mark = 0; mark < 256; ++mark) {
    std::string other = key;
    other[kKeyHeadBytes + 16] = static_cast<char>(mark);
    EXPECT_EQ(parse_message_key(other).has_value(), mark == 0x10) << mark;
  }
  // An importance that no writer gives.
  std::string importance = message_importance_key(kSpace, conversation, 1, {1, 2});
  importance[kKeyHeadBytes + 17] = '\0';
  EXPECT_FALSE(parse_message_key(importance));
}

TEST(PrefixEnd, IsTheFirstKeyBehindAllThatStartWithIt) {
  using namespace std::string_literals;
  EXPECT_EQ(prefix_end("a"), "b");
  EXPECT_EQ(prefix_end("a\xFF"), "b");
  EXPECT_EQ(prefix_end("\xFF"
                       "a\xFF\xFF"),
            "\xFF"
            "b");
  EXPECT_EQ(prefix_end("\x7F"), "\x80");
  EXPECT_EQ(prefix_end("a\0"s), "a\1"s);
  EXPECT_EQ(prefix_end(""), "");
  EXPECT_EQ(prefix_end("\xFF\xFF"), "");
}

TEST(PrefixEnd, ParsesEveryRandomKeyToTheRightSide) {
  auto random = seeded_random();
  const auto letters = [&] {
    std::string text(1 + random() % 4, '\0');
    for (char& letter : text) letter = static_cast<char>(random() % 4 + 0xFC);
    return text;
  };
  for (int round = 0; round < 20'000; ++round) {
    const std::string prefix = letters();
    const std::string end = prefix_end(prefix);
    if (end.empty()) continue;
    const std::string key = letters();
    EXPECT_EQ(key >= prefix && key < end, key.starts_with(prefix))
        << to_hex(prefix) << " " << to_hex(key);
  }
}

TEST(Keys, OfDataLieUnderTheirPrefixes) {
  auto random = seeded_random();
  const auto user = random_id<UserId>(random);
  const std::string key = datum_key(kSpace, user, "favourite_foods", hash128("pies"), 3);
  EXPECT_TRUE(key.starts_with(datum_prefix(kSpace, user)));
  EXPECT_TRUE(key.starts_with(datum_prefix(kSpace, user, "favourite_foods")));
  EXPECT_FALSE(key.starts_with(datum_prefix(kSpace, user, "favourite")));
}

TEST(Keys, OfDataComeBack) {
  auto random = seeded_random();
  const auto user = random_id<UserId>(random);
  for (const std::string& category : texts()) {
    const std::string key = datum_key(kSpace, user, category, hash128("pies"), 3);
    const auto parsed = parse_datum_key(Exact(key).view());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->user, user);
    EXPECT_EQ(parsed->category, category);
    EXPECT_EQ(parsed->value_hash, hash128("pies"));
    EXPECT_EQ(parsed->probe, 3);
  }
  const std::string key = datum_key(kSpace, user, "c", hash128("pies"), 3);
  for (std::size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(parse_datum_key(Exact(key.substr(0, size)).view())) << size;
  }
  EXPECT_FALSE(parse_datum_key(key + "x"));
  EXPECT_FALSE(parse_datum_key(user_key(kSpace, user)));
}

TEST(Keys, OfOneKindDiffer) {
  const UserId user;
  EXPECT_NE(identity_key(kSpace, "ab", "c"), identity_key(kSpace, "a", "bc"));
  EXPECT_NE(name_guard_key(kSpace, user, "ab", "c"), name_guard_key(kSpace, user, "a", "bc"));
  EXPECT_NE(conversation_key(kSpace, {}), conversation_tail_key(kSpace, {}));
  EXPECT_NE(counters_key(1), counters_key(2));
  EXPECT_TRUE(alias_key(kSpace, user).starts_with(system_prefix(kSpace, SystemId::alias)));
}

TEST(Hex, ComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(from_hex(to_hex(all)), all);
  EXPECT_EQ(to_hex("\x01\xAB"), "01ab");
  EXPECT_EQ(from_hex("01AB"), "\x01\xAB");
  EXPECT_EQ(from_hex(""), "");
  for (const char* bad : {"0", "0g", "g0", "0x", " 0", "0 ", "001", "\xC3\xA9"})
    EXPECT_FALSE(from_hex(bad)) << bad;
}

TEST(DescribeKey, NamesThePartsOfAKey) {
  KeyWriter writer(1, IndexId::memory_by_tag);
  writer.text("Pie \"\\").time_down(0).id_at(0, MemoryId{});
  EXPECT_EQ(describe_key(writer.str()),
            "memory_by_tag 1 tag=\"Pie \\\"\\\\\" created=1970-01-01T00:00:00.000000Z "
            "memory=00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(describe_key(message_importance_key(3, {}, 0.7F, {0, 12})),
            "messages 3 conversation=00000000-0000-0000-0000-000000000000 by_importance "
            "importance=0.7 timestamp=1970-01-01T00:00:00.000000Z sequence=12");
  EXPECT_EQ(describe_key(index_progress_key(1, IndexId::memory_by_tag)),
            "index_progress 1 index=memory_by_tag");
}

TEST(DescribeKey, NamesTheTargetOfWork) {
  const UserId user;
  EXPECT_EQ(describe_key(work_key(1, 3, user.view())),
            "work 1 op=3 target=00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(describe_key(work_key(0, 4, std::string("\0\0\0\2", 4))), "work 0 op=4 target=2");
  const std::string other = work_key(0, 4, "abc");
  EXPECT_EQ(describe_key(other), to_hex(other));
}

TEST(DescribeKey, EscapesWhatCouldLeadATerminalAstray) {
  const auto described = [](std::string_view name) { return describe_key(space_key(name)); };
  EXPECT_EQ(described("a\nb\x1B[2J\x7F"), "space_by_name 0 name=\"a\\x0ab\\x1b[2J\\x7f\"");
  EXPECT_EQ(described(std::string_view("\0", 1)), "space_by_name 0 name=\"\\x00\"");
  EXPECT_EQ(described("caf\xC3\xA9"), "space_by_name 0 name=\"caf\xC3\xA9\"");
  EXPECT_EQ(described("\xC2\x9B"
                      "2J"),
            "space_by_name 0 name=\"\\xc2\\x9b2J\"");  // a control above ASCII
  EXPECT_EQ(described("\xC2\xA0"), "space_by_name 0 name=\"\xC2\xA0\"");
  EXPECT_EQ(described("caf\xC3"), "space_by_name 0 name=\"caf\\xc3\"");
}

TEST(DescribeKey, GivesHexadecimalForWhatItDoesNotKnow) {
  EXPECT_EQ(describe_key(""), "");
  EXPECT_EQ(describe_key("abc"), "616263");
  const std::string key = user_key(1, {});
  for (std::size_t size = 0; size < key.size(); ++size) {
    EXPECT_EQ(describe_key(Exact(key.substr(0, size)).view()), to_hex(key.substr(0, size)));
  }
  EXPECT_EQ(describe_key(key + "x"), to_hex(key + "x"));
  const std::string unknown = KeyWriter(1, static_cast<IndexId>(0x7777)).take();
  EXPECT_EQ(describe_key(unknown), to_hex(unknown));
  const std::string no_flag =
      KeyWriter(1, IndexId::user_by_active).u8(2).time_down(0).id(UserId{}).str();
  EXPECT_EQ(describe_key(no_flag), to_hex(no_flag));
}

// Whatever bytes follow a known head: no crash, no read past the end, always an answer.
TEST(DescribeKey, TakesAnyBytes) {
  auto random = seeded_random();
  const std::vector<std::uint16_t> numbers = {0x0001, 0x0004, 0x0005, 0x0007, 0x0112, 0x0121,
                                              0x0142, 0x0156, 0x015B, 0x0160, 0x0205, 0x0206};
  for (int round = 0; round < 20'000; ++round) {
    KeyWriter writer(1, static_cast<IndexId>(numbers[random() % numbers.size()]));
    for (std::size_t i = random() % 50; i > 0; --i) {
      writer.u8(static_cast<std::uint8_t>(random() % 2 == 0 ? random() % 3 : random()));
    }
    const Exact key(writer.str());
    ASSERT_FALSE(describe_key(key.view()).empty());
    parse_message_key(key.view());
  }
}

}  // namespace
}  // namespace callisto::schema
