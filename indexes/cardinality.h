#pragma once

// How many entries lie behind a prefix: what the planner of queries goes by. Estimates; never a
// reason to leave a row out.

#include <cstdint>
#include <string_view>

#include "indexes/index_keys.h"

namespace callisto::indexes {

class CardinalitySource {
 public:
  virtual ~CardinalitySource() = default;
  /// Entries of an index behind `index_prefix`: S X and what is asked for.
  virtual std::uint64_t entries(std::string_view index_prefix) const = 0;
  /// Of those, the ones in `part` of the keys behind the prefix (a range of times).
  virtual std::uint64_t entries(std::string_view index_prefix, const KeyRange& part) const = 0;
};

}  // namespace callisto::indexes
