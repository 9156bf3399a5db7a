#pragma once

#include "callisto/environment.h"
#include "callisto/id.h"

namespace callisto {

/// A new UUID of version 7 (RFC 9562): 48 bits of milliseconds from environment.now(), 74 random
/// bits. A clock before 1970 counts as 1970, one past the 48 bits (the year 10889) as their end.
/// Two draws of the environment's randomness. Thread-safe as the environment is.
UuidBytes new_uuid_v7(Environment& environment);

}  // namespace callisto
