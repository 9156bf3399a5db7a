#include "engine/rocksdb/disk_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace callisto::kv {

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> write_all(int descriptor, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, what);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_directory(const std::string& path, const FileHook& hook) {
  const File directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return errno_error(errno, "cannot open " + path);
  auto synced = change(hook, FileOperation::sync_directory, path, "cannot sync " + path,
                       [&] { return ::fsync(directory.get()); });
  if (!synced) return std::move(synced).error();
  return {};
}

Result<void> replace_file(const std::string& directory, const std::string& name,
                          std::string_view bytes, const FileHook& hook) {
  const std::string what = "cannot write " + directory + "/" + name;
  return replace_file(
      directory, name, [&](int descriptor) { return write_all(descriptor, bytes, what); }, hook);
}

Result<void> replace_file(const std::string& directory, const std::string& name,
                          const std::function<Result<void>(int)>& write, const FileHook& hook) {
  const std::string path = directory + "/" + name;
  const std::string temporary = path + ".tmp";
  const std::string what = "cannot write " + path;
  auto opened = change(hook, FileOperation::create, temporary, what, [&] {
    return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  });
  if (!opened) return std::move(opened).error();
  const File file(*opened);
  auto permitted = change(hook, FileOperation::append, temporary, what, [] { return 0; });
  if (!permitted) return std::move(permitted).error();
  if (auto written = write(file.get()); !written) return written;
  auto synced =
      change(hook, FileOperation::sync, temporary, what, [&] { return ::fsync(file.get()); });
  if (!synced) return std::move(synced).error();
  auto renamed = change(hook, FileOperation::rename, temporary, what,
                        [&] { return std::rename(temporary.c_str(), path.c_str()); });
  if (!renamed) return std::move(renamed).error();
  return sync_directory(directory, hook);
}

}  // namespace callisto::kv
