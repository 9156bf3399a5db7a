#pragma once

#include <istream>

#include "tools/importer.h"

namespace callisto::tools {

/// Imports our JSON Lines, one line in memory at a time and some hundred in one transaction. A bad
/// line is refused with its number.
Result<void> import_jsonl(std::istream& input, Importer& importer);

/// Reads the whole input without writing to `store`: refuses through `on_error` what import_jsonl
/// would, as far as that can be known before. Needs room for a copy of the input in the system's
/// temporary directory.
Result<void> check_jsonl(std::istream& input, const Store& store, const ImportOptions& options,
                         const ErrorSink& on_error);

}  // namespace callisto::tools
