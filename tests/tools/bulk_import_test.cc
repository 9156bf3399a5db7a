// Exports of ours, imported at once.

#include <string>

#include "tests/tools/command_fixture.h"

namespace callisto::testing {
namespace {

class BulkImport : public CommandTest {
 protected:
  static bool is_bulk(const CommandOutcome& outcome) {
    return outcome.out.find("\"bulk\":true") != std::string::npos;
  }
  /// An export of a store with two spaces, of which one has the sample.
  std::string two_spaces() const {
    EXPECT_EQ(import(sample(), {}, "source").status, 0);
    EXPECT_EQ(import(talk(5), {"--space", "acme"}, "source").status, 0);
    return exported("source");
  }
};

TEST_F(BulkImport, AnExportIntoANewStoreGivesAnEqualOne) {
  const std::string lines = two_spaces();
  const auto outcome = import(lines, {"--json"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(is_bulk(outcome)) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.out,
            "{\"users\":4,\"conversations\":5,\"messages\":35,\"memories\":14,\"errors\":0,"
            "\"bulk\":true}\n");
  EXPECT_EQ(exported(), lines);
  EXPECT_EQ(run({"verify"}).status, 0);
  EXPECT_NE(import(lines, {}, "told").out.find("imported in bulk\n"), std::string::npos);
  // What is there already is left as it is, line by line.
  const auto again = import(lines, {"--json"});
  EXPECT_EQ(again.status, 0);
  EXPECT_FALSE(is_bulk(again));
  EXPECT_EQ(exported(), lines);
}

TEST_F(BulkImport, GivesTheRowsThatLineByLineGives) {
  const std::string lines = two_spaces();
  const std::string behind_head = lines.substr(lines.find('\n') + 1);
  EXPECT_FALSE(is_bulk(import(behind_head, {"--json"}, "slow")));
  EXPECT_TRUE(is_bulk(import(lines, {"--json"}, "fast")));
  for (const char* const table : {"conversation_by_activity", "conversation_unprocessed",
                                  "memory_by_tag", "message_by_time", "user_by_last_seen"}) {
    const auto slow = run({"dump", table, "--keys"}, {}, "slow");
    EXPECT_EQ(slow.status, 0) << slow.err;
    EXPECT_EQ(run({"dump", table, "--keys"}, {}, "fast").out, slow.out) << table;
  }
  EXPECT_EQ(run({"stats", "--json"}, {}, "fast").status, 0);
}

TEST_F(BulkImport, ALineThatIsRefusedIsToldAndTheOthersGoIn) {
  std::string lines = two_spaces();
  const std::string bad = R"({"table":"memories","id":")" + id(77) + R"(","priority":11})";
  lines += bad + "\n";
  const auto outcome = import(lines, {"--json"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_FALSE(is_bulk(outcome));
  EXPECT_NE(outcome.err.find(": priority"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("\"errors\":1"), std::string::npos);
  EXPECT_EQ(exported() + bad + "\n", lines);
}

TEST_F(BulkImport, WhatIsNamedAndNotThereIsToldByItsLine) {
  const std::string head = "{\"callisto\":\"export\",\"format\":1}\n";
  const std::string orphan = R"({"table":"memories","id":")" + id(77) + R"(","user":")" + id(99) +
                             R"(","created_at":"2026-03-02T08:00:00Z"})" + "\n";
  const auto outcome = import(head + talk(2) + orphan, {"--json"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_FALSE(is_bulk(outcome));
  EXPECT_NE(outcome.err.find("callisto: line 6: "), std::string::npos) << outcome.err;
  EXPECT_EQ(exported(), fresh_export(talk(2)));
}

/// Enough memories for several jobs, as an export has them; `bad` in the place of one.
std::string many_memories(int count, int bad_at, const std::string& bad) {
  std::string lines = "{\"callisto\":\"export\",\"format\":1}\n";
  for (int i = 0; i < count; ++i) {
    const std::string value = i == bad_at ? bad : R"({"note":")" + std::string(200, 'x') + R"("})";
    lines += R"({"table":"memories","id":")" + id(i + 1) + R"(","key":"k)" + std::to_string(i) +
             R"(","value":)" + value +
             R"(,"priority":5,"created_at":"2026-03-02T08:00:00.000000Z",)"
             R"("updated_at":"2026-03-02T08:00:00.000000Z","version":1})"
             "\n";
  }
  return lines;
}

TEST_F(BulkImport, BadLinesAmongManyAreToldAsWithoutIt) {
  ASSERT_TRUE(is_bulk(import(many_memories(3000, -1, ""), {"--json"}, "whole")));
  int number = 0;
  for (const char* const bad :
       {R"({"note":"not ended})", R"({"a":1,"a":2})", R"({"a":[1,2})", R"({"a":01})", "{]", "nul",
        R"({"a":"\ud800"})", "{\"a\":\"\xff\"}", R"([1.00000000000000000000001])"}) {
    const std::string lines = many_memories(3000, 1500, bad);
    const std::string store = std::to_string(number++);
    const auto outcome = import(lines, {"--json"}, store);
    // An empty line leads: the same numbers, and no export.
    std::string by_line = lines;
    by_line.replace(0, by_line.find('\n'), "");
    const auto slow = import(by_line, {"--json"}, "by line " + store);
    EXPECT_EQ(outcome.status, 1) << bad;
    EXPECT_EQ(outcome.err, slow.err) << bad;
    EXPECT_NE(outcome.err.find("callisto: line 1502: "), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, slow.out) << bad;
    EXPECT_EQ(exported(store), exported("by line " + store)) << bad;
  }
}

TEST_F(BulkImport, WhatIsNotPlainInALineIsReadAllTheSame) {
  std::string lines =
      many_memories(40, 20, R"( { "b" : [ 1 , -2.50 , null ] , "a" : "\u00e4\n" } )");
  const std::string tail = R"({"table":"memories","id":")" + id(100) +
                           R"(","key":"J\u00f6rg \"\\","value":"text","tags":[],"user":null,)"
                           R"("priority": 7,"importance":5e-1,"sources":[{"kind":"k","id":"i"}],)"
                           R"("created_at":"2026-03-02T08:00:00Z"})"
                           "\n";
  lines += tail;
  const auto outcome = import(lines, {"--json"}, "bulk");
  EXPECT_TRUE(is_bulk(outcome)) << outcome.out << outcome.err;
  EXPECT_EQ(exported("bulk"), fresh_export(lines.substr(lines.find('\n'))));
}

