#pragma once

// Steps of large work. Each runs one bounded transaction (about kv::kStepBytes) that also moves the
// item's resume key, or removes the item when it is done. A step may run again after a crash.

#include "api/core.h"

namespace callisto::detail {

/// True when the item is done and gone. `item` becomes what the step has made of it.
/// `limits`: of who waits for it (kv::RunOptions::gives_way).
Result<bool> purge_conversation_step(StoreCore& core, SpaceSlot& slot, indexes::WorkItem& item,
                                     const kv::Limits& limits);
Result<bool> rewrite_user_step(StoreCore& core, SpaceSlot& slot, indexes::WorkItem& item,
                               const kv::Limits& limits);
Result<bool> drop_space_step(StoreCore& core, indexes::WorkItem& item, const kv::Limits& limits);

/// How a new drop_space item begins: `name` is of the space.
std::string drop_space_start(std::string_view name);
/// The name in a drop_space item's resume key.
std::string_view dropped_name(const indexes::WorkItem& item);
/// Records that the counters of a space count, of one family or of all.
Result<std::uint64_t> counted_records(kv::Reader& reader, SpaceNumber space,
                                      std::optional<kv::Family> family);
/// What callers are told of an item of a space.
PendingWork to_pending(const indexes::SpaceState& state, const indexes::WorkItem& item);

/// The store's own rows and every space.
Result<std::vector<SpaceNumber>> numbers_of(StoreCore& core, kv::Reader& reader);

/// A write in the store's own name: write_in() over a space, buffered, without a caller.
Result<void> write_step(StoreCore& core, SpaceSlot& slot, const kv::Limits& limits,
                        const std::function<Result<void>(WriteContext&)>& function);

}  // namespace callisto::detail
