#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/json.h"
#include "callisto/result.h"
#include "callisto/time.h"

namespace callisto::tools {

/// What every source of members reads alike: ids and times from its texts. `Source` has view(),
/// texts() and fail().
template <class Source>
class TypedFields {
 public:
  /// As text(), and an error when absent or empty.
  std::string required_text(std::string_view name) {
    std::string value = source().text(name);
    if (value.empty()) source().fail(name, "given, and not empty");
    return value;
  }
  std::optional<Time> time(std::string_view name) {
    const std::string_view given = source().view(name);
    if (given.empty()) return std::nullopt;
    if (time_ && given == time_text_) return time_;
    time_ = Time::parse(given);
    time_text_ = given;
    if (!time_) source().fail(name, "a time such as 2026-03-02T18:10:00Z");
    return time_;
  }
  /// Nil when absent.
  template <class IdType>
  IdType id(std::string_view name) {
    const std::string_view given = source().view(name);
    if (given.empty()) return IdType();
    auto parsed = IdType::parse(given);
    if (!parsed) source().fail(name, "a UUID");
    return parsed.value_or(IdType());
  }
  template <class IdType>
  std::optional<IdType> optional_id(std::string_view name) {
    const IdType given = id<IdType>(name);
    return given.is_nil() ? std::nullopt : std::optional(given);
  }
  template <class IdType>
  std::vector<IdType> ids(std::string_view name) {
    std::vector<IdType> parsed;
    for (const std::string& each : source().texts(name)) {
      auto one = IdType::parse(each);
      if (!one) source().fail(name, "an array of UUIDs");
      parsed.push_back(one.value_or(IdType()));
    }
    return parsed;
  }

 private:
  Source& source() { return static_cast<Source&>(*this); }

  // The times of a record are mostly one and the same.
  std::string time_text_;
  std::optional<Time> time_;
};

/// Takes members of a JSON object one by one, each as the type that it must have. Remembers the
/// first error; finish() tells it, and names a member that nobody took. Names must outlive it.
class Fields : public TypedFields<Fields> {
 public:
  /// `ignored`: members that may be there and are not read.
  Fields(JsonView object, std::vector<std::string_view> ignored)
      : object_(std::move(object)), taken_(std::move(ignored)) {}

  /// "" when absent; valid as long as the object.
  std::string_view view(std::string_view name);
  std::string text(std::string_view name) { return std::string(view(name)); }
  std::optional<bool> flag(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t max);
  std::optional<float> real(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  /// Any JSON value as text; "" when absent.
  std::string json(std::string_view name);
  /// An array of objects; empty when absent.
  std::vector<JsonView> objects(std::string_view name);

  void fail(std::string_view name, std::string limit);
  Result<void> finish() const;

 private:
  JsonView take(std::string_view name);

  JsonView object_;
  std::vector<std::string_view> taken_;
  std::optional<Error> error_;
};

}  // namespace callisto::tools
