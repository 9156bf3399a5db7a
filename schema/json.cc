#include "schema/json.h"

#include <flatbuffers/flexbuffers.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include "schema/flex.h"
#include "schema/json_number.h"
#include "schema/text.h"

namespace callisto::schema {

namespace {

namespace json = boost::json;

constexpr const char* kTooLong = "at most 1 MiB of JSON";
constexpr const char* kTooDeep = "JSON at most 64 deep";
constexpr const char* kInexactInteger = "integers within int64 or uint64";
constexpr const char* kInexactDouble = "numbers that a double keeps without a change";
constexpr const char* kNameWithZero = "names without U+0000";
constexpr const char* kNameTwice = "each name once in an object";
constexpr const char* kNoObject = "a JSON object";

// A parsed value. Texts lie in Document::chars, elements and members in Document::children.
struct Node {
  Node() = default;
  explicit Node(FlexType of) : type(of) {}

  FlexType type = FlexType::null;
  union {
    bool boolean;
    std::int64_t int64;
    std::uint64_t uint64 = 0;
    double number;
    std::size_t start;  // of a string's text, of the first child
  };
  std::size_t size = 0;  // of a string's text; how many children
  std::size_t name_start = 0;
  std::size_t name_size = 0;
};

// JSON text as a tree with the members of each object in the order of their names: FlexBuffers lays
// values out as they come, and equal values must give equal bytes.
struct Document {
  std::string chars;  // each text ends with a zero that its size does not count
  std::vector<Node> children;
  Node root;

  std::string_view name(const Node& node) const {
    return std::string_view(chars).substr(node.name_start, node.name_size);
  }
};

// What Boost.JSON's parser calls. It hands numbers out as text too, and only the text is used: its
// own doubles are not always the nearest, and integers out of range become doubles.
class Handler {
 public:
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;

  Document take() && { return std::move(document_); }
  // The rule that was broken, or null where the text is no JSON.
  const char* broken_rule() const { return broken_rule_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) {
    document_.root = open_.back();
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t size, json::error_code&) {
    close(FlexType::vector, size);
    return true;
  }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t size, json::error_code& error) {
    const auto members = open_.end() - static_cast<std::ptrdiff_t>(size);
    for (auto member = members; member != open_.end(); ++member) {
      const Name& name = names_[names_.size() - static_cast<std::size_t>(open_.end() - member)];
      member->name_start = name.start;
      member->name_size = name.size;
    }
    names_.resize(names_.size() - size);
    std::sort(members, open_.end(), [this](const Node& a, const Node& b) {
      return document_.name(a) < document_.name(b);
    });
    const auto twice = std::adjacent_find(
        members, open_.end(),
        [this](const Node& a, const Node& b) { return document_.name(a) == document_.name(b); });
    if (twice != open_.end()) return refuse(kNameTwice, error);
    close(FlexType::map, size);
    return true;
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    document_.chars.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t size, json::error_code&) {
    Node node(FlexType::string);
    node.start = end_text(part, size);
    node.size = size;
    open_.push_back(node);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t size, json::error_code& error) {
    return on_string_part(part, size, error);
  }
  bool on_key(json::string_view part, std::size_t size, json::error_code& error) {
    const std::size_t start = end_text(part, size);
    names_.push_back({start, size});
    const auto name = std::string_view(document_.chars).substr(start, size);
    return name.find('\0') == std::string_view::npos || refuse(kNameWithZero, error);
  }

