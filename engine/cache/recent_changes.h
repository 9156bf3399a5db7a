#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "engine/kv.h"

namespace callisto::kv {

/// What the last commits changed, by hash: it tells whether something that was read at a version
/// may still enter the cache. Thread-safe.
class RecentChanges {
 public:
  static constexpr std::size_t kDefaultPlaces = std::size_t{1} << 14;

  explicit RecentChanges(std::size_t places = kDefaultPlaces) : changes_(places) {}

  /// Before the cache follows the commit.
  void add(std::span<const std::uint64_t> hashes, Version version);
  /// Nothing that was read below `version` may enter: something else than a commit changed rows.
  void forbid_below(Version version);
  /// Whether no commit above `version` has changed what has this hash. False where that is not
  /// known any more.
  bool is_unchanged_since(std::uint64_t hash, Version version) const;

 private:
  struct Change {
    std::uint64_t hash = 0;
    Version version = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Change> changes_;  ///< A ring.
  std::uint64_t count_ = 0;      ///< Changes ever added.
  Version known_from_ = 0;       ///< Every change above it is in the ring.
};

}  // namespace callisto::kv
