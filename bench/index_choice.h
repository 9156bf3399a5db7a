#pragma once

#include <string_view>

#include "bench/engine.h"
#include "engine/kv.h"

namespace callisto::bench {

/// Whether LMDB keeps this key of Callisto's: records always, counters and the like never, entries
/// of the indexes that were chosen.
bool is_kept(IndexChoice indexes, kv::Family family, std::string_view key);

}  // namespace callisto::bench
