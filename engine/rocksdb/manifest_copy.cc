#include "engine/rocksdb/manifest_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace callisto::kv {
namespace {

constexpr std::string_view kSuffix = ".copy";

}  // namespace

std::string ManifestCopy::path(const std::string& directory, const FileName& name) {
  return directory + "/" + name.text() + std::string(kSuffix);
}

std::optional<FileName> ManifestCopy::name_of(std::string_view path) {
  if (!path.ends_with(kSuffix)) return std::nullopt;
  path.remove_suffix(kSuffix.size());
  const auto name = watched_file_name(path);
  return name && name->kind == FileName::Kind::manifest ? name : std::nullopt;
}

void ManifestCopy::remove(const std::string& directory, const FileName& name,
                          const FileHook& hook) {
  const std::string file = path(directory, name);
  if (::access(file.c_str(), F_OK) != 0) return;
  const auto removed = change(hook, FileOperation::remove, file, "cannot remove " + file,
                              [&] { return ::unlink(file.c_str()); });
  ignore_error(removed ? Result<void>() : removed.error(), "remove_stale() tries again");
}

void ManifestCopy::remove_stale(const std::string& directory, const FileHook& hook) {
  std::vector<FileName> stale;
  std::error_code failure;
  std::filesystem::directory_iterator entry(directory, failure);
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    const auto name = name_of(entry->path().native());
    std::error_code unknown;
    if (name && !std::filesystem::exists(directory + "/db/" + name->text(), unknown) && !unknown) {
      stale.push_back(*name);
    }
  }
  for (const FileName& name : stale) remove(directory, name, hook);
}

ManifestCopy::ManifestCopy(const std::string& directory, const FileName& name, const FileHook& hook)
    : directory_(directory),
      name_(name),
      path_(path(directory, name)),
      what_("cannot write " + path_),
      hook_(hook) {}

Result<void> ManifestCopy::failed(Error error) {
  has_failed_ = true;
  file_ = File();
  remove(directory_, name_, hook_);
  return error;
}

Result<void> ManifestCopy::append(std::string_view bytes) {
  if (has_failed_) return {};
  if (file_.get() < 0) {
    auto opened = change(hook_, FileOperation::create, path_, what_, [&] {
      return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    });
    if (!opened) return failed(std::move(opened).error());
    file_ = File(*opened);
  }
  auto permitted = change(hook_, FileOperation::append, path_, what_, [] { return 0; });
  if (!permitted) return failed(std::move(permitted).error());
  if (auto written = write_all(file_.get(), bytes, what_); !written) {
    return failed(std::move(written).error());
  }
  is_synced_ = false;
  return {};
}

Result<void> ManifestCopy::sync() {
  if (has_failed_ || is_synced_) return {};
  auto synced =
      change(hook_, FileOperation::sync, path_, what_, [&] { return ::fdatasync(file_.get()); });
  if (!synced) return failed(std::move(synced).error());
  if (!is_in_directory_) {
    if (auto done = sync_directory(directory_, hook_); !done)
      return failed(std::move(done).error());
  }
  is_in_directory_ = true;
  is_synced_ = true;
  return {};
}

}  // namespace callisto::kv
