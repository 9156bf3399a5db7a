#include <algorithm>

#include "tests/support/model/model.h"

namespace callisto::testing::model {
namespace {

bool is_closed(const std::string& category) { return category == "platform_username"; }

}  // namespace

Answer Model::append(UserId user, const NewDatum& datum) {
  std::set<Code> codes;
  if (is_closed(datum.category) || datum.category == "preferred_name" || datum.value.empty()) {
    codes.insert(Code::invalid_argument);
  }
  if (!users.contains(user)) {
    codes.insert(Code::not_found);
    return {.codes = codes};
  }
  auto& data = users[user].data;
  const auto it = data.find(datum.category);
  if (it != data.end() && it->second.kind == CategoryKind::single) codes.insert(Code::invalid_argument);
  if (!codes.empty()) return {.codes = codes};
  Category& category = data[datum.category];
  category.kind = CategoryKind::list;
  const Time time = datum.created_at.value_or(now);
  const auto [place, is_new] = category.values.emplace(datum.value, time);
  const bool is_newer = !is_new && time > place->second;
  if (is_newer) place->second = time;
  return {.text = is_new || is_newer ? "true" : "false"};
}

Answer Model::replace(UserId user, const NewDatum& datum) {
  std::set<Code> codes;
  if (is_closed(datum.category) || datum.value.empty()) codes.insert(Code::invalid_argument);
  if (!users.contains(user)) {
    codes.insert(Code::not_found);
    return {.codes = codes};
  }
  auto& data = users[user].data;
  const auto it = data.find(datum.category);
  if (it != data.end() && it->second.kind == CategoryKind::list) codes.insert(Code::invalid_argument);
  if (!codes.empty()) return {.codes = codes};
  if (it == data.end()) {
    data[datum.category] = {CategoryKind::single, {{datum.value, datum.created_at.value_or(now)}}};
    return {.text = "true"};
  }
  const auto [value, stored] = *it->second.values.begin();
  const Time time = datum.created_at.value_or(std::max(now, stored));
  if (time < stored || (time == stored && value == datum.value)) return {.text = "false"};
  it->second.values = {{datum.value, time}};
  return {.text = "true"};
}

Answer Model::remove_value(UserId user, const std::string& category, const std::string& value) {
  const auto it = users.find(user);
  if (it == users.end()) return {.codes = {Code::not_found}};
  const auto place = it->second.data.find(category);
  if (place == it->second.data.end() || place->second.values.erase(value) == 0) return {.text = "false"};
  if (place->second.values.empty()) it->second.data.erase(place);
  return {.text = "true"};
}

Answer Model::remove_category(UserId user, const std::string& category) {
  const auto it = users.find(user);
  if (it == users.end()) return {.codes = {Code::not_found}};
  const auto place = it->second.data.find(category);
  if (place == it->second.data.end()) return {.text = "0"};
  const std::size_t count = place->second.values.size();
  it->second.data.erase(place);
  return {.text = std::to_string(count)};
}

std::vector<std::string> Model::values(UserId user, const std::string& category) const {
  std::map<std::string, Time> values;
  CategoryKind kind = CategoryKind::list;
  if (is_closed(category)) {
    for (const Identity* identity : identities_of(user)) {
      if (identity->username.empty()) continue;
      const auto [place, is_new] = values.emplace(identity->username, identity->created_at);
      if (!is_new) place->second = std::max(place->second, identity->created_at);
    }
  } else if (const auto it = users.find(user); it != users.end()) {
    if (const auto place = it->second.data.find(category); place != it->second.data.end()) {
      values = place->second.values;
      kind = place->second.kind;
    }
  }
  std::vector<std::pair<Time, std::string>> order;
  for (const auto& [value, time] : values) order.emplace_back(time, value);
  std::sort(order.rbegin(), order.rend());
  std::vector<std::string> lines;
  for (const auto& [time, value] : order) lines.push_back(describe_datum(category, kind, value, time));
  return lines;
}

std::vector<std::string> Model::all_data(UserId user) const {
  std::set<std::string> names = {"platform_username"};
  if (const auto it = users.find(user); it != users.end()) {
    for (const auto& [name, category] : it->second.data) names.insert(name);
  }
  std::vector<std::string> lines;
  for (const std::string& name : names) {
    for (std::string& line : values(user, name)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace callisto::testing::model
