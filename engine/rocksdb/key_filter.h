#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace callisto::kv {

/// A Bloom filter in blocks of a cache line: a key sets and asks six bits of one line. With ten
/// bits for each key it is wrong about one absent key in 80.
class KeyFilter {
 public:
  /// Of the first `prefix_bytes` of a key; 0: of all.
  static std::uint64_t hash(std::string_view key, std::size_t prefix_bytes) noexcept;

  explicit KeyFilter(std::size_t keys);
  void add(std::uint64_t hash) noexcept;
  bool may_hold(std::uint64_t hash) const noexcept;
  std::size_t memory_bytes() const noexcept { return lines_.size() * sizeof(Line); }
  static std::size_t bytes_for(std::size_t keys) noexcept;

 private:
  struct alignas(64) Line {
    std::uint64_t words[8] = {};
  };
  std::vector<Line> lines_;
};

}  // namespace callisto::kv
