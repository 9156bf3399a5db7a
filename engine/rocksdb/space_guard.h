#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "callisto/result.h"

namespace callisto::kv {

/// Room on a disk, in bytes.
struct DiskSpace {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

/// Refuses writes before the disk is full, so that RocksDB never meets a full disk with a commit
/// half written, and so that writes go on by themselves when there is room again. Looks at the disk
/// once in every kBytesBetweenLooks that are written, and at every write while it refuses.
/// Thread-safe.
class SpaceGuard {
 public:
  static constexpr std::uint64_t kBytesBetweenLooks = 1ULL << 20;

  /// `look` answers total 0 when it cannot tell; then nothing is refused. Free space is short below
  /// `reserve_bytes` (what RocksDB may still write of what it has accepted) or an eighth of the
  /// disk, whichever is less.
  SpaceGuard(std::function<DiskSpace()> look, std::uint64_t reserve_bytes);

  /// Before a write of about so many bytes. no_space: nothing was written.
  Result<void> admit(std::uint64_t bytes);

 private:
  std::function<DiskSpace()> look_;
  const std::uint64_t reserve_bytes_;
  std::atomic<std::uint64_t> bytes_since_look_{kBytesBetweenLooks};
};

/// The room on the file system of `path`.
DiskSpace look_at_disk(const std::string& path);

}  // namespace callisto::kv
