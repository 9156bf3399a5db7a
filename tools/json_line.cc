#include "tools/json_line.h"

#include <array>
#include <charconv>

#include "schema/json.h"

namespace callisto::tools {

void JsonLine::name(std::string_view name) {
  line_ += line_.empty() ? '{' : ',';
  schema::append_json_string(line_, name);
  line_ += ':';
}

JsonLine& JsonLine::text(std::string_view member, std::string_view value) {
  name(member);
  schema::append_json_string(line_, value);
  return *this;
}

JsonLine& JsonLine::text_if(std::string_view member, std::string_view value) {
  return value.empty() ? *this : text(member, value);
}

JsonLine& JsonLine::time_if(std::string_view member, const std::optional<Time>& value) {
  return value ? time(member, *value) : *this;
}

JsonLine& JsonLine::number(std::string_view member, std::uint64_t value) {
  return raw(member, std::to_string(value));
}

JsonLine& JsonLine::real(std::string_view member, float value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return raw(member, {buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())});
}

JsonLine& JsonLine::flag(std::string_view member, bool value) {
  return raw(member, value ? "true" : "false");
}

JsonLine& JsonLine::json_if(std::string_view member, const JsonView& value) {
  return value ? raw(member, value.to_string()) : *this;
}

JsonLine& JsonLine::raw(std::string_view member, std::string_view json) {
  name(member);
  line_ += json;
  return *this;
}

JsonLine& JsonLine::texts_if(std::string_view member, const std::vector<std::string_view>& values) {
  if (values.empty()) return *this;
  name(member);
  char before = '[';
  for (std::string_view value : values) {
    line_ += before;
    schema::append_json_string(line_, value);
    before = ',';
  }
  line_ += ']';
  return *this;
}

}  // namespace callisto::tools
