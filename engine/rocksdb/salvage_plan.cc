#include "engine/rocksdb/salvage_plan.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/rocksdb/log_format.h"
#include "engine/rocksdb/manifest_choice.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/table_check.h"
#include "engine/rocksdb/watermark_check.h"
#include "engine/rocksdb/watermark_page.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

void put_varint(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  bytes += static_cast<char>(number);
}

/// An edit of a manifest (RocksDB's VersionEdit): a family, and a file that leaves a level of it.
std::string removal_of(const TableFile& file) {
  constexpr std::uint64_t kFamilyTag = 200;
  constexpr std::uint64_t kRemovedFileTag = 6;
  std::string edit;
  for (const std::uint64_t number : {kFamilyTag, std::uint64_t{file.family_id}, kRemovedFileTag,
                                     static_cast<std::uint64_t>(file.level), file.number}) {
    put_varint(edit, number);
  }
  return edit;
}

/// Whether the file may hide older values of its keys that another file has.
bool hides_older(const TableFile& file, const std::vector<TableFile>& files) {
  return std::any_of(files.begin(), files.end(), [&](const TableFile& other) {
    if (other.damage || other.family_id != file.family_id) return false;
    const bool is_older =
        other.level > file.level ||
        (file.level == 0 && other.level == 0 && other.largest_sequence <= file.largest_sequence);
    return is_older && other.number != file.number && other.smallest_key <= file.largest_key &&
           file.smallest_key <= other.largest_key;
  });
}

std::string describe(const TableFile& file, const std::vector<TableFile>& files) {
  std::string text = "table file " + file.name + " of " + file.family + " " + *file.damage +
                     ": its keys from " + key_in_words(file.smallest_key) + " to " +
                     key_in_words(file.largest_key) + " are lost";
  if (hides_older(file, files)) text += ", and older values of them may show";
  return text;
}

/// Marks the file that RocksDB's words name, for what only RocksDB sees. False where there is none.
bool mark_named(std::vector<TableFile>& files, const Error& error) {
  for (TableFile& file : files) {
    if (file.damage || error.message().find(file.name) == std::string::npos) continue;
    file.damage = "is refused (" + error.message() + ")";
    return true;
  }
  return false;
}

/// A file with bytes behind its end is whole without them.
void cut_surplus(SalvagePlan& plan, const TableFile& file) {
  plan.losses.push_back("table file " + file.name + " of " + file.family + " has " +
                        std::to_string(file.surplus_bytes) +
                        " bytes behind its end, which are cut off: none of its rows is lost");
  plan.given_up.push_back(file.name);
  plan.patch.table_bytes[file.name] = file.bytes;
}

void leave_out(SalvagePlan& plan, const std::vector<TableFile>& files) {
  plan.losses.clear();
  plan.given_up.clear();
  plan.patch.manifest_tail.clear();
  plan.patch.table_bytes.clear();
  for (const TableFile& file : files) {
    if (!file.damage && file.surplus_bytes != 0) cut_surplus(plan, file);
    if (!file.damage) continue;
    plan.losses.push_back(describe(file, files));
    plan.given_up.push_back(file.name);
    plan.patch.manifest_tail += encode_log_record(
        plan.patch.manifest_bytes + plan.patch.manifest_tail.size(), removal_of(file));
  }
}

