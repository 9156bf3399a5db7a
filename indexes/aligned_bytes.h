#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace callisto::indexes {

/// Holds a copy of bytes at an address that FlatBuffers can read. Reusing it saves the allocation.
class AlignedBytes {
 public:
  /// The copy; valid until the next call.
  std::string_view assign(std::string_view bytes) {
    const std::size_t words = bytes.size() / sizeof(std::uint64_t) + 1;
    if (words_.size() < words) words_.resize(words);
    if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
    return {reinterpret_cast<const char*>(words_.data()), bytes.size()};
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace callisto::indexes
