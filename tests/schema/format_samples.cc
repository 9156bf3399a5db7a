#include "tests/schema/format_samples.h"

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/space_state.h"
#include "schema/format.h"
#include "schema/json.h"
#include "schema/keys.h"
#include "schema/records.h"
#include "schema/tails.h"
#include "tests/support/map_engine.h"
#include "tests/support/test_environment.h"

namespace callisto::schema {

namespace {

constexpr SpaceNumber kSpace = 1;
constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kNoon = testing::kTestStart.micros();  // 2026-11-21T12:00:00Z

/// 00000000-0000-7000-8000-0000000000NN.
template <class IdType>
IdType id(std::uint8_t number) {
  UuidBytes bytes{};
  bytes[6] = 0x70;
  bytes[8] = 0x80;
  bytes[15] = number;
  return IdType(bytes);
}

const auto kUser = id<UserId>(0x01);
const auto kGone = id<UserId>(0x02);
const auto kPersona = id<PersonaId>(0x06);
const auto kConversation = id<ConversationId>(0x07);
const auto kMessage = id<MessageId>(0x08);
const auto kMemory = id<MemoryId>(0x09);
constexpr MessageOrder kOrder{kNoon + kMinute, 1};

template <class Tag>
std::unique_ptr<fb::Uuid> uuid(const Id<Tag>& id) {
  return std::make_unique<fb::Uuid>(to_fb(id));
}

template <class Tag>
std::unique_ptr<fb::Stamp> stamp(const Id<Tag>& id, std::uint64_t version = 1,
                                 std::int64_t updated_at = kNoon) {
  return std::make_unique<fb::Stamp>(to_fb(id), version, kNoon, kNoon, updated_at);
}

template <class Table>
std::string bytes_of(const typename Table::NativeTableType& fields) {
  return encode<Table>(fields).value();
}

std::string user_bytes() {
  fb::UserT user;
  user.stamp = stamp(kUser);
  return bytes_of<fb::User>(user);
}

std::string identity_bytes() {
  fb::PlatformIdentifierT identity;
  identity.stamp = stamp(id<PlatformIdentifierId>(0x03));
  identity.user = uuid(kUser);
  identity.platform = "discord";
  identity.platform_id = "195791341739966464";
  identity.username = "Reece";
  return bytes_of<fb::PlatformIdentifier>(identity);
}

std::string datum_bytes(std::uint8_t number, const std::string& category, fb::CategoryKind kind,
                        const std::string& value) {
  fb::UserDatumT datum;
  datum.stamp = stamp(id<UserDatumId>(number));
  datum.user = uuid(kUser);
  datum.category = category;
  datum.kind = kind;
  datum.value = value;
  return bytes_of<fb::UserDatum>(datum);
}

std::string conversation_bytes() {
  fb::ConversationT conversation;
  conversation.stamp = stamp(kConversation);
  conversation.title = "Dinner";
  conversation.type = "chat";
  conversation.owner = uuid(kUser);
  conversation.participants.emplace_back(to_fb(kUser), to_fb(kUser));
  conversation.persona = uuid(kPersona);
  conversation.is_saved = true;
  return bytes_of<fb::Conversation>(conversation);
}

ConversationTail conversation_tail() {
  return {.created_at = kNoon,
          .updated_at = kNoon,
          .last_message_at = kOrder.timestamp,
          .last_sequence = kOrder.sequence,
          .message_count = 1,
          .token_count = 4};
}

std::string message_bytes() {
  fb::MessageT message;
  message.stamp = stamp(kMessage);
  message.conversation = uuid(kConversation);
  message.sequence = kOrder.sequence;
  message.timestamp = kOrder.timestamp;
  message.sender_slot = 0;
  message.role = "user";
  message.content = "Pie, please.";
  message.token_usage = 4;
  return bytes_of<fb::Message>(message);
}

std::string memory_bytes() {
  fb::MemoryT memory;
  memory.stamp = stamp(kMemory, 2, kNoon + 2 * kMinute);
  memory.category = "food";
  memory.key = "favourite_pie";
  memory.type = "fact";
  memory.value = json_to_flex(R"({"text":"Apple pie"})", "value").value();
  memory.text = "Apple pie";
  memory.text_is_derived = true;
  memory.tags = {"Pie", "dinner"};
  memory.entity_type = "person";
  memory.entity_id = "reece";
  memory.user = uuid(kUser);
  memory.conversation = uuid(kConversation);
  memory.source_agent = "cook";
  memory.priority = 7;
  memory.importance = 0.7F;
  memory.expires_at = kNoon + 60 * kMinute;
  memory.task = "dinner";
  auto source = std::make_unique<fb::SourceT>();
  source->kind = "message";
  source->id = kMessage.to_string();
  memory.sources.push_back(std::move(source));
  return bytes_of<fb::Memory>(memory);
}

/// Adds a row and what the catalogue makes of it.
void add(std::vector<SampleRow>& rows, TableId number, std::string key, std::string value) {
  const indexes::TableDefinition& table = indexes::standard_catalogue().table(number);
  const Bytes aligned = Bytes::copy_of(value);
  indexes::Row row{.space = kSpace, .key = key, .bytes = aligned.view()};
  const std::string cover = table.cover == nullptr ? std::string() : table.cover(row);
  row.cover = cover;
  for (const indexes::IndexDefinition& index : table.indexes) {
    indexes::Entries entries;
    index.extract(row, entries);
    for (const indexes::EntryView entry : entries) {
      rows.push_back({index.name, std::string(entry.key), std::string(entry.value)});
    }
  }
  rows.push_back({table.name, std::move(key), std::move(value)});
}

void add_records(std::vector<SampleRow>& rows) {
  const auto datum = [&](const char* category, const char* value) {
    return datum_key(kSpace, kUser, category, hash128(value), 0);
  };
  add(rows, TableId::users, user_key(kSpace, kUser), user_bytes());
  add(rows, TableId::user_tails, user_tail_key(kSpace, kUser),
      encode(UserTail{.last_seen = kOrder.timestamp, .data_rows = 2, .identities = 1}));
  add(rows, TableId::platform_identifiers, identity_key(kSpace, "discord", "195791341739966464"),
      identity_bytes());
  add(rows, TableId::user_data, datum("favourite_foods", "pies"),
      datum_bytes(0x04, "favourite_foods", fb::CategoryKind::list, "pies"));
  add(rows, TableId::user_data, datum("preferred_name", "Reece"),
      datum_bytes(0x05, "preferred_name", fb::CategoryKind::single, "Reece"));
  add(rows, TableId::conversations, conversation_key(kSpace, kConversation), conversation_bytes());
  add(rows, TableId::conversation_tails, conversation_tail_key(kSpace, kConversation),
      encode(conversation_tail()));
  add(rows, TableId::messages, message_key(kSpace, kConversation, kOrder), message_bytes());
  add(rows, TableId::memories, memory_key(kSpace, kMemory), memory_bytes());
}

std::string little(std::uint32_t number) {
  std::string bytes(sizeof(number), '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(number & 0xFF);
    number >>= 8;
  }
  return bytes;
}

/// Rows that only a transaction writes: work and aliases.
void add_written(std::vector<SampleRow>& rows) {
  testing::TestEnvironment environment;
  const auto engine = testing::make_map_engine(environment);
  const auto state = indexes::SpaceState::load(*engine, kSpace).value();
  indexes::WorkItem purge{.op = indexes::WorkOp::purge_conversation,
                          .target = std::string(kConversation.view()),
                          .started_at = kNoon,
                          .resume = {},
                          .steps = 2,
                          .records_done = 1000,
                          .records_total = 3000};
  indexes::WorkItem drop{.op = indexes::WorkOp::drop_space,
                         .target = space_prefix(2),
                         .started_at = kNoon,
                         .resume = std::string("\0acme", 5)};
  const auto written = engine->run({}, [&](kv::Transaction& transaction) -> Result<void> {
    if (auto done = indexes::put_work(transaction, kSpace, purge); !done) return done;
    if (auto done = indexes::put_work(transaction, kStoreSpace, drop); !done) return done;
    return indexes::put_alias(transaction, *state, kGone, kUser);
  });
  if (!written) throw std::runtime_error(written.error().to_string());
  const auto take = [&](const char* name, const std::string& key) {
    kv::Value value;
    if (!engine->get(kv::Family::system, key, value).value()) throw std::runtime_error(name);
    rows.push_back({name, key, std::string(value.view())});
  };
  take("work", work_key(kSpace, static_cast<std::uint8_t>(purge.op), purge.target));
  take("work", work_key(kStoreSpace, static_cast<std::uint8_t>(drop.op), drop.target));
  take("alias", alias_key(kSpace, kGone));
}

void add_system(std::vector<SampleRow>& rows) {
  // Without the version of the software, which ends the row.
  rows.push_back({"format", format_key(), encode_format().substr(0, 28)});
  rows.push_back({"space_by_name", space_key("default"), little(kSpace)});
  rows.push_back({"next_space", next_space_key(), little(2)});
  rows.push_back({"space_name", space_name_key(kSpace), "default"});
  const std::vector<std::pair<std::uint16_t, std::int64_t>> counts = {
      {static_cast<std::uint16_t>(TableId::users), 1},
      {static_cast<std::uint16_t>(TableId::messages), 250},
      {static_cast<std::uint16_t>(IndexId::memory_by_tag), 2}};
  rows.push_back({"counters", counters_key(kSpace), kv::encode_counters(counts)});
  indexes::IndexSet set;
  set.put({IndexId::memory_by_tag, IndexState::building, kv::Family::indexes, 0});
  set.put({IndexId::message_by_importance, IndexState::ready, kv::Family::messages,
           static_cast<std::uint8_t>(MessagePart::by_importance)});
  rows.push_back({"index_set", index_set_key(kSpace), set.encode()});
  const indexes::IndexProgress progress{
      .rows_done = 512,
      .rows_expected = 1000,
      .resume = memory_key(kSpace, kMemory) + std::string(1, '\0')};
  rows.push_back({"index_progress", index_progress_key(kSpace, IndexId::memory_by_tag),
                  indexes::encode(progress)});
  rows.push_back({"work_guard", work_guard_key(kSpace), ""});
  rows.push_back({"name_guard", name_guard_key(kSpace, kUser, "food", "favourite_pie"), ""});
  const std::pair<std::uint16_t, std::int64_t> cells[] = {{0, 2}, {4095, 1}};
  rows.push_back({"cardinality", cardinality_key(3), kv::encode_counters(cells)});
  add_written(rows);
}

}  // namespace

std::vector<SampleRow> sample_rows() {
  std::vector<SampleRow> rows;
  add_records(rows);
  add_system(rows);
  return rows;
}

}  // namespace callisto::schema
