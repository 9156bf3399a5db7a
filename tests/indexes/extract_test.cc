// What each record gives each index, in the words of describe_key().

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "callisto/bytes.h"
#include "indexes/catalogue.h"
#include "indexes/index_keys.h"
#include "schema/text.h"
#include "tests/indexes/records.h"

namespace callisto::indexes::testing {
namespace {

using Keys = std::vector<std::string>;

/// The entries of a row by index; checks on the way that each leads back to the row and lies where
/// its index says.
std::map<std::string, std::vector<Entry>> entries_of(const StoredRow& stored) {
  const TableDefinition& table = standard_catalogue().table(stored.table);
  const Bytes bytes = Bytes::copy_of(stored.bytes);
  Row row{.space = kSpace, .key = stored.key, .bytes = bytes.view()};
  EXPECT_TRUE(table.is_row(row.key));
  EXPECT_TRUE(table.is_intact(row.bytes));
  EXPECT_TRUE(table.is_at_home == nullptr || table.is_at_home(row));
  const std::string cover = table.cover == nullptr ? std::string() : table.cover(row);
  row.cover = cover;
  std::map<std::string, std::vector<Entry>> entries;
  for (const IndexDefinition& index : table.indexes) {
    Entries extracted;
    index.extract(row, extracted);
    std::vector<Entry> given;
    for (const EntryView entry : extracted) {
      given.push_back({std::string(entry.key), std::string(entry.value)});
      EXPECT_EQ(index.row_key(entry.key, entry.value), stored.key) << index.name;
      const std::string prefix =
          index.part ? table_prefix(kSpace, stored.table) : index_prefix(kSpace, index.id);
      EXPECT_EQ(entry.key.compare(0, prefix.size(), prefix), 0) << index.name;
    }
    if (!given.empty()) entries.emplace(index.name, std::move(given));
  }
  return entries;
}

/// Keys without the name of the index and the space, which lead them.
std::map<std::string, Keys> words_of(const StoredRow& stored) {
  std::map<std::string, Keys> words;
  for (const auto& [index, entries] : entries_of(stored)) {
    for (const Entry& entry : entries) {
      const std::string text = schema::describe_key(entry.key);
      const std::string head = index + " 1 ";
      words[index].push_back(text.compare(0, head.size(), head) == 0 ? text.substr(head.size())
                                                                     : text);
    }
  }
  return words;
}

const std::string kUser1 = "00000000-0000-7000-8000-000000000001";
const std::string kUser2 = "00000000-0000-7000-8000-000000000002";
const std::string kAtNoon = "2026-11-21T12:00:00.000000Z";
const std::string kConversation7 = "conversation=00000000-0000-7000-8000-000000000007";

TEST(ExtractUsers, UserAndTail) {
  EXPECT_EQ(words_of(user_row(user_id(1))),
            (std::map<std::string, Keys>{
                {"user_by_active", {"active=true created=" + kAtNoon + " user=" + kUser1}}}));
  EXPECT_EQ(words_of(user_row(user_id(1), false)),
            (std::map<std::string, Keys>{
                {"user_by_active", {"active=false created=" + kAtNoon + " user=" + kUser1}}}));
  EXPECT_EQ(words_of(user_tail_row(user_id(1), {.last_seen = kNoon})),
            (std::map<std::string, Keys>{
                {"user_by_last_seen", {"last_seen=" + kAtNoon + " user=" + kUser1}}}));
}

TEST(ExtractUsers, IdentityIsFoundByUserAndByFoldedUsername) {
  const std::string identity = " platform=\"discord\" platform_id=\"195\"";
  EXPECT_EQ(words_of(identity_row(user_id(1), "discord", "195", "ReeceX")),
            (std::map<std::string, Keys>{
                {"identity_by_user", {"user=" + kUser1 + identity}},
                {"identity_by_username", {"username=\"reecex\" user=" + kUser1 + identity}}}));
}

TEST(ExtractUsers, IdentityWithoutUsernameHasNoEntryByIt) {
  EXPECT_EQ(words_of(identity_row(user_id(1), "discord", "195")).count("identity_by_username"), 0u);
}

TEST(ExtractUsers, DatumTakesOverItsKey) {
  const auto words = words_of(datum_row(user_id(1), "foods", "pies", kNoon, 3));
  EXPECT_EQ(
      words,
      (std::map<std::string, Keys>{{"datum_newest",
                                    {"user=" + kUser1 + " category=\"foods\" created=" + kAtNoon +
                                     " hash=1d326157ff8ddf0ec07af1169bbdd09e probe=3"}}}));
}

TEST(ExtractUsers, PreferredNameIsFoundOverAllUsers) {
  const StoredRow row = datum_row(user_id(2), "preferred_name", "Pies");
  const auto entries = entries_of(row);
  ASSERT_EQ(entries.at("user_by_preferred_name").size(), 1u);
  const std::string& key = entries.at("user_by_preferred_name").front().key;
  EXPECT_EQ(preferred_name_user(key), user_id(2));
  EXPECT_EQ(key.rfind(user_by_preferred_name_prefix(kSpace, "PIES"), 0), 0u);
  EXPECT_NE(key.rfind(user_by_preferred_name_prefix(kSpace, "PIE"), 0), 0u);
}

TEST(ExtractUsers, EqualNamesOfOneUserAreDifferentEntries) {
  // Else taking one of the two rows away would take the other's entry along.
  const auto big = entries_of(datum_row(user_id(2), "preferred_name", "Reece"));
  const auto small = entries_of(datum_row(user_id(2), "preferred_name", "reece"));
  EXPECT_NE(big.at("user_by_preferred_name").front().key,
            small.at("user_by_preferred_name").front().key);
}

TEST(ExtractConversations, BareHeader) {
  const std::string end = "created=" + kAtNoon + " " + kConversation7;
  EXPECT_EQ(words_of(conversation_row(conversation(conversation_id(7), {}))),
            (std::map<std::string, Keys>{{"conversation_by_saved", {"saved=false " + end}},
                                         {"conversation_by_archived", {"archived=false " + end}},
                                         {"conversation_by_ended", {"ended=false " + end}},
                                         {"conversation_by_created", {end}}}));
}

TEST(ExtractConversations, FullHeader) {
  fb::ConversationT fields =
      conversation(conversation_id(7), {user_id(2), user_id(1), UserId(), user_id(2)});
  fields.type = "chat";
  fields.owner = uuid(user_id(1));
  fields.persona = uuid(id<PersonaId>(2));
  fields.is_saved = fields.is_archived = true;
  fields.ended_at = kNoon;
  const std::string end = "created=" + kAtNoon + " " + kConversation7;
  EXPECT_EQ(
      words_of(conversation_row(fields)),
      (std::map<std::string, Keys>{{"conversation_by_participant",
                                    {"user=" + kUser1 + " " + end, "user=" + kUser2 + " " + end}},
                                   {"conversation_by_owner", {"user=" + kUser1 + " " + end}},
                                   {"conversation_by_type", {"type=\"chat\" " + end}},
                                   {"conversation_by_persona", {"persona=" + kUser2 + " " + end}},
                                   {"conversation_by_saved", {"saved=true " + end}},
                                   {"conversation_by_archived", {"archived=true " + end}},
                                   {"conversation_by_ended", {"ended=true " + end}},
                                   {"conversation_by_created", {end}}}));
}

TEST(ExtractConversations, TailIsDueUntilProcessed) {
  schema::ConversationTail tail{.created_at = kNoon,
                                .updated_at = kNoon,
                                .last_message_at = kNoon + kMinute,
                                .last_sequence = 3,
                                .message_count = 3};
  const std::string activity = "activity=2026-11-21T12:01:00.000000Z " + kConversation7;
  const auto words = [&] { return words_of(conversation_tail_row(conversation_id(7), tail)); };
  EXPECT_EQ(words(), (std::map<std::string, Keys>{{"conversation_unprocessed",
                                                   {"created=" + kAtNoon + " " + kConversation7}},
                                                  {"conversation_by_activity", {activity}}}));
  tail.is_marked = true;
  tail.processed_up_to = 3;
  EXPECT_EQ(words(), (std::map<std::string, Keys>{{"conversation_by_activity", {activity}}}));
  tail.last_sequence = 4;
  EXPECT_EQ(words().count("conversation_unprocessed"), 1u);
}

TEST(ExtractMessages, EveryIndex) {
  fb::MessageT fields = message(conversation_id(7), 1, 8);
  fields.sender_slot = 5;
  fields.importance = 0.75F;
  const std::string part = "messages 1 " + kConversation7;
  const std::string place = "timestamp=2026-11-21T12:01:00.000000Z sequence=1";
  EXPECT_EQ(words_of(message_row(fields)),
            (std::map<std::string, Keys>{
                {"message_by_id", {"message=00000000-0000-7000-8000-000000000008"}},
                {"message_by_time",
                 {"timestamp=2026-11-21T12:01:00.000000Z " + kConversation7 + " sequence=1"}},
                {"message_by_sender", {part + " by_sender slot=5 " + place}},
                {"message_by_importance", {part + " by_importance importance=0.75 " + place}}}));
}

TEST(ExtractMessages, PlaceIsTheValueOfTheId) {
  const auto entries = entries_of(message_row(message(conversation_id(7), 2, 8)));
  const auto& entry = entries.at("message_by_id").front();
  const auto place = schema::decode_message_place(entry.key, entry.value);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->conversation, conversation_id(7).view());
  EXPECT_EQ(place->timestamp, kNoon + 2 * kMinute);
  EXPECT_EQ(place->sequence, 2u);
}

TEST(ExtractMessages, EntriesHaveTheCover) {
  fb::MessageT fields = message(conversation_id(7), 1, 8);
  fields.sender_slot = 5;
  fields.importance = 0.75F;
  fields.role = "re\xcc\x81viseur";
  fields.agent = "cook";
  fields.state = fb::MessageState::partial;
  schema::MessageCover cover{
      .importance = 0.75F, .state = 1, .role = "r\xc3\xa9viseur", .agent = "cook"};
  const auto entries = entries_of(message_row(fields));
  EXPECT_EQ(entries.at("message_by_time").front().value, schema::encode(cover));
  EXPECT_EQ(entries.at("message_by_sender").front().value, schema::encode(cover));
  cover.importance = schema::MessageCover::kUsualImportance;
  EXPECT_EQ(entries.at("message_by_importance").front().value, schema::encode(cover));
}

TEST(ExtractMessages, WithoutSenderNoEntryBySender) {
  EXPECT_EQ(words_of(message_row(message(conversation_id(7), 1, 8))).count("message_by_sender"),
            0u);
}

TEST(ExtractMemories, BareMemory) {
  const std::string end = "memory=00000000-0000-7000-8000-000000000009";
  EXPECT_EQ(words_of(memory_row(memory(memory_id(9)))),
            (std::map<std::string, Keys>{
                {"memory_by_priority", {"priority=5 created=" + kAtNoon + " " + end}},
                {"memory_by_created", {"created=" + kAtNoon + " " + end}},
                {"memory_by_updated", {"updated=" + kAtNoon + " " + end}}}));
}

fb::MemoryT full_memory() {
  fb::MemoryT fields = memory(memory_id(9));
  fields.category = "food";
  fields.key = "favourite_pie";
  fields.type = "fact";
  fields.tags = {"Pie", "dinner", "PIE"};
  fields.entity_type = "person";
  fields.entity_id = "reece";
  fields.user = uuid(user_id(1));
  fields.conversation = uuid(conversation_id(7));
  fields.source_agent = "cook";
  fields.priority = 7;
  fields.expires_at = kNoon + kMinute;
  fields.task = "dinner";
  for (int i = 0; i < 2; ++i) {
    auto source = std::make_unique<fb::SourceT>();
    source->kind = "message";
    source->id = "8";
    fields.sources.push_back(std::move(source));
  }
  return fields;
}

std::string hash_text(std::string_view text) {
  return "hash=" + schema::to_hex(schema::view(schema::hash128(text)));
}

std::string hash_text(std::string_view a, std::string_view b) {
  return "hash=" + schema::to_hex(schema::view(schema::hash128(a, b)));
}

TEST(ExtractMemories, FullMemory) {
  const std::string id = "memory=00000000-0000-7000-8000-000000000009";
  const std::string end = " created=" + kAtNoon + " " + id;
  EXPECT_EQ(
      words_of(memory_row(full_memory())),
      (std::map<std::string, Keys>{
          {"memory_by_category", {"category=\"food\"" + end}},
          {"memory_by_key", {hash_text("favourite_pie") + end}},
          {"memory_by_name", {"user=" + kUser1 + " " + hash_text("food", "favourite_pie") + end}},
          {"memory_by_entity", {"entity_type=\"person\" " + hash_text("reece") + end}},
          {"memory_by_entity_type", {"entity_type=\"person\"" + end}},
          {"memory_by_tag", {"tag=\"dinner\"" + end, "tag=\"pie\"" + end}},
          {"memory_by_type", {"type=\"fact\"" + end}},
          {"memory_by_agent", {"agent=\"cook\"" + end}},
          {"memory_by_user", {"user=" + kUser1 + end}},
          {"memory_by_conversation", {kConversation7 + end}},
          {"memory_by_priority", {"priority=7" + end}},
          {"memory_by_source", {hash_text("message", "8") + end}},
          {"memory_by_task", {hash_text("dinner") + end}},
          {"memory_by_created", {end.substr(1)}},
          {"memory_by_updated", {"updated=" + kAtNoon + " " + id}},
          {"memory_by_expiry", {"expires=2026-11-21T12:01:00.000000Z " + id}}}));
}

TEST(ExtractMemories, EveryEntryCarriesTheCover) {
  fb::MemoryT fields = full_memory();
  fields.is_active = false;
  fields.superseded_by = uuid(memory_id(10));
  for (const auto& [index, entries] : entries_of(memory_row(fields))) {
    for (const Entry& entry : entries) {
      std::string_view value = entry.value;
      if (index == "memory_by_updated" || index == "memory_by_expiry") {
        const std::int64_t key_time = index == "memory_by_expiry" ? kNoon + kMinute : kNoon;
        EXPECT_EQ(schema::take_created(value, key_time), kNoon) << index;
      }
      const auto cover = schema::decode_memory_cover(value);
      ASSERT_TRUE(cover) << index;
      EXPECT_EQ(cover->fields, 0xFF);
      EXPECT_EQ(cover->priority, 7);
      EXPECT_EQ(cover->importance, fields.importance);
      EXPECT_FALSE(cover->is_active);
      EXPECT_TRUE(cover->is_superseded);
      EXPECT_EQ(cover->expires_at, kNoon + kMinute);
      EXPECT_EQ(cover->tag_hashes.size(), 2 * sizeof(std::uint16_t));
      EXPECT_TRUE(cover->has_tag(schema::tag_hash("pie")));
      EXPECT_TRUE(cover->has_tag(schema::tag_hash("dinner")));
    }
  }
}

TEST(ExtractMemories, HalfANameOrEntityGivesNoEntry) {
  fb::MemoryT fields = memory(memory_id(9));
  fields.key = "favourite_pie";
  fields.entity_type = "person";
  auto words = words_of(memory_row(fields));
  EXPECT_EQ(words.count("memory_by_name"), 0u);
  EXPECT_EQ(words.count("memory_by_key"), 1u);
  EXPECT_EQ(words.count("memory_by_entity"), 0u);
  EXPECT_EQ(words.count("memory_by_entity_type"), 1u);
  fields.category = "food";
  words = words_of(memory_row(fields));
  EXPECT_EQ(words["memory_by_name"].front().rfind("user=00000000-0000-0000-0000-000000000000", 0),
            0u);
}

TEST(ExtractMemories, SpellingsOfOneTextMeet) {
  const std::string composed = "caf\xC3\xA9";
  const std::string decomposed = "cafe\xCC\x81";
  fb::MemoryT fields = memory(memory_id(9));
  fields.category = fields.key = fields.type = fields.source_agent = fields.task = composed;
  fields.entity_type = fields.entity_id = composed;
  fields.tags = {"CAF\xC3\x89"};
  fb::MemoryT other = memory(memory_id(9));
  other.category = other.key = other.type = other.source_agent = other.task = decomposed;
  other.entity_type = other.entity_id = decomposed;
  other.tags = {decomposed};
  EXPECT_EQ(entries_of(memory_row(fields)), entries_of(memory_row(other)));
  const auto tags = entries_of(memory_row(fields)).at("memory_by_tag");
  EXPECT_EQ(tags.front().key.rfind(memory_by_tag_prefix(kSpace, decomposed), 0), 0u);
}

TEST(Catalogue, NamesAndNumbersAreUnique) {
  std::map<std::string, int> names;
  std::map<std::uint16_t, int> numbers;
  std::size_t count = 0;
  for (const TableDefinition& table : standard_catalogue().tables) {
    EXPECT_EQ(&standard_catalogue().table(table.id), &table);
    ++names[table.name];
    ++numbers[static_cast<std::uint16_t>(table.id)];
    for (const IndexDefinition& index : table.indexes) {
      ++names[index.name];
      ++numbers[static_cast<std::uint16_t>(index.id)];
      ++count;
    }
  }
  EXPECT_EQ(count, 36u);
  EXPECT_EQ(names.size(), count + 8);
  EXPECT_EQ(numbers.size(), count + 8);
}

TEST(Catalogue, RowsAreToldFromOtherKeys) {
  for (const StoredRow& row :
       {user_row(user_id(1)), user_tail_row(user_id(1), {}), identity_row(user_id(1), "a", "b"),
        datum_row(user_id(1), "a", "b"), conversation_row(conversation(conversation_id(7), {})),
        conversation_tail_row(conversation_id(7), {}),
        message_row(message(conversation_id(7), 1, 8)), memory_row(memory(memory_id(9)))}) {
    const TableDefinition& table = standard_catalogue().table(row.table);
    EXPECT_TRUE(table.is_row(row.key)) << table.name;
    EXPECT_FALSE(table.is_row(row.key + '\0')) << table.name;
    EXPECT_FALSE(table.is_row(row.key.substr(0, row.key.size() - 1))) << table.name;
    EXPECT_FALSE(table.is_intact(std::string_view())) << table.name;
  }
  const auto& headers = standard_catalogue().table(schema::TableId::conversations);
  EXPECT_FALSE(headers.is_row(schema::conversation_tail_key(kSpace, conversation_id(7))));
}

TEST(Catalogue, ARecordAtTheKeyOfAnotherIsNotAtHome) {
  const std::vector<std::pair<StoredRow, StoredRow>> pairs = {
      {user_row(user_id(1)), user_row(user_id(2))},
      {identity_row(user_id(1), "a", "b"), identity_row(user_id(1), "a", "c")},
      {datum_row(user_id(1), "a", "b"), datum_row(user_id(2), "a", "b")},
      {conversation_row(conversation(conversation_id(7), {})),
       conversation_row(conversation(conversation_id(8), {}))},
      {message_row(message(conversation_id(7), 1, 8)),
       message_row(message(conversation_id(7), 2, 8))},
      {memory_row(memory(memory_id(9))), memory_row(memory(memory_id(10)))}};
  for (const auto& [mine, other] : pairs) {
    const TableDefinition& table = standard_catalogue().table(mine.table);
    const Bytes bytes = Bytes::copy_of(mine.bytes);
    EXPECT_TRUE(table.is_at_home({kSpace, mine.key, bytes.view()})) << table.name;
    EXPECT_FALSE(table.is_at_home({kSpace, other.key, bytes.view()})) << table.name;
  }
}

}  // namespace
}  // namespace callisto::indexes::testing
