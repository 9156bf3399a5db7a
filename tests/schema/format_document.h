#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callisto::schema {

/// `example NAME ARGUMENT... = HEX` in schema/FORMAT.md.
struct CodecExample {
  std::string line;
  std::string name;
  std::vector<std::string> arguments;  ///< Without quotes, escapes resolved.
  std::string bytes;
};

/// `example NAME`, and indented below it `key HEX`, `reads WORDS` and, any number of times,
/// `value HEX`; whatever follows a `;` is a comment.
struct RowExample {
  std::string name;
  std::string key;
  std::string reads;
  std::optional<std::string> value;
};

struct FormatDocument {
  std::vector<CodecExample> codec;
  std::vector<RowExample> rows;
  std::vector<std::string> bad_lines;  ///< Meant as examples, but not readable as such.
};

FormatDocument parse_format_document(std::string_view text);

/// A file of the source tree; the test fails when it is not there.
std::string read_source(const std::string& path);

}  // namespace callisto::schema
