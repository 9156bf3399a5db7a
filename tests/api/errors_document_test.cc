#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "callisto/error.h"

namespace callisto::testing {
namespace {

std::string errors_document(const std::string& source) {
  std::ifstream file(source + "/api/ERRORS.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST(ErrorsDocument, HasOneSectionWithAnExampleForEveryCode) {
  const char* source = std::getenv("CALLISTO_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "CALLISTO_SOURCE_DIR is not set; ctest sets it";
  const std::string document = errors_document(source);
  ASSERT_FALSE(document.empty()) << "no api/ERRORS.md in " << source;
  constexpr int kLastCode = static_cast<int>(Code::cancelled);
  for (int number = 1; number <= kLastCode; ++number) {
    const std::string name(to_string(static_cast<Code>(number)));
    EXPECT_EQ(count(document, "### `" + name + "`\n"), 1U) << name;
  }
  EXPECT_EQ(count(document, "\n### "), static_cast<std::size_t>(kLastCode));
  EXPECT_EQ(count(document, "\nExample: "), static_cast<std::size_t>(kLastCode));
}

}  // namespace
}  // namespace callisto::testing
