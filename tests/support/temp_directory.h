#pragma once

#include <string>

namespace callisto::testing {

/// A new directory, removed with all that is in it.
class TempDirectory {
 public:
  enum class On {
    disk,    ///< Below the system's temporary directory.
    memory,  ///< In /dev/shm where that has room: syncs cost nothing. Else as `disk`.
  };
  explicit TempDirectory(On on = On::disk);
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const noexcept { return path_; }
  /// Of a file or directory in it; nothing is made.
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace callisto::testing
