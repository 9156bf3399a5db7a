#pragma once

#include <atomic>
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
  bool is_unchanged_since(std::uint64_t hash, Version version) const {
    // Who fills a shard asks under its lock: so it sees what a commit added that has been there.
    return newest_.load(std::memory_order_acquire) <= version || is_not_noted(hash, version);
  }

 private:
  /// Under the lock.
  void raise_newest(Version version);
  bool is_not_noted(std::uint64_t hash, Version version) const;

  struct Change {
    std::uint64_t hash = 0;
    Version version = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Change> changes_;  ///< A ring.
  std::uint64_t count_ = 0;      ///< Changes ever added.
  Version known_from_ = 0;       ///< Every change above it is in the ring.
  /// Nothing is noted above it: mostly nothing is committed while a reader reads, and threads that
  /// read need no lock in common.
  std::atomic<Version> newest_{0};
};

}  // namespace callisto::kv
