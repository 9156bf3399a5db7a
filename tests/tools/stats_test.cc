// `callisto stats` in its three formats.

#include <gtest/gtest.h>

#include "tests/tools/command_fixture.h"
#include "tools/stats_text.h"

namespace callisto::testing {
namespace {

class StatsCommand : public CommandTest {
 protected:
  /// What stands before `end`, which is there: how full caches are differs from run to run.
  static std::string until(const std::string& text, const std::string& end) {
    EXPECT_NE(text.find(end), std::string::npos) << text;
    return text.substr(0, text.find(end));
  }
};

/// A store as a program sees its own.
Stats used() {
  Stats stats;
  CallStats& call = stats.calls["messages.latest"];
  call = {.count = 1000, .timed = 70, .covered = 990, .sum_ns = 1};
  call.p50_ns = 1500;
  call.p99_ns = 12'300;
  call.max_ns = 7'000'000;
  stats.disk.levels = {{.files = 3, .bytes = 30}, {.files = 5, .read_bytes = 501}};
  stats.disk.committed_bytes = 100;
  stats.disk.flushed_bytes = 150;
  stats.record_cache = {.hits = 3, .misses = 1};
  return stats;
}

TEST(StatsText, JsonHasCallsCachesAndDisk) {
  const std::string json = tools::stats_json(used());
  EXPECT_EQ(json.find('\n'), std::string::npos);
  for (const char* part :
       {R"("calls":{"messages.latest":{"count":1000,"timed":70,"sum_ns":1,"p50_ns":1500)",
        R"("caches":{"blocks":{"hits":0,)", R"("records":{"hits":3,"misses":1,"hit_rate":0.75)",
        R"("disk":{"levels":[{"files":3,"bytes":30,)", R"("read_bytes":501)",
        R"("write_amplification":1.5)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

TEST(StatsText, TextShowsMicrosecondsAndRates) {
  const std::string text = tools::stats_text(used());
  for (const char* part :
       {"messages.latest", " 1.5 ", " 12.3 ", " 7000.0", " 75.0%", "write amplification: 1.50"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_EQ(tools::stats_text(Stats()).find("p99"), std::string::npos)
      << "no calls, no table of them";
}

TEST_F(StatsCommand, HasThreeFormats) {
  ASSERT_EQ(import(talk(3)).status, 0);
  const CommandOutcome text = run({"stats"});
  EXPECT_EQ(text.status, 0);
  EXPECT_EQ(until(run({"stats", "--format", "text"}).out, "\ncache"), until(text.out, "\ncache"));
  EXPECT_NE(text.out.find("\nlevel "), std::string::npos) << text.out;
  const CommandOutcome json = run({"stats", "--format", "json"});
  EXPECT_EQ(until(json.out, "\"disk_bytes"), until(run({"stats", "--json"}).out, "\"disk_bytes"));
  EXPECT_NE(json.out.find(R"("messages":{"records":3)"), std::string::npos) << json.out;
  const CommandOutcome metrics = run({"stats", "--format", "prometheus"});
  EXPECT_EQ(metrics.status, 0);
  EXPECT_NE(metrics.out.find("\ncallisto_records{table=\"messages\"} 3\n"), std::string::npos);
  EXPECT_NE(metrics.out.find("\ncallisto_level_files{level=\"0\"} "), std::string::npos);
}

TEST_F(StatsCommand, AnotherFormatIsBadUsage) {
  ASSERT_EQ(run({"init"}).status, 0);
  EXPECT_EQ(run({"stats", "--format", "xml"}).status, 2);
  EXPECT_EQ(run({"stats", "--json", "--format", "text"}).status, 2);
  EXPECT_EQ(run({"stats", "--json", "--format", "json"}).status, 0);
}

}  // namespace
}  // namespace callisto::testing
