#pragma once

#include <memory>

#include "engine/kv.h"

namespace callisto::kv {

class WriteSet;

/// `base`, a scan of `family` within `bounds`, seen through the pending writes: puts are there,
/// erased keys are not. The cursor sees the writes as they are now: what is written or erased later
/// does not change it, so a loop may erase what it walks over. Rolling the writes back ends it.
/// Hands `base` back as it is when no pending write lies within the bounds.
std::unique_ptr<Cursor> overlay(std::unique_ptr<Cursor> base, const WriteSet& writes, Family family,
                                const Bounds& bounds);

}  // namespace callisto::kv
