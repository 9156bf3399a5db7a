#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "callisto/result.h"

namespace callisto::kv {

/// Which manifest is in use, and how much of it there is.
struct ManifestState {
  std::string name;
  std::uint64_t size = 0;
  bool operator==(const ManifestState&) const = default;
};
/// As CURRENT has it; nullopt where that or the manifest is not there.
std::optional<ManifestState> look_at_manifest(const std::string& directory);

/// The manifest that a damaged store is opened by.
struct ManifestChoice {
  std::string name;         ///< "MANIFEST-000005".
  std::string file;         ///< Where it is read: DIR/db or the copy.
  bool is_whole = false;    ///< As the WATERMARK proves it, or without it by its own checksums.
  bool is_current = false;  ///< CURRENT names it, and it is read where it belongs.
};
/// The whole ones, the likeliest first: RocksDB refuses one whose making was cut short. Behind them
/// the one that CURRENT names, as it is. io_error; corruption where there is none at all.
Result<std::vector<ManifestChoice>> choose_manifests(const std::string& directory);

}  // namespace callisto::kv
