#include "engine/rocksdb/block_allocator.h"

#include <rocksdb/memory_allocator.h>

#include <cstddef>
#include <new>

#include "engine/slabs.h"

namespace callisto::kv {
namespace {

/// In front of each block, since RocksDB gives blocks back without their size.
struct alignas(16) Head {
  std::size_t bytes;
};

class BlockAllocator final : public rocksdb::MemoryAllocator {
 public:
  const char* Name() const override { return "CallistoBlockAllocator"; }
  void* Allocate(size_t size) override {
    const std::size_t bytes = sizeof(Head) + size;
    return new (slabs::take(bytes)) Head{bytes} + 1;
  }
  void Deallocate(void* block) override {
    if (block == nullptr) return;
    Head* const head = static_cast<Head*>(block) - 1;
    slabs::give(head, head->bytes);
  }
  size_t UsableSize(void*, size_t allocation_size) const override {
    return slabs::room_of(sizeof(Head) + allocation_size);
  }
};

}  // namespace

std::shared_ptr<rocksdb::MemoryAllocator> make_block_allocator() {
  return std::make_shared<BlockAllocator>();
}

}  // namespace callisto::kv
