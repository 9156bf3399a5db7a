// Lines that are read in one pass, against the reader that looks at everything.

#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "schema/json.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"
#include "tools/importer.h"
#include "tools/quick_fields.h"
#include "tools/record_read.h"

namespace callisto::tools {
namespace {

/// As the store keeps it; a text that is no JSON as it is.
std::string canonical(const std::string& json) {
  const auto flex = schema::json_to_flex(json, "json");
  return flex ? schema::flex_to_json(flex->data(), flex->size()) : "no JSON: " + json;
}

template <class New>
auto envelope_of(const New& record) {
  using Stamp = std::optional<std::pair<std::int64_t, std::uint64_t>>;
  const auto& origin = record.origin;
  return std::tuple(record.id, record.created_at, canonical(record.metadata), record.external_id,
                    record.external_source,
                    origin ? Stamp({origin->updated_at.micros(), origin->version}) : Stamp());
}

auto fields_of(const ExportHead&) { return std::tuple(); }
auto fields_of(const NewSpace& space) { return std::tuple(space.name); }
auto fields_of(const NewUser& user) {
  return std::tuple(envelope_of(user), user.name, user.platform, user.platform_id, user.username,
                    canonical(user.profile), canonical(user.preferences), user.is_active,
                    user.last_seen);
}
auto fields_of(const IdentityLine& line) {
  return std::tuple(envelope_of(line.identity), line.user, line.identity.platform,
                    line.identity.platform_id, line.identity.username, line.identity.last_seen);
}
auto fields_of(const DatumLine& line) {
  return std::tuple(envelope_of(line.datum), line.user, line.kind, line.datum.category,
                    line.datum.value);
}
auto fields_of(const NewConversation& talk) {
  return std::tuple(envelope_of(talk), talk.title, talk.type, talk.owner, talk.participants,
                    talk.persona, talk.model, talk.recap, talk.summary, talk.is_saved,
                    talk.is_archived, talk.ended_at, talk.reopens, talk.is_processed,
                    talk.processed_up_to);
}
auto fields_of(const NewMessage& message) {
  return std::tuple(envelope_of(message), message.conversation, message.sender, message.role,
                    message.content, message.name, message.agent, canonical(message.parts),
                    message.tool_call_id, message.state, message.timestamp, message.parent,
                    message.model, message.token_usage, message.importance, message.sequence);
}
auto fields_of(const NewMemory& memory) {
  std::vector<std::pair<std::string, std::string>> sources;
  for (const Source& source : memory.sources) sources.emplace_back(source.kind, source.id);
  return std::tuple(
      envelope_of(memory), memory.category, memory.key, memory.type, canonical(memory.value),
      memory.text, memory.tags, memory.entity_type, memory.entity_id, memory.user,
      memory.conversation, memory.source_agent, memory.priority, memory.importance,
      std::tuple(memory.expires_at, memory.is_active, memory.valid_from, memory.valid_to,
                 memory.superseded_by, memory.module, memory.task, sources, memory.updated_by));
}

bool are_equal(const Line& a, const Line& b) {
  return a.space == b.space && a.record.index() == b.record.index() &&
         std::visit(
             [&](const auto& record) {
               const auto& other = std::get<std::decay_t<decltype(record)>>(b.record);
               return fields_of(record) == fields_of(other);
             },
             a.record);
}

const std::string kId = "01930000-0000-7000-8000-000000000001";
const std::string kTimes =
    R"("created_at":"2024-02-29T23:59:59.000017Z","updated_at":"2024-03-01T01:00:00+01:00","version":3)";

/// One of each table, with all fields, as an export has them.
std::vector<std::string> full_lines() {
  const std::string id = "\"" + kId + "\"";
  const std::string time = R"("2024-03-01T00:00:00.5Z")";
  const std::string end = "," + kTimes +
                          R"(,"metadata":{"a":[1,{"b":"}]\"\\"}],"":-1.5e3},"external_id":"x",)"
                          R"("external_source":"y"})";
  return {
      R"({"table":"spaces","name":"acme"})",
      R"({"table":"users","space":"acme","id":)" + id + R"(,"last_seen":)" + time +
          R"(,"is_active":false,"profile":{},"preferences":{"v":"\u00e4"})" + end,
      R"({"table":"platform_identifiers","id":)" + id + R"(,"user":)" + id +
          R"(,"platform":"discord","platform_id":"17","username":"J\u00f6rg","last_seen":)" + time +
          end,
      R"({"table":"platform_identifiers","id":)" + id + R"(,"user":)" + id +
          R"(,"platform":"discord","platform_id":"17","username":"J)"
          "\xc3\xb6"
          R"(rg \"J\"")" +
          end,
      R"({"table":"user_data","id":)" + id + R"(,"user":)" + id +
          R"(,"category":"food","kind":"single","value":"a\tb\\\n\/\b\f\r\")"
          "\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80"
          R"(")" +
          end,
      R"({"table":"conversations","id":)" + id + R"(,"title":"t","type":"chat","owner":)" + id +
          R"(,"participants":[)" + id + "," + id + R"(],"persona":)" + id +
          R"(,"model":"m","recap":"r","summary":"s","is_saved":true,"is_archived":true,)"
          R"("ended_at":)" +
          time + R"(,"reopens":false,"is_processed":true,"processed_up_to":18446744073709551615)" +
          end,
      R"({"table":"messages","id":)" + id + R"(,"conversation":)" + id +
          R"(,"sequence":0,"timestamp":)" + time + R"(,"parent":)" + id + R"(,"sender":)" + id +
          R"(,"name":"n","agent":"a","role":"user","content":"","parts":[[],{}],)"
          R"("tool_call_id":"c","state":"interrupted","model":"m","token_usage":4294967295,)"
          R"("importance":0.1)" +
          end,
      R"({"table":"memories","id":)" + id +
          R"(,"category":"c","key":"k","type":"t","value":{"text":"{[","n":[1,2.5,null,true]},)"
          R"("text":"x","tags":["ui","gr)"
          "\xc3\xb6"
          "\xc3\x9f"
          R"(e"],"entity_type":"e","entity_id":"i","user":)" +
          id + R"(,"conversation":)" + id +
          R"(,"source_agent":"a","priority":10,"importance":0.123456789,"expires_at":)" + time +
          R"(,"is_active":true,"valid_from":)" + time + R"(,"valid_to":)" + time +
          R"(,"superseded_by":)" + id +
          R"(,"module":"m","task":"t","updated_by":"u","sources":[{"kind":"message","id":"1"}])" +
          end,
  };
}

