#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/json.h"
#include "callisto/time.h"

namespace callisto::tools {

/// Builds one JSON object on one line, members in the order of the calls. Members that have nothing
/// to say (empty text, absent values, nil ids) are left out by the _if forms.
class JsonLine {
 public:
  JsonLine& text(std::string_view name, std::string_view value);
  JsonLine& text_if(std::string_view name, std::string_view value);
  JsonLine& time(std::string_view name, Time value) { return text(name, value.to_string()); }
  JsonLine& time_if(std::string_view name, const std::optional<Time>& value);
  JsonLine& number(std::string_view name, std::uint64_t value);
  JsonLine& real(std::string_view name, float value);
  JsonLine& flag(std::string_view name, bool value);
  JsonLine& json_if(std::string_view name, const JsonView& value);
  /// JSON text as it is.
  JsonLine& raw(std::string_view name, std::string_view json);
  template <class IdType>
  JsonLine& id(std::string_view name, const IdType& value) {
    return text(name, value.to_string());
  }
  template <class IdType>
  JsonLine& id_if(std::string_view name, const IdType& value) {
    return value.is_nil() ? *this : id(name, value);
  }
  JsonLine& texts_if(std::string_view name, const std::vector<std::string_view>& values);

  /// "{...}" without an end of line.
  std::string str() const { return line_.empty() ? "{}" : line_ + "}"; }

 private:
  void name(std::string_view name);
  std::string line_;
};

}  // namespace callisto::tools
