#pragma once

#include <memory>

namespace rocksdb {
class MemoryAllocator;
}

namespace callisto::kv {

/// Where the block cache has its blocks: in slabs (engine/slabs.h).
std::shared_ptr<rocksdb::MemoryAllocator> make_block_allocator();

}  // namespace callisto::kv