  bool on_number_part(json::string_view part, json::error_code&) {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view part, json::error_code& error) {
    return on_number(part, error);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& error) {
    return on_number(part, error);
  }
  bool on_double(double, json::string_view part, json::error_code& error) {
    return on_number(part, error);
  }
  bool on_bool(bool value, json::error_code&) {
    Node node(FlexType::boolean);
    node.boolean = value;
    open_.push_back(node);
    return true;
  }
  bool on_null(json::error_code&) {
    open_.emplace_back();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Name {
    std::size_t start = 0;
    std::size_t size = 0;
  };

  bool refuse(const char* rule, json::error_code& error) {
    broken_rule_ = rule;
    error = json::error::syntax;
    return false;
  }

  // The last part of a text; its start.
  std::size_t end_text(json::string_view part, std::size_t size) {
    document_.chars.append(part.data(), part.size());
    document_.chars += '\0';
    return document_.chars.size() - 1 - size;
  }

  // The last `size` values become the children of one.
  void close(FlexType type, std::size_t size) {
    const auto first = open_.end() - static_cast<std::ptrdiff_t>(size);
    Node node(type);
    node.start = document_.children.size();
    node.size = size;
    document_.children.insert(document_.children.end(), first, open_.end());
    open_.erase(first, open_.end());
    open_.push_back(node);
  }

  bool on_number(json::string_view part, json::error_code& error) {
    number_.append(part.data(), part.size());
    Node node;
    const bool is_double = number_.find_first_of(".eE") != std::string::npos || number_ == "-0";
    const bool is_kept = is_double ? read_double(node) : read_integer(node);
    number_.clear();
    if (!is_kept) return refuse(is_double ? kInexactDouble : kInexactInteger, error);
    open_.push_back(node);
    return true;
  }
  bool read_double(Node& node) const {
    const std::optional<double> value = exact_double(number_);
    node.type = FlexType::number;
    node.number = value.value_or(0);
    return value.has_value();
  }
  bool read_integer(Node& node) const {
    const char* const first = number_.data();
    const char* const last = first + number_.size();
    node.type = FlexType::int64;
    if (std::from_chars(first, last, node.int64).ec == std::errc()) return true;
    node.type = FlexType::uint64;
    return number_.front() != '-' && std::from_chars(first, last, node.uint64).ec == std::errc();
  }

  Document document_;
  std::vector<Node> open_;   // values whose array or object has not ended
  std::vector<Name> names_;  // of the members among them
  std::string number_;
  const char* broken_rule_ = nullptr;
};

// Recursion is bounded: the parser stops at kMaxJsonDepth.
void build(flexbuffers::Builder& builder, const Document& document, const Node& node) {
  switch (node.type) {
    case FlexType::null:
    case FlexType::keys:
      builder.Null();
      return;
    case FlexType::boolean:
      builder.Bool(node.boolean);
      return;
    case FlexType::int64:
      builder.Int(node.int64);
      return;
    case FlexType::uint64:
      builder.UInt(node.uint64);
      return;
    case FlexType::number:
      builder.Double(node.number);
      return;
    case FlexType::string:
      builder.String(document.chars.data() + node.start, node.size);
      return;
    case FlexType::vector:
    case FlexType::map:
      break;
  }
  const bool is_map = node.type == FlexType::map;
  const std::size_t start = is_map ? builder.StartMap() : builder.StartVector();
  for (std::size_t i = 0; i < node.size; ++i) {
    const Node& child = document.children[node.start + i];
    if (is_map) builder.Key(document.chars.data() + child.name_start, child.name_size);
    build(builder, document, child);
  }
  if (is_map) {
    builder.EndMap(start);
  } else {
    builder.EndVector(start, false, false);
  }
}

Error invalid(const char* field, std::string limit) {
  return Error(Code::invalid_argument, field, std::move(limit));
}

Result<Document> parse(std::string_view text, const char* field, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Handler> parser(options);
  json::error_code error;
  const std::size_t parsed = parser.write_some(false, text.data(), text.size(), error);
  if (!error && parsed == text.size()) return std::move(parser.handler()).take();
  if (const char* rule = parser.handler().broken_rule()) return invalid(field, rule);
  if (error == json::error::too_deep) return invalid(field, kTooDeep);
  if (!is_valid_utf8(text)) return invalid(field, "UTF-8");
  return invalid(field, "JSON; fails at byte " + std::to_string(parsed));
}

std::vector<std::uint8_t> to_bytes(
    const Document& document, std::size_t text_bytes,
    flexbuffers::BuilderFlag flags = flexbuffers::BUILDER_FLAG_SHARE_KEYS) {
  flexbuffers::Builder builder(text_bytes, flags);
  build(builder, document, document.root);
  builder.Finish();
  return builder.GetBuffer();
}

}  // namespace

Result<std::vector<std::uint8_t>> json_line_to_flex(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return invalid("line", "at most " + std::to_string(max_bytes) + " bytes");
  }
  Result<Document> document = parse(text, "line", kMaxLineDepth);
  if (!document) return std::move(document).error();
  if (document->root.type != FlexType::map) return invalid("line", kNoObject);
  // Nobody stores it: to look each name up among those that are there costs more than their bytes.
  return to_bytes(*document, text.size(), flexbuffers::BUILDER_FLAG_NONE);
}

Result<std::vector<std::uint8_t>> json_to_flex(std::string_view text, const char* field,
                                               bool object_only) {
  if (text.empty()) return std::vector<std::uint8_t>();
  if (text.size() > kMaxJsonBytes) return invalid(field, kTooLong);
  Result<Document> document = parse(text, field, kMaxJsonDepth);
  if (!document) return std::move(document).error();
  if (object_only && document->root.type != FlexType::map) return invalid(field, kNoObject);
  std::vector<std::uint8_t> bytes = to_bytes(*document, text.size());
  // Canonical text has to pass here again when an export is imported. It can be about twice as long
  // as what was given (9e4 is 90000.0), not more.
  if (text.size() > kMaxJsonBytes / 3 &&
      flex_to_json(bytes.data(), bytes.size()).size() > kMaxJsonBytes) {
    return invalid(field, kTooLong);
  }
  return bytes;
}

}  // namespace callisto::schema
