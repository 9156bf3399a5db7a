#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "callisto/error.h"
#include "engine/kv.h"

namespace callisto {
class Environment;
}

namespace callisto::kv {

/// Open until the first failure of anything that writes: a commit, a sync, a flush or a compaction.
/// Then shut for good: no commit goes through and the file system changes nothing any more. Only
/// opening the store anew makes a new gate. RocksDB's own resuming is not used, since another write
/// after a failed one can end the process (RELIABILITY.md section 0). Thread-safe.
class WriteGate {
 public:
  /// `environment` must outlive it; it gets a line of log when the gate shuts.
  explicit WriteGate(Environment& environment) : environment_(environment) {}

  bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
  /// The first failure is the one that is told.
  void shut(const Error& failure) noexcept;
  EngineHealth health() const;
  /// `unavailable`, naming the failure. Requires that the gate is shut.
  Error refusal() const;

 private:
  Environment& environment_;
  std::atomic<bool> open_{true};
  mutable std::mutex mutex_;
  std::optional<Error> failure_;  ///< Guarded by mutex_.
};

}  // namespace callisto::kv
