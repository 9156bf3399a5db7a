#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/temp_directory.h"
#include "tests/tools/command_run.h"

namespace callisto::testing {

/// A store of its own for each test, and the command run on it.
class CommandTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path(name); }

  CommandOutcome run(std::vector<std::string> arguments, const std::string& input = {},
                     const std::string& store = "store") const {
    arguments.insert(arguments.end(), {"--store", path(store)});
    return run_command(arguments, input);
  }
  CommandOutcome import(const std::string& lines, const std::vector<std::string>& options = {},
                        const std::string& store = "store") const {
    write_text(path("lines"), lines);
    std::vector<std::string> arguments{"import", path("lines")};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run(arguments, {}, store);
  }
  std::string exported(const std::string& store = "store") const {
    const CommandOutcome outcome = run({"export"}, {}, store);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  }
  /// What a new store exports after an import of these lines.
  std::string fresh_export(const std::string& lines) const {
    EXPECT_EQ(import(lines, {}, "fresh").status, 0);
    return exported("fresh");
  }
  static std::string sample() {
    return read_text(std::string(std::getenv("CALLISTO_SOURCE_DIR")) + "/tools/sample/sample.jsonl");
  }

 private:
  const TempDirectory directory_{TempDirectory::On::memory};
};

/// "...-000000000007" of 7.
inline std::string id(int number) {
  const std::string digits = std::to_string(number);
  return "01930000-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

/// A user, a conversation and `count` messages in it, with every id and time given.
inline std::string talk(int count) {
  const std::string at = R"(","created_at":"2026-03-02T08:00:00Z")";
  std::string lines = R"({"table":"users","id":")" + id(1) + at + "}\n" +
                      R"({"table":"conversations","id":")" + id(2) + at + R"(,"participants":[")" + id(1) +
                      "\"]}\n";
  for (int i = 0; i < count; ++i) {
    lines += R"({"table":"messages","id":")" + id(1000 + i) + R"(","conversation":")" + id(2) +
             R"(","sender":")" + id(1) + R"(","content":"turn )" + std::to_string(i) +
             R"(","timestamp":"2026-03-02T09:00:00Z"})" + "\n";
  }
  return lines;
}

}  // namespace callisto::testing
