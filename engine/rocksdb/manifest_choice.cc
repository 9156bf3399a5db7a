#include "engine/rocksdb/manifest_choice.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "engine/rocksdb/log_format.h"
#include "engine/rocksdb/manifest_copy.h"
#include "engine/rocksdb/watermark_check.h"
#include "engine/rocksdb/watermark_page.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

/// By its own checksums.
bool has_whole_records(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  LogRecords records = records_of(file);
  std::string record;
  std::size_t count = 0;
  while (records.next(record)) ++count;
  return count > 0 && !records.has_damage();
}

bool is_whole(const std::string& path, const FileName& name,
              const std::optional<WatermarkPage>& page) {
  if (!page) return has_whole_records(path);
  const bool same_boot = page->is_of_this_boot();
  for (const WatchedFile& file : page->files) {
    if (file.name != name) continue;
    const FileMark& mark = same_boot ? file.written : file.synced;
    if (mark.bytes == 0) break;
    return !find_difference(path, mark);
  }
  return has_whole_records(path);
}

void add(std::vector<FileName>& names, const FileName& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

/// Newest first; of those that lie there, and their copies.
std::vector<FileName> manifests_in(const std::string& directory) {
  std::vector<FileName> names;
  for (const std::string& where : {directory + "/db", directory}) {
    std::error_code failure;
    fs::directory_iterator entry(where, failure);
    for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
      auto name = where == directory ? ManifestCopy::name_of(entry->path().native())
                                     : watched_file_name(entry->path().native());
      if (name && name->kind == FileName::Kind::manifest) add(names, *name);
    }
  }
  std::sort(names.begin(), names.end(),
            [](const FileName& a, const FileName& b) { return a.number > b.number; });
  return names;
}

/// What CURRENT names first, unless the page knows others only; then the newest.
std::vector<FileName> candidates(const std::string& directory,
                                 const std::optional<FileName>& current,
                                 const std::optional<WatermarkPage>& page) {
  std::vector<FileName> names;
  const bool is_trusted = current && (!page || !is_outdated(*page, *current));
  if (is_trusted) add(names, *current);
  for (auto file = page ? page->files.rbegin() : decltype(page->files.rbegin()){};
       page && file != page->files.rend(); ++file) {
    if (file->name.kind == FileName::Kind::manifest) add(names, file->name);
  }
  for (const FileName& name : manifests_in(directory)) add(names, name);
  return names;
}

}  // namespace

std::optional<ManifestState> look_at_manifest(const std::string& directory) {
  ManifestState manifest;
  std::ifstream current(directory + "/db/CURRENT");
  if (!std::getline(current, manifest.name)) return std::nullopt;
  std::error_code failure;
  manifest.size = fs::file_size(directory + "/db/" + manifest.name, failure);
  if (failure) return std::nullopt;
  return manifest;
}

Result<std::vector<ManifestChoice>> choose_manifests(const std::string& directory) {
  auto page = read_watermark(directory);
  if (!page) return std::move(page).error();
  std::vector<ManifestChoice> choices;
  const auto current = current_manifest(directory + "/db");
  for (const FileName& name : candidates(directory, current, *page)) {
    const std::string original = directory + "/db/" + name.text();
    for (const std::string& file : {original, ManifestCopy::path(directory, name)}) {
      if (!is_whole(file, name, *page)) continue;
      choices.push_back({.name = name.text(),
                         .file = file,
                         .is_whole = true,
                         .is_current = name == current && file == original});
    }
  }
  if (current) {
    const std::string original = directory + "/db/" + current->text();
    choices.push_back({.name = current->text(), .file = original, .is_current = true});
  }
  if (!choices.empty()) return choices;
  return Error(Code::corruption, directory + "/db has no manifest that can be read, nor a copy");
}

}  // namespace callisto::kv
