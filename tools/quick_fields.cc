#include "tools/quick_fields.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "schema/json.h"
#include "schema/text.h"
#include "tools/record_read.h"

namespace callisto::tools {

namespace {

constexpr std::size_t kMostNumberBytes = 16;  ///< 15 digits are kept by any double.
constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighBits = 0x8080808080808080;

/// The high bit of each byte that is zero; of bytes behind the first one perhaps too.
constexpr std::uint64_t zeros(std::uint64_t bytes) { return (bytes - kOnes) & ~bytes & kHighBits; }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Where the next quote, backslash or control character is, from `at` on; adds whether there is
/// anything but ASCII before it.
std::size_t find_special(std::string_view text, std::size_t at, bool& has_wide) {
  static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    const std::uint64_t quotes = zeros(bytes ^ (kOnes * '"'));
    const std::uint64_t slashes = zeros(bytes ^ (kOnes * '\\'));
    const std::uint64_t controls = (bytes - kOnes * 0x20) & ~bytes & kHighBits;
    const std::uint64_t found = quotes | slashes | controls;
    if (found == 0) {
      has_wide = has_wide || (bytes & kHighBits) != 0;
      continue;
    }
    const auto bits = static_cast<unsigned>(std::countr_zero(found) - 7);
    has_wide = has_wide || (bytes & kHighBits & ((std::uint64_t{1} << bits) - 1)) != 0;
    return at + bits / 8;
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '"' || byte == '\\' || byte < 0x20) return at;
    has_wide = has_wide || byte >= 0x80;
  }
  return text.size();
}

struct TextEnd {
  std::size_t size = 0;
  bool has_escapes = false;
};

/// Of a text behind its first quote; nullopt where it is not plain.
std::optional<TextEnd> end_of_text(std::string_view text) {
  TextEnd end;
  bool has_wide = false;
  std::size_t at = find_special(text, 0, has_wide);
  for (; at < text.size() && text[at] == '\\'; at = find_special(text, at + 2, has_wide)) {
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    if (at + 1 == text.size() || kEscapes.find(text[at + 1]) == kEscapes.npos) return {};
    end.has_escapes = true;
  }
  if (at >= text.size() || text[at] != '"') return {};
  end.size = at;
  if (has_wide && !schema::is_valid_utf8(text.substr(0, at))) return {};
  return end;
}

std::string unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (true) {
    const std::size_t escape = text.find('\\');
    plain += text.substr(0, escape);
    if (escape == text.npos) return plain;
    constexpr std::string_view kNames = "bfnrt";
    constexpr std::string_view kMeant = "\b\f\n\r\t";
    const char c = text[escape + 1];
    const std::size_t place = kNames.find(c);
    plain += place == kNames.npos ? c : kMeant[place];
    text.remove_prefix(escape + 2);
  }
}

/// How long an object or array is that ends where its brackets do; 0: nowhere. Which bracket ends
/// which is left to whoever reads it.
std::size_t size_of_json(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '"': {
        bool has_wide = false;
        at = find_special(text, at + 1, has_wide);
        while (at < text.size() && text[at] == '\\') at = find_special(text, at + 2, has_wide);
        if (at >= text.size() || text[at] != '"') return 0;
        break;
      }
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
  }
  return 0;
}

/// How long a number without sign and exponent is; 0: there is none.
std::size_t size_of_number(std::string_view text) {
  const auto digits = [&](std::size_t at) {
    std::size_t count = 0;
    while (at + count < text.size() && is_digit(text[at + count])) ++count;
    return count;
  };
  const std::size_t whole = digits(0);
  if (whole == 0 || (whole > 1 && text.front() == '0')) return 0;
  if (whole == text.size() || text[whole] != '.') return whole;
  const std::size_t fraction = digits(whole + 1);
  return fraction == 0 ? 0 : whole + 1 + fraction;
}

}  // namespace

bool QuickFields::begin(std::string_view object) {
  members_.clear();
  marks_ = 0;
  taken_ = 0;
  next_ = 0;
  is_plain_ = object.size() <= kMaxLineBytes && object.size() >= 2 && object.front() == '{' &&
              object.back() == '}';
  if (!is_plain_) return false;
  rest_ = object;
  do {
    rest_.remove_prefix(1);
    is_plain_ = read_member();
  } while (is_plain_ && rest_.front() == ',');
  is_plain_ = is_plain_ && rest_ == "}";
  return is_plain_;
}

/// `"NAME":VALUE`; something is left behind it.
bool QuickFields::read_member() {
  if (!rest_.starts_with('"')) return false;
  const auto name = end_of_text(rest_.substr(1));
  if (!name || name->has_escapes || name->size == 0) return false;
  Member member{.name = rest_.substr(1, name->size), .value = {}};
  rest_.remove_prefix(name->size + 2);
  if (!rest_.starts_with(':')) return false;
  rest_.remove_prefix(1);
  if (!read_value(member) || rest_.empty()) return false;
  const std::uint64_t mark = mark_of(member.name);
  if ((marks_ & mark) != 0 && is_known(member.name)) return false;
  marks_ |= mark;
  members_.push_back(member);
  return true;
}

