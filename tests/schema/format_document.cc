#include "tests/schema/format_document.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "schema/keys.h"

namespace callisto::schema {

namespace {

std::optional<std::string> spaced_hex(std::string_view text) {
  std::string digits(text.substr(0, text.find(';')));
  digits.erase(std::remove(digits.begin(), digits.end(), ' '), digits.end());
  return from_hex(digits);
}

/// A quoted argument from its first quote on; moves `at` behind the last one.
std::optional<std::string> quoted(std::string_view line, std::size_t& at) {
  std::string text;
  for (++at; at < line.size(); ++at) {
    if (line[at] == '"') return ++at, text;
    if (line[at] != '\\') {
      text += line[at];
    } else if (line.substr(at, 2) == "\\x") {
      const auto byte = from_hex(line.substr(at + 2, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      text += *byte;
      at += 3;
    } else {
      if (++at == line.size()) return std::nullopt;
      text += line[at];
    }
  }
  return std::nullopt;
}

/// Words and quoted texts, up to " = " or the end; moves `at` there.
std::optional<std::vector<std::string>> words(std::string_view line, std::size_t& at) {
  std::vector<std::string> found;
  while (at < line.size() && line[at] != '=') {
    if (line[at] == ' ') {
      ++at;
    } else if (line[at] == '"') {
      auto text = quoted(line, at);
      if (!text) return std::nullopt;
      found.push_back(std::move(*text));
    } else {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      found.emplace_back(line.substr(at, end - at));
      at = end;
    }
  }
  return found;
}

/// One line of a row example; whether it could be read.
bool add_to_row(RowExample& row, std::string_view line) {
  const auto starts = [&](std::string_view word) { return line.starts_with(word); };
  if (starts("reads ")) {
    row.reads = line.substr(6);
    return true;
  }
  if (!starts("key ") && !starts("value ")) return false;
  const auto bytes = spaced_hex(line.substr(line.find(' ')));
  if (!bytes) return false;
  if (starts("key ")) {
    row.key = *bytes;
  } else {
    row.value = row.value.value_or("") + *bytes;
  }
  return true;
}

/// A line that begins with "example"; whether it could be read.
bool add_example(FormatDocument& document, std::string_view line) {
  std::size_t at = std::string_view("example ").size();
  auto found = words(line, at);
  if (!found || found->empty()) return false;
  std::string name = std::move(found->front());
  found->erase(found->begin());
  if (at == line.size()) {
    document.rows.push_back({.name = name, .key = {}, .reads = {}, .value = {}});
    return found->empty();
  }
  const auto bytes = spaced_hex(line.substr(at + 1));
  if (!bytes) return false;
  document.codec.push_back({std::string(line), std::move(name), std::move(*found), *bytes});
  return true;
}

}  // namespace

FormatDocument parse_format_document(std::string_view text) {
  FormatDocument document;
  bool in_row = false;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    bool is_readable = true;
    if (line.starts_with("example ")) {
      const std::size_t rows = document.rows.size();
      is_readable = add_example(document, line);
      in_row = document.rows.size() > rows;
    } else if (in_row && line.starts_with("  ")) {
      is_readable = add_to_row(document.rows.back(), std::string_view(line).substr(2));
    } else {
      in_row = false;
    }
    if (!is_readable) document.bad_lines.push_back(line);
  }
  return document;
}

std::string read_source(const std::string& path) {
  const char* const root = std::getenv("CALLISTO_SOURCE_DIR");
  const std::string full = std::string(root == nullptr ? "." : root) + "/" + path;
  std::ifstream file(full);
  EXPECT_TRUE(file.is_open()) << full << " (run in the source tree or set CALLISTO_SOURCE_DIR)";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace callisto::schema
