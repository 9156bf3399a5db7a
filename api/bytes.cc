#include "callisto/bytes.h"

#include <cstring>
#include <limits>
#include <new>

#include "engine/slabs.h"

namespace callisto {

Bytes Bytes::copy_of(std::string_view data) {
  Bytes bytes;
  if (data.size() > std::numeric_limits<std::uint32_t>::max()) return bytes;
  // What is taken is aligned to 16, the block is 8 long: the bytes behind it lie on 8.
  static_assert(sizeof(Block) == 8);
  void* memory = kv::slabs::take(sizeof(Block) + data.size());
  bytes.block_ = new (memory) Block{1, static_cast<std::uint32_t>(data.size())};
  if (!data.empty()) std::memcpy(static_cast<void*>(bytes.block_ + 1), data.data(), data.size());
  return bytes;
}

std::size_t Bytes::room_bytes() const noexcept {
  return block_ == nullptr ? 0 : kv::slabs::room_of(sizeof(Block) + block_->size);
}

void Bytes::free_block() noexcept {
  const std::size_t bytes = sizeof(Block) + block_->size;
  block_->~Block();
  kv::slabs::give(block_, bytes);
}

}  // namespace callisto
