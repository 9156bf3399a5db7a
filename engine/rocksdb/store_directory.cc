#include "engine/rocksdb/store_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <utility>

#include "engine/rocksdb/disk_file.h"
#include "engine/rocksdb/manifest_copy.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarkerTitle = "callisto store\n";
constexpr std::string_view kLayoutLine = "layout ";
/// Counts up when the files of a store are arranged in a way that older programs must not touch.
constexpr unsigned kLayout = 1;

std::string marker_path(const std::string& path) { return path + "/CALLISTO"; }
std::string lock_path(const std::string& path) { return path + "/LOCK"; }

Error directory_error(std::string message) {
  return Error(Code::invalid_argument, "directory", std::move(message));
}

/// The first bytes of a small text file; not found is `found` false.
Result<std::string> read_small_file(const std::string& path, bool& found) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  found = file.get() >= 0;
  if (!found && errno == ENOENT) return std::string();
  if (!found) return errno_error(errno, "cannot read " + path);
  std::array<char, 256> bytes{};
  const ssize_t length = ::read(file.get(), bytes.data(), bytes.size());
  if (length < 0) return errno_error(errno, "cannot read " + path);
  return std::string(bytes.data(), static_cast<std::size_t>(length));
}

enum class Finding : std::uint8_t { absent, empty, half_made, store, damaged_store };

Result<void> check_marker(const std::string& path, std::string_view text) {
  const auto damaged = [&] { return Error(Code::corruption, marker_path(path) + " is damaged"); };
  if (!text.starts_with(kMarkerTitle)) return damaged();
  text.remove_prefix(kMarkerTitle.size());
  if (!text.starts_with(kLayoutLine)) return damaged();
  text.remove_prefix(kLayoutLine.size());
  unsigned layout = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), layout).ec != std::errc()) {
    return damaged();
  }
  if (layout > kLayout) {
    return Error(Code::format_too_new, "the store's layout is " + std::to_string(layout) +
                                           ", this program knows up to " + std::to_string(kLayout) +
                                           ": " + marker_path(path));
  }
  return {};
}

/// Whether a store, before its marker is there, may hold a file of this name.
bool is_ours(std::string_view name) {
  return name == "LOCK" || name == "db" || name == "CALLISTO.tmp" || name == "lost" ||
         name == "staging" || name.starts_with("LOSS") || name.starts_with("WATERMARK") ||
         ManifestCopy::name_of(name);
}

/// What a directory without a marker is: empty, a store whose making was cut short, or not ours.
Result<Finding> look_inside(const std::string& path) {
  bool has_lock = false;
  bool has_database = false;
  std::error_code failure;
  fs::directory_iterator entry(path, failure);
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    const std::string name = entry->path().filename();
    if (name == "lost+found") continue;
    has_lock = has_lock || name == "LOCK";
    has_database = has_database || name == "db";
    if (!is_ours(name)) {
      return directory_error(path + " holds other files and no store");
    }
  }
  if (failure) return errno_error(failure.value(), "cannot read " + path);
  if (has_lock) return Finding::half_made;
  if (has_database) return directory_error(path + " holds other files and no store");
  return Finding::empty;
}

/// The log and table files are the data: without CURRENT, which names what they are, RocksDB would
/// begin anew and remove them.
Result<void> check_half_made(const std::string& database) {
  std::error_code failure;
  bool has_current = false;
  bool has_data = false;
  fs::directory_iterator entry(database, failure);
  if (failure == std::errc::no_such_file_or_directory) return {};
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    const fs::path name = entry->path().filename();
    has_current = has_current || name == "CURRENT";
    has_data = has_data || name.extension() == ".sst" || name.extension() == ".log";
  }
  if (failure) return errno_error(failure.value(), "cannot read " + database);
  if (has_data && !has_current) {
    return Error(Code::corruption, database + " holds data, but its CURRENT is missing");
  }
  return {};
}

/// damaged_store: the marker is there and cannot be read, and that is accepted.
Result<Finding> survey(const std::string& path, bool accept_damage) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return Finding::absent;
    return errno_error(errno, "cannot look at " + path);
  }
  if (!S_ISDIR(status.st_mode)) return directory_error(path + " is not a directory");
  bool found = false;
  auto text = read_small_file(marker_path(path), found);
  if (!text) return std::move(text).error();
  if (!found) return look_inside(path);
  if (auto checked = check_marker(path, *text); !checked) {
    if (accept_damage && checked.error().code() == Code::corruption) return Finding::damaged_store;
    return std::move(checked).error();
  }
  return Finding::store;
}