std::vector<std::string> files_ending(const std::string& path, std::string_view end) {
  std::vector<std::string> names;
  std::error_code failure;
  fs::directory_iterator entry(path, failure);
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    std::string name = entry->path().filename();
    if (name.ends_with(end)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<FilePatch> patch_of(const ManifestChoice& manifest) {
  std::error_code failure;
  const std::uint64_t bytes = fs::file_size(manifest.file, failure);
  if (failure) return Error(Code::corruption, manifest.file + " cannot be read");
  return FilePatch{.current = manifest.name, .manifest = manifest.file, .manifest_bytes = bytes};
}

/// What is told of the manifest itself.
void describe_manifest(const ManifestChoice& manifest, const std::string& database,
                       SalvagePlan& plan) {
  std::vector<std::string> losses;
  if (!manifest.is_whole) {
    losses.push_back(manifest.name + " is damaged and has no whole copy: an older state is opened");
    // RocksDB removes what the older state does not name.
    for (const char* end : {".sst", ".log"}) {
      for (std::string& name : files_ending(database, end))
        plan.given_up.push_back(std::move(name));
    }
  } else if (!manifest.is_current) {
    losses.push_back("CURRENT or " + manifest.name + " is damaged, of which there is a whole copy");
  }
  if (!losses.empty() || !plan.losses.empty()) {
    plan.given_up.push_back(manifest.name);
    plan.given_up.push_back("CURRENT");
  }
  plan.losses.insert(plan.losses.begin(), losses.begin(), losses.end());
}

bool is_damaged_log(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  LogRecords records = records_of(file);
  for (std::string record; !records.has_damage() && records.next(record);) {
  }
  return records.has_damage() || records.is_cut();
}

/// Also those whose end is cut: RocksDB stops behind such a one, where another follows.
Result<void> find_damaged_logs(const std::string& directory, SalvagePlan& plan) {
  auto page = read_watermark(directory);
  if (!page) return std::move(page).error();
  if (*page && find_losses(directory, **page).empty()) return {};
  for (std::string& name : files_ending(directory + "/db", ".log")) {
    if (!is_damaged_log(directory + "/db/" + name)) continue;
    plan.losses.push_back("log " + name + " is damaged: some of its commits are lost");
    plan.given_up.push_back(name);
    plan.damaged_logs.push_back(std::move(name));
  }
  return {};
}

Result<SalvagePlan> plan_with(const ManifestChoice& manifest, const std::string& database,
                              const MemoryPlan& plan, Environment& environment) {
  auto patch = patch_of(manifest);
  if (!patch) return std::move(patch).error();
  SalvagePlan salvage{.patch = std::move(*patch)};
  auto opens = check_tables(database, salvage.patch, plan, environment);
  if (!opens) {
    auto files = list_tables(database, salvage.patch, plan, environment);
    if (!files) return std::move(files).error();
    leave_out(salvage, *files);
    opens = check_tables(database, salvage.patch, plan, environment);
    while (!opens && mark_named(*files, opens.error())) {
      leave_out(salvage, *files);
      opens = check_tables(database, salvage.patch, plan, environment);
    }
    if (!opens) return std::move(opens).error();
  }
  describe_manifest(manifest, database, salvage);
  return salvage;
}

}  // namespace

Result<SalvagePlan> plan_salvage(const std::string& directory, const MemoryPlan& plan,
                                 Environment& environment) {
  auto manifests = choose_manifests(directory);
  if (!manifests) return std::move(manifests).error();
  std::optional<Error> refusal;
  for (const ManifestChoice& manifest : *manifests) {
    auto salvage = plan_with(manifest, directory + "/db", plan, environment);
    if (!salvage) {
      if (!refusal) refusal = std::move(salvage).error();
      continue;
    }
    if (auto found = find_damaged_logs(directory, *salvage); !found) return found.error();
    return salvage;
  }
  return *refusal;
}

Result<SalvagePlan> plan_salvage_beside_writer(const std::string& directory, const MemoryPlan& plan,
                                               Environment& environment) {
  constexpr int kAttempts = 20;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = look_at_manifest(directory);
    auto salvage = plan_salvage(directory, plan, environment);
    // A table file goes only after the manifest has changed.
    const bool is_clean = salvage && salvage->losses.empty();
    if (is_clean || look_at_manifest(directory) == before) return salvage;
  }
  return Error(Code::busy, "the writer changes its files faster than they can be looked at");
}

}  // namespace callisto::kv
