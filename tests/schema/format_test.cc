// schema/FORMAT.md says what the code does: every example of it is made anew and compared, and
// every row that the code writes has an example.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schema/hash.h"
#include "schema/json.h"
#include "schema/keys.h"
#include "schema/page_token.h"
#include "schema/tails.h"
#include "schema/text.h"
#include "tests/schema/format_document.h"
#include "tests/schema/format_samples.h"

namespace callisto::schema {
namespace {

using Arguments = std::vector<std::string>;

/// The bytes of one key part.
template <class Write>
std::string part(const Write& write) {
  KeyWriter writer(0, SystemId::format);
  write(writer);
  return writer.str().substr(kKeyHeadBytes);
}

std::string json_bytes(const std::string& text) {
  const auto bytes = json_to_flex(text, "json").value();
  return {bytes.begin(), bytes.end()};
}

std::string cover_bytes(const Arguments& a) {
  MemoryCover cover;
  cover.is_active = a.at(0) == "active";
  cover.is_superseded = a.at(1) == "superseded";
  cover.fields = static_cast<std::uint8_t>(std::stoul(a.at(2)));
  cover.priority = static_cast<std::uint8_t>(std::stoul(a.at(3)));
  cover.importance =
      a.at(4) == "-" ? static_cast<float>(cover.priority) / 10.0F : std::stof(a.at(4));
  if (a.at(5) != "-") cover.expires_at = std::stoll(a.at(5));
  if (a.at(6) != "-") cover.updated_at = std::stoll(a.at(6));
  std::vector<std::uint16_t> hashes;
  for (std::size_t i = 7; i < a.size(); ++i) hashes.push_back(tag_hash(a[i]));
  cover.set_tags(hashes);
  return encode(cover);
}

std::string message_cover_bytes(const Arguments& a) {
  return encode(MessageCover{.importance = std::stof(a.at(2)),
                             .state = static_cast<std::uint8_t>(std::stoul(a.at(1))),
                             .role = a.at(0),
                             .agent = a.at(3)});
}

/// The token's text as bytes: query, order, id, values.
std::string page_bytes(const Arguments& a) {
  PageToken token;
  token.query = std::stoull(a.at(0));
  token.order = static_cast<std::uint8_t>(std::stoul(a.at(1)));
  token.id = UserId::parse(a.at(2)).value().bytes();
  for (std::size_t i = 3; i < a.size(); ++i) token.values.push_back(std::stoll(a.at(i)));
  return encode(token);
}

/// What makes the bytes of a codec example, by its name.
const std::map<std::string, std::function<std::string(const Arguments&)>>& codecs() {
  static const std::map<std::string, std::function<std::string(const Arguments&)>> all = {
      {"u8",
       [](const Arguments& a) {
         return part([&](KeyWriter& w) { w.u8(static_cast<std::uint8_t>(std::stoul(a.at(0)))); });
       }},
      {"u16",
       [](const Arguments& a) {
         return part([&](KeyWriter& w) { w.u16(static_cast<std::uint16_t>(std::stoul(a.at(0)))); });
       }},
      {"u32",
       [](const Arguments& a) {
         return part([&](KeyWriter& w) { w.u32(static_cast<std::uint32_t>(std::stoul(a.at(0)))); });
       }},
      {"u64",
       [](const Arguments& a) { return part([&](KeyWriter& w) { w.u64(std::stoull(a.at(0))); }); }},
      {"~u64",
       [](const Arguments& a) {
         return part([&](KeyWriter& w) { w.u64_down(std::stoull(a.at(0))); });
       }},
      {"time",
       [](const Arguments& a) { return part([&](KeyWriter& w) { w.time(std::stoll(a.at(0))); }); }},
      {"~time",
       [](const Arguments& a) {
         return part([&](KeyWriter& w) { w.time_down(std::stoll(a.at(0))); });
       }},
      {"~importance",
       [](const Arguments& a) {
         return part([&](KeyWriter& w) { w.importance_down(std::stof(a.at(0))); });
       }},
      {"text", [](const Arguments& a) { return part([&](KeyWriter& w) { w.text(a.at(0)); }); }},
      {"id",
       [](const Arguments& a) {
         return part([&](KeyWriter& w) { w.id(UserId::parse(a.at(0)).value()); });
       }},
      {"turned",
       [](const Arguments& a) {
         return part(
             [&](KeyWriter& w) { w.id_at(std::stoll(a.at(0)), UserId::parse(a.at(1)).value()); });
       }},
      {"hash",
       [](const Arguments& a) {
         return std::string(view(a.size() == 1 ? hash128(a.at(0)) : hash128(a.at(0), a.at(1))));
       }},
      {"external",
       [](const Arguments& a) {
         return std::string(UserId::from_external(a.at(0), a.at(1)).view());
       }},
      {"nfc", [](const Arguments& a) { return nfc(a.at(0)); }},
      {"fold", [](const Arguments& a) { return fold(a.at(0)); }},
      {"cover", cover_bytes},
      {"message_cover", message_cover_bytes},
      {"page", page_bytes},
      {"json", [](const Arguments& a) { return json_bytes(a.at(0)); }},
  };
  return all;
}

/// "" when the example holds, else what is wrong.
std::string wrong_with(const CodecExample& example) {
  const auto codec = codecs().find(example.name);
  if (codec == codecs().end()) return "no such codec: " + example.name;
  const std::string bytes = codec->second(example.arguments);
  return bytes == example.bytes ? "" : example.line + "\nis " + to_hex(bytes);
}

/// How the document has to show a row.
std::string as_example(const SampleRow& row) {
  return "example " + row.name + "\n  key " + to_hex(row.key) + "\n  reads " +
         describe_key(row.key) + "\n  value " + to_hex(row.value) + "\n";
}

/// Whether the value of a row may be left out: records are long, and one is shown as an example.
bool may_hide_value(const SampleRow& row) {
  const std::set<std::string> records = {
      "users", "platform_identifiers", "user_data", "conversations", "messages", "memories"};
  return row.value.empty() || records.count(row.name) > 0;
}

bool shows(const RowExample& example, const SampleRow& row) {
  return example.name == row.name && example.key == row.key &&
         example.reads == describe_key(row.key) &&
         (example.value ? *example.value == row.value : may_hide_value(row));
}

FormatDocument document() { return parse_format_document(read_source("schema/FORMAT.md")); }

TEST(Format, EveryLineOfAnExampleCanBeRead) {
  for (const std::string& line : document().bad_lines) ADD_FAILURE() << line;
}

TEST(Format, EveryCodecExampleHolds) {
  const FormatDocument format = document();
  std::set<std::string> shown;
  for (const CodecExample& example : format.codec) {
    EXPECT_EQ(wrong_with(example), "");
    shown.insert(example.name);
  }
  for (const auto& [name, codec] : codecs())
    EXPECT_TRUE(shown.count(name)) << "no example of " << name;
}

TEST(Format, EveryRowThatTheCodeWritesIsShown) {
  const FormatDocument format = document();
  for (const SampleRow& row : sample_rows()) {
    EXPECT_TRUE(std::any_of(format.rows.begin(), format.rows.end(),
                            [&](const RowExample& example) { return shows(example, row); }))
        << "FORMAT.md should have:\n"
        << as_example(row);
  }
}

TEST(Format, NoRowIsShownThatTheCodeDoesNotWrite) {
  const std::vector<SampleRow> rows = sample_rows();
  for (const RowExample& example : document().rows) {
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(),
                            [&](const SampleRow& row) { return shows(example, row); }))
        << example.name << " " << to_hex(example.key);
  }
}

