#include "engine/rocksdb/space_guard.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

namespace callisto::kv {

SpaceGuard::SpaceGuard(std::function<DiskSpace()> look, std::uint64_t reserve_bytes)
    : look_(std::move(look)), reserve_bytes_(reserve_bytes) {}

Result<void> SpaceGuard::admit(std::uint64_t bytes) {
  const std::uint64_t since = bytes_since_look_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (since < kBytesBetweenLooks) return {};
  const DiskSpace space = look_();
  const std::uint64_t reserve = std::min(reserve_bytes_, space.total / 8);
  if (space.free < reserve) {
    return Error(Code::no_space, "less than " + std::to_string(reserve >> 20) +
                                     " MiB are free on the store's disk: nothing was written");
  }
  bytes_since_look_.store(0, std::memory_order_relaxed);
  return {};
}

DiskSpace look_at_disk(const std::string& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) return {};
  const auto unit = static_cast<std::uint64_t>(status.f_frsize);
  return {.free = status.f_bavail * unit, .total = status.f_blocks * unit};
}

}  // namespace callisto::kv
