// What goes in, and what does not.

#include "tests/tools/command_fixture.h"

namespace callisto::testing {
namespace {

class Import : public CommandTest {};

TEST_F(Import, TheSampleComesBackEqualByteForByte) {
  const auto first = import(sample(), {"--json"});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, "{\"users\":3,\"conversations\":4,\"messages\":30,\"memories\":14,\"errors\":0}\n");
  const std::string once = exported();
  EXPECT_EQ(import(sample()).status, 0);
  EXPECT_EQ(exported(), once) << "an import that is run again changes nothing";
  EXPECT_EQ(import(sample(), {"--replace"}).status, 0);
  EXPECT_EQ(exported(), once);
  EXPECT_EQ(import(sample(), {"--strict"}).status, 0);
  EXPECT_EQ(exported(), once);
  EXPECT_EQ(fresh_export(once), once);
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(Import, HostileLinesAreReportedByNumberAndTheOthersGoIn) {
  const std::string good = R"({"table":"memories","id":")" + id(7) +
                           R"(","created_at":"2026-03-02T08:00:00Z","text":"good"})";
  const std::vector<std::string> bad{
      "{", "[]", "\"x\"", "nul", std::string("{\0}", 3), "\xff\xfe", "{\"table\":\"users\",\"table\":1}",
      std::string(100'000, '['), R"({"table":"nothing"})", R"({"table":7})", R"({})",
      R"({"table":"users","unknown":1})", R"({"table":"users","is_active":"yes"})",
      R"({"table":"users","id":"7"})", R"({"table":"users","created_at":"today"})",
      R"({"table":"users","version":-1})", R"({"table":"users","updated_at":"2026-03-02T08:00:00Z"})",
      R"({"table":"users","space":7})", R"({"table":"memories","importance":2})",
      R"({"table":"memories","priority":11})", R"({"table":"memories","value":1e400})",
      R"({"table":"memories","tags":"x"})", R"({"table":"memories","tags":[1]})",
      R"({"table":"memories","sources":[{"kind":1}]})", R"({"table":"messages","content":"x"})",
      R"({"table":"messages","conversation":")" + id(99) + R"(","content":"x"})",
      R"({"table":"user_data","user":")" + id(99) + R"(","category":"a","value":"b"})",
      R"({"callisto":"export","format":2})", R"({"table":"spaces"})",
      "{\"table\":\"users\",\"name\":\"" + std::string(9u << 20, 'x') + "\"}"};
  std::string lines;
  for (const std::string& line : bad) lines += line + "\n";
  const auto outcome = import(lines + "\n \t\r\n" + good, {"--json"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("\"memories\":1,\"errors\":" + std::to_string(bad.size())), std::string::npos)
      << outcome.out << outcome.err;
  for (std::size_t i = 1; i <= bad.size(); ++i) {
    EXPECT_NE(outcome.err.find("callisto: line " + std::to_string(i) + ": "), std::string::npos) << i;
  }
  EXPECT_EQ(exported(), fresh_export(good));
}

TEST_F(Import, StrictPutsNothingInWhenOneLineIsBad) {
  ASSERT_EQ(run({"init"}).status, 0);
  const std::string empty = exported();
  const std::vector<std::string> wrong{"{", R"({"table":"spaces","name":")" + std::string(300, 'x') + "\"}",
                                       R"({"table":"memories","conversation":")" + id(99) + "\"}",
                                       R"({"table":"memories","importance":2})",
                                       R"({"table":"users","space":7})"};
  for (const std::string& bad : wrong) {
    const auto outcome = import(talk(5) + R"({"table":"spaces","name":"other"})" "\n" + bad, {"--strict"});
    EXPECT_EQ(outcome.status, 1) << bad;
    EXPECT_NE(outcome.err.find("line 9"), std::string::npos) << outcome.err;
    EXPECT_EQ(exported(), empty) << bad;
  }
}

TEST_F(Import, StrictLetsLinesReferToWhatOnlyTheStoreHas) {
  ASSERT_EQ(import(talk(2)).status, 0);
  const std::string more = R"({"table":"messages","id":")" + id(50) + R"(","conversation":")" + id(2) +
                           R"(","sender":")" + id(1) +
                           R"(","content":"more","timestamp":"2026-03-02T10:00:00Z"})" "\n"
                           R"({"table":"memories","id":")" + id(51) +
                           R"(","text":"x","created_at":"2026-03-02T10:00:00Z","user":")" + id(1) + R"(","conversation":")" + id(2) + "\"}";
  const auto outcome = import(more, {"--strict"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(exported(), fresh_export(talk(2) + more));
}

TEST_F(Import, AMessageIsSaidWhenItIsCreatedWhereALineSaysOnlyThat) {
  ASSERT_EQ(import(talk(2)).status, 0);
  const std::string line = R"({"table":"messages","id":")" + id(50) + R"(","conversation":")" + id(2) +
                           R"(","content":"more","created_at":"2026-03-02T10:00:00Z"})" "\n";
  ASSERT_EQ(import(line).status, 0);
  EXPECT_NE(exported().find(R"("timestamp":"2026-03-02T10:00:00.000000Z")"), std::string::npos) << exported();
}

