#pragma once

#include <optional>
#include <string>

#include "callisto/store.h"
#include "tools/importer.h"

namespace callisto::tools {

/// Imports an export of ours into spaces that are empty or not there, by bulk load: space by space,
/// each at once. nullopt where that cannot be done, because the file is no such export, a space is
/// not empty, or a line is refused: then it is to be imported line by line, from its beginning,
/// which tells why. What was loaded stays, and is equal to its lines then.
Result<std::optional<ImportCounts>> import_in_bulk(const std::string& path, const Store& store,
                                                   const ImportOptions& options);

}  // namespace callisto::tools
