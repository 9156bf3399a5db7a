#include "engine/cache/recent_changes.h"

#include <algorithm>

namespace callisto::kv {

void RecentChanges::add(std::span<const std::uint64_t> hashes, Version version) {
  const std::lock_guard lock(mutex_);
  raise_newest(version);
  for (const std::uint64_t hash : hashes) {
    Change& place = changes_[count_ % changes_.size()];
    if (count_ >= changes_.size()) known_from_ = std::max(known_from_, place.version);
    place = {hash, version};
    ++count_;
  }
}

void RecentChanges::forbid_below(Version version) {
  const std::lock_guard lock(mutex_);
  raise_newest(version);
  known_from_ = std::max(known_from_, version);
}

void RecentChanges::raise_newest(Version version) {
  if (newest_.load(std::memory_order_relaxed) < version) {
    newest_.store(version, std::memory_order_release);
  }
}

bool RecentChanges::is_not_noted(std::uint64_t hash, Version version) const {
  const std::lock_guard lock(mutex_);
  if (version < known_from_) return false;
  const std::uint64_t oldest = count_ - std::min<std::uint64_t>(count_, changes_.size());
  for (std::uint64_t i = count_; i > oldest; --i) {
    const Change& change = changes_[(i - 1) % changes_.size()];
    if (change.version <= version) return true;
    if (change.hash == hash) return false;
  }
  return true;
}

}  // namespace callisto::kv