bool is_store(Finding finding) {
  return finding == Finding::store || finding == Finding::damaged_store;
}

Result<std::string> absolute_path(const std::string& directory) {
  std::error_code failure;
  fs::path path = fs::absolute(directory, failure).lexically_normal();
  if (failure) return errno_error(failure.value(), "cannot find " + directory);
  if (!path.has_filename()) path = path.parent_path();
  return path.string();
}

/// Makes a directory and those above it that are absent.
Result<void> make_directories(const std::string& path, const FileHook& hook) {
  const std::string parent = fs::path(path).parent_path();
  std::error_code failure;
  if (parent != path && !fs::exists(parent, failure)) {
    if (auto made = make_directories(parent, hook); !made) return made;
  }
  auto made = change(hook, FileOperation::create, path, "cannot make " + path, [&] {
    const int answer = ::mkdir(path.c_str(), 0777);
    return answer != 0 && errno == EEXIST ? 0 : answer;
  });
  if (!made) return std::move(made).error();
  return sync_directory(parent, hook);
}

Error held_by(const std::string& path) {
  bool found = false;
  auto text = read_small_file(lock_path(path), found);
  std::string holder = text ? std::move(*text) : std::string();
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  std::replace(holder.begin(), holder.end(), '\n', ' ');
  const bool own = holder.starts_with("process " + std::to_string(::getpid()) + ' ');
  if (holder.empty()) holder = "another process";
  return Error(Code::busy, path + " is held by " + (own ? "this process, " : "") + holder);
}

Result<WriterLock> take_lock(const std::string& path, const FileHook& hook) {
  const std::string file_path = lock_path(path);
  auto opened = change(hook, FileOperation::create, file_path, "cannot open " + file_path, [&] {
    return ::open(file_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  });
  if (!opened) return std::move(opened).error();
  File file(*opened);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return held_by(path);
    return errno_error(errno, "cannot lock " + file_path);
  }
  auto cut = change(hook, FileOperation::append, file_path, "cannot write " + file_path,
                    [&] { return ::ftruncate(file.get(), 0); });
  if (!cut) return std::move(cut).error();
  const std::string holder =
      "process " + std::to_string(::getpid()) + " (" + program_invocation_short_name + ")\n";
  if (auto written = write_all(file.get(), holder, "cannot write " + file_path); !written) {
    return std::move(written).error();
  }
  return WriterLock(file.release());
}

}  // namespace

WriterLock::WriterLock(WriterLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<WriterDirectory> open_writer_directory(const std::string& directory, bool create,
                                              const FileHook& hook, bool accept_damage) {
  auto path = absolute_path(directory);
  if (!path) return std::move(path).error();
  auto finding = survey(*path, accept_damage);
  if (!finding) return std::move(finding).error();
  if (!is_store(*finding) && !create) {
    return Error(Code::not_found, "there is no store in " + *path);
  }
  if (*finding == Finding::absent) {
    if (auto made = make_directories(*path, hook); !made) return std::move(made).error();
  }
  auto lock = take_lock(*path, hook);
  if (!lock) return std::move(lock).error();
  // Another process may have made the store, or a part of it, before the lock was taken.
  finding = survey(*path, accept_damage);
  if (!finding) return std::move(finding).error();
  WriterDirectory writer{.path = std::move(*path),
                         .lock = std::move(*lock),
                         .complete = is_store(*finding),
                         .has_damaged_marker = *finding == Finding::damaged_store};
  if (!writer.complete) {
    if (auto checked = check_half_made(writer.database_path()); !checked) {
      return std::move(checked).error();
    }
  }
  return writer;
}

Result<void> complete_store(const WriterDirectory& directory, const FileHook& hook) {
  const std::string text =
      std::string(kMarkerTitle) + std::string(kLayoutLine) + std::to_string(kLayout) + '\n';
  return replace_file(directory.path, "CALLISTO", text, hook);
}

Result<std::string> find_store_directory(const std::string& directory, bool accept_damage) {
  auto path = absolute_path(directory);
  if (!path) return path;
  auto finding = survey(*path, accept_damage);
  if (!finding) return std::move(finding).error();
  if (!is_store(*finding)) return Error(Code::not_found, "there is no store in " + *path);
  return path;
}

}  // namespace callisto::kv
