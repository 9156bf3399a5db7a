#pragma once

#include <memory>

#include "callisto/environment.h"
#include "engine/kv.h"

namespace callisto::testing {

/// The model of an engine: a std::map of versions under one mutex, conflicts by exact keys. It
/// shares no commit path, write set or cursor with the real engines, so that agreement means
/// something. Snapshots, transactions and cursors must be gone before it.
std::unique_ptr<kv::Store> make_map_engine(Environment& environment);

}  // namespace callisto::testing
