#pragma once

// Steps of large work. Each runs one bounded transaction (about kv::kStepBytes) that also moves the
// item's resume key, or removes the item when it is done. A step may run again after a crash.

#include "api/core.h"

namespace callisto::detail {

/// True when the item is done and gone.
Result<bool> purge_conversation_step(StoreCore& core, SpaceSlot& slot, const indexes::WorkItem& item);
Result<bool> rewrite_user_step(StoreCore& core, SpaceSlot& slot, const indexes::WorkItem& item);
Result<bool> drop_space_step(StoreCore& core, const indexes::WorkItem& item);

/// The store's own rows and every space.
Result<std::vector<SpaceNumber>> numbers_of(StoreCore& core, kv::Reader& reader);

/// A write in the store's own name: write_in() over a space, buffered, without a caller.
Result<void> write_step(StoreCore& core, SpaceSlot& slot,
                        const std::function<Result<void>(WriteContext&)>& function);

}  // namespace callisto::detail
