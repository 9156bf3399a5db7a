#include "tools/arguments.h"

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

Result<std::optional<bool>> bool_option(const Context& context, const char* option) {
  auto text = context.find<std::string>(option);
  if (!text) return std::optional<bool>();
  if (*text == "true") return std::optional(true);
  if (*text == "false") return std::optional(false);
  return Error(Code::invalid_argument, std::string("--") + option, "true or false");
}

}  // namespace callisto::tools
