#pragma once

#include <cstddef>

namespace callisto::kv::slabs {

// Memory for what comes and goes in caches by the million, in some hundred sizes that follow no
// order: records, entries of lists, blocks. A general allocator splits and joins free pieces for
// it, which took a third of a read that misses (glibc 2.36, a cache of 124 MiB that is full). Here
// a block is one of a class of equal ones in a slab of 32 KiB, and a slab whose blocks are all free
// serves any class: one block that is kept keeps its slab for its class. One for the process, since
// what is handed out outlives stores. Thread-safe.

/// The sizes that lie in slabs; what is larger is the general allocator's.
inline constexpr std::size_t kMaxBytes = 8176;

/// Aligned to 16. std::bad_alloc where there is no memory.
void* take(std::size_t bytes);
/// What take() gave for so many bytes.
void give(void* block, std::size_t bytes) noexcept;
/// What a block of so many bytes takes.
std::size_t room_of(std::size_t bytes) noexcept;

/// What the process holds for slabs at the moment, free blocks too.
std::size_t held_bytes() noexcept;

}  // namespace callisto::kv::slabs