// Lines that no export has, though it could begin with them.
TEST_F(BulkImport, WhatExportsDoNotHaveGoesWhereItWouldWithoutIt) {
  const std::string created = R"("created_at":"2026-03-02T08:00:00.000000Z"})"
                              "\n";
  const auto talk_of = [&](const std::string& space, int number) {
    return R"({"table":"conversations",)" + space + R"("id":")" + id(number) + "\"," + created;
  };
  const std::string mine = talk_of("", 1);
  const std::string memory = R"({"table":"memories","id":")" + id(3) + R"(","key":"k",)" + created;
  const std::string nil =
      R"({"table":"memories","id":"00000000-0000-0000-0000-000000000000","key":"k",)" + created;
  const std::vector<std::string> all = {
      // Another space begins with conversations, and no line says so before.
      mine + talk_of(R"("space":"acme",)", 2),
      mine + talk_of(R"("space":"acme",)", 2) + talk_of(R"("space":"acme",)", 4),
      mine + talk_of(R"("space":"default",)", 2),
      // It is named where the head of a line is over.
      R"({"table":"memories","id":")" + id(2) + R"(","space":"acme",)" + created,
      memory + R"({"table":"memories","id":")" + id(2) + R"(","space":"acme",)" + created,
      // Lines of spaces that are none.
      memory + R"({"table":"spaces","name":"acme","owner":1})" + "\n",
      memory + R"({"table":"spaces","name":"acme")" + "\n",
      memory + R"({"table":"spaces","name":"acme"} and more)" + "\n",
      // Ids that come from the number of the line.
      nil,
      memory + nil + nil,
      memory + R"({"table":"memories","id":"","key":"k",)" + created,
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string fast = "fast " + std::to_string(i);
    const std::string slow = "slow " + std::to_string(i);
    const auto outcome =
        import("{\"callisto\":\"export\",\"format\":1}\n" + all[i], {"--json"}, fast);
    const auto by_line = import("\n" + all[i], {"--json"}, slow);
    EXPECT_EQ(outcome.status, by_line.status) << all[i];
    EXPECT_EQ(outcome.err, by_line.err) << all[i];
    EXPECT_EQ(exported(fast), exported(slow)) << all[i];
  }
}

TEST_F(BulkImport, ASpaceThatIsNotEmptyTakesTheLines) {
  const std::string lines = two_spaces();
  ASSERT_EQ(import(talk(1), {"--space", "acme"}).status, 0);
  const auto outcome = import(lines, {"--json"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(is_bulk(outcome));
  EXPECT_EQ(exported(), lines);
}

TEST_F(BulkImport, LinesInAnotherOrderOrCutOffAreImportedOneByOne) {
  const std::string lines = two_spaces();
  const std::size_t last = lines.rfind('\n', lines.size() - 2) + 1;
  const std::string head = lines.substr(0, lines.find('\n') + 1);
  // The last line first, which nothing forbids where nothing else needs it.
  const auto turned =
      import(head + lines.substr(last) + lines.substr(head.size(), last - head.size()), {"--json"},
             "turned");
  EXPECT_NE(turned.status, 2);
  const auto cut = import(lines.substr(0, lines.size() - 10), {"--json"}, "cut");
  EXPECT_EQ(cut.status, 1);
  EXPECT_FALSE(is_bulk(cut));
  const auto whole = import(lines.substr(0, lines.size() - 1), {"--json"}, "whole");
  EXPECT_EQ(whole.status, 0) << whole.err;
  EXPECT_EQ(exported("whole"), lines);
}

}  // namespace
}  // namespace callisto::testing
