#include "callisto/bytes.h"

#include <cstring>
#include <limits>
#include <new>

namespace callisto {

Bytes Bytes::copy_of(std::string_view data) {
  Bytes bytes;
  if (data.size() > std::numeric_limits<std::uint32_t>::max()) return bytes;
  // operator new aligns to at least 16, the block is 8 long: the bytes behind it lie on 8.
  static_assert(sizeof(Block) == 8 && __STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 8);
  void* memory = ::operator new(sizeof(Block) + data.size());
  bytes.block_ = new (memory) Block{1, static_cast<std::uint32_t>(data.size())};
  if (!data.empty()) std::memcpy(static_cast<void*>(bytes.block_ + 1), data.data(), data.size());
  return bytes;
}

void Bytes::free_block() noexcept {
  block_->~Block();
  ::operator delete(block_);
}

}  // namespace callisto
