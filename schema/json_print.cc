#include <array>
#include <charconv>

#include "schema/flex.h"
#include "schema/json.h"
#include "schema/json_number.h"

namespace callisto::schema {

namespace {

template <class Integer>
void append_integer(std::string& out, Integer value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end.ptr);
}

// What stands for a control character, a quote or a backslash inside a string.
void append_escape(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '\\';
  switch (c) {
    case '"':
    case '\\':
      out += c;
      break;
    case '\b':
      out += 'b';
      break;
    case '\f':
      out += 'f';
      break;
    case '\n':
      out += 'n';
      break;
    case '\r':
      out += 'r';
      break;
    case '\t':
      out += 't';
      break;
    default:
      out += "u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // start of what needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    append_escape(out, c);
    plain = i + 1;
  }
  out.append(text, plain);
  out += '"';
}

namespace {

// Recursion is bounded: checked bytes are at most kMaxJsonDepth deep.
void append_value(std::string& out, const FlexValue& value) {
  switch (value.type()) {
    case FlexType::boolean:
      out += value.as_bool() ? "true" : "false";
      return;
    case FlexType::int64:
      append_integer(out, value.as_int64());
      return;
    case FlexType::uint64:
      append_integer(out, value.as_uint64());
      return;
    case FlexType::number:
      append_double(out, value.as_double());
      return;
    case FlexType::string:
      append_json_string(out, value.as_string());
      return;
    case FlexType::vector:
      out += '[';
      for (std::size_t i = 0, size = value.size(); i < size; ++i) {
        if (i > 0) out += ',';
        append_value(out, value.element(i));
      }
      out += ']';
      return;
    case FlexType::map:
      out += '{';
      for (std::size_t i = 0, size = value.size(); i < size; ++i) {
        if (i > 0) out += ',';
        append_json_string(out, value.name(i));
        out += ':';
        append_value(out, value.element(i));
      }
      out += '}';
      return;
    case FlexType::null:
    case FlexType::keys:
      out += "null";
      return;
  }
}

}  // namespace

std::string to_json(const FlexValue& value) {
  std::string text;
  append_value(text, value);
  return text;
}

std::string flex_to_json(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string() : to_json(FlexValue::root(data, size));
}

}  // namespace callisto::schema
