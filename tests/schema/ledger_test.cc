// schema/ledger.txt and the code name the same numbers. Tables, structs and enums of records.fbs
// are compared by tests/gate/check_conform.sh.

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "schema/format.h"
#include "tests/schema/format_document.h"

namespace callisto::schema {
namespace {

/// "name number" of every enumerator of an enum in a source file, as the ledger writes them.
std::set<std::string> enumerators(const std::string& source, const std::string& enum_name) {
  const std::regex declaration("enum( class)? " + enum_name + " : [a-z0-9_:]+ \\{([^}]*)\\}");
  const std::string text = std::regex_replace(source, std::regex("//[^\n]*"), "");
  std::smatch body;
  if (!std::regex_search(text, body, declaration)) return {};
  const std::string list = body[2];
  const std::regex one("([A-Za-z_0-9]+) = ([0-9A-Fa-fx]+)");
  std::set<std::string> found;
  for (auto it = std::sregex_iterator(list.begin(), list.end(), one); it != std::sregex_iterator();
       ++it) {
    found.insert((*it)[1].str() + " " + (*it)[2].str());
  }
  return found;
}

/// "name number" of the ledger's lines of one kind.
std::set<std::string> ledger_lines(const std::string& ledger, const std::string& kind) {
  std::set<std::string> found;
  std::istringstream lines(ledger);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string first;
    std::string name;
    std::string number;
    if (words >> first >> name >> number && first == kind) found.insert(name + " " + number);
  }
  return found;
}

struct Numbers {
  const char* kind;
  const char* path;
  const char* enum_name;
};

constexpr Numbers kNumbers[] = {
    {"family", "engine/kv.h", "Family"},
    {"table-id", "schema/ids.h", "TableId"},
    {"index-id", "schema/ids.h", "IndexId"},
    {"system-id", "schema/ids.h", "SystemId"},
    {"conversation-part", "schema/ids.h", "ConversationPart"},
    {"message-part", "schema/ids.h", "MessagePart"},
    {"conversation-flag", "schema/tails.cc", "ConversationFlag"},
    {"cover-flag", "schema/tails.cc", "CoverFlag"},
    {"message-role", "schema/tails.cc", "RoleCode"},
    {"message-cover-flag", "schema/tails.cc", "MessageCoverFlag"},
    {"memory-field", "schema/tails.h", "MemoryField"},
    {"work-op", "indexes/space_state.h", "WorkOp"},
    {"index-state", "api/callisto/stats.h", "IndexState"},
};

TEST(Ledger, NamesTheNumbersOfTheCode) {
  const std::string ledger = read_source("schema/ledger.txt");
  for (const Numbers& numbers : kNumbers) {
    const std::set<std::string> in_code = enumerators(read_source(numbers.path), numbers.enum_name);
    EXPECT_FALSE(in_code.empty()) << numbers.path << " has no enum " << numbers.enum_name;
    EXPECT_EQ(ledger_lines(ledger, numbers.kind), in_code) << numbers.kind;
  }
}

// X alone says what a key is: no number may stand for two things, reserved and retired ones
// included.
TEST(Ledger, GivesNoNumberOfAKeyTwice) {
  const std::string ledger = read_source("schema/ledger.txt");
  std::map<std::string, std::string> owner;
  for (const char* kind : {"table-id", "index-id", "system-id", "reserved-id", "retired-id"}) {
    for (const std::string& line : ledger_lines(ledger, kind)) {
      const std::size_t space = line.find(' ');
      const auto [first, is_new] = owner.emplace(line.substr(space + 1), line);
      EXPECT_TRUE(is_new) << line << " and " << first->second;
    }
  }
}

TEST(Ledger, NamesTheFormatVersionAsFormatDoes) {
  const std::string version = std::to_string(kFormatVersion);
  EXPECT_NE(read_source("schema/ledger.txt").find("\nformat-version " + version + " "),
            std::string::npos);
  EXPECT_NE(read_source("schema/FORMAT.md").find("Version number " + version + ","),
            std::string::npos);
}

TEST(Ledger, ANumberThatChangedIsSeen) {
  const std::string source =
      "enum class Kind : std::uint8_t {\n  a = 0x01,  // b = 0x02\n  c = 3,\n};";
  EXPECT_EQ(enumerators(source, "Kind"), (std::set<std::string>{"a 0x01", "c 3"}));
  EXPECT_NE(ledger_lines("kind a 0x01\nkind c 4\n", "kind"), enumerators(source, "Kind"));
  EXPECT_NE(ledger_lines("kind a 0x01 # c 3\n", "kind"), enumerators(source, "Kind"));
}

}  // namespace
}  // namespace callisto::schema
