#include "schema/records.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "schema/json.h"
#include "schema/message_record.h"
#include "tests/support/random_json.h"
#include "tests/support/test_environment.h"

namespace callisto::schema {
namespace {

using Random = std::mt19937_64;

std::unique_ptr<fb::Uuid> random_uuid(Random& random) {
  UuidBytes bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return std::make_unique<fb::Uuid>(to_fb(UserId(bytes)));
}

std::unique_ptr<fb::Uuid> maybe_uuid(Random& random) {
  return random() % 2 ? random_uuid(random) : nullptr;
}

std::string random_text(Random& random, std::size_t max_size = 40) {
  std::string text(random() % (max_size + 1), ' ');
  for (char& c : text) c = static_cast<char>(' ' + random() % 95);
  return text;
}

std::vector<std::uint8_t> random_value(Random& random) {
  if (random() % 3 == 0) return {};
  return json_to_flex(callisto::testing::random_json(random, 3).canonical, "json").value();
}

flatbuffers::Optional<std::int64_t> maybe_time(Random& random) {
  if (random() % 2) return flatbuffers::nullopt;
  return static_cast<std::int64_t>(random());
}

template <class Fields>
void fill_envelope(Random& random, Fields& fields) {
  const std::uint64_t version = random();
  const auto created_at = static_cast<std::int64_t>(random());
  fields.stamp = std::make_unique<fb::Stamp>(*random_uuid(random), version, created_at,
                                             created_at + 1, created_at + 2);
  fields.metadata = random_value(random);
  fields.external_id = random_text(random);
  fields.external_source = random_text(random);
}

void fill(Random& random, fb::UserT& user) {
  user.profile = random_value(random);
  user.preferences = random_value(random);
  user.is_active = random() % 2;
}

void fill(Random& random, fb::PlatformIdentifierT& identity) {
  identity.user = random_uuid(random);
  identity.platform = random_text(random);
  identity.platform_id = random_text(random);
  identity.username = random_text(random);
  identity.last_seen = static_cast<std::int64_t>(random());
}

void fill(Random& random, fb::UserDatumT& datum) {
  datum.user = random_uuid(random);
  datum.category = random_text(random);
  datum.kind = random() % 2 ? fb::CategoryKind::list : fb::CategoryKind::single;
  datum.value = random_text(random, 300);
}

void fill(Random& random, fb::ConversationT& conversation) {
  conversation.title = random_text(random);
  conversation.type = random_text(random);
  conversation.owner = maybe_uuid(random);
  for (std::uint64_t i = random() % 4; i > 0; --i) {
    conversation.participants.emplace_back(*random_uuid(random), *random_uuid(random));
  }
  conversation.persona = maybe_uuid(random);
  conversation.summary = random_text(random, 500);
  conversation.is_saved = random() % 2;
  conversation.ended_at = maybe_time(random);
}

void fill(Random& random, fb::MessageT& message) {
  message.conversation = random_uuid(random);
  message.sequence = random();
  message.timestamp = static_cast<std::int64_t>(random());
  message.parent = maybe_uuid(random);
  message.sender_slot = static_cast<std::uint16_t>(random());
  message.role = "assistant";
  message.content = random_text(random, 500);
  message.parts = random_value(random);
  message.state = fb::MessageState::interrupted;
  if (random() % 2) message.token_usage = static_cast<std::uint32_t>(random());
  message.importance = 0.25f;
}

void fill(Random& random, fb::MemoryT& memory) {
  memory.category = random_text(random);
  memory.key = random_text(random);
  memory.value = random_value(random);
  memory.text = random_text(random, 300);
  for (std::uint64_t i = random() % 4; i > 0; --i) memory.tags.push_back(random_text(random, 12));
  memory.user = maybe_uuid(random);
  memory.conversation = maybe_uuid(random);
  memory.priority = 7;
  memory.expires_at = maybe_time(random);
  memory.valid_to = maybe_time(random);
  memory.content_hash = random_uuid(random);
  for (std::uint64_t i = random() % 3; i > 0; --i) {
    auto source = std::make_unique<fb::SourceT>();
    source->kind = random_text(random);
    source->id = random_text(random);
    memory.sources.push_back(std::move(source));
  }
}

template <class Table>
typename Table::NativeTableType random_fields(Random& random) {
  typename Table::NativeTableType fields;
  fill_envelope(random, fields);
  fill(random, fields);
  return fields;
}

template <class Table>
std::string random_record(Random& random) {
  return encode<Table>(random_fields<Table>(random)).value();
}

template <class Table>
class Records : public ::testing::Test {};

using Tables = ::testing::Types<fb::User, fb::PlatformIdentifier, fb::UserDatum, fb::Conversation,
                                fb::Message, fb::Memory>;
class TableName {
 public:
  template <class Table>
  static std::string GetName(int) {
    if (std::is_same_v<Table, fb::User>) return "User";
    if (std::is_same_v<Table, fb::PlatformIdentifier>) return "PlatformIdentifier";
    if (std::is_same_v<Table, fb::UserDatum>) return "UserDatum";
    if (std::is_same_v<Table, fb::Conversation>) return "Conversation";
    if (std::is_same_v<Table, fb::Message>) return "Message";
    return "Memory";
  }
};
TYPED_TEST_SUITE(Records, Tables, TableName);

TYPED_TEST(Records, AreIntactAndComeBackAsTheyWere) {
  Random random(testing::test_seed());
  for (int i = 0; i < 200; ++i) {
    const std::string bytes = random_record<TypeParam>(random);
    const std::optional<Bytes> held = take<TypeParam>(bytes);
    ASSERT_TRUE(held.has_value());
    ASSERT_EQ(held->view(), bytes);
    ASSERT_EQ(encode<TypeParam>(unpack<TypeParam>(*held)).value(), bytes);
  }
}

TYPED_TEST(Records, EqualFieldsGiveEqualBytesInEveryThread) {
  const std::uint64_t seed = testing::test_seed();
  Random here(seed);
  std::vector<std::string> first;
  for (int i = 0; i < 20; ++i) first.push_back(random_record<TypeParam>(here));
  std::thread([&] {
    Random there(seed);
    for (const std::string& bytes : first) EXPECT_EQ(random_record<TypeParam>(there), bytes);
  }).join();
}

TYPED_TEST(Records, AboveTheLimitAreTooLarge) {
  Random random(testing::test_seed());
  auto fields = random_fields<TypeParam>(random);
  fields.external_id.assign(kMaxRecordBytes + 1, 'x');
  const auto above = encode<TypeParam>(fields);
  ASSERT_FALSE(above.has_value());
  EXPECT_EQ(above.error().code(), Code::too_large);
  fields.external_id.resize(kMaxRecordBytes - 10);  // fits alone, not with the rest
  EXPECT_FALSE(encode<TypeParam>(fields).has_value());
  fields.external_id.resize(kMaxRecordBytes - 100'000);
  const auto below = encode<TypeParam>(fields);
  ASSERT_TRUE(below.has_value());
  EXPECT_TRUE(take<TypeParam>(*below).has_value());
  EXPECT_FALSE(take<TypeParam>(*below + std::string(kMaxRecordBytes, '\0')).has_value());
}

TYPED_TEST(Records, TruncationLosesNothingUnseen) {
  Random random(testing::test_seed());
  const std::string bytes = random_record<TypeParam>(random);
  // Refused, or only padding was cut off.
  for (std::size_t size = 0; size + 8 < bytes.size(); ++size) {
    const std::optional<Bytes> held = take<TypeParam>(std::string_view(bytes).substr(0, size));
    if (held) {
      EXPECT_EQ(encode<TypeParam>(unpack<TypeParam>(*held)).value(), bytes) << size;
    }
  }
}

// One or several changes: bits, words that may be offsets or sizes, cuts.
void damage(Random& random, std::string& bytes) {
  for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
    const std::size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        if (at + 4 <= bytes.size()) {
          const auto word = static_cast<std::uint32_t>(random() >> random() % 64);
          std::memcpy(bytes.data() + at, &word, 4);
        }
        break;
      default:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
    }
  }
  if (random() % 8 == 0) bytes.resize(1 + random() % bytes.size());
}

TYPED_TEST(Records, DamagedBytesAreRefusedOrReadable) {
  Random random(testing::test_seed());
  int refused = 0;
  int readable = 0;
  std::string record;
  for (int i = 0; i < 20'000; ++i) {
    if (i % 50 == 0) record = random_record<TypeParam>(random);
    std::string bytes = record;
    damage(random, bytes);
    const std::optional<Bytes> held = take<TypeParam>(bytes);
    if (!held) {
      ++refused;
      continue;
    }
    ++readable;
    // Reads every field; what was read can be written.
    auto fields = unpack<TypeParam>(*held);
    flex_to_json(fields.metadata.data(), fields.metadata.size());
    ASSERT_TRUE(encode<TypeParam>(fields).has_value());
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(readable, 1000);
}

TEST(Record, BytesMustBeAligned) {
  Random random(testing::test_seed());
  const std::string bytes = random_record<fb::User>(random);
  std::vector<std::uint64_t> words(bytes.size() / 8 + 2);
  auto* const data = reinterpret_cast<std::uint8_t*>(words.data());
  std::memcpy(data, bytes.data(), bytes.size());
  EXPECT_TRUE(is_intact<fb::User>(data, bytes.size()));
  std::memmove(data + 4, data, bytes.size());
  EXPECT_FALSE(is_intact<fb::User>(data + 4, bytes.size()));
  EXPECT_FALSE(is_intact<fb::User>(nullptr, 0));
}

TEST(Record, JsonLiesOnEightBytes) {
  Random random(testing::test_seed());
  for (int i = 0; i < 100; ++i) {
    fb::MemoryT memory = random_fields<fb::Memory>(random);
    memory.metadata = json_to_flex(R"({"a":0.1})", "metadata").value();
    memory.value = json_to_flex(R"([1e300])", "value").value();
    const Bytes bytes = take<fb::Memory>(encode<fb::Memory>(memory).value()).value();
    const fb::Memory* table = root<fb::Memory>(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(table->metadata()->data()) % 8, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(table->value()->data()) % 8, 0u);
  }
}

TEST(Record, DamagedJsonInsideIsSeen) {
  Random random(testing::test_seed());
  fb::MessageT message = random_fields<fb::Message>(random);
  message.parts = json_to_flex(R"(["here"])", "parts").value();
  message.metadata.clear();
  ASSERT_TRUE(take<fb::Message>(encode<fb::Message>(message).value()).has_value());
  message.parts.back() = 3;  // a width that there is not
  EXPECT_FALSE(take<fb::Message>(encode<fb::Message>(message).value()).has_value());
  message.parts.clear();
  message.metadata = {1};
  EXPECT_FALSE(take<fb::Message>(encode<fb::Message>(message).value()).has_value());
}

TEST(Record, UnknownEnumeratorsAreDamage) {
  Random random(testing::test_seed());
  fb::MessageT message = random_fields<fb::Message>(random);
  message.state = static_cast<fb::MessageState>(3);
  EXPECT_FALSE(take<fb::Message>(encode<fb::Message>(message).value()).has_value());
  fb::UserDatumT datum = random_fields<fb::UserDatum>(random);
  datum.kind = static_cast<fb::CategoryKind>(2);
  EXPECT_FALSE(take<fb::UserDatum>(encode<fb::UserDatum>(datum).value()).has_value());
}

TEST(Record, AbsentAndEmptyFieldsAreOne) {
  Random random(testing::test_seed());
  fb::MemoryT memory;
  fill_envelope(random, memory);
  const Bytes bytes = take<fb::Memory>(encode<fb::Memory>(memory).value()).value();
  const fb::Memory* table = root<fb::Memory>(bytes);
  EXPECT_EQ(text(table->key()), "");
  EXPECT_EQ(from_fb<UserId>(table->user()), UserId());
  EXPECT_EQ(table->priority(), 5);
  EXPECT_EQ(table->importance(), 0.5f);
  EXPECT_TRUE(table->is_active());
  EXPECT_FALSE(table->expires_at().has_value());
  memory.expires_at = 0;
  const Bytes expiring = take<fb::Memory>(encode<fb::Memory>(memory).value()).value();
  EXPECT_EQ(root<fb::Memory>(expiring)->expires_at().value(), 0);
}

TEST(Record, AMessageRecordHasTheBytesOfItsFields) {
  Random random(callisto::testing::test_seed());
  for (int i = 0; i < 500; ++i) {
    fb::MessageT fields;
    fill_envelope(random, fields);
    fill(random, fields);
    fields.name = random_text(random);
    fields.agent = random_text(random);
    fields.tool_call_id = random_text(random);
    fields.model = random_text(random);
    MessageRecord record;
    record.stamp = *fields.stamp;
    record.metadata = fields.metadata;
    record.external_id = fields.external_id;
    record.external_source = fields.external_source;
    record.conversation = *fields.conversation;
    record.sequence = fields.sequence;
    record.timestamp = fields.timestamp;
    if (fields.parent) record.parent = *fields.parent;
    record.sender_slot = fields.sender_slot;
    record.name = fields.name;
    record.agent = fields.agent;
    record.role = fields.role;
    record.content = fields.content;
    record.parts = fields.parts;
    record.tool_call_id = fields.tool_call_id;
    record.state = fields.state;
    record.model = fields.model;
    record.token_usage = fields.token_usage;
    record.importance = fields.importance;
    EXPECT_EQ(encode(record).value(), encode<fb::Message>(fields).value());
  }
  fb::MessageT few;
  few.stamp = std::make_unique<fb::Stamp>(*random_uuid(random), 1, 2, 3, 4);
  few.conversation = random_uuid(random);
  MessageRecord record;
  record.stamp = *few.stamp;
  record.conversation = *few.conversation;
  EXPECT_EQ(encode(record).value(), encode<fb::Message>(few).value());
  const std::string large(kMaxRecordBytes, 'x');
  record.content = large;
  EXPECT_EQ(encode(record).error().code(), Code::too_large);
}

TEST(Record, AnIdPutInItsPlaceGivesTheBytesOfTheRecordWithIt) {
  Random random(callisto::testing::test_seed());
  const UserId id(UuidBytes{1, 2, 3});
  for (int i = 0; i < 200; ++i) {
    fb::MemoryT memory;
    fill_envelope(random, memory);
    fill(random, memory);
    memory.user = random_uuid(random);
    const Bytes record = Bytes::copy_of(encode<fb::Memory>(memory).value());
    std::string bytes(record.view());
    put_id(bytes, record, *root<fb::Memory>(record)->user(), id);
    memory.user = std::make_unique<fb::Uuid>(to_fb(id));
    EXPECT_EQ(bytes, encode<fb::Memory>(memory).value());
  }
}

TEST(Record, IdsComeBack) {
  const UserId id = UserId::parse("0190b6d2-7a1c-7c3e-8f00-123456789abc").value();
  const fb::Uuid stored = to_fb(id);
  EXPECT_EQ(from_fb<UserId>(&stored), id);
}

}  // namespace
}  // namespace callisto::schema
