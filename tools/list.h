#pragma once

#include <string_view>

#include "tools/command.h"

namespace callisto::tools {

/// Finds and prints one kind of record, as the options say; the exit status.
using Lister = int (*)(const Context& context, const Space& space);

/// By the name that the command takes ("users"); null when there is none.
Lister find_lister(std::string_view what);
/// The same options, but prints how the query is answered; null for what has no plan.
Lister find_explainer(std::string_view what);

/// Every option of every list; each lister refuses those that mean nothing for it.
void describe_lists(po::options_description& visible, po::options_description& hidden,
                    po::positional_options_description& positions);

}  // namespace callisto::tools
