#pragma once

#include <memory>

#include "engine/kv.h"

namespace callisto::kv {

/// A scan with nothing to see: of an empty range, or one that an error has ended.
std::unique_ptr<Cursor> ended_cursor(Result<void> status);

}  // namespace callisto::kv
