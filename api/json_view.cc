#include "callisto/json.h"

#include <limits>
#include <utility>

#include "schema/flex.h"

namespace callisto {

namespace {

using schema::FlexType;
using schema::FlexValue;

// One step of an RFC 6901 pointer, "~1" standing for "/" and "~0" for "~".
std::optional<std::string> unescape(std::string_view token) {
  std::string name;
  name.reserve(token.size());
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      name += token[i];
      continue;
    }
    if (++i == token.size() || (token[i] != '0' && token[i] != '1')) return std::nullopt;
    name += token[i] == '0' ? '~' : '/';
  }
  return name;
}

// An array index: decimal, without leading zeros, below `size`.
std::optional<std::size_t> parse_index(std::string_view token, std::size_t size) {
  if (token.empty() || (token.size() > 1 && token.front() == '0')) return std::nullopt;
  std::size_t index = 0;
  for (char c : token) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<std::size_t>(c - '0');
    if (index >= size) return std::nullopt;
  }
  return index;
}

std::optional<FlexValue> step(const FlexValue& value, std::string_view token) {
  if (value.type() == FlexType::vector) {
    const std::optional<std::size_t> index = parse_index(token, value.size());
    if (!index) return std::nullopt;
    return value.element(*index);
  }
  if (value.type() != FlexType::map) return std::nullopt;
  const std::optional<std::string> name = unescape(token);
  if (!name) return std::nullopt;
  return value.member(*name);
}

JsonKind kind_of(FlexType type) noexcept {
  switch (type) {
    case FlexType::null:
      return JsonKind::null;
    case FlexType::boolean:
      return JsonKind::boolean;
    case FlexType::int64:
      return JsonKind::int64;
    case FlexType::uint64:
      return JsonKind::uint64;
    case FlexType::number:
      return JsonKind::number;
    case FlexType::string:
      return JsonKind::string;
    case FlexType::vector:
      return JsonKind::array;
    case FlexType::map:
      return JsonKind::object;
    case FlexType::keys:
      break;  // part of an object, never a value
  }
  return JsonKind::absent;
}

}  // namespace

JsonView::JsonView(Bytes hold, const std::uint8_t* data, std::size_t size) noexcept {
  if (data == nullptr || size == 0) return;
  const FlexValue root = FlexValue::root(data, size);
  hold_ = std::move(hold);
  slot_ = root.slot();
  slot_width_ = root.slot_width();
  packed_type_ = root.packed_type();
}

JsonView::JsonView(const Bytes& hold, const FlexValue& value) noexcept
    : hold_(hold),
      slot_(value.slot()),
      slot_width_(value.slot_width()),
      packed_type_(value.packed_type()) {}

FlexValue JsonView::value() const noexcept { return {slot_, slot_width_, packed_type_}; }

JsonKind JsonView::kind() const noexcept {
  return slot_ == nullptr ? JsonKind::absent : kind_of(value().type());
}

JsonView JsonView::operator[](std::string_view member) const {
  if (kind() != JsonKind::object) return {};
  const std::optional<FlexValue> found = value().member(member);
  return found ? JsonView(hold_, *found) : JsonView();
}

JsonView JsonView::operator[](std::size_t index) const {
  if (kind() != JsonKind::array || index >= value().size()) return {};
  return JsonView(hold_, value().element(index));
}

JsonView JsonView::at(std::string_view pointer) const {
  if (slot_ == nullptr) return {};
  FlexValue found = value();
  while (!pointer.empty()) {
    if (pointer.front() != '/') return {};
    const std::size_t end = pointer.find('/', 1);
    const std::string_view token = pointer.substr(1, end == pointer.npos ? end : end - 1);
    const std::optional<FlexValue> next = step(found, token);
    if (!next) return {};
    found = *next;
    pointer.remove_prefix(token.size() + 1);
  }
  return JsonView(hold_, found);
}

std::size_t JsonView::size() const noexcept {
  const JsonKind of = kind();
  return of == JsonKind::array || of == JsonKind::object ? value().size() : 0;
}

std::vector<std::string_view> JsonView::names() const {
  std::vector<std::string_view> names;
  if (kind() != JsonKind::object) return names;
  const FlexValue object = value();
  names.reserve(object.size());
  for (std::size_t i = 0; i < object.size(); ++i) names.push_back(object.name(i));
  return names;
}

std::optional<bool> JsonView::as_bool() const noexcept {
  if (kind() != JsonKind::boolean) return std::nullopt;
  return value().as_bool();
}

std::optional<std::int64_t> JsonView::as_int64() const noexcept {
  if (kind() == JsonKind::int64) return value().as_int64();
  if (kind() != JsonKind::uint64) return std::nullopt;
  const std::uint64_t large = value().as_uint64();
  if (large > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::int64_t>(large);
}

std::optional<std::uint64_t> JsonView::as_uint64() const noexcept {
  if (kind() == JsonKind::uint64) return value().as_uint64();
  if (kind() != JsonKind::int64 || value().as_int64() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value().as_int64());
}

std::optional<double> JsonView::as_double() const noexcept {
  switch (kind()) {
    case JsonKind::int64:
      return static_cast<double>(value().as_int64());
    case JsonKind::uint64:
      return static_cast<double>(value().as_uint64());
    case JsonKind::number:
      return value().as_double();
    default:
      return std::nullopt;
  }
}

std::optional<std::string_view> JsonView::as_string() const noexcept {
  if (kind() != JsonKind::string) return std::nullopt;
  return value().as_string();
}

std::string JsonView::to_string() const { return slot_ == nullptr ? "" : schema::to_json(value()); }

}  // namespace callisto
