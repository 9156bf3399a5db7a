#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "tools/importer.h"

namespace callisto::tools {

/// Imports a file in the LoCoMo layout (a JSON array of samples), one sample in memory at a time.
/// Speakers become users, sessions conversations, turns messages; session summaries, observations
/// and events become memories that name the turns they come from. Every id and every time comes from
/// the file, so that an import that is run again ends in the same store. A sample that is not as it
/// should be is refused with its place; with `dry_run` nothing is written, only refused.
/// An error that is not about a sample ends it.
Result<void> import_locomo(std::istream& input, Importer& importer, bool dry_run);

/// "1:56 pm on 8 May, 2023" or "8 May, 2023", read as UTC.
std::optional<Time> parse_locomo_time(std::string_view text);

}  // namespace callisto::tools
