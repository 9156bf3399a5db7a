#pragma once

// How many entries lie behind a prefix: what the planner of queries goes by. Estimates; never a
// reason to leave a row out.

#include <cstdint>
#include <string_view>

#include "engine/kv.h"
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

/// From the bytes that the engine says a range takes. Costs some microseconds each.
class SizeCardinality final : public CardinalitySource {
 public:
  explicit SizeCardinality(kv::Store& engine) : engine_(engine) {}
  std::uint64_t entries(std::string_view index_prefix) const override;
  std::uint64_t entries(std::string_view index_prefix, const KeyRange& part) const override;

 private:
  kv::Store& engine_;
};

}  // namespace callisto::indexes
