#pragma once

#include <string_view>

#include "tools/command.h"

namespace callisto::tools {

/// Finds and prints one kind of record, as the options say; the exit status.
using Lister = int (*)(const Context& context, const Space& space);

/// By the name that the command takes ("users"); null when there is none.
Lister find_lister(std::string_view what);

}  // namespace callisto::tools
