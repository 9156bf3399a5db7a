#include "tools/arguments.h"

#include <charconv>

namespace callisto::tools {

Result<std::optional<UserId>> user_option(const Context& context, const Repositories& space,
                                          const char* option) {
  auto text = context.find<std::string>(option);
  if (!text) return std::optional<UserId>();
  if (auto id = UserId::parse(*text)) return std::optional(*id);
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) {
    return Error(Code::invalid_argument, std::string("--") + option, "a UUID or PLATFORM:PLATFORM_ID");
  }
  auto user = space.users().by_platform(text->substr(0, colon), text->substr(colon + 1));
  if (!user) return std::move(user).error();
  if (!*user) return Error(Code::not_found, std::string("--") + option, "a known platform identity");
  return std::optional((*user)->id());
}

Result<std::optional<Time>> time_option(const Context& context, const char* option) {
  auto text = context.find<std::string>(option);
  if (!text) return std::optional<Time>();
  auto time = Time::parse(*text);
  if (!time) {
    return Error(Code::invalid_argument, std::string("--") + option, "a time such as 2026-03-02T18:10:00Z");
  }
  return time;
}

Result<TimeRange> range_options(const Context& context, const char* from, const char* to) {
  TimeRange range;
  auto first = time_option(context, from);
  if (!first) return std::move(first).error();
  auto last = time_option(context, to);
  if (!last) return std::move(last).error();
  range.from = *first;
  range.to = *last;
  return range;
}

Result<std::optional<std::uint64_t>> number_option(const Context& context, const char* option,
                                                   std::uint64_t min, std::uint64_t max) {
  auto text = context.find<std::string>(option);
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end && number >= min && number <= max) {
    return std::optional(number);
  }
  return Error(Code::invalid_argument, std::string("--") + option,
               "a number from " + std::to_string(min) + " to " + std::to_string(max));
}

Result<void> refuse_others(const Context& context, std::string_view what, std::string_view allowed) {
  const std::string known = " store space json help version what " + std::string(allowed) + " ";
  for (const auto& [name, value] : context.options) {
    if (known.find(" " + name + " ") != std::string::npos) continue;
    return Error(Code::invalid_argument, "--" + name, "not for " + std::string(what));
  }
  return {};
}

Result<std::optional<bool>> bool_option(const Context& context, const char* option) {
  auto text = context.find<std::string>(option);
  if (!text) return std::optional<bool>();
  if (*text == "true") return std::optional(true);
  if (*text == "false") return std::optional(false);
  return Error(Code::invalid_argument, std::string("--") + option, "true or false");
}

}  // namespace callisto::tools
