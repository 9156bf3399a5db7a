// Arguments and exit statuses.

#include <fcntl.h>

#include <algorithm>
#include <sstream>

#include "tests/tools/command_fixture.h"

namespace callisto::testing {
namespace {

class Usage : public CommandTest {};

TEST_F(Usage, BadUsageIsStatusTwoAndOneLine) {
  ASSERT_EQ(run({"init"}).status, 0);
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"nothing"},
      {"init", "more"},
      {"list"},
      {"list", "things"},
      {"list", "users", "--limit", "0"},
      {"list", "users", "--limit", "10001"},
      {"list", "users", "--limit", "-1"},
      {"list", "users", "--limit", "x"},
      {"list", "users", "--limit", "99999999999999999999"},
      {"list", "users", "--tag", "x"},
      {"list", "users", "--platform", "gui"},
      {"list", "messages", "--conversation", id(1), "--before", "x"},
      {"list", "messages", "--sender", id(1), "--tag", "kitchen"},
      {"list", "messages", "--before", id(1)},
      {"list", "memories", "--min-priority", "-1"},
      {"list", "memories", "--min-priority", "11"},
      {"list", "memories", "--min-importance", "nan"},
      {"list", "memories", "--from", "yesterday"},
      {"list", "memories", "--source-kind", "x"},
      {"list", "memories", "--order", "size"},
      {"list", "conversations", "--processed", "--unprocessed"},
      {"list", "conversations", "--saved", "maybe"},
      {"list", "memories", "--tag"},
      {"list", "memories", "--ta", "x"},
      {"get", "user"},
      {"get", "thing", id(1)},
      {"get", "user", "x"},
      {"get", "platform_identifier", "x"},
      {"get", "user_datum", id(1) + ":x"},
      {"dump", "nothing"},
      {"dump", "users", "--from", "0"},
      {"dump", "users", "--prefix", "zz"},
      {"dump", "users", "--limit", "-1"},
      {"import"},
      {"import", "-", "--format", "xml"},
      {"import", "-", "--strict"},
      {"space", "create"},
      {"space", "create", ""},
      {"space", "drop", "default"},
      {"space", "paint", "x"},
  };
  for (const auto& arguments : wrong) {
    const CommandOutcome outcome = run(arguments);
    std::string words;
    for (const std::string& word : arguments) words += word + " ";
    EXPECT_EQ(outcome.status, 2) << words << outcome.err;
    EXPECT_TRUE(outcome.out.empty()) << words;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << words << outcome.err;
  }
}

TEST_F(Usage, WhatIsNotThereIsStatusOne) {
  ASSERT_EQ(run({"init"}).status, 0);
  for (const std::string kind : {"user", "conversation", "message", "memory"}) {
    EXPECT_EQ(run({"get", kind, id(1)}).status, 1) << kind;
  }
  EXPECT_EQ(run({"get", "platform_identifier", "gui:nobody"}).status, 1);
  EXPECT_EQ(run({"get", "user_datum", id(1) + ":a:b"}).status, 1);
  EXPECT_EQ(run({"list", "users", "--platform", "gui", "--platform-id", "nobody"}).status, 1);
  EXPECT_EQ(run({"list", "messages", "--conversation", id(1)}).status, 1);
  EXPECT_EQ(run({"list", "users", "--space", "nowhere"}).status, 1);
  EXPECT_EQ(run({"export", "--space", "nowhere"}).status, 1);
  EXPECT_EQ(run({"dump", "--space", "nowhere"}).status, 1);
  EXPECT_EQ(run({"space", "drop", "nowhere"}).status, 1);
}

TEST_F(Usage, WhatCannotBeOpenedIsStatusThree) {
  write_text(path("file"), "text");
  for (const std::string command : {"list", "export", "stats", "verify", "dump"}) {
    std::vector<std::string> arguments{command};
    if (command == "list") arguments.emplace_back("users");
    EXPECT_EQ(run(arguments, {}, "absent").status, 3) << command;
    EXPECT_EQ(run(arguments, {}, "file").status, 3) << command;
    EXPECT_EQ(run(arguments, {}, ".").status, 3) << command << ": holds other files";
  }
  EXPECT_EQ(run({"init"}, {}, "file").status, 3);
  EXPECT_EQ(run({"init"}, {}, "file/below").status, 3);
  EXPECT_EQ(run({"import", path("absent")}).status, 3);
  EXPECT_EQ(run({"import", path(".")}).status, 3);
  EXPECT_EQ(read_text(path("file")), "text");
}

TEST_F(Usage, TheStoreIsNamedBeforeOrAfterOrByTheEnvironment) {
  const std::string store = path("store");
  ASSERT_EQ(run_command({"--store", store, "init"}).status, 0);
  EXPECT_EQ(run_command({"--store=" + store, "--json", "stats"}).status, 0);
  EXPECT_EQ(run_command({"stats", "--json", "--store", store}).status, 0);
  ::unsetenv("CALLISTO_STORE");
  EXPECT_EQ(run_command({"stats"}).status, 2);
  ::setenv("CALLISTO_STORE", store.c_str(), 1);
  EXPECT_EQ(run_command({"stats"}).status, 0);
  EXPECT_EQ(run_command({"stats", "--store", path("absent")}).status, 3);
  ::unsetenv("CALLISTO_STORE");
}

TEST_F(Usage, HelpFitsEightyColumns) {
  for (const std::string command :
       {"", "init", "import", "export", "dump", "get", "list", "stats", "verify", "space"}) {
    const auto outcome = command.empty() ? run_command({"--help"}) : run_command({command, "--help"});
    EXPECT_EQ(outcome.status, 0) << command;
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
}

TEST_F(Usage, AnOptionsValueMayStartWithADash) {
  ASSERT_EQ(import(R"({"table":"memories","key":"-x","value":1})").status, 0);
  EXPECT_NE(run({"list", "memories", "--key", "-x", "--json"}).out, "");
  EXPECT_NE(run({"list", "memories", "--key=-x", "--json"}).out, "");
}

TEST_F(Usage, TextForATerminalHasNoControlCharacters) {
  ASSERT_EQ(import(R"({"table":"users","name":"a\u001b[2Jb\u009bc\nd\u007f"})").status, 0);
  const std::string out = run({"list", "users"}).out;
  EXPECT_NE(out.find("a [2Jb c d"), std::string::npos) << out;
  const auto bad = import("{\"table\":\"users\",\"\\u001b[2J\":1}");
  EXPECT_EQ(bad.status, 1);
  EXPECT_EQ(bad.err.find('\x1b'), std::string::npos);
}

TEST_F(Usage, AnOutputThatCannotBeWrittenIsAFailureAndOneThatIsNotReadIsNot) {
  ASSERT_EQ(import(sample()).status, 0);
  const std::string command = std::string(std::getenv("CALLISTO_COMMAND")) + " --store " + path("store");
  const auto status_of = [&](const std::string& line) {
    return WEXITSTATUS(std::system(("bash -c '" + line + "'").c_str()));
  };
  const std::string err = path("err");
  EXPECT_EQ(status_of(command + " export >/dev/full 2>" + err), 3);
  EXPECT_EQ(status_of(command + " stats >/dev/full 2>" + err), 3);
  EXPECT_NE(read_text(err), "");
  EXPECT_EQ(status_of("set -o pipefail; " + command + " dump 2>" + err + " | head -1 >/dev/null"), 0);
  EXPECT_EQ(read_text(err), "");
}

}  // namespace
}  // namespace callisto::testing
