#pragma once

// What of a space's rows and entries the cache above the engine remembers, from the catalogue.

#include "engine/cache/state_cache.h"
#include "indexes/catalogue.h"

namespace callisto::indexes {

/// Records by their keys, the records of a conversation as a list, and as lists the indexes whose
/// entries are found by one prefix of one form. Not: an index of which queries take prefixes of
/// several lengths (memory_by_priority, datum_newest), since an entry would belong to several
/// lists.
kv::CacheShape cache_shape(const Catalogue& catalogue);

}  // namespace callisto::indexes