bool QuickFields::read_value(Member& member) {
  if (rest_.empty()) return false;
  std::size_t size = 0;
  switch (rest_.front()) {
    case '"': {
      const auto text = end_of_text(rest_.substr(1));
      if (!text) return false;
      member.kind = text->has_escapes ? Kind::escaped : Kind::text;
      member.value = rest_.substr(1, text->size);
      rest_.remove_prefix(text->size + 2);
      return true;
    }
    case '{':
    case '[':
      member.kind = Kind::json;
      size = size_of_json(rest_);
      break;
    case 't':
    case 'f':
      member.kind = Kind::flag;
      size = rest_.starts_with("true") ? 4 : rest_.starts_with("false") ? 5 : 0;
      break;
    default:
      member.kind = Kind::number;
      size = size_of_number(rest_);
  }
  member.value = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return size > 0;
}

bool QuickFields::is_known(std::string_view name) const {
  return std::any_of(members_.begin(), members_.end(),
                     [&](const Member& member) { return member.name == name; });
}

const QuickFields::Member* QuickFields::find(std::string_view name) {
  const auto is_it = [&](const Member& member) { return member.name == name; };
  const auto begin = members_.begin();
  const auto next = begin + static_cast<std::ptrdiff_t>(next_);
  auto found = std::find_if(next, members_.end(), is_it);
  if (found == members_.end()) {
    found = std::find_if(begin, next, is_it);
    if (found == next) return nullptr;
  }
  next_ = static_cast<std::size_t>(found - begin) + 1;
  ++taken_;
  return &*found;
}

const QuickFields::Member* QuickFields::take(std::string_view name, Kind kind) {
  const Member* const member = take(name);
  if (member == nullptr || member->kind == kind) return member;
  is_plain_ = false;
  return nullptr;
}

std::string_view QuickFields::view(std::string_view name) {
  const Member* const member = take(name, Kind::text);
  return member == nullptr ? std::string_view() : member->value;
}

std::string QuickFields::text(std::string_view name) {
  const Member* const member = take(name);
  if (member == nullptr) return {};
  if (member->kind == Kind::escaped) return unescape(member->value);
  if (member->kind != Kind::text) is_plain_ = false;
  return std::string(member->value);
}

std::optional<bool> QuickFields::flag(std::string_view name) {
  const Member* const member = take(name, Kind::flag);
  if (member == nullptr) return std::nullopt;
  return member->value == "true";
}

std::optional<std::uint64_t> QuickFields::number(std::string_view name, std::uint64_t max) {
  const Member* const member = take(name, Kind::number);
  if (member == nullptr) return std::nullopt;
  const std::string_view text = member->value;
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value > max) {
    is_plain_ = false;
  }
  return value;
}

std::optional<float> QuickFields::real(std::string_view name) {
  const Member* const member = take(name, Kind::number);
  if (member == nullptr) return std::nullopt;
  const std::string_view text = member->value;
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || text.size() > kMostNumberBytes) is_plain_ = false;
  return static_cast<float>(value);
}

std::vector<std::string> QuickFields::texts(std::string_view name) {
  std::vector<std::string> values;
  const Member* const member = take(name, Kind::json);
  if (member == nullptr) return values;
  std::string_view rest = member->value;
  is_plain_ = is_plain_ && rest.starts_with("[\"");
  while (is_plain_ && (rest.starts_with('[') || rest.starts_with(','))) {
    const auto text = rest.substr(1).starts_with('"') ? end_of_text(rest.substr(2)) : std::nullopt;
    is_plain_ = text && !text->has_escapes;
    if (!is_plain_) break;
    values.emplace_back(rest.substr(2, text->size));
    rest.remove_prefix(text->size + 3);
  }
  is_plain_ = is_plain_ && rest == "]";
  return values;
}

std::string QuickFields::json(std::string_view name) {
  const Member* const member = take(name, Kind::json);
  return member == nullptr ? std::string() : std::string(member->value);
}

std::vector<JsonView> QuickFields::objects(std::string_view name) {
  std::vector<JsonView> values;
  const Member* const member = take(name, Kind::json);
  if (member == nullptr) return values;
  auto flex = schema::json_to_flex(member->value, "objects");
  is_plain_ = is_plain_ && flex && !flex->empty();
  if (!is_plain_) return values;
  const Bytes bytes = Bytes::copy_of({reinterpret_cast<const char*>(flex->data()), flex->size()});
  const JsonView array(bytes, bytes.data(), bytes.size());
  is_plain_ = array.kind() == JsonKind::array;
  for (std::size_t i = 0; is_plain_ && i < array.size(); ++i) {
    is_plain_ = array[i].kind() == JsonKind::object;
    values.push_back(array[i]);
  }
  return values;
}

}  // namespace callisto::tools
