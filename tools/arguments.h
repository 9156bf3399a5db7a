#pragma once

// Values of options as the library's types; an error names the option.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
/// Decimal digits from `min` to `max`: a sign is refused.
Result<std::optional<std::uint64_t>> number_option(const Context& context, const char* option,
                                                   std::uint64_t min, std::uint64_t max);
/// Bad usage, naming the option, when one was given that `allowed` does not hold ("limit order ...").
/// The options that every command takes are always allowed.
Result<void> refuse_others(const Context& context, std::string_view what, std::string_view allowed);
/// "true" or "false".
Result<std::optional<bool>> bool_option(const Context& context, const char* option);

}  // namespace callisto::tools