/// Members behind those that a memory needs.
std::string memory_with(const std::string& members) {
  return R"({"table":"memories","id":")" + kId + "\"," + kTimes + "," + members + "}";
}

bool is_taken(const std::string& text) {
  QuickFields fields;
  Line line;
  return read_line_quickly(text, fields, line);
}

TEST(QuickLine, ReadsLinesOfAnExportAsTheOtherReaderDoes) {
  QuickFields fields;
  Line line;
  std::size_t taken = 0;
  for (const std::string& text : full_lines()) {
    const auto slow = read_line(text, 1);
    ASSERT_TRUE(slow) << slow.error().to_string() << text;
    if (!read_line_quickly(text, fields, line)) continue;
    ++taken;
    EXPECT_TRUE(are_equal(line, *slow)) << text;
  }
  EXPECT_EQ(taken, full_lines().size() - 1) << "all but the one with an escape by number";
}

TEST(QuickLine, TakesNumbersThatAreNoLess) {
  for (const char* const number : {"0", "1", "0.0", "0.5", "0.30000001192092896", "1.00"}) {
    const std::string text = memory_with(std::string(R"("importance":)") + number);
    QuickFields fields;
    Line line;
    const auto slow = read_line(text, 1);
    ASSERT_TRUE(slow) << number;
    if (!read_line_quickly(text, fields, line)) continue;
    EXPECT_TRUE(are_equal(line, *slow)) << number;
  }
  EXPECT_TRUE(is_taken(memory_with(R"("importance":0.25)")));
}

