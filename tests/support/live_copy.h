#pragma once

#include <filesystem>

namespace callisto::testing {

/// Copies the directory of an open store that nobody writes: anew, when its background work moved
/// files meanwhile. `to` is replaced.
void copy_live(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace callisto::testing
