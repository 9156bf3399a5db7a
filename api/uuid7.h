#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "callisto/environment.h"
#include "callisto/id.h"

namespace callisto {

/// A new UUID of version 7 (RFC 9562): 48 bits of milliseconds from environment.now(), 74 random
/// bits. A clock before 1970 counts as 1970, one past the 48 bits (the year 10889) as their end.
/// Two draws of the environment's randomness. Thread-safe as the environment is.
UuidBytes new_uuid_v7(Environment& environment);

/// The ids that one call makes, in their order: an attempt that is made again after a conflict
/// makes the same ones. Single-threaded.
class MadeIds {
 public:
  /// `environment` must outlive it.
  explicit MadeIds(Environment& environment) noexcept : environment_(environment) {}
  UuidBytes next();
  /// Another attempt begins.
  void restart() noexcept { used_ = 0; }

 private:
  Environment& environment_;
  std::size_t used_ = 0;
  std::size_t made_ = 0;
  std::array<UuidBytes, 4> first_{};  // most calls make no more
  std::vector<UuidBytes> others_{};
};

}  // namespace callisto