TEST(QuickLine, LeavesWhatIsNotPlainToTheOtherReader) {
  ASSERT_TRUE(is_taken(memory_with(R"("key":"k","tags":["a"])")));
  for (const char* const members : {R"("key":null)",
                                    R"("key": "k")",
                                    R"("key":"\u0041")",
                                    R"("key":"\x")",
                                    "\"key\":\"a\tb\"",
                                    "\"key\":\"\xc3\"",
                                    "\"key\":\"\xed\xa0\x80\"",
                                    R"("key":"a","key":"b")",
                                    R"("priority":5,"key":"a","priority":5)",
                                    R"("unknown":1)",
                                    R"("recorded_at":"x")",
                                    R"("key":1)",
                                    R"("key":true)",
                                    R"("key":{})",
                                    R"("priority":"5")",
                                    R"("priority":05)",
                                    R"("priority":5.)",
                                    R"("priority":5.0)",
                                    R"("priority":-5)",
                                    R"("priority":5e0)",
                                    R"("priority":11)",
                                    R"("priority":18446744073709551616)",
                                    R"("priority":)",
                                    R"("importance":1e-1)",
                                    R"("importance":-0.5)",
                                    R"("importance":.5)",
                                    R"("importance":0.12345678901234567)",
                                    R"("is_active":tru)",
                                    R"("is_active":"true")",
                                    R"("user":"x")",
                                    R"("user":"01930000-0000-7000-8000-00000000000\/")",
                                    R"("expires_at":"2024-02-30T00:00:00Z")",
                                    R"("tags":[])",
                                    R"("tags":["a",1])",
                                    R"("tags":["a",["b"]])",
                                    R"("tags":["a",])",
                                    R"("tags":["a"}])",
                                    R"("tags":{"a":"b"})",
                                    R"("tags":["a\n"])",
                                    R"("value":{)",
                                    R"("value":"text")",
                                    R"("value":7)",
                                    R"("sources":[{"kind":"k"}])",
                                    R"("sources":[1])",
                                    R"("sources":{})",
                                    R"("key":"k",)",
                                    R"("key":"k"},{"key":"k")",
                                    R"("key")",
                                    R"("":1)",
                                    R"("key":"k)"}) {
    EXPECT_FALSE(is_taken(memory_with(members))) << members;
  }
  for (const char* const text : {"", "{", "{}", "[]", "null", R"({"table":"memories"})",
                                 R"({"table":"nothing"})", R"({"callisto":"export","format":1})",
                                 R"({"table":"spaces"})", R"({"table":"spaces","name":"a"} )"}) {
    EXPECT_FALSE(is_taken(text)) << text;
  }
  EXPECT_FALSE(is_taken(R"({"table":"memories","key":"without an id"})"));
  EXPECT_FALSE(
      is_taken(R"({"table":"memories","id":"00000000-0000-0000-0000-000000000000","key":"nil"})"));
}

/// A line with bytes that were taken away, doubled or made others.
std::string damaged(std::string text, std::mt19937_64& random) {
  constexpr std::string_view kBytes = "\"\\{}[]:,019.-eEtfnu \t\n\x01\x7f\xc3\xa4\xff";
  for (std::uint64_t changes = 1 + random() % 2; changes > 0 && !text.empty(); --changes) {
    const std::size_t at = random() % text.size();
    const char byte = kBytes[random() % kBytes.size()];
    switch (random() % 4) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      case 2:
        text.erase(at, 1 + random() % 3);
        break;
      default:
        text.insert(at, text.substr(at, random() % 40));
    }
  }
  return text;
}

TEST(QuickLine, NeverTakesWhatTheOtherReaderRefusesUnlessTheStoreDoes) {
  std::mt19937_64 random(testing::test_seed());
  const testing::TempDirectory directory(testing::TempDirectory::On::memory);
  const Store store = Store::open(directory.path("store")).value();
  const Space space = store.space("default").value();
  ASSERT_TRUE(store.users().create({.id = UserId::parse(kId).value()}));
  ASSERT_TRUE(store.conversations().create({.id = ConversationId::parse(kId).value()}));
  const auto lines = full_lines();
  QuickFields fields;
  Line line;
  std::size_t taken = 0;
  std::size_t left_to_store = 0;
  for (int round = 0; round < 60000; ++round) {
    const std::string text = damaged(lines[random() % lines.size()], random);
    if (!read_line_quickly(text, fields, line)) continue;
    ++taken;
    const auto slow = read_line(text, 1);
    if (slow) {
      ASSERT_TRUE(are_equal(line, *slow)) << text;
      continue;
    }
    ++left_to_store;
    const auto applied = apply_record(space, line.record, true);
    ASSERT_FALSE(applied) << text << slow.error().to_string();
    ASSERT_TRUE(is_about_record(applied.error())) << text << applied.error().to_string();
  }
  EXPECT_GT(taken, 1000U);
  EXPECT_GT(left_to_store, 100U);
}

}  // namespace
}  // namespace callisto::tools
