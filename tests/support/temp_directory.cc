#include "tests/support/temp_directory.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace callisto::testing {
namespace {

namespace fs = std::filesystem;

fs::path parent(TempDirectory::On on) {
  constexpr std::uintmax_t kEnough = std::uintmax_t{2} << 30;
  const fs::path memory = "/dev/shm";
  std::error_code failure;
  if (on == TempDirectory::On::memory && fs::space(memory, failure).available >= kEnough &&
      !failure) {
    return memory;
  }
  return fs::temp_directory_path();
}

}  // namespace

TempDirectory::TempDirectory(On on) : path_((parent(on) / "callisto-test.XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    std::perror("mkdtemp");
    std::abort();
  }
}

TempDirectory::~TempDirectory() {
  std::error_code failure;
  fs::remove_all(path_, failure);
}

}  // namespace callisto::testing