TEST_F(Import, StrictSeesWhatTheStoreWouldRefuse) {
  const auto lines = [](const std::string& kind, const std::string& value) {
    return R"({"table":"user_data","id":")" + id(60) + R"(","user":")" + id(1) +
           R"(","created_at":"2026-03-02T08:00:00Z","category":"c","kind":")" + kind + R"(","value":")" + value +
           "\"}\n";
  };
  ASSERT_EQ(import(talk(1) + lines("list", "a")).status, 0);
  const std::string before = exported();
  const auto outcome = import(R"({"table":"memories","text":"good"})" "\n" + lines("single", "b"), {"--strict"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("line 2"), std::string::npos) << outcome.err;
  EXPECT_EQ(exported(), before);
}

TEST_F(Import, ReplaceMakesRecordsEqualToTheChangedFile) {
  const auto file = [](const std::string& word, const std::string& flag) {
    const std::string at = R"(,"created_at":"2026-03-02T08:00:00Z")";
    return R"({"table":"users","id":")" + id(1) + "\"" + at + R"(,"is_active":)" + flag +
           R"(,"profile":{"a":")" + word + "\"}}\n" +
           R"({"table":"platform_identifiers","id":")" + id(3) + R"(","user":")" + id(1) + "\"" + at +
           R"(,"platform":"gui","platform_id":"a","username":")" + word + "\"}\n" +
           R"({"table":"user_data","id":")" + id(4) + R"(","user":")" + id(1) + "\"" + at +
           R"(,"category":"c","kind":"single","value":")" + word + "\"}\n" +
           R"({"table":"user_data","id":")" + id(5) + R"(","user":")" + id(1) + "\"" + at +
           R"(,"category":"l","value":"v","metadata":{"w":")" + word + "\"}}\n" +
           R"({"table":"conversations","id":")" + id(2) + "\"" + at + R"(,"title":")" + word +
           R"(","is_saved":)" + flag + R"(,"participants":[")" + id(1) + "\"]}\n" +
           R"({"table":"messages","id":")" + id(10) + R"(","conversation":")" + id(2) +
           R"(","content":")" + word + R"(","timestamp":"2026-03-02T08:00:01Z"})" "\n" +
           R"({"table":"messages","id":")" + id(11) + R"(","conversation":")" + id(2) +
           R"(","content":"same","timestamp":"2026-03-02T08:00:01Z"})" "\n" +
           R"({"table":"memories","id":")" + id(20) + "\"" + at + R"(,"category":"k","key":"k","tags":[")" +
           word + "\"],\"value\":{\"text\":\"" + word + "\"}}\n";
  };
  ASSERT_EQ(import(file("old", "true")).status, 0);
  const std::string before = exported();
  ASSERT_EQ(import(file("new", "false")).status, 0);
  EXPECT_EQ(exported(), before) << "left as it is";
  const auto outcome = import(file("new", "false"), {"--replace"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(exported(), fresh_export(file("new", "false")));
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(Import, KilledAnywhereAndRunAgainItEndsInTheSameStore) {
  constexpr int kMessages = 900;
  const std::string lines = talk(kMessages);
  const std::string wanted = fresh_export(lines);
  for (int read : {0, 1, 250, 650}) {
    const std::string store = "killed" + std::to_string(read);
    HeldCommand command({"import", "-", "--store", path(store)});
    command.write(talk(read) + "not a line\n");
    EXPECT_NE(command.hear(), "") << "it has come so far";
    command.kill();
    EXPECT_EQ(import(lines, {}, store).status, 0);
    EXPECT_EQ(exported(store), wanted) << "killed after " << read;
    EXPECT_EQ(run({"verify"}, {}, store).status, 0);
  }
}

TEST_F(Import, LocomoRefusesWhatIsNoSample) {
  for (const std::string text : {"", "{", "[", "[1]", "[{}]", "[{},]x", "[{\"sample_id\":1}]",
                                 R"([{"sample_id":"a","conversation":{"speaker_a":"A"}}])"}) {
    write_text(path("bad"), text);
    const auto outcome = run({"import", path("bad"), "--format", "locomo"});
    EXPECT_EQ(outcome.status, 1) << text;
    EXPECT_NE(outcome.err.find("sample 1"), std::string::npos) << text << outcome.err;
  }
}

TEST_F(Import, LocomoIsTheSameHoweverOften) {
  const char* data = std::getenv("CALLISTO_SHARED_DATA");
  const std::string file = std::string(data == nullptr ? "" : data) + "/locomo/dev.json";
  if (read_text(file).empty()) GTEST_SKIP() << "no " << file;
  const auto outcome = run({"import", file, "--format", "locomo"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const std::string once = exported();
  EXPECT_EQ(run({"import", file, "--format", "locomo", "--replace"}).status, 0);
  EXPECT_EQ(exported(), once);
  EXPECT_EQ(fresh_export(once), once);
}

}  // namespace
}  // namespace callisto::testing
