#include "tools/fields.h"

#include <algorithm>

namespace callisto::tools {

JsonView Fields::take(std::string_view name) {
  taken_.push_back(name);
  JsonView member = object_[name];
  return member.kind() == JsonKind::null ? JsonView() : member;
}

void Fields::fail(std::string_view name, std::string limit) {
  if (!error_) error_.emplace(Code::invalid_argument, std::string(name), std::move(limit));
}

std::string_view Fields::view(std::string_view name) {
  const JsonView member = take(name);
  if (!member) return {};
  auto value = member.as_string();
  if (!value) fail(name, "a string");
  return value.value_or(std::string_view());
}

std::optional<bool> Fields::flag(std::string_view name) {
  const JsonView member = take(name);
  if (!member) return std::nullopt;
  if (!member.as_bool()) fail(name, "true or false");
  return member.as_bool();
}

std::optional<std::uint64_t> Fields::number(std::string_view name, std::uint64_t max) {
  const JsonView member = take(name);
  if (!member) return std::nullopt;
  const auto value = member.as_uint64();
  if (!value || *value > max) fail(name, "an integer from 0 to " + std::to_string(max));
  return value.value_or(0);
}

std::optional<float> Fields::real(std::string_view name) {
  const JsonView member = take(name);
  if (!member) return std::nullopt;
  const auto value = member.as_double();
  if (!value) fail(name, "a number");
  return static_cast<float>(value.value_or(0));
}

std::vector<std::string> Fields::texts(std::string_view name) {
  std::vector<std::string> values;
  const JsonView member = take(name);
  if (!member) return values;
  if (member.kind() != JsonKind::array) fail(name, "an array of strings");
  for (std::size_t i = 0; i < member.size(); ++i) {
    auto value = member[i].as_string();
    if (!value) fail(name, "an array of strings");
    values.emplace_back(value.value_or(std::string_view()));
  }
  return values;
}

std::string Fields::json(std::string_view name) { return take(name).to_string(); }

std::vector<JsonView> Fields::objects(std::string_view name) {
  std::vector<JsonView> values;
  const JsonView member = take(name);
  if (!member) return values;
  if (member.kind() != JsonKind::array) fail(name, "an array of objects");
  for (std::size_t i = 0; i < member.size(); ++i) {
    if (member[i].kind() != JsonKind::object) fail(name, "an array of objects");
    values.push_back(member[i]);
  }
  return values;
}

Result<void> Fields::finish() const {
  if (error_) return *error_;
  for (std::string_view name : object_.names()) {
    if (std::find(taken_.begin(), taken_.end(), name) == taken_.end()) {
      return Error(Code::invalid_argument, std::string(name), "a known field");
    }
  }
  return {};
}

}  // namespace callisto::tools
