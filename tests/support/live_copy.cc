#include "tests/support/live_copy.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

namespace callisto::testing {

namespace fs = std::filesystem;

namespace {

std::map<std::string, std::uintmax_t> sizes_of(const fs::path& directory) {
  std::map<std::string, std::uintmax_t> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files[entry.path().string()] = entry.file_size();
  }
  return files;
}

}  // namespace

void copy_live(const fs::path& from, const fs::path& to) {
  for (int i = 0; i < 100; ++i) {
    fs::remove_all(to);
    try {
      const auto before = sizes_of(from);
      fs::copy(from, to, fs::copy_options::recursive);
      if (sizes_of(from) == before) return;
    } catch (const fs::filesystem_error&) {
      // A file went between being listed and being copied.
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL() << "the files of " << from << " do not come to rest";
}

}  // namespace callisto::testing
