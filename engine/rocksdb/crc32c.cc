#include "engine/rocksdb/crc32c.h"

#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace callisto::kv {

#if defined(__x86_64__)

bool has_crc32c_instruction() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) std::uint32_t extend_crc32c(std::uint32_t crc,
                                                              std::string_view bytes) noexcept {
  std::uint64_t sum = ~crc;
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    sum = _mm_crc32_u64(sum, word);
    bytes.remove_prefix(sizeof word);
  }
  auto rest = static_cast<std::uint32_t>(sum);
  for (const char byte : bytes) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(byte));
  return ~rest;
}

#else

bool has_crc32c_instruction() noexcept { return false; }
std::uint32_t extend_crc32c(std::uint32_t crc, std::string_view /*bytes*/) noexcept { return crc; }

#endif

}  // namespace callisto::kv
