#include "engine/rocksdb/watermark_check.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>

#include "engine/rocksdb/disk_file.h"

namespace callisto::kv {
namespace {

struct HashEnd {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

std::optional<std::string> find_difference(const std::string& path, const FileMark& mark) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return "is missing";
    return "cannot be read: " + std::generic_category().message(errno);
  }
  const std::unique_ptr<XXH3_state_t, HashEnd> state(XXH3_createState());
  XXH3_64bits_reset(state.get());
  std::string bytes(256u << 10, '\0');
  std::uint64_t done = 0;
  while (done < mark.bytes) {
    const std::size_t wanted = std::min<std::uint64_t>(bytes.size(), mark.bytes - done);
    const ssize_t length = ::pread(file.get(), bytes.data(), wanted, static_cast<off_t>(done));
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return "cannot be read: " + std::generic_category().message(errno);
    if (length == 0) {
      return "is cut at " + std::to_string(done) + " of " + std::to_string(mark.bytes) + " bytes";
    }
    XXH3_64bits_update(state.get(), bytes.data(), static_cast<std::size_t>(length));
    done += static_cast<std::uint64_t>(length);
  }
  if (XXH3_64bits_digest(state.get()) == mark.hash) return std::nullopt;
  return "was altered within its first " + std::to_string(mark.bytes) + " bytes";
}

std::optional<FileName> current_manifest(const std::string& database) {
  std::ifstream file(database + "/CURRENT", std::ios::binary);
  std::string name{std::istreambuf_iterator<char>(file), {}};
  if (!name.ends_with('\n')) return std::nullopt;
  name.pop_back();
  const auto found = watched_file_name(name);
  if (!found || found->kind != FileName::Kind::manifest) return std::nullopt;
  return found;
}

// A manifest that the page does not know must be a newer one: the page could not be written, or did
// not reach the disk before the machine stopped.
bool is_outdated(const WatermarkPage& page, const FileName& manifest) {
  std::uint64_t newest = 0;
  for (const WatchedFile& file : page.files) {
    if (file.name == manifest) return false;
    if (file.name.kind == FileName::Kind::manifest) newest = std::max(newest, file.name.number);
  }
  return manifest.number <= newest;
}

std::vector<std::string> find_losses(const std::string& directory, const WatermarkPage& page) {
  const std::string database = directory + "/db";
  const bool same_boot = page.is_of_this_boot();
  std::vector<std::string> losses;
  const auto current = current_manifest(database);
  if (current && is_outdated(page, *current)) {
    losses.push_back("CURRENT names " + current->text() + ", which is not the last one");
  }
  for (const WatchedFile& file : page.files) {
    const bool is_manifest = file.name.kind == FileName::Kind::manifest;
    if (is_manifest && file.name != current) continue;
    const FileMark& mark = same_boot ? file.written : file.synced;
    if (mark.bytes == 0) continue;
    auto difference = find_difference(database + "/" + file.name.text(), mark);
    if (difference) losses.push_back(file.name.text() + " " + *difference);
  }
  return losses;
}

Error loss_error(const std::vector<std::string>& losses) {
  constexpr std::size_t kTold = 4;
  std::string text = "what was committed is not all there: ";
  for (std::size_t i = 0; i < std::min(kTold, losses.size()); ++i) {
    text += (i == 0 ? "" : "; ") + losses[i];
  }
  if (losses.size() > kTold) text += "; and " + std::to_string(losses.size() - kTold) + " more";
  return Error(Code::data_loss, std::move(text));
}

Result<void> check_beside_writer(const std::string& directory) {
  constexpr int kAttempts = 100;
  // A writer that removes a file has said so in the page before; a page that is being written twice
  // while it is read is not whole.
  std::vector<std::string> losses;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto page = read_watermark(directory);
    if (!page) return page.error();
    losses = {"the WATERMARK is missing or damaged"};
    if (*page) losses = find_losses(directory, **page);
    if (losses.empty()) return {};
    const auto again = read_watermark(directory);
    if (!again) return again.error();
    if (again->has_value() != page->has_value()) continue;
    if (!*again && attempt + 1 < kAttempts / 10) continue;
    if (!*again || (*again)->update == (*page)->update) return loss_error(losses);
  }
  // Written a hundred times meanwhile: there is a writer, and that one has checked.
  return {};
}

}  // namespace callisto::kv
