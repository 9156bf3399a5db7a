#pragma once

// Values of options as the library's types; an error names the option.

#include <optional>
#include <string>

#include "callisto/store.h"
#include "tools/command.h"

namespace callisto::tools {

/// A UUID in the option, if it is there.
template <class IdType>
Result<std::optional<IdType>> id_option(const Context& context, const char* option) {
  auto text = context.find<std::string>(option);
  if (!text) return std::optional<IdType>();
  auto id = IdType::parse(*text);
  if (!id) return Error(Code::invalid_argument, std::string("--") + option, "a UUID");
  return std::optional(*id);
}

/// A user as a UUID or as PLATFORM:PLATFORM_ID.
Result<std::optional<UserId>> user_option(const Context& context, const Repositories& space,
                                          const char* option);
Result<std::optional<Time>> time_option(const Context& context, const char* option);
Result<TimeRange> range_options(const Context& context, const char* from, const char* to);
/// "true" or "false".
Result<std::optional<bool>> bool_option(const Context& context, const char* option);

}  // namespace callisto::tools
