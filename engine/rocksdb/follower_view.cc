#include "engine/rocksdb/follower_view.h"

#include <rocksdb/db.h>

#include <utility>

#include "callisto/environment.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/follower_file_system.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/table_check.h"

namespace callisto::kv {
namespace {

/// The manifest may change while its end is read and the files are listed: some tenths of a
/// millisecond. Many attempts in vain mean that something else is wrong.
constexpr int kCatchUpAttempts = 1000;
/// An error may come from a file that the writer has just removed or replaced; else it comes again.
constexpr int kOpenAttempts = 5;

}  // namespace

FollowerView::FollowerView(std::string path, bool salvages, const MemoryPlan& plan,
                           Environment& environment)
    : path_(std::move(path)),
      salvages_(salvages),
      plan_(plan),
      environment_(environment),
      cache_(make_cache(plan.cache_bytes)),
      write_buffers_(make_write_buffers(plan)) {}

std::optional<ManifestState> FollowerView::manifest_now() const {
  auto manifest = look_at_manifest(path_);
  if (manifest || !salvages_) return manifest;
  return ManifestState{.name = salvage_.patch.current, .size = salvage_.patch.manifest_bytes};
}

Result<bool> FollowerView::catch_up(Database& database, const ManifestState& manifest) const {
  const std::uint64_t missing = database.follower_files().missing_log_files();
  bool shown = false;
  database.follower_files().set_log_filter([&] { return shown = manifest_now() == manifest; });
  const rocksdb::Status status = database.db().TryCatchUpWithPrimary();
  database.follower_files().set_log_filter({});
  if (!status.ok()) return to_error(status, "refresh");
  // RocksDB opens all log files before it reads any, and reads none where one is missing.
  return shown && database.follower_files().missing_log_files() == missing;
}

Result<void> FollowerView::check_state(Database& database) const {
  if (salvages_) return {};
  const auto named = table_numbers(path_ + "/db", plan_, environment_);
  if (!named) return named.error();
  if (table_numbers(database.db()) == *named) return {};
  return Error(Code::corruption, "a table file cannot be used: open the store anew to see which");
}

Result<std::shared_ptr<Database>> FollowerView::open_once() {
  const auto before = look_at_manifest(path_);
  if (salvages_) {
    auto salvage = plan_salvage_beside_writer(path_, plan_, environment_);
    if (!salvage) return std::move(salvage).error();
    salvage_ = std::move(*salvage);
    salvage_.patch.mends_logs = true;
  }
  auto database = Database::open_follower(path_ + "/db", salvage_.patch, plan_, environment_,
                                          cache_, write_buffers_);
  if (!database) return database;
  for (int attempt = 0; attempt < kCatchUpAttempts; ++attempt) {
    // The patch is of the manifest as it was.
    if (salvages_ && look_at_manifest(path_) != before) break;
    const auto manifest = manifest_now();
    if (!manifest) continue;
    const auto caught_up = catch_up(**database, *manifest);
    if (!caught_up) return caught_up.error();
    if (!*caught_up) continue;
    if (auto checked = check_state(**database); !checked) {
      // Where the writer has gone on meanwhile nothing is proven: the next refresh looks again.
      if (look_at_manifest(path_) == manifest) return std::move(checked).error();
    }
    manifest_ = manifest;
    return database;
  }
  return Error(Code::busy, "the writer changes its files faster than they can be read");
}

Result<std::shared_ptr<Database>> FollowerView::open() {
  auto database = open_once();
  for (int attempt = 1; attempt < kOpenAttempts && !database; ++attempt) database = open_once();
  return database;
}

Result<void> FollowerView::move(std::shared_ptr<Database>& database, bool& keeps_state) {
  if (keeps_state && !salvages_ && manifest_ && manifest_now() == manifest_) {
    keeps_state = false;
    const auto caught_up = catch_up(*database, *manifest_);
    if (caught_up && *caught_up) return {};
    // After an error RocksDB's log readers keep it for good: a new instance may do without it.
  }
  auto opened = open();
  if (!opened) return std::move(opened).error();
  database = std::move(*opened);
  return {};
}

}  // namespace callisto::kv
