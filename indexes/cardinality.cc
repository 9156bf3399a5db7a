#include "indexes/cardinality.h"

namespace callisto::indexes {

namespace {

/// What an entry takes on disk, roughly: keys of some 50 bytes share their beginnings.
constexpr std::uint64_t kEntryBytes = 40;

}  // namespace

std::uint64_t SizeCardinality::entries(std::string_view index_prefix) const {
  return entries(index_prefix, range_of(index_prefix));
}

std::uint64_t SizeCardinality::entries(std::string_view, const KeyRange& part) const {
  if (part.lower >= part.upper) return 0;
  return engine_.approximate_bytes(kv::Family::indexes, part.lower, part.upper) / kEntryBytes;
}

}  // namespace callisto::indexes
