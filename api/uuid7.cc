#include "api/uuid7.h"

#include <algorithm>

namespace callisto {

UuidBytes new_uuid_v7(Environment& environment) {
  constexpr std::int64_t kMaxMillis = (std::int64_t{1} << 48) - 1;
  const std::int64_t micros = std::max<std::int64_t>(environment.now().micros(), 0);
  const auto millis = static_cast<std::uint64_t>(std::min(micros / 1000, kMaxMillis));
  const std::uint64_t random_a = environment.random_bits();
  const std::uint64_t random_b = environment.random_bits();
  const std::uint64_t high = millis << 16 | 0x7000 | (random_a & 0x0fff);
  const std::uint64_t low = std::uint64_t{1} << 63 | random_b >> 2;
  UuidBytes bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  return bytes;
}

UuidBytes MadeIds::next() {
  const std::size_t place = used_++;
  if (place == made_) {
    const UuidBytes id = new_uuid_v7(environment_);
    ++made_;
    if (place >= first_.size()) others_.push_back(id);
    if (place < first_.size()) first_[place] = id;
  }
  return place < first_.size() ? first_[place] : others_[place - first_.size()];
}

}  // namespace callisto
