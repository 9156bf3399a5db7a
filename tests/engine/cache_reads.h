#pragma once

// Random reads of one state, through a cache and beside it.

#include <cstddef>
#include <string>

#include "engine/kv.h"
#include "tests/engine/cache_world.h"

namespace callisto::kv {

/// Asks both readers the same things, drawn anew for each call: what they answer differently, or
/// nothing. Where the one over the cache answers `conflict`, "moved".
class CacheReads {
 public:
  explicit CacheReads(CacheDice& dice) : dice_(dice) {}

  std::string compare(Reader& cached, Reader& plain);
  /// Both ways through all that there is.
  std::string compare_all(Reader& cached, Reader& plain);
  /// At most so many steps of two scans of `list`, from where they are.
  /// `signature`: what both were opened with.
  std::string walk(Cursor& cached, Cursor& plain, const KeyOf& list, std::size_t steps, bool seeks,
                   std::uint64_t signature = 0);

 private:
  std::string compare_get(Reader& cached, Reader& plain);
  std::string compare_row(Reader& cached, Reader& plain);
  std::string compare_rows(Reader& cached, Reader& plain);
  std::string compare_many(Reader& cached, Reader& plain);
  std::string compare_scan(Reader& cached, Reader& plain);
  std::string compare_targets(Reader& cached, Reader& plain);
  /// A step that may pass over some.
  std::string pass_over(Cursor& cached, Cursor& plain, std::uint64_t signature);
  std::string compare_place(Cursor& cached, Cursor& plain, const KeyOf& list);

  CacheDice& dice_;
};

}  // namespace callisto::kv
