#pragma once

#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {

// The files of a store that are not RocksDB's: the hook is asked before every change.

/// Closes a file descriptor.
class File {
 public:
  explicit File(int descriptor = -1) noexcept : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(other.release()) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~File();
  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// Asks the hook, then does `call`, which answers below zero and sets errno when it fails.
template <class Call>
Result<int> change(const FileHook& hook, FileOperation operation, const std::string& path,
                   std::string_view what, Call&& call) {
  if (hook) {
    if (const int refused = hook(operation, path); refused != 0) return errno_error(refused, what);
  }
  const int answer = call();
  if (answer < 0) return errno_error(errno, what);
  return answer;
}

/// Without asking a hook.
Result<void> write_all(int descriptor, std::string_view bytes, std::string_view what);

Result<void> sync_directory(const std::string& path, const FileHook& hook);

/// Makes DIRECTORY/NAME so that it is there, whole, after a crash at any point, or as it was
/// before: a temporary file beside it, sync, rename, sync of the directory.
Result<void> replace_file(const std::string& directory, const std::string& name,
                          std::string_view bytes, const FileHook& hook);
/// With what `write` writes to the descriptor.
Result<void> replace_file(const std::string& directory, const std::string& name,
                          const std::function<Result<void>(int)>& write, const FileHook& hook);

}  // namespace callisto::kv
