#pragma once

#include <cstdint>
#include <string_view>

namespace callisto::kv {

bool has_crc32c_instruction() noexcept;
/// The CRC-32C of what `crc` is of with `bytes` behind it, by the processor's own instruction,
/// which must be there.
std::uint32_t extend_crc32c(std::uint32_t crc, std::string_view bytes) noexcept;

}  // namespace callisto::kv