// One record is shown whole, with every byte explained.
TEST(Format, OneRecordIsShownWhole) {
  const FormatDocument format = document();
  EXPECT_TRUE(std::any_of(format.rows.begin(), format.rows.end(), [](const RowExample& example) {
    return example.name == "user_data" && example.value.has_value();
  }));
}

TEST(Format, ACodecExampleThatIsWrongIsSeen) {
  const auto wrong = [](const char* line) {
    const FormatDocument format = parse_format_document(line);
    return format.codec.size() == 1 && !wrong_with(format.codec.front()).empty();
  };
  EXPECT_FALSE(wrong("example text \"a\\x00b\" = 6100ff62 0001\n"));
  EXPECT_TRUE(wrong("example text \"a\\x00b\" = 6100ff62 0002\n"));
  EXPECT_TRUE(wrong("example text \"a\" = 6100ff62 0001\n"));
  EXPECT_TRUE(wrong("example mystery 1 = 01\n"));
}

TEST(Format, ARowExampleThatIsWrongIsSeen) {
  const SampleRow row{"next_space", next_space_key(), std::string("\2\0\0\0", 4)};
  const auto holds = [&](const std::string& text) {
    const FormatDocument format = parse_format_document(text);
    return format.rows.size() == 1 && shows(format.rows.front(), row);
  };
  const std::string right = as_example(row);
  EXPECT_TRUE(holds(right)) << right;
  for (const char* piece : {"next_space\n", "key 00000000", "reads next", "value 02"}) {
    std::string wrong = right;
    const std::size_t at = wrong.find(piece) + std::string_view(piece).size() - 2;
    wrong[at] = wrong[at] == '0' ? '1' : 'z';
    EXPECT_FALSE(holds(wrong)) << wrong;
  }
  EXPECT_FALSE(holds("example next_space\n  key 000000000203\n  reads next_space 0\n"));
}

TEST(Format, ALineThatCannotBeReadIsSeen) {
  for (const char* line :
       {"example text \"a = 61\n", "example text \"a\" = 6\n", "example \n", "example two words\n",
        "example users\n  keys 00\n", "example users\n  key 0\n"}) {
    EXPECT_EQ(parse_format_document(line).bad_lines.size(), 1U) << line;
  }
}

}  // namespace
}  // namespace callisto::schema
